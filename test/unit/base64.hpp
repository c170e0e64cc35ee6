// What core encodes in base64, decoded: strict, with padding and without white space.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/secret.hpp"

namespace mfa::test {

inline std::optional<core::Secret> decode_base64(std::string_view text) {
    // By hand: EVP_DecodeBlock takes white space, and counts the padding as bytes.
    constexpr int invalid = -1;
    const auto value_of = [](char c) {
        if (c >= 'A' && c <= 'Z')
            return c - 'A';
        if (c >= 'a' && c <= 'z')
            return c - 'a' + 26;
        if (c >= '0' && c <= '9')
            return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : invalid;
    };
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && !text.empty() && text.back() == '=') {
        text.remove_suffix(1);
        padding++;
    }
    core::Secret out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value == invalid)
            return std::nullopt;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out.append(static_cast<char>((bits >> held) & 0xFFU));
        }
    }
    // The bits left over are zero in the one canonical encoding (RFC 4648, 3.5).
    if ((bits & ((1U << held) - 1)) != 0)
        return std::nullopt;
    return out;
}

} // namespace mfa::test
