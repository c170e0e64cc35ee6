// Whether a webhook (a provider's report about a message) is from the provider: it holds a secret
// with us, and signs what it sends.
#pragma once

#include <cstddef>
#include <string_view>

namespace mfa::core {

// twilio: the value of X-Twilio-Signature under the account's auth token.
// signalwire: the value of X-SignalWire-Signature, or of X-SignalWire-SHA256-Signature (the length
// tells them apart), under the project's signing key.
enum class SignatureScheme { twilio, signalwire };

// Anybody can post to a webhook, so what one request may cost is bounded.
inline constexpr std::size_t max_webhook_url_bytes = 8 * 1024;
inline constexpr std::size_t max_webhook_body_bytes = 1024 * 1024;
inline constexpr std::size_t max_webhook_parameters = 1000; // of a form, or of the URL's query

// True only when `signature` is what the scheme makes of url and body under `key`. An empty key, a
// body over the bounds, a form or URL that can't be read: false. `body` is as received, before
// anything has decoded it. core::Error XX000 where OpenSSL fails; no input makes it throw that.
//
// `url` is the one that the provider was told to call, which had better be in normal form: host in
// lower case, a path, no port that is the scheme's own, nothing to escape. Its scheme, host, port
// and path have to be ours, not what a request says of itself (a Host header is the sender's
// choice, and a proxy changes it); the query is the request's, since Twilio adds to it. Neither
// scheme separates the URL from what follows it, so that under a URL of the sender's choice the
// same signature fits another body. Neither has a time in it: who has seen a genuine request can
// repeat it.
bool signature_valid(SignatureScheme scheme, std::string_view key, std::string_view signature,
                     std::string_view url, std::string_view body);

} // namespace mfa::core
