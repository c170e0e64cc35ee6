// What the files that call OpenSSL share: owners of its objects, and its failures as core::Error.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "core/error.hpp"

namespace mfa::core::crypto {

template <auto free_function> struct Deleter {
    template <class T> void operator()(T *p) const noexcept { free_function(p); }
};

using Kdf = std::unique_ptr<EVP_KDF, Deleter<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Deleter<EVP_KDF_CTX_free>>;

// Throws core::Error XX000 for a call of OpenSSL that failed, and empties OpenSSL's error queue:
// the same process uses OpenSSL for its client connections, and must not find our errors there.
// The detail is OpenSSL's constant text for the reason, which holds no data.
[[noreturn]] inline void fail(const char *operation) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    throw Error(sqlstate::internal_error,
                std::string("cryptographic operation failed: ") + operation, {},
                reason == nullptr ? "" : reason);
}

// SHA-256 in lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

} // namespace mfa::core::crypto
