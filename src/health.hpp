// What an administrator asks first: is everything there that mfa needs, and does it work? C++ zone.
#pragma once

#include <string>
#include <vector>

namespace mfa {

struct HealthCheck {
    std::string name;
    const char *status; // 'ok', 'warning', 'critical'
    std::string detail;
    std::string hint; // what to do; '' when it is ok
};

// `version` is that of the extension in this database. Providers are those of the caller's mfa.provider.
std::vector<HealthCheck> check_health(const std::string &version);

} // namespace mfa
