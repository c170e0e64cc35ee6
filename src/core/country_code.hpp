// Country calling codes (ITU-T E.164, list of assigned codes).
#pragma once

#include <string_view>

namespace mfa::core {

// '+1' of '+14155550123', '+49' of '+4930123456': '+' and the 1 to 3 digits of the country code. Codes are
// prefix-free, and the zones are regular: 1 and 7 have one digit, the two-digit codes are listed, all
// others have three. Of an e-mail address, the domain with its '@'.
std::string_view country_code(std::string_view recipient) noexcept;

} // namespace mfa::core
