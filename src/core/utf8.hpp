// Code points out of UTF-8, strictly: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace mfa::core {

inline constexpr char32_t replacement_character = 0xFFFD;

struct CodePoint {
    char32_t value;    // replacement_character where `valid` is false
    std::size_t bytes; // that it takes; 1 where `valid` is false
    bool valid;
};

// The first code point of a text that is not empty.
constexpr CodePoint first_code_point(std::string_view text) noexcept {
    constexpr CodePoint invalid{replacement_character, 1, false};
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80)
        return {lead, 1, true};
    if (lead < 0xC2 || lead > 0xF4)
        return invalid;
    const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (text.size() < bytes)
        return invalid;
    char32_t value = lead & (0xFFU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; i++) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80U)
            return invalid;
        value = (value << 6) | (next & 0x3FU);
    }
    const char32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return invalid;
    return {value, bytes, true};
}

// C0, DEL and C1.
constexpr bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

constexpr std::size_t count_code_points(std::string_view text) noexcept {
    std::size_t n = 0;
    for (; !text.empty(); n++)
        text.remove_prefix(first_code_point(text).bytes);
    return n;
}

constexpr bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        if (!c.valid)
            return false;
        text.remove_prefix(c.bytes);
    }
    return true;
}

} // namespace mfa::core
