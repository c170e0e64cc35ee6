// One-time codes: how they are drawn, and how a presented one is read.
#pragma once

#include <string_view>

#include "core/random.hpp"
#include "core/secret.hpp"

namespace mfa::core {

inline constexpr int min_code_length = 4;
inline constexpr int max_code_length = 20;

// What codes with letters are made of: the ten digits and the letters that can be taken neither for
// a digit nor for one another, without vowels (no words). 27 characters: 4.75 bits each.
inline constexpr std::string_view digit_alphabet = "0123456789";
inline constexpr std::string_view letter_alphabet = "0123456789CDFGHJKMNPQRTVWXY";

// Draws a code of `length` characters (4-20), every character uniform over the alphabet
// (rejection sampling: no modulo bias). Leading zeros are kept: a code is text.
Secret generate_code(int length, bool allow_alphas, RandomSource &random);

// The canonical form of what a person typed: spaces, dashes and invisible marks dropped, upper
// case, look-alikes folded to the digit they are taken for (O to 0, I and L to 1, Z to 2, S to 5,
// B to 8), the digits of Arabic-Indic, Persian and Devanagari keyboards read as digits, and
// full-width characters as their ASCII form. Characters that can be in no code are kept (bytes that
// are no UTF-8 as '?'), so that a wrong code stays wrong. Input beyond 256 bytes is never a code:
// the result is empty. Applying it twice changes nothing more, and the result is never longer than
// the input.
Secret normalise_code(std::string_view presented);

} // namespace mfa::core
