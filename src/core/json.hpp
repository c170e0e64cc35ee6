// Reading what a provider answers: bounded, and never by exception.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mfa::core {

// The string or number at `pointer` (RFC 6901) of a JSON text, as text; nothing where the text is no
// JSON (or nested deeper than 32), the pointer leads nowhere, or to anything else. Of members of the
// same name the last counts, as with most readers. Long numbers keep their digits.
std::optional<std::string> json_scalar_at(std::string_view text, std::string_view pointer);

// The same for some pointers in one reading, at most max_json_pointers: nothing for all where they are more,
// or one is not well-formed.
inline constexpr std::size_t max_json_pointers = 8;
std::vector<std::optional<std::string>> json_scalars_at(std::string_view text,
                                                        std::span<const std::string_view> pointers);

// True when `text` is one JSON value, nested no deeper than 32.
bool is_json(std::string_view text);

// True when `pointer` is a well-formed JSON pointer.
bool is_json_pointer(std::string_view pointer);

} // namespace mfa::core
