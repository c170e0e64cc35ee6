// What is sealed with a request: all that delivering, resending and fallback need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/secret.hpp"

namespace mfa::core {

struct RequestData {
    Secret recipient;          // normalised
    Secret code;               // canonical
    std::string message;       // template; '' = built-in of the locale
    std::string locale;        // '' = English
    std::string app;           // what {app} stands for
    std::string sender;        // '' = the server's
    std::string purpose;       // picks the template
    std::string webotp_domain; // what {webotp} names
    std::string app_hash;      // what {app_hash} stands for
    bool own_message = false;  // the call gave it: it goes over every channel
};

// Length-prefixed fields behind a version byte; `decode` answers nothing for anything else, and never
// reads beyond its input.
Secret encode(const RequestData &data);
std::optional<RequestData> decode(std::string_view bytes);

} // namespace mfa::core
