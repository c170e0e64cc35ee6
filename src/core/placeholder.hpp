// Templates: text with {name} in it.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/ascii.hpp"

namespace mfa::core {

// A run of text, or one placeholder's name (without its braces).
struct TemplatePiece {
    std::string_view text;
    bool placeholder;
};

constexpr bool is_placeholder_character(char c) noexcept { return is_lower(c) || c == '_'; }

// Cuts the first piece off `rest`, which is not empty. A placeholder is '{', one or more characters
// of which `is_name` is true, '}'; every other brace is text.
template <class IsName>
constexpr TemplatePiece next_piece(std::string_view &rest, IsName is_name) noexcept {
    std::size_t at = 0;
    while ((at = rest.find('{', at)) != std::string_view::npos) {
        std::size_t end = at + 1;
        while (end < rest.size() && is_name(rest[end]))
            end++;
        if (end > at + 1 && end < rest.size() && rest[end] == '}') {
            if (at > 0)
                break;
            const TemplatePiece piece{rest.substr(1, end - 1), true};
            rest.remove_prefix(end + 1);
            return piece;
        }
        at = end; // nothing between the two can open a placeholder
    }
    const TemplatePiece piece{rest.substr(0, at), false};
    rest.remove_prefix(piece.text.size());
    return piece;
}

} // namespace mfa::core
