// Keys are made while the tests run; none is committed. Fails without the signature, the passphrase
// callback, or any of the refusals.
#include "core/jwt.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/crypto.hpp"
#include "core/http.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"
#include "rsa_key.hpp"

namespace mfa::core {
namespace {

using test::all_text;
using test::error_of;
using test::PrivateKey;
using test::rsa_key;
using test::traditional_pem;

constexpr std::string_view claims = R"({"application_id":"a","iat":1800000000})";

std::vector<std::string> parts_of(std::string_view token) {
    std::vector<std::string> parts(1);
    for (const char c : token) {
        if (c == '.')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

std::string pem_encrypted(const PrivateKey &key) {
    const std::unique_ptr<BIO, crypto::Deleter<BIO_free>> bio(BIO_new(BIO_s_mem()));
    char passphrase[] = "correct horse";
    EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), passphrase,
                                            sizeof(passphrase) - 1, nullptr, nullptr),
              1);
    return test::text_of(bio.get());
}

std::string public_pem(const PrivateKey &key) {
    const std::unique_ptr<BIO, crypto::Deleter<BIO_free>> bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PUBKEY(bio.get(), key.get()), 1);
    return test::text_of(bio.get());
}

TEST(Jwt, IsSignedByTheKey) {
    const Secret token = sign_rs256_jwt(claims, test::pem(rsa_key()));
    const std::vector<std::string> parts = parts_of(token.view());
    ASSERT_EQ(parts.size(), 3U);
    // RFC 7515, A.2 has the same header without "typ".
    EXPECT_EQ(parts[0], "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9");
    EXPECT_EQ(test::from_base64url(parts[1]), claims);
    EXPECT_EQ(parts[2].size(), 342U); // 256 bytes
    EXPECT_TRUE(test::is_signed_by(rsa_key(), token.view()));
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(Jwt, ASignatureIsForOneTextAndOneKey) {
    const std::string token(sign_rs256_jwt(claims, test::pem(rsa_key())).view());
    std::string other = token;
    other[40] = other[40] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(test::is_signed_by(rsa_key(), other));
    EXPECT_FALSE(test::is_signed_by(test::make_rsa_key(2048), token));
    ERR_clear_error();
}

TEST(Jwt, ClaimsOfAnyLengthAreBase64UrlWithoutPadding) {
    for (const std::string_view text :
         {"{}", R"({"a":1})", R"({"a":10})", R"({"a":"???>>>~~~"})", R"({"a":"é😀"})"}) {
        const std::string token(sign_rs256_jwt(text, test::pem(rsa_key())).view());
        EXPECT_EQ(token.find_first_of("+/= \n"), std::string::npos) << token;
        EXPECT_EQ(test::from_base64url(parts_of(token)[1]), text);
        EXPECT_TRUE(test::is_signed_by(rsa_key(), token));
    }
}

TEST(Jwt, KeysInEveryUsualForm) {
    const std::string pem = test::pem(rsa_key());
    std::string windows;
    for (const char c : pem)
        windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    std::string stripped = pem;
    stripped.pop_back(); // as a file's last line end is taken off
    ASSERT_NE(traditional_pem(rsa_key()).find("BEGIN RSA PRIVATE KEY"), std::string::npos);
    for (const std::string &text : {pem, windows, stripped, traditional_pem(rsa_key()),
                                    "Bag Attributes\n    friendlyName: x\n" + pem}) {
        check_rsa_private_key("private_key", text);
        EXPECT_TRUE(test::is_signed_by(rsa_key(), sign_rs256_jwt(claims, text).view()));
    }
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

// The text that the option must not be, and what the error says of it.
void expect_refused(const std::string &text, std::string_view problem) {
    const Error on_use = error_of([&] { sign_rs256_jwt(claims, text); });
    EXPECT_STREQ(on_use.sqlstate(), "55000");
    EXPECT_EQ(on_use.message(),
              "option \"private_key\" of the user mapping " + std::string(problem));
    const Error on_set = error_of([&] { check_rsa_private_key("private_key", text); });
    EXPECT_STREQ(on_set.sqlstate(), "HV024");
    EXPECT_EQ(on_set.message(), "option \"private_key\" " + std::string(problem));
    for (const Error &error : {on_use, on_set}) {
        EXPECT_NE(error.hint().find("2048 bits"), std::string::npos);
        if (text.size() > 80) {
            EXPECT_EQ(all_text(error).find(text.substr(60, 16)), std::string::npos);
        }
    }
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(Jwt, AnEncryptedKeyIsRefusedAndNobodyIsAsked) {
    expect_refused(pem_encrypted(rsa_key()), "is encrypted with a passphrase");
    expect_refused(traditional_pem(rsa_key(), "correct horse"), "is encrypted with a passphrase");
}

TEST(Jwt, OtherKeysAreRefused) {
    expect_refused(test::pem(PrivateKey(EVP_EC_gen("P-256"))), "is not an RSA key");
    expect_refused(test::pem(PrivateKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))),
                   "is not an RSA key");
    expect_refused(public_pem(rsa_key()), "is not a private key in PEM form");
    expect_refused(test::pem(test::make_rsa_key(512)), "is an RSA key of less than 2048 bits");
    expect_refused(test::pem(test::make_rsa_key(2040)), "is an RSA key of less than 2048 bits");
    const std::unique_ptr<EVP_PKEY_CTX, crypto::Deleter<EVP_PKEY_CTX_free>> pss(
        EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
    EVP_PKEY *made = nullptr;
    ASSERT_EQ(EVP_PKEY_keygen_init(pss.get()), 1);
    ASSERT_EQ(EVP_PKEY_generate(pss.get(), &made), 1);
    expect_refused(test::pem(PrivateKey(made)), "is not an RSA key");
}

TEST(Jwt, WhatIsNoKeyIsRefused) {
    constexpr std::string_view problem = "is not a private key in PEM form";
    const std::string pem = test::pem(rsa_key());
    for (const std::string &text :
         {std::string(), std::string("secret"), std::string("\0\xFF\n", 3),
          std::string("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
          std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
          pem.substr(0, 27), pem.substr(0, 800), pem.substr(0, pem.size() - 30), pem.substr(28)})
        expect_refused(text, problem);
    std::string one_line = pem;
    std::erase(one_line, '\n');
    expect_refused(one_line, problem);
    expect_refused(pem + std::string(16 * 1024, ' '), "is longer than 16384 bytes");
}

TEST(Jwt, LeavesNothingSecretInFreedMemory) {
    const std::string pem = test::pem(rsa_key());
    const std::string secret_part = pem.substr(1000, 40);
    const std::string payload = parts_of(sign_rs256_jwt(claims, pem).view())[1];
    for (const std::string_view marker :
         {std::string_view(secret_part), std::string_view(payload)}) {
        const test::FreedMemory freed(marker);
        sign_rs256_jwt(claims, pem);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
}

} // namespace
} // namespace mfa::core
