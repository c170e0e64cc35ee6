#include "core/typed_text.hpp"

namespace mfa::core {

namespace {

bool between(char32_t code, char32_t first, char32_t last) noexcept {
    return code >= first && code <= last;
}

bool is_space_or_mark(char32_t code) noexcept {
    return between(code, 0x09, 0x0D) || code == 0x85 || code == 0xA0 || code == 0xAD ||
           code == 0x61C || code == 0x1680 ||
           between(code, 0x2000, 0x200F) || // spaces of all widths, joiners, direction marks
           between(code, 0x2028, 0x202F) || // separators, direction embeddings, narrow space
           between(code, 0x205F, 0x2069) || // mathematical space, word joiner, isolates
           code == 0x3000 || code == 0xFEFF;
}

bool is_dash(char32_t code) noexcept {
    return between(code, 0x2010, 0x2015) || code == 0x2043 || code == 0x2212 || code == 0xFE58 ||
           code == 0xFE63;
}

} // namespace

std::optional<char> typed_ascii(char32_t code) noexcept {
    if (is_space_or_mark(code)) {
        return ' ';
    }
    if (code < 0x80) {
        return static_cast<char>(code);
    }
    if (is_dash(code)) {
        return '-';
    }
    for (const char32_t zero : {U'\u0660', U'\u06F0', U'\u0966'}) {
        if (between(code, zero, zero + 9)) {
            return static_cast<char>('0' + (code - zero));
        }
    }
    if (between(code, 0xFF01, 0xFF5E)) { // full-width forms, in the order of ASCII
        return static_cast<char>(code - 0xFF01 + '!');
    }
    return std::nullopt;
}

} // namespace mfa::core
