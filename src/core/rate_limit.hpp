// Send limits in their readable form, '1/30s, 5/10min, 20/1d', and the counting window.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mfa::core {

struct RateLimit {
    std::int32_t count = 0;   // 1 - 10,000,000
    std::int64_t seconds = 0; // 1 s - 31 d
};

// Up to max_limits of them; none means no limit. Trivially copyable: it lives in settings.
struct RateLimits {
    static constexpr std::size_t max_limits = 8;
    std::array<RateLimit, max_limits> limits{};
    std::size_t size = 0;
    std::span<const RateLimit> all() const noexcept { return {limits.data(), size}; }
};

// Reads 'COUNT/DURATION, ...', a duration being a number (1 where it is left out) and a unit: s, min, h
// or d. White space is free. core::Error 22023 that says what is wrong at which entry, with the form in
// the hint.
RateLimits parse_rate_limits(std::string_view text);

// '5 in 10 min', for messages.
std::string describe(const RateLimit &limit);

// What a limit answers to an event: nothing, or how long to wait and because of which limit.
struct Refusal {
    RateLimit limit;
    std::int64_t seconds = 0; // until it may be tried again, at least 1
};

// Whether an event at `now` is within all limits, given the times (microseconds, any order) of those
// before it. Exact. The refusal that lasts longest.
std::optional<Refusal> check_times(std::span<std::int64_t> times, const RateLimits &limits,
                                   std::int64_t now);

// A sliding window of two buckets: what was counted in the last `seconds` is taken to be the current
// bucket and the overlapping share of the one before. 16 bytes a window, exact at bucket borders.
struct Window {
    std::int64_t bucket = -1; // number of the current bucket: time / seconds
    std::int32_t current = 0;
    std::int32_t previous = 0;
};

// Counts one event at `now` (microseconds) where the limit allows it; otherwise counts nothing and
// answers the seconds until it may be tried again (at least 1, at most twice the duration). 0 = counted.
std::int64_t count_event(Window &window, const RateLimit &limit, std::int64_t now) noexcept;

} // namespace mfa::core
