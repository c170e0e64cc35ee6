// Any text as send limits: read within the bounds, or refused with the form in the hint.
#include "core/rate_limit.hpp"
#include "fuzz.hpp"

using namespace mfa::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    try {
        const RateLimits limits = parse_rate_limits(text);
        FUZZ_CHECK(limits.size <= RateLimits::max_limits);
        Window window;
        std::int64_t now = 1'000'000'000'000'000;
        for (const RateLimit &limit : limits.all()) {
            FUZZ_CHECK(limit.count >= 1 && limit.count <= 10'000'000);
            FUZZ_CHECK(limit.seconds >= 1 && limit.seconds <= 31 * 86400);
            // What is described can be read again, apart from the word between count and duration.
            FUZZ_CHECK(describe(limit).find(" in ") != std::string::npos);
            const std::int64_t wait = count_event(window, limit, now += 777'777);
            FUZZ_CHECK(wait >= 0 && wait <= 2 * limit.seconds);
        }
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view("22023"));
        FUZZ_CHECK(error.hint().find("5/10min") != std::string::npos);
    }
    return 0;
}
