#include "core/code.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/error.hpp"
#include "core/typed_text.hpp"
#include "core/utf8.hpp"
#include "core/wiped.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t max_presented_bytes = 256;

// The digit that a letter is taken for, or the letter.
char fold_look_alike(char c) noexcept {
    switch (c) {
    case 'O':
        return '0';
    case 'I':
    case 'L':
        return '1';
    case 'Z':
        return '2';
    case 'S':
        return '5';
    case 'B':
        return '8';
    default:
        return c;
    }
}

char to_upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

} // namespace

Secret generate_code(int length, bool allow_alphas, RandomSource &random) {
    if (length < min_code_length || length > max_code_length) {
        throw Error(sqlstate::invalid_parameter_value,
                    "code length " + std::to_string(length) + " is outside the valid range (" +
                        std::to_string(min_code_length) + " .. " + std::to_string(max_code_length) +
                        ")");
    }
    const std::string_view alphabet = allow_alphas ? letter_alphabet : digit_alphabet;
    // The largest multiple of the alphabet's size that a byte can hold: bytes from there on would
    // make the first characters of the alphabet likelier than the others, so they are drawn again.
    const std::size_t limit = 256 - 256 % alphabet.size();

    const auto wanted = static_cast<std::size_t>(length);
    Secret code;
    code.reserve(wanted);
    WipedArray<max_code_length> drawn;
    while (code.size() < wanted) {
        const std::span<std::uint8_t> bytes = std::span(drawn).first(wanted - code.size());
        random.fill(bytes);
        for (const std::uint8_t byte : bytes) {
            if (byte < limit) {
                code.append(alphabet[byte % alphabet.size()]);
            }
        }
    }
    return code;
}

Secret normalise_code(std::string_view presented) {
    Secret code;
    if (presented.size() > max_presented_bytes) {
        return code;
    }
    code.reserve(presented.size());
    while (!presented.empty()) {
        const CodePoint next = first_code_point(presented);
        const std::optional<char> ascii = typed_ascii(next.value);
        if (!next.valid) {
            // Not kept as it is: with what is dropped gone, such bytes could form a character.
            code.append('?');
        } else if (!ascii) {
            code.append(presented.substr(0, next.bytes));
        } else if (*ascii != ' ' && *ascii != '-') {
            code.append(fold_look_alike(to_upper(*ascii)));
        }
        presented.remove_prefix(next.bytes);
    }
    return code;
}

} // namespace mfa::core
