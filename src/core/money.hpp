// What a provider says that a message costs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mfa::core {

struct Money {
    std::int64_t amount = 0; // in millionths, from 0 to most_money
    std::string currency;    // ISO 4217, three capital letters; '' = not said

    bool operator==(const Money &) const = default;
};

// A million: the same bound as that of a price in mfa.price.
constexpr std::int64_t most_money = 1'000'000'000'000;

// Reads an amount in decimal notation, also with an exponent, rounded half up to millionths; without
// its sign, for some providers tell what is taken off the balance. Nothing where it is no number, or
// more than a million; nor with a currency that is not three letters, or ''.
std::optional<Money> parse_money(std::string_view amount, std::string_view currency);

// `count` times that much, of a count in decimal digits. Nothing where it is none, or the product is
// more than a million.
std::optional<Money> multiply(Money price, std::string_view count);

bool is_currency(std::string_view text) noexcept; // three capital letters

} // namespace mfa::core
