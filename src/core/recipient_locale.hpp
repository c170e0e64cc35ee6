// The language that a recipient probably reads, by the country of the number.
#pragma once

#include <string_view>

namespace mfa::core {

// The likely locale of a number in its one form ('+4930123456' is 'de'); one of the locales that have
// a built-in text, or '' (English) where that is the language, where none is likely, and for an
// e-mail address or anything else.
std::string_view recipient_locale(std::string_view recipient) noexcept;

} // namespace mfa::core
