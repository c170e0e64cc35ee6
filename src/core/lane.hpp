// A provider's share of the worker: how many messages may be with it at once, and how many a second.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/breaker.hpp"

namespace mfa::core {

// Owned by one thread. The rate is a token bucket that holds what a second brings, at least one.
class Lane {
  public:
    using Clock = std::chrono::steady_clock;

    void set_limits(int max_in_flight, double max_rate) noexcept {
        max_in_flight_ = max_in_flight;
        if (max_rate_ != max_rate)
            tokens_ = std::max(1.0, max_rate);
        max_rate_ = max_rate;
    }

    // How many may enter now.
    int room(Clock::time_point now) noexcept {
        refill(now);
        if (now < paused_until_)
            return 0;
        const int places =
            std::min(std::max(0, max_in_flight_ - in_flight_), breaker_.room(now, in_flight_));
        return max_rate_ > 0 ? std::min(places, static_cast<int>(tokens_)) : places;
    }
    // Whether an answer, rather than time, makes room.
    bool is_full(Clock::time_point now) const noexcept {
        return in_flight_ >= max_in_flight_ ||
               (!breaker_.is_open(now) && breaker_.room(now, in_flight_) == 0);
    }
    void pause_until(Clock::time_point end) noexcept {
        paused_until_ = std::max(paused_until_, end);
    }
    // Put aside: nothing goes there for a while, and others should be used.
    bool is_aside(Clock::time_point now) const noexcept {
        return now < paused_until_ || breaker_.is_open(now) ||
               (!breaker_.is_closed() && breaker_.room(now, in_flight_) == 0);
    }
    Breaker &breaker() noexcept { return breaker_; }
    // When the rate, the pause or the breaker lets the next one in.
    Clock::time_point next_turn(Clock::time_point now) noexcept {
        refill(now);
        if (now < paused_until_)
            return paused_until_;
        if (breaker_.is_open(now))
            return breaker_.open_until();
        if (max_rate_ <= 0 || tokens_ >= 1)
            return now;
        return now + std::chrono::ceil<Clock::duration>(
                         std::chrono::duration<double>((1 - tokens_) / max_rate_));
    }

    void enter(Clock::time_point now) noexcept {
        refill(now);
        ++in_flight_;
        if (max_rate_ > 0)
            tokens_ -= 1;
    }
    void leave() noexcept { --in_flight_; }
    int in_flight() const noexcept { return in_flight_; }

  private:
    void refill(Clock::time_point now) noexcept {
        if (max_rate_ > 0 && now > refilled_at_)
            tokens_ = std::min(
                std::max(1.0, max_rate_),
                tokens_ + max_rate_ * std::chrono::duration<double>(now - refilled_at_).count());
        refilled_at_ = now;
    }

    int max_in_flight_ = 8; // until the server's options are known
    int in_flight_ = 0;
    double max_rate_ = 0; // 0: no limit
    double tokens_ = 1;
    Clock::time_point refilled_at_{};
    Clock::time_point paused_until_{};
    Breaker breaker_;
};

} // namespace mfa::core
