// The signatures in the tables were computed with the providers' libraries, not with this code: npm
// twilio 6.2.0 (getExpectedTwilioSignature, parameters read by Node's URLSearchParams), npm
// @signalwire/compatibility-api 3.2.0 (the function of that name) and npm @signalwire/web-api 3.1.7
// (validateRequest takes the hexadecimal SHA-1 ones); those by HMAC-SHA256 with the openssl command
// line.
//
// KnownSignatures fails where parameters are not sorted, not decoded or, for Twilio, not made
// unique; Refuses* where the body, the URL or the key is left out of what is compared.
#include "core/webhook_signature.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/http.hpp"

namespace mfa::core {
namespace {

constexpr auto twilio = SignatureScheme::twilio;
constexpr auto signalwire = SignatureScheme::signalwire;

const std::string twilio_key = "12345abcdef67890";
const std::string signalwire_key = "PSK_é_9f8e7d";
const std::string hook = "https://example.com/hook";
const std::string status =
    "MessageSid=SM1f0c&MessageStatus=delivered&To=%2B14155550123&From=%2B15017122661&AccountSid=AC9e";
const std::string status_signature = "6ynkJVTl5nFU9PeqO16+GVr+wDc=";
const std::string json = R"({"message":{"id":"1f0c","state":"delivered"}})";
const std::string json_sha1 = "883294bf3dee2133784f9bc3e258aae811e28894";
const std::string json_sha256 = "a18604cf6febbaf7629307aa00332c0fe59ad1f73cff8fd2a001b00986b45290";

struct Known {
    const char *what;
    SignatureScheme scheme;
    std::string url;
    std::string body;
    std::string signature;
};

const std::string &key_of(SignatureScheme scheme) {
    return scheme == twilio ? twilio_key : signalwire_key;
}

const std::vector<Known> known{
    {"no parameters", twilio, hook, "", "C5U447j1n2DUI/G54OhIXDgqo2g="},
    {"a status", twilio, hook, status, status_signature},
    {"letter case", twilio, hook, "b=2&a=1&B=0&A=9", "ta6cVTe2XYYnzeffuFC5/JsbKio="},
    {"punctuation in names", twilio, hook, "a.b=1&a-b=2&a_b=3&aB=4&ab=5&a=6",
     "v6WLgu0Id9VmrF+Wp7XK4ag+lrM="},
    {"+ is a space", twilio, hook, "a=1+2&b=1%2B2&c=1%202", "58k8O7zdO7i8vWXVV2U0NlNdPPg="},
    {"empty values", twilio, hook, "a=&b&c=3", "RImjG8WP3YVXxzyJsv0kpuoIkls="},
    {"UTF-8", twilio, hook, "n=%C3%A9t%C3%A9&%E2%82%AC=5&e=%F0%9F%98%80",
     "tHkG909MjD6hb5+kIggMAVj5eoo="},
    {"UTF-8 as it is, lower-case hex", twilio, hook, "n=ét%c3%a9&%e2%82%ac=5&e=%f0%9f%98%80",
     "tHkG909MjD6hb5+kIggMAVj5eoo="},
    {"a name more than once", twilio, hook, "x=2&x=1&y=0&x=2&x=10", "pz+9kiLGisZrdMXjO4FsfcPwsB8="},
    {"empty parts", twilio, hook, "&&a=1&", "e32KS5JTnhqTnm3831iwBRsI0N0="},
    {"an empty name", twilio, hook, "=v&a=1", "b/vVQ7IF0U3eFWBMd/zCceG8Q7Y="},
    {"= and & in values", twilio, hook, "a=b=c&d=%3D%26", "cAD9BWL0/LIkuJZI4Iy3lPQAsOM="},
    {"control characters", twilio, hook, "a=%0D%0A%00z", "m+IpjodUDDzloasPdIjXKfkTGeE="},
    {"numbers as names", twilio, hook, "10=x&9=y&1=z", "TdXZI9LJop23ffBq2p7Bx6xHHpA="},
    {"a query", twilio, hook + "?x=%2B+y&A=1", "A=2&Z=3", "OjBj+DnCuTzFfWr77hKyuBp8I0A="},
    {"quotes in the query", twilio, "https://example.com/h?y=%27'&z=", "a=1",
     "U9M+7MrUE4xwpHjpnIkHMy9U6Dw="},
    {"a user", twilio, "https://user:pa%20ss@example.com/hook?x=1", "a=1",
     "sFsBHjmEYwc60yPzG3V1sHkuXbI="},
    {"IPv6", twilio, "https://[2001:db8::1]/h?q=a:b@c", "a=1", "z6xRbyCVDUtAnA9SDhejVQZLRZk="},
    {"body's hash", twilio,
     hook + "?bodySHA256=fd60d98aca97f2b795b699036dcf102b3a5b6ab84530de2ff6e9a0df505f6ae1",
     R"({"status":"delivered","n":"é%"})", "j4O0kLWRE40v9AaO5v65+8MC7jY="},
    {"body's hash amid the query", twilio,
     hook + "?x=1&bodySHA256=fd60d98aca97f2b795b699036dcf102b3a5b6ab84530de2ff6e9a0df505f6ae1&y=2",
     R"({"status":"delivered","n":"é%"})", "W6oInLA6UxaVBBg/I4OBplhB+jM="},
    {"a status", signalwire, hook, status, "22HKpR79Wan/O7/h/pQTpTzYcsE="},
    {"+ is a space", signalwire, hook, "a=1+2&b=1%2B2&c=1%202", "Iy1xscnsBg6TqK7rtbWGC5LSm6Q="},
    {"UTF-8", signalwire, hook, "n=%C3%A9t%C3%A9&%E2%82%AC=5&e=%F0%9F%98%80",
     "S2KzYTXJ/XF3ssHsRj9CX8bFe9I="},
    {"a name more than once", signalwire, hook, "x=2&x=1&y=0&x=2&x=10",
     "OvG6qQGYMjUEPvTldSe9nUf5lkk="},
    {"a query", signalwire, hook + "?x=%2B+y&A=1", "A=2&Z=3", "Qz24QTGfdWBoiYSY0OsBt9OXvzM="},
    {"a user", signalwire, "https://user:pa%20ss@example.com/hook?x=1", "a=1",
     "0EnaGfBl+MqlCN7lSyOhiVV+ulE="},
    {"raw, SHA-1", signalwire, hook, json, json_sha1},
    {"raw, SHA-256", signalwire, hook, json, json_sha256},
    {"raw, a query", signalwire, hook + "?x=%2B+1", R"({"a": "é"})",
     "fa33ff3cf1391934fe0ac26afd27946276e0936f"},
    {"raw, a user", signalwire, "https://user:pw@example.com:8443/hook", "{}",
     "fd49c27de5e5b47264f34909be33aa06092e264f"},
    {"raw, a user that is not signed", signalwire, "https://user:pw@example.com:8443/hook", "{}",
     "2a4de465564e626f4aaa16ea844b6eb0a735f25b"},
    {"raw, SHA-256, a user that is not signed", signalwire, "https://user:pw@example.com:8443/hook",
     "{}", "5ecfad8b128692a6ca1b2d2f9a3729f57c3558767c04477e33d8fde6a8a5c40e"},
};

TEST(WebhookSignature, KnownSignatures) {
    for (const Known &k : known)
        EXPECT_TRUE(signature_valid(k.scheme, key_of(k.scheme), k.signature, k.url, k.body))
            << k.what << ' ' << k.url;
}

TEST(WebhookSignature, TwilioUrlWithAndWithoutPort) {
    const auto valid = [](std::string_view url, std::string_view signature) {
        return signature_valid(twilio, twilio_key, signature, url, "a=1");
    };
    const std::string with = "I6Lgx2FCPj17MwkfgI0X0Z3g1Uo=";    // https://example.com:443/hook
    const std::string without = "e32KS5JTnhqTnm3831iwBRsI0N0="; // https://example.com/hook
    const std::string other = "prl2UqmFd0aljdfuMzZw27+6W+I=";   // https://example.com:8443/hook
    EXPECT_TRUE(valid("https://example.com:443/hook", with));
    EXPECT_TRUE(valid("https://example.com:443/hook", without));
    EXPECT_TRUE(valid("https://example.com/hook", with));
    EXPECT_TRUE(valid("https://example.com:8443/hook", other));
    EXPECT_TRUE(valid("https://example.com:8443/hook", without)); // as the library does
    EXPECT_FALSE(valid("https://example.com/hook", other));
    EXPECT_FALSE(valid("https://example.com:8443/hook", with));

    EXPECT_TRUE(valid("http://example.com/hook", "VYLT+yEl9XsueZm++tCFdyNvG4I="));    // :80
    EXPECT_TRUE(valid("http://example.com:80/hook", "NcWFeYENbkwcFO/7ubUIo6JJosk=")); // none
    EXPECT_FALSE(valid("http://example.com/hook", without));
    EXPECT_TRUE(valid("https://u:p@[2001:db8::1]/h", "DkU/F8Vc5degWwrX+KxhIWKLk3U="));     // :443
    EXPECT_TRUE(valid("https://u:p@[2001:db8::1]:443/h", "gKgzlf5JW8S0AXaf7HfWxCRmOyQ=")); // none
}

TEST(WebhookSignature, RefusesEveryOtherSignature) {
    for (const Known &k : known) {
        const auto valid = [&](std::string_view signature) {
            return signature_valid(k.scheme, key_of(k.scheme), signature, k.url, k.body);
        };
        for (std::size_t i = 0; i < k.signature.size(); ++i) {
            std::string other = k.signature;
            other[i] = static_cast<char>(other[i] ^ 1);
            EXPECT_FALSE(valid(other)) << k.what << ' ' << i;
            EXPECT_FALSE(valid(k.signature.substr(0, i))) << k.what << ' ' << i;
        }
        EXPECT_FALSE(valid(k.signature + "=")) << k.what;
        EXPECT_FALSE(valid(" " + k.signature)) << k.what;
        EXPECT_FALSE(valid(k.signature + '\0')) << k.what;
        EXPECT_FALSE(valid(std::string(k.signature.size(), '\0'))) << k.what;
    }
}

TEST(WebhookSignature, RefusesOtherKeysUrlsAndBodies) {
    for (const Known &k : known) {
        const auto valid = [&](std::string_view key, std::string_view url, std::string_view body) {
            return signature_valid(k.scheme, key, k.signature, url, body);
        };
        const std::string &key = key_of(k.scheme);
        EXPECT_FALSE(valid("", k.url, k.body)) << k.what;
        EXPECT_FALSE(valid(key + '0', k.url, k.body)) << k.what;
        EXPECT_FALSE(valid(key.substr(1), k.url, k.body)) << k.what;
        EXPECT_FALSE(valid(key, k.url + "x", k.body)) << k.what;
        EXPECT_FALSE(valid(key, "http" + k.url.substr(5), k.body)) << k.what;
        EXPECT_FALSE(valid(key, k.url, k.body + "&z=1")) << k.what;
        EXPECT_FALSE(valid(key, k.url, k.body + "x")) << k.what;
    }
}

TEST(WebhookSignature, SchemesStayApart) {
    EXPECT_FALSE(signature_valid(twilio, signalwire_key, json_sha1, hook, json));
    EXPECT_FALSE(signature_valid(twilio, signalwire_key, json_sha256, hook, json));
    std::string upper = json_sha1;
    upper[7] = 'F';
    EXPECT_FALSE(signature_valid(signalwire, signalwire_key, upper, hook, json));
    // The values of a name: sorted and unique in one, as they came in the other.
    EXPECT_FALSE(signature_valid(twilio, signalwire_key, "OvG6qQGYMjUEPvTldSe9nUf5lkk=", hook,
                                 "x=2&x=1&y=0&x=2&x=10"));
    EXPECT_FALSE(signature_valid(signalwire, twilio_key, "pz+9kiLGisZrdMXjO4FsfcPwsB8=", hook,
                                 "x=2&x=1&y=0&x=2&x=10"));
}

std::string sign(std::string_view text, std::string_view key = twilio_key) {
    unsigned char tag[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char *>(text.data()), text.size(), tag, &size);
    return std::string(base64({reinterpret_cast<const char *>(tag), size}).view());
}

// A setting that was left out must not make a key that everybody knows.
TEST(WebhookSignature, RefusesTheEmptyKey) {
    for (const SignatureScheme scheme : {twilio, signalwire}) {
        EXPECT_TRUE(signature_valid(scheme, "k", sign(hook + "a1", "k"), hook, "a=1"));
        EXPECT_FALSE(signature_valid(scheme, "", sign(hook + "a1", ""), hook, "a=1"));
    }
}

// The URL alone is signed, so without its hash any body would do.
TEST(WebhookSignature, SignatureOfTheUrlAloneVouchesForNoBody) {
    const std::string hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for (const SignatureScheme scheme : {twilio, signalwire}) {
        const auto valid = [&](const std::string &url, std::string_view body) {
            return signature_valid(scheme, twilio_key, sign(url), url, body);
        };
        EXPECT_TRUE(valid(hook, ""));
        EXPECT_FALSE(valid(hook, "MessageStatus=delivered"));
        EXPECT_FALSE(valid(hook, "{}"));
        EXPECT_TRUE(valid(hook + "?bodySHA256=" + hash, "{}"));
        EXPECT_FALSE(valid(hook + "?bodySHA256=" + hash, "[]"));
        EXPECT_FALSE(valid(hook + "?bodySHA256=" + hash, ""));
        EXPECT_FALSE(valid(hook + "?bodySHA256=" + hash.substr(1), "{}"));
        EXPECT_FALSE(valid(hook + "?bodySHA256=", "{}"));
        EXPECT_FALSE(valid(hook + "?bodySHA256", "{}"));
        EXPECT_FALSE(valid(hook + "?bodySHA256=" + hash + "&bodySHA256=" + hash, "{}"));
        EXPECT_FALSE(valid(hook + "?xbodySHA256=" + hash, "{}"));
        EXPECT_FALSE(valid(hook + "/bodySHA256=" + hash, "{}"));
        EXPECT_FALSE(valid(hook + "#?bodySHA256=" + hash, "{}"));
    }
}

TEST(WebhookSignature, RefusesWhatCannotBeRead) {
    for (const std::string body : {"a=%", "a=%2", "a=%zz", "a=%2z", "a=%%", "%=1", "a=1&b=%F"})
        for (const std::string &signed_text : {hook, hook + body, hook + "a" + body.substr(2)})
            EXPECT_FALSE(signature_valid(twilio, twilio_key, sign(signed_text), hook, body))
                << body;
    for (const std::string url :
         {"", "/hook", "example.com/hook", "ftp://example.com/hook", "https:/example.com",
          "https://", "https:///hook", "https://:443/", "https://user@/hook"})
        EXPECT_FALSE(signature_valid(twilio, twilio_key, sign(url), url, "")) << url;
}

TEST(WebhookSignature, WorkIsBounded) {
    const auto valid = [](const std::string &url, const std::string &signed_text,
                          const std::string &body) {
        return signature_valid(twilio, twilio_key, sign(signed_text), url, body);
    };
    std::string form;
    std::string signed_text = hook;
    for (std::size_t i = 0; i < max_webhook_parameters; ++i) {
        const std::string name = std::to_string(1000 + i);
        form = name + "=&" + form;
        signed_text += name;
    }
    EXPECT_TRUE(valid(hook, signed_text, form));
    EXPECT_FALSE(valid(hook, signed_text + "z", form + "z="));

    const std::string value(max_webhook_body_bytes - 2, 'v');
    EXPECT_TRUE(valid(hook, hook + "a" + value, "a=" + value));
    EXPECT_FALSE(valid(hook, hook + "a" + value + "v", "a=" + value + "v"));

    const std::string url = hook + "?" + std::string(max_webhook_url_bytes - hook.size() - 1, '&');
    EXPECT_FALSE(valid(url, url, "")); // more parts than a query may have
    const std::string path = hook + std::string(max_webhook_url_bytes - hook.size(), 'p');
    EXPECT_TRUE(valid(path, path, ""));
    EXPECT_FALSE(valid(path + "p", path + "p", ""));
}

} // namespace
} // namespace mfa::core
