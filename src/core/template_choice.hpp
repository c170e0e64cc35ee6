// Which of the templates that an administrator has written fits a message best.
#pragma once

#include <optional>
#include <string_view>

namespace mfa::core {

// How well a template for `template_locale` and `template_channel` fits a message in `locale` (BCP 47)
// over `channel`; the highest fits best, nothing does not fit at all. An empty locale or channel of a
// template stands for all. A template's locale has to be the message's or a prefix of it in whole
// subtags ('pt' for 'pt-BR'; RFC 4647, 3.4), in either case, '_' read as '-', or one that means the same
// ('no' for 'nb'). A language that fits
// better counts for more than a channel.
std::optional<int> template_fit(std::string_view template_locale, std::string_view template_channel,
                                std::string_view locale, std::string_view channel) noexcept;

// The purposes under which a template is looked for, one after the other: 'payment:4711', then
// 'payment', then ''. Cuts the next shorter one; nothing behind ''.
std::optional<std::string_view> wider_purpose(std::string_view purpose) noexcept;

} // namespace mfa::core
