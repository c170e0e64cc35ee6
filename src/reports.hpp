// What an application passes on from a provider's webhooks. C++ zone.
#pragma once

#include <optional>
#include <string>

namespace mfa {

// Notes the state that a provider reports of a message. True where that is a message of mfa's, and the
// report agrees with what is known of it: reports come twice, and in any order. core::Error 22023 for a
// word that is no state, 42501 without USAGE on the server.
bool delivery_report(const std::string &provider, const std::string &message_id,
                     const std::string &status, const std::optional<std::string> &error);

// Whether the webhook's signature is right under the signing_key of the user mapping. core::Error 0A000
// where the provider's signatures can't be checked, 55000 where the key is not set, 42501 without USAGE.
bool is_signed(const std::string &provider, const std::string &signature, const std::string &url,
               const std::string &body);

} // namespace mfa
