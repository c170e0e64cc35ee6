#include "core/country_code.hpp"

#include <algorithm>
#include <array>

namespace mfa::core {

namespace {

constexpr std::array<std::string_view, 44> two_digit_codes{
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
    "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"};

} // namespace

std::string_view country_code(std::string_view recipient) noexcept {
    if (!recipient.starts_with('+')) {
        const std::size_t at = recipient.find('@');
        return at == std::string_view::npos ? recipient : recipient.substr(at);
    }
    const std::string_view digits = recipient.substr(1);
    if (digits.starts_with('1') || digits.starts_with('7'))
        return recipient.substr(0, 2);
    const std::string_view two = digits.substr(0, 2);
    if (std::find(two_digit_codes.begin(), two_digit_codes.end(), two) != two_digit_codes.end())
        return recipient.substr(0, 3);
    return recipient.substr(0, 4);
}

} // namespace mfa::core
