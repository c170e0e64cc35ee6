#include "core/jwt.hpp"

#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "core/crypto.hpp"
#include "core/error.hpp"
#include "core/http.hpp"
#include "core/option_checks.hpp"

namespace mfa::core {

namespace {

using Bio = std::unique_ptr<BIO, crypto::Deleter<BIO_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, crypto::Deleter<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, crypto::Deleter<EVP_MD_CTX_free>>;

constexpr std::size_t max_pem_bytes = 16 * 1024; // a key of 16384 bits has 12.8 kB

constexpr const char *key_hint =
    "Give an RSA private key of at least 2048 bits in PEM form, with its line breaks and without a "
    "passphrase.";

// What PEM_read_bio_PrivateKey() gave, or what is wrong with it in words that continue "option ...".
struct ParsedKey {
    PrivateKey key;
    const char *problem = nullptr;
};

// Without a callback OpenSSL would ask at the terminal of the server.
int refuse_passphrase(char * /*buffer*/, int /*size*/, int /*writing*/, void *asked) noexcept {
    *static_cast<bool *>(asked) = true;
    return -1;
}

ParsedKey parse_private_key(std::string_view pem) {
    ParsedKey parsed;
    if (pem.size() > max_pem_bytes) {
        parsed.problem = "is longer than 16384 bytes";
        return parsed;
    }
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (bio == nullptr)
        crypto::fail("memory for a private key");
    bool passphrase_asked = false;
    parsed.key.reset(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &passphrase_asked));
    // Also a key that was read can leave errors behind, of the formats that were tried before.
    ERR_clear_error();
    if (passphrase_asked)
        parsed.problem = "is encrypted with a passphrase";
    else if (parsed.key == nullptr)
        parsed.problem = "is not a private key in PEM form";
    else if (EVP_PKEY_is_a(parsed.key.get(), "RSA") != 1) // RSA-PSS is another algorithm, PS256
        parsed.problem = "is not an RSA key";
    else if (EVP_PKEY_get_bits(parsed.key.get()) < min_rsa_bits)
        parsed.problem = "is an RSA key of less than 2048 bits";
    return parsed;
}

// RFC 7515, 2: base64 with another alphabet for 62 and 63, and no padding.
void append_base64url(Secret &out, std::string_view bytes) {
    const Secret encoded = base64(bytes);
    for (const char c : encoded.view()) {
        if (c == '=')
            break;
        out.append(c == '+' ? '-' : c == '/' ? '_' : c);
    }
}

} // namespace

void check_rsa_private_key(std::string_view name, std::string_view value) {
    if (const char *problem = parse_private_key(value).problem)
        refuse_option(name, problem, key_hint);
}

Secret sign_rs256_jwt(std::string_view claims_json, std::string_view private_key_pem) {
    const ParsedKey parsed = parse_private_key(private_key_pem);
    if (parsed.problem != nullptr)
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    std::string("option \"private_key\" of the user mapping ") + parsed.problem,
                    key_hint);

    Secret token;
    append_base64url(token, R"({"alg":"RS256","typ":"JWT"})");
    token.append('.');
    append_base64url(token, claims_json);

    const DigestContext context(EVP_MD_CTX_new());
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, parsed.key.get()) != 1)
        crypto::fail("RSA signature context");
    const auto *signed_text = reinterpret_cast<const unsigned char *>(token.view().data());
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(parsed.key.get()));
    std::vector<unsigned char, WipingAllocator<unsigned char>> signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, signed_text, token.size()) != 1)
        crypto::fail("RSA signature");
    token.append('.');
    append_base64url(token, {reinterpret_cast<const char *>(signature.data()), size});
    return token;
}

} // namespace mfa::core
