// The endings of a text message by which phones fill a code in. Each has to be the very last thing.
#pragma once

#include <string_view>

namespace mfa::core {

inline constexpr std::string_view webotp_placeholder = "{webotp}";
inline constexpr std::string_view app_hash_placeholder = "{app_hash}";

// Of a text that ends in an app's hash (Android SMS Retriever).
inline constexpr std::size_t max_app_hash_bytes = 140;

// core::Error 22023 where {webotp} is not the last line of the template, {app_hash} not its last word,
// or there is no {code} to be read besides them.
void check_autofill(std::string_view message_template);

// The template without {webotp} or {app_hash} and the white space before it: nothing of them is to be
// spoken, or read in a mail.
std::string_view without_autofill(std::string_view message_template) noexcept;

// core::Error 22023 unless `value` is a host name in lower case, or an app's hash: 11 characters of
// base64.
void check_webotp_domain(std::string_view value);
void check_app_hash(std::string_view value);

} // namespace mfa::core
