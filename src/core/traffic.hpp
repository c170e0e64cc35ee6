// How many requests went to the numbers of one prefix lately, and how many of these were verified: what
// the fraud guard judges by.
#pragma once

#include <array>
#include <cstdint>

namespace mfa::core {

// Requests of some span of time, and how many of *these* were verified, whenever that was. So conversion is
// that of a cohort: a rush of requests does not lower it before they have had their chance.
struct Cohort {
    std::uint32_t requests = 0;
    std::uint32_t verified = 0;

    Cohort &operator+=(const Cohort &other) noexcept;
    void subtract(const Cohort &other) noexcept; // down to 0
    void verify_one() noexcept; // of those that are counted: some are not, such as exempt ones
};

// The last hour minute by minute, and the day before that by the hour. Trivially copyable, and empty when
// zeroed: it is kept in shared memory. Times are microseconds. Where the clock goes back by more than the
// window, it begins anew.
class Traffic {
  public:
    static constexpr int window_minutes = 60;
    static constexpr int history_hours = 24;
    // A request that is not verified after this many minutes (at least, at most one more) mostly never is.
    static constexpr int maturing_minutes = 1;

    // Notes a request that was made then. What is older than the window is left out.
    void count(std::int64_t requested_at, std::int64_t now) noexcept;
    // Notes that one that was made then is verified; no more than were counted.
    void count_verified(std::int64_t requested_at, std::int64_t now) noexcept;

    // Requests of the last `minutes` minutes that are old enough to be judged.
    Cohort judged(int minutes, std::int64_t now) const noexcept;
    // Those that are not yet.
    Cohort fresh(std::int64_t now) const noexcept;
    // The hour before now, and the day before that hour.
    Cohort window(std::int64_t now) const noexcept;
    Cohort history(std::int64_t now) const noexcept;
    // The most requests that an hour of that day had.
    std::uint32_t busiest_hour(std::int64_t now) const noexcept;

    // Takes another's last hour out of this one, or forgets its own.
    void subtract_window(const Traffic &other, std::int64_t now) noexcept;
    void clear_window() noexcept;

  private:
    void advance(std::int64_t minute) noexcept;
    template <class Look> auto at(std::int64_t now, Look look) const noexcept;
    Cohort sum(int youngest, int oldest) const noexcept; // ages in minutes, both included

    std::int64_t minute_ = 0; // of the newest bucket
    std::array<Cohort, window_minutes> minutes_{};
    std::array<Cohort, history_hours> hours_{};
};

} // namespace mfa::core
