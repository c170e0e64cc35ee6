#include "core/gsm7.hpp"

#include <array>
#include <cstdint>

namespace mfa::core {

namespace {

constexpr char32_t escape = 0x1B; // position 0x1B opens the extension table: no character

// In the order of the standard's table. 0x09 is capital C with cedilla.
constexpr std::array<char32_t, 128> alphabet{
    // 0x00
    U'@', U'£', U'$', U'¥', U'è', U'é', U'ù', U'ì', U'ò', U'Ç', U'\n', U'Ø', U'ø', U'\r', U'Å',
    U'å',
    // 0x10
    U'Δ', U'_', U'Φ', U'Γ', U'Λ', U'Ω', U'Π', U'Ψ', U'Σ', U'Θ', U'Ξ', escape, U'Æ', U'æ', U'ß',
    U'É',
    // 0x20
    U' ', U'!', U'"', U'#', U'¤', U'%', U'&', U'\'', U'(', U')', U'*', U'+', U',', U'-', U'.', U'/',
    // 0x30
    U'0', U'1', U'2', U'3', U'4', U'5', U'6', U'7', U'8', U'9', U':', U';', U'<', U'=', U'>', U'?',
    // 0x40
    U'¡', U'A', U'B', U'C', U'D', U'E', U'F', U'G', U'H', U'I', U'J', U'K', U'L', U'M', U'N', U'O',
    // 0x50
    U'P', U'Q', U'R', U'S', U'T', U'U', U'V', U'W', U'X', U'Y', U'Z', U'Ä', U'Ö', U'Ñ', U'Ü', U'§',
    // 0x60
    U'¿', U'a', U'b', U'c', U'd', U'e', U'f', U'g', U'h', U'i', U'j', U'k', U'l', U'm', U'n', U'o',
    // 0x70
    U'p', U'q', U'r', U's', U't', U'u', U'v', U'w', U'x', U'y', U'z', U'ä', U'ö', U'ñ', U'ü', U'à'};

constexpr std::array<char32_t, 10> extension{U'\f', U'^', U'{', U'}', U'\\',
                                             U'[',  U'~', U']', U'|', U'€'};

// Latin-1 by index, since nearly every character of a message is there.
constexpr auto latin1_septets = [] {
    std::array<std::uint8_t, 256> septets{};
    for (const char32_t c : alphabet)
        if (c < septets.size() && c != escape)
            septets[c] = 1;
    for (const char32_t c : extension)
        if (c < septets.size())
            septets[c] = 2;
    return septets;
}();

} // namespace

int gsm7_septets(char32_t character) noexcept {
    if (character < latin1_septets.size())
        return latin1_septets[character];
    for (const char32_t c : alphabet)
        if (c == character)
            return 1;
    for (const char32_t c : extension)
        if (c == character)
            return 2;
    return 0;
}

} // namespace mfa::core
