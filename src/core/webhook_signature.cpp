// Twilio, as its library for Node.js does it (npm twilio 6.2.0; webhook_signature_test.cpp has what
// it computed):
//
//   base64(HMAC-SHA1(auth token, URL + each parameter's name and value, sorted by name))
//
//   * A name that is given more than once: its values sorted, each once.
//   * The library tries the URL without a port, and with the one given or else the scheme's own,
//     because Twilio is not consistent about it. So does this.
//   * "bodySHA256" in the query: the URL alone is signed, and carries the hash of the body.
//   * Not done: the library also tries the URL as WHATWG normalises it, and with its query encoded
//     anew. A URL that is in normal form already needs neither.
//
// SignalWire: two forms.
//
//   hex(HMAC-SHA1(signing key, URL + body)), or HMAC-SHA256 in the header named for it
//
// is documented at signalwire.com/docs/swml/guides/webhook-security for SWML, and computed by npm
// @signalwire/web-api 3.1.7 (SHA-1 only). By that page, requests about messages sign the URL with
// the user information in it, requests about calls without: both are tried.
//
//   base64(HMAC-SHA1(signing key, URL + parameters)), Twilio's, for the compatibility API
//
// is computed by npm @signalwire/compatibility-api 3.2.0, to which web-api falls back. It differs
// from Twilio's in that the values of a name stay as they came, all of them, and in that the
// library tries nothing but the normalised URL (host in lower case, "/" for no path). SignalWire's
// WebhookValidator.ts (repository signalwire/signalwire-typescript) also takes a signature of the
// URL alone with any form, and with that any body; this does not, unless bodySHA256 vouches for it.
//
// Unverified, for want of requests from either platform: which of its two forms SignalWire uses
// for which callback, what either does with names given twice, and the order of names with
// characters beyond U+FFFF (here by bytes; JavaScript sorts UTF-16).
#include "core/webhook_signature.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "core/ascii.hpp"
#include "core/crypto.hpp"
#include "core/digest.hpp"
#include "core/http.hpp"
#include "core/secret.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t sha1_bytes = 20;
constexpr std::size_t sha256_bytes = 32;
constexpr std::size_t base64_sha1_length = 28;
constexpr std::size_t hex_sha1_length = 2 * sha1_bytes;
constexpr std::size_t hex_sha256_length = 2 * sha256_bytes;

using Bytes = std::array<unsigned char, sha256_bytes>; // of the longest digest

std::string_view hmac(const char *digest, std::string_view key, std::string_view text, Bytes &out) {
    std::size_t size = 0;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, key.data(), key.size(),
                  reinterpret_cast<const unsigned char *>(text.data()), text.size(), out.data(),
                  out.size(), &size) == nullptr)
        crypto::fail("HMAC of a webhook");
    return {reinterpret_cast<const char *>(out.data()), size};
}

std::string_view sha256(std::string_view text, Bytes &out) {
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), out.data(), &size) != 1)
        crypto::fail("SHA-256 of a webhook");
    return {reinterpret_cast<const char *>(out.data()), size};
}

Secret hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    Secret text;
    text.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text.append(digits[byte >> 4]).append(digits[byte & 15U]);
    }
    return text;
}

bool same(std::string_view a, std::string_view b) noexcept {
    const auto bytes = [](std::string_view text) {
        return std::span(reinterpret_cast<const std::uint8_t *>(text.data()), text.size());
    };
    return equal_constant_time(bytes(a), bytes(b));
}

struct Url {
    std::string_view scheme; // with its "://"
    std::string_view user;   // with its '@', or empty
    std::string_view host;
    std::string_view port; // with its ':', or empty
    std::string_view rest;

    std::string_view standard_port() const noexcept {
        return equal_ignoring_case(scheme, "https://") ? ":443" : ":80";
    }
};

std::optional<Url> read_url(std::string_view text) {
    Url url;
    for (const std::string_view scheme : {"https://", "http://"})
        if (equal_ignoring_case(text.substr(0, scheme.size()), scheme))
            url.scheme = text.substr(0, scheme.size());
    if (url.scheme.empty())
        return std::nullopt;
    text.remove_prefix(url.scheme.size());
    const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
    url.rest = text.substr(end);
    text = text.substr(0, end);
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        url.user = text.substr(0, at + 1);
        text.remove_prefix(at + 1);
    }
    // The colons of an IPv6 address stand in brackets.
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    url.host = text.substr(0, colon);
    url.port = text.substr(std::min(colon, text.size()));
    if (url.host.empty())
        return std::nullopt;
    return url;
}

Secret join(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts)
        size += part.size();
    Secret whole;
    whole.reserve(size); // what grows is wiped at each step
    for (const std::string_view part : parts)
        whole.append(part);
    return whole;
}

enum class BodyHash { absent, right, wrong };

// Whether the URL vouches for the body. Given twice is wrong: which one counts would be a guess.
BodyHash check_body_hash(const Url &url, std::string_view body) {
    std::string_view query = url.rest.substr(0, url.rest.find('#'));
    query.remove_prefix(std::min(query.find('?'), query.size()));
    if (query.empty())
        return BodyHash::absent;
    query.remove_prefix(1);
    std::optional<std::string_view> given;
    for (std::size_t n = 0; !query.empty(); ++n) {
        std::string_view value = cut(query, '&');
        if (n == max_webhook_parameters)
            return BodyHash::wrong;
        if (cut(value, '=') != "bodySHA256")
            continue;
        if (given)
            return BodyHash::wrong;
        given = value;
    }
    if (!given)
        return BodyHash::absent;
    Bytes bytes{};
    return same(hex(sha256(body, bytes)).view(), *given) ? BodyHash::right : BodyHash::wrong;
}

std::optional<unsigned> hex_value(char c) noexcept {
    if (is_digit(c))
        return c - '0';
    const char lower = to_lower(c);
    if (lower >= 'a' && lower <= 'f')
        return lower - 'a' + 10;
    return std::nullopt;
}

struct Parameter {
    std::string_view name;
    std::string_view value;
    std::size_t place = 0; // in the form
};

// application/x-www-form-urlencoded. Nothing is longer decoded than encoded, so that one buffer is
// reserved for all of it and views of it stay good: through a move too, but not a copy.
class Form {
  public:
    Form(const Form &) = delete;
    Form &operator=(const Form &) = delete;
    Form(Form &&) = default;
    Form &operator=(Form &&) = default;
    ~Form() = default;

    static std::optional<Form> read(std::string_view body) {
        Form form;
        form.decoded_.reserve(body.size());
        while (!body.empty()) {
            std::string_view value = cut(body, '&');
            if (value.empty())
                continue;
            if (form.parameters_.size() == max_webhook_parameters)
                return std::nullopt;
            const std::string_view name = cut(value, '=');
            Parameter parameter;
            parameter.place = form.parameters_.size();
            if (!form.decode(name, parameter.name) || !form.decode(value, parameter.value))
                return std::nullopt;
            form.parameters_.push_back(parameter);
        }
        return form;
    }

    // The parameters as they are signed.
    Secret signed_text(SignatureScheme scheme) {
        if (scheme == SignatureScheme::twilio) {
            const auto both = [](const Parameter &p) { return std::tie(p.name, p.value); };
            std::sort(parameters_.begin(), parameters_.end(),
                      [&](const auto &a, const auto &b) { return both(a) < both(b); });
            parameters_.erase(
                std::unique(parameters_.begin(), parameters_.end(),
                            [&](const auto &a, const auto &b) { return both(a) == both(b); }),
                parameters_.end());
        } else {
            const auto order = [](const Parameter &p) { return std::tie(p.name, p.place); };
            std::sort(parameters_.begin(), parameters_.end(),
                      [&](const auto &a, const auto &b) { return order(a) < order(b); });
        }
        Secret text;
        text.reserve(decoded_.size());
        for (const Parameter &parameter : parameters_)
            text.append(parameter.name).append(parameter.value);
        return text;
    }

  private:
    Form() = default;

    bool decode(std::string_view encoded, std::string_view &decoded) {
        const std::size_t start = decoded_.size();
        for (std::size_t i = 0; i < encoded.size(); ++i) {
            char c = encoded[i];
            if (c == '+') {
                c = ' ';
            } else if (c == '%') {
                if (encoded.size() - i < 3)
                    return false;
                const auto high = hex_value(encoded[i + 1]);
                const auto low = hex_value(encoded[i + 2]);
                if (!high || !low)
                    return false;
                c = static_cast<char>(*high << 4 | *low);
                i += 2;
            }
            decoded_.append(c);
        }
        decoded = decoded_.view().substr(start);
        return true;
    }

    Secret decoded_;
    std::vector<Parameter> parameters_;
};

bool form_signature_valid(SignatureScheme scheme, std::string_view key, std::string_view signature,
                          const Url &url, std::string_view body) {
    Secret parameters;
    switch (check_body_hash(url, body)) {
    case BodyHash::wrong:
        return false;
    case BodyHash::right:
        break;
    case BodyHash::absent:
        auto form = Form::read(body);
        if (!form)
            return false;
        parameters = form->signed_text(scheme);
    }
    const std::string_view port = url.port.empty() ? url.standard_port() : url.port;
    for (const std::string_view written : {std::string_view(), port}) {
        const Secret text =
            join({url.scheme, url.user, url.host, written, url.rest, parameters.view()});
        Bytes bytes{};
        if (same(base64(hmac("SHA1", key, text.view(), bytes)).view(), signature))
            return true;
    }
    return false;
}

bool raw_signature_valid(const char *digest, std::string_view key, std::string_view signature,
                         const Url &url, std::string_view body) {
    for (const std::string_view user : {url.user, std::string_view()}) {
        const Secret text = join({url.scheme, user, url.host, url.port, url.rest, body});
        Bytes bytes{};
        if (same(hex(hmac(digest, key, text.view(), bytes)).view(), signature))
            return true;
        if (user.empty())
            break;
    }
    return false;
}

} // namespace

bool signature_valid(SignatureScheme scheme, std::string_view key, std::string_view signature,
                     std::string_view url, std::string_view body) {
    if (key.empty() || url.size() > max_webhook_url_bytes || body.size() > max_webhook_body_bytes)
        return false;
    const auto parts = read_url(url);
    if (!parts)
        return false;
    if (signature.size() == base64_sha1_length)
        return form_signature_valid(scheme, key, signature, *parts, body);
    if (scheme == SignatureScheme::twilio)
        return false;
    if (signature.size() == hex_sha1_length)
        return raw_signature_valid("SHA1", key, signature, *parts, body);
    if (signature.size() == hex_sha256_length)
        return raw_signature_valid("SHA256", key, signature, *parts, body);
    return false;
}

} // namespace mfa::core
