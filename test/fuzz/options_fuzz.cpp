// Any name with any value, for every provider and place: taken, or refused as documented; and what
// is taken can be used.
#include "core/provider.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

bool accepts(const Provider &provider, OptionPlace place, std::string_view name,
             std::string_view value, std::string_view secret) {
    bool is_file = false;
    const bool known = find_option(provider, place, name, is_file) != nullptr;
    try {
        check_option(provider, place, name, value);
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view(known ? "HV024" : "HV00D"));
        FUZZ_CHECK(error.message().find(name) != std::string::npos);
        FUZZ_CHECK(known || fuzz::contains(error.hint(), "Valid options"));
        FUZZ_CHECK(secret.empty() || fuzz::contains(name, secret) ||
                   fuzz::is_silent_about(error, secret));
        return false;
    }
    FUZZ_CHECK(known);
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    Options options;
    while (!fields.rest().empty()) {
        const std::string_view name = fields.next();
        const std::string_view value = fields.next();
        for (const Provider *provider : all_providers()) {
            if (accepts(*provider, OptionPlace::server, name, value, {}))
                options.set(name, value);
            const std::string secret = "s3cret" + std::string(value);
            accepts(*provider, OptionPlace::user_mapping, name, value, {});
            accepts(*provider, OptionPlace::user_mapping, name, secret, "s3cret");
        }
    }
    const TransportOptions transport = transport_options(options);
    FUZZ_CHECK(transport.timeout >= std::chrono::milliseconds{100} &&
               transport.timeout <= std::chrono::minutes{1});
    FUZZ_CHECK(transport.connect_timeout >= std::chrono::milliseconds{100} &&
               transport.connect_timeout <= std::chrono::seconds{30});
    FUZZ_CHECK(transport.max_connections >= 1 && transport.max_connections <= 1024);
    FUZZ_CHECK(transport.max_rate >= 0 && transport.max_rate <= 10'000);
    for (const Provider *provider : all_providers()) {
        try {
            check_complete(*provider, options);
        } catch (const Error &error) {
            FUZZ_CHECK(error.sqlstate() == std::string_view("55000"));
        }
    }
    return 0;
}
