// Making a request, or sending a live one again. C++ zone.
#pragma once

#include <optional>
#include <string>

#include "core/digest.hpp"

namespace mfa {

// The arguments of mfa_send as they were given; nothing stands for the setting's value.
struct SendCall {
    std::string recipient;
    std::string channel;
    std::string purpose;
    std::optional<std::string> message; // UTF-8, as the three below
    std::optional<std::string> locale;
    std::optional<std::string> sender;
    std::optional<std::string> provider;
    std::optional<int> code_length;
    std::optional<bool> allow_alphas;
    std::optional<double> valid_for; // seconds
    std::optional<int> max_attempts;
};

// Answers the id of the request. Everything it writes belongs to the caller's transaction; the message
// leaves when that commits.
core::RequestId send(const SendCall &call);

} // namespace mfa
