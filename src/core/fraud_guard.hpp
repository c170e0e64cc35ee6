// The guard against pumped traffic: somebody has codes sent to numbers of an operator that shares its fees
// with him, and never types one in. It counts requests and verified ones by prefix of the number, and holds
// a prefix back for a while where the figures cannot be chance.
//
// Two rules, of which each needs more requests the more numbers a prefix has:
//   surge       more requests wait for judgement (they are younger than two minutes) than
//               max(the level's allowance, 3 x those verified in the last hour, a tenth of the busiest hour
//               of the last day). Held until they are judged. For a day after a hold because of
//               conversion the allowance is no more than what can be judged.
//   conversion  of the requests of the last 5, 15 or 60 minutes that are old enough, so few are verified
//               that at half of the usual conversion no more would be in fewer than 1 of 100,000 cases
//               (binomial tail), and they are more than twice as many as in the busiest hour of the last day
//               (Poisson tail, 1 of 1,000): an outage of a carrier lowers conversion, but brings no more
//               requests. Held for 15 minutes, and twice as long each time it goes on, up to a day.
// Usual is what the prefix itself had on the last day, as far as it had traffic, and otherwise what the whole
// database has; never less than half of the latter, so that it can't be worn down without end.
//
// A prefix that is held is taken out of the figures of the wider ones: what explains the figures is held, and
// not the country around it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/traffic.hpp"

namespace mfa::core {

enum class HoldReason : std::uint8_t { none, surge, conversion };
const char *hold_reason_name(HoldReason reason) noexcept;

// One prefix of one scope (a database). Trivially copyable, free when zeroed. Times are microseconds.
struct GuardEntry {
    static constexpr std::size_t max_prefix = 11;

    std::uint32_t scope = 0; // 0: free
    char prefix[max_prefix + 1] = {};
    std::int64_t used_at = 0;
    std::int64_t held_since = 0;
    std::int64_t held_until = 0;
    HoldReason reason = HoldReason::none;
    std::int32_t times = 0;           // holds because of conversion, one soon after the other
    Cohort evidence;                  // what it is held for
    std::int32_t usual_per_mille = 0; // conversion that was expected of these
    std::uint64_t refused = 0;        // requests since it is held
    Traffic traffic;                  // last: who looks for a place reads only what is in front

    // Not where it began in the future: the clock was wrong then.
    bool is_held(std::int64_t now) const noexcept {
        constexpr std::int64_t tolerance = 60'000'000;
        return reason != HoldReason::none && held_since <= now + tolerance && now < held_until;
    }
    std::string_view name() const noexcept { return prefix; }
};

// The prefixes of a number that are judged, the longest first: the country's calling code, and this with 3
// and with 6 more digits; at least 4 digits are left out. None of what is no number.
struct GuardPrefixes {
    static constexpr int max_levels = 3;
    std::string_view prefix[max_levels];
    int level[max_levels] = {}; // 0 is the country
    int count = 0;
};
GuardPrefixes guard_prefixes(std::string_view number) noexcept;

// A table of entries that somebody else owns and locks. Where an entry's places are all taken, it takes the
// one that was used longest ago and is not held; where there is none, the prefix is not judged.
class FraudGuard {
  public:
    static constexpr std::int64_t first_hold = 15LL * 60 * 1'000'000;
    static constexpr std::int64_t longest_hold = 24LL * 3600 * 1'000'000;

    explicit FraudGuard(std::span<GuardEntry> entries) noexcept : entries_(entries) {}

    // What became of a request: held back by an entry, and whether that hold began with it.
    struct Answer {
        GuardEntry *hold = nullptr;
        bool is_new = false;
    };
    // Counts a request to that number, unless one of its prefixes is held, and judges.
    Answer count(std::uint32_t scope, std::string_view number, std::int64_t requested_at,
                 std::int64_t now) noexcept;
    // Notes that a request of then was verified.
    void count_verified(std::uint32_t scope, std::string_view number, std::int64_t requested_at,
                        std::int64_t now) noexcept;

    // The hold that the number is under, or null.
    GuardEntry *held(std::uint32_t scope, std::string_view number, std::int64_t now) noexcept;
    // Ends a prefix's hold, and what led to it; false where there is none.
    bool lift(std::uint32_t scope, std::string_view prefix, std::int64_t now) noexcept;

  private:
    GuardEntry *find(std::uint32_t scope, std::string_view prefix) noexcept;
    GuardEntry *claim(std::uint32_t scope, std::string_view prefix, std::int64_t now) noexcept;
    bool judge(GuardEntry &entry, int level, const Traffic &whole, std::int64_t now) noexcept;

    std::span<GuardEntry> entries_;
};

// P(X <= successes) of a binomial distribution, and P(X >= events) of a Poisson distribution.
double binomial_lower_tail(std::uint32_t successes, std::uint32_t trials, double p) noexcept;
double poisson_upper_tail(std::uint32_t events, double mean) noexcept;

} // namespace mfa::core
