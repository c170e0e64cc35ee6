// Tokens that mfa signs to authenticate itself to a provider: JWT (RFC 7519) with RS256 (RFC 7515,
// 7518). None is ever read here.
#pragma once

#include <string_view>

#include "core/secret.hpp"

namespace mfa::core {

inline constexpr int min_rsa_bits = 2048; // RFC 7518, 3.3

// Check of an option that holds the key of sign_rs256_jwt(): core::Error HV024 where that could not
// sign with it. Nobody is asked for a passphrase: an encrypted key is refused.
void check_rsa_private_key(std::string_view name, std::string_view value);

// The token for the claims (a JSON object), signed by the RSA private key of a PEM text (PKCS #8 or
// PKCS #1, not encrypted, min_rsa_bits or more). core::Error 55000 that names the option
// "private_key", never its content, where the text is no such key: it may have come from a file that
// nobody has checked.
Secret sign_rs256_jwt(std::string_view claims_json, std::string_view private_key_pem);

} // namespace mfa::core
