#include "core/money.hpp"

#include <algorithm>
#include <charconv>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t most_bytes = 64;  // of an amount
constexpr int most_exponent = 99;       // either way
constexpr int places = 6;               // millionths
constexpr int most_result_digits = 13;  // of most_money
constexpr std::int64_t most_parts = 99; // that a message is charged for

// Cuts digits off the front of `rest`.
std::string_view take_digits(std::string_view &rest) noexcept {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
    const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(digits.size());
    return digits;
}

bool take(std::string_view &rest, char c) noexcept {
    const bool found = rest.starts_with(c);
    rest.remove_prefix(found ? 1 : 0);
    return found;
}

std::optional<int> take_exponent(std::string_view &rest) noexcept {
    if (!take(rest, 'e') && !take(rest, 'E'))
        return 0;
    const bool is_negative = take(rest, '-');
    if (!is_negative)
        take(rest, '+');
    const std::string_view digits = take_digits(rest);
    int exponent = most_exponent + 1;
    std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (digits.empty() || exponent > most_exponent)
        return std::nullopt;
    return is_negative ? -exponent : exponent;
}

std::optional<std::int64_t> read_millionths(std::string_view text) {
    if (text.size() > most_bytes)
        return std::nullopt;
    if (!take(text, '-'))
        take(text, '+');
    std::string digits(take_digits(text));
    if (digits.empty())
        return std::nullopt;
    int point = static_cast<int>(digits.size()); // behind so many of the digits
    if (take(text, '.')) {
        const std::string_view fraction = take_digits(text);
        if (fraction.empty())
            return std::nullopt;
        digits += fraction;
    }
    const std::optional<int> exponent = take_exponent(text);
    if (!exponent || !text.empty())
        return std::nullopt;
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    digits.erase(0, zeros);
    if (digits.empty())
        return 0;
    point += *exponent + places - static_cast<int>(zeros);
    if (point > most_result_digits)
        return std::nullopt;
    std::int64_t millionths = 0;
    const auto digit_at = [&](int place) {
        const bool exists = place >= 0 && static_cast<std::size_t>(place) < digits.size();
        return exists ? digits[static_cast<std::size_t>(place)] - '0' : 0;
    };
    for (int place = 0; place < point; ++place)
        millionths = millionths * 10 + digit_at(place);
    if (digit_at(point) >= 5)
        ++millionths;
    return millionths > most_money ? std::nullopt : std::optional(millionths);
}

} // namespace

bool is_currency(std::string_view text) noexcept {
    constexpr std::size_t length = 3;
    return text.size() == length && std::all_of(text.begin(), text.end(),
                                                [](char c) { return is_alpha(c) && !is_lower(c); });
}

std::optional<Money> parse_money(std::string_view amount, std::string_view currency) {
    const std::optional<std::int64_t> millionths = read_millionths(amount);
    std::string capitals(currency.substr(0, most_bytes));
    std::transform(capitals.begin(), capitals.end(), capitals.begin(), to_upper);
    if (!millionths || !(capitals.empty() || is_currency(capitals)))
        return std::nullopt;
    return Money{*millionths, capitals};
}

std::optional<Money> multiply(Money price, std::string_view count) {
    std::int64_t parts = 0;
    const auto [stop, error] = std::from_chars(count.data(), count.data() + count.size(), parts);
    const bool is_read = error == std::errc{} && stop == count.data() + count.size();
    if (!is_read || parts < 1 || parts > most_parts || price.amount > most_money / parts)
        return std::nullopt;
    price.amount *= parts;
    return price;
}

} // namespace mfa::core
