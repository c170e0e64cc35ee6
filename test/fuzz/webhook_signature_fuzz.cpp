// Any key, URL, body and signature: no exception, nothing valid that was not signed; what is signed
// as SignalWire signs a raw body is valid, and stops being so with one byte more or other.
#include "core/webhook_signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

std::string hex_hmac(const EVP_MD *digest, std::string_view key, const std::string &text) {
    unsigned char tag[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(digest, key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char *>(text.data()), text.size(), tag, &size);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += "0123456789abcdef"[tag[i] >> 4];
        hex += "0123456789abcdef"[tag[i] & 15U];
    }
    return hex;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    const std::string_view key = fields.next();
    const std::string_view signature = fields.next();
    const std::string_view url = fields.next();
    const std::string_view body = fields.rest();

    const std::string unknown = "not in the input" + std::string(key);
    for (const SignatureScheme scheme : {SignatureScheme::twilio, SignatureScheme::signalwire}) {
        signature_valid(scheme, key, signature, url, body); // seeds hold some that are valid
        FUZZ_CHECK(!signature_valid(scheme, "", signature, url, body));
        FUZZ_CHECK(!signature_valid(scheme, unknown, signature, url, body));
    }
    for (const EVP_MD *digest : {EVP_sha1(), EVP_sha256()}) {
        std::string right = hex_hmac(digest, unknown, std::string(url) + std::string(body));
        const auto valid = [&](std::string_view given_url, std::string_view given_body) {
            return signature_valid(SignatureScheme::signalwire, unknown, right, given_url,
                                   given_body);
        };
        FUZZ_CHECK(!signature_valid(SignatureScheme::twilio, unknown, right, url, body));
        const bool readable = valid(url, body);
        // The empty body: valid or not, the URL alone decides that.
        FUZZ_CHECK(readable == signature_valid(SignatureScheme::signalwire, unknown,
                                               hex_hmac(digest, unknown, std::string(url)), url,
                                               ""));
        FUZZ_CHECK(!valid(url, std::string(body) + 'x'));
        FUZZ_CHECK(!valid(std::string(url) + 'x', body));
        right[size % right.size()] ^= 1;
        FUZZ_CHECK(!valid(url, body));
    }
    return 0;
}
