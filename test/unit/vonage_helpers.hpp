// Options of mfa_vonage, for its tests.
#pragma once

#include <string_view>

#include "core/provider.hpp"
#include "rsa_key.hpp"

namespace mfa::test {

inline constexpr std::string_view application_id = "78d335fa-323d-0114-9c3d-d6f0d48968cf";
inline constexpr std::string_view call_id = "63f61863-4a51-4f6b-86e1-46edebcf9356";

inline core::Options account() {
    core::Options options;
    options.set("api_key", "abcd1234");
    options.set("api_secret", "abcdef0123456789");
    return options;
}

inline void add_application(core::Options &options) {
    options.set("application_id", application_id);
    options.set("private_key", pem(rsa_key()));
}

inline core::Options everything() {
    core::Options options = account();
    add_application(options);
    return options;
}

inline core::Options messages_by_account() {
    core::Options options = account();
    options.set("api", "messages");
    return options;
}

inline core::Options messages_by_application() {
    core::Options options;
    add_application(options);
    options.set("api", "messages");
    return options;
}

} // namespace mfa::test
