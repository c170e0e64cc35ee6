// Lock-outs of a recipient after wrong codes, across requests: growing, and always expiring.
//
// NIST SP 800-63B-4, 3.2.2, allows at most 100 consecutive failed attempts. A streak of wrong codes ends
// with the right one; with the lock-out that the hundredth brings; or when none was presented for 30
// days.
#pragma once

#include <cstdint>

namespace mfa::core {

using Microseconds = std::int64_t;

// The wrong codes presented for a recipient since the last right one.
struct Streak {
    std::int64_t failures = 0;
    Microseconds last_at = 0; // of the newest
};

inline constexpr int free_failures =
    10; // the tenth brings the first lock-out, and so does each after it
inline constexpr int failures_a_step = 5;  // so many have the same length, then it doubles
inline constexpr int longest_streak = 100; // the last one of a streak brings the longest
inline constexpr Microseconds first_lockout = 60'000'000;
inline constexpr Microseconds forgotten_after = Microseconds{30} * 24 * 3600 * 1'000'000;

// For how long the failure with that number (from 1) locks its recipient: 0 up to the ninth, then five
// times each 1 min, 2 min, 4 min, ..., at most `longest`; `longest` for the hundredth, behind which the
// next streak begins.
Microseconds lockout_after(std::int64_t failures, Microseconds longest) noexcept;

// When the recipient's lock-out ends; not after `now`: it is not locked.
Microseconds locked_until(const Streak &streak, Microseconds longest) noexcept;

} // namespace mfa::core
