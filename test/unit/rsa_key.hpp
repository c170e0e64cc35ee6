// RSA keys made while tests run, and checks of what they signed, by OpenSSL itself.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base64.hpp"
#include "core/crypto.hpp"

namespace mfa::test {

using PrivateKey = std::unique_ptr<EVP_PKEY, core::crypto::Deleter<EVP_PKEY_free>>;

inline PrivateKey make_rsa_key(unsigned bits) { return PrivateKey(EVP_RSA_gen(bits)); }

// One for all tests: making it takes a moment.
inline const PrivateKey &rsa_key() {
    static const PrivateKey key = make_rsa_key(2048);
    return key;
}

inline std::string text_of(BIO *bio) {
    char *bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

inline std::string pem(const PrivateKey &key) { // PKCS #8
    const std::unique_ptr<BIO, core::crypto::Deleter<BIO_free>> bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
        1);
    return text_of(bio.get());
}

inline std::string traditional_pem(const PrivateKey &key, std::string passphrase = {}) { // PKCS #1
    const std::unique_ptr<BIO, core::crypto::Deleter<BIO_free>> bio(BIO_new(BIO_s_mem()));
    auto *bytes = reinterpret_cast<unsigned char *>(passphrase.data());
    const bool encrypted = !passphrase.empty();
    EXPECT_EQ(PEM_write_bio_PrivateKey_traditional(
                  bio.get(), key.get(), encrypted ? EVP_aes_128_cbc() : nullptr,
                  encrypted ? bytes : nullptr, static_cast<int>(passphrase.size()), nullptr,
                  nullptr),
              1);
    return text_of(bio.get());
}

inline std::string from_base64url(std::string_view text) {
    std::string usual;
    for (const char c : text)
        usual += c == '-' ? '+' : c == '_' ? '/' : c;
    while (usual.size() % 4 != 0)
        usual += '=';
    const auto bytes = decode_base64(usual);
    return bytes ? std::string(bytes->view()) : std::string("not base64url");
}

// A token of three parts whose last one is the RS256 signature of the first two.
inline bool is_signed_by(const PrivateKey &key, std::string_view token) {
    const std::size_t dot = token.rfind('.');
    if (dot == std::string_view::npos)
        return false;
    const std::string_view text = token.substr(0, dot);
    const std::string signature = from_base64url(token.substr(dot + 1));
    const std::unique_ptr<EVP_MD_CTX, core::crypto::Deleter<EVP_MD_CTX_free>> context(
        EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(),
                            reinterpret_cast<const unsigned char *>(signature.data()),
                            signature.size(), reinterpret_cast<const unsigned char *>(text.data()),
                            text.size()) == 1;
}

} // namespace mfa::test
