// The built-in texts, by language.
#pragma once

#include <string>
#include <string_view>

#include "core/recipient.hpp"

namespace mfa::core {

// The built-in template for `locale` (BCP 47 in either case, '_' read as '-'; 'pt-AO' falls back to
// 'pt', 'no' is 'nb', 'zh-Hant' is 'zh-TW'; '' is English) and channel; core::Error 22023 for an
// unknown locale, with the hint that lists the known ones.
std::string_view builtin_template(std::string_view locale, Channel channel);

// The locale of the list that another tag for the same means ('no' is 'nb', 'es-MX' is 'es-419'), or
// the tag itself.
std::string_view meant_locale(std::string_view locale) noexcept;

// The tag as BCP 47 writes it: 'pt-BR' for 'PT_br', 'zh-Hant' for 'zh-HANT'.
std::string canonical_locale(std::string_view locale);

// core::Error 22023 unless `locale` is '' or has the form of a language tag (RFC 5646).
void check_locale_tag(std::string_view locale);

// The language with a region that speech engines want, 'de-DE' for 'de'; '' for an unknown one.
std::string_view speech_locale(std::string_view locale) noexcept;

// The locales that have a built-in text, in the order of the list.
std::size_t builtin_locale_count() noexcept;
std::string_view builtin_locale(std::size_t index) noexcept;

} // namespace mfa::core
