// Reading what people type and paste.
#pragma once

#include <optional>

namespace mfa::core {

// The ASCII character that `code_point` is typed for: itself; a digit for an Arabic-Indic, Persian
// or Devanagari one; the ASCII form of a full-width character; ' ' for any kind of space, line
// break and for the invisible marks that come with a copied number; '-' for any kind of dash.
// Nothing for all others.
std::optional<char> typed_ascii(char32_t code_point) noexcept;

} // namespace mfa::core
