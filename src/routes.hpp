// Table mfa.route: which destinations are allowed, through which providers, how often. C++ zone.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mfa::routes {

struct Route {
    std::string prefix; // '+49'
    bool allow = true;
    bool guarded = true;                   // by the fraud guard
    std::vector<std::string> providers;    // empty: mfa.provider's
    std::optional<std::string> send_limit; // nothing: mfa.send_limit_destination
};

// The route with the longest prefix of that number, as it is committed now; nothing where none fits.
std::optional<Route> find(const std::string &recipient);

} // namespace mfa::routes
