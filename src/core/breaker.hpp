// Whether a provider is worth a try (circuit breaker), and how fast it is taken up again.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace mfa::core {

// closed: all may go. open: nobody, until a pause is over. half-open: one message is the probe; its
// failure opens again with twice the pause, its success lets in one more at once for each message that
// the provider takes, so that a backlog does not hit it all at once. Trivially copyable: it is kept in
// shared memory. std::chrono::steady_clock is the same for all processes of a machine.
class Breaker {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr int threshold = 5; // failures in a row
    static constexpr std::chrono::seconds first_pause{2};
    static constexpr std::chrono::seconds longest_pause{10};

    bool is_closed() const noexcept { return window_ == 0; }
    // Open, or asked by the provider for a pause.
    bool is_open(Clock::time_point now) const noexcept { return now < open_until(); }
    Clock::time_point open_until() const noexcept { return std::max(open_until_, paused_until_); }
    bool has_nothing_to_keep(Clock::time_point now) const noexcept {
        return is_closed() && !is_open(now);
    }
    void pause_until(Clock::time_point end) noexcept {
        paused_until_ = std::max(paused_until_, end);
    }

    // How many may enter beside those that are in flight.
    int room(Clock::time_point now, int in_flight) const noexcept {
        if (is_open(now))
            return 0;
        return is_closed() ? std::numeric_limits<int>::max() : std::max(0, window_ - in_flight);
    }

    // The provider has answered. True where that closes the breaker.
    bool succeeded() noexcept {
        failures_ = 0;
        if (is_closed())
            return false;
        open_until_ = {};
        pause_ = {};
        if (++window_ <= full_window)
            return false;
        window_ = 0;
        return true;
    }

    // The provider could not be reached, or is in trouble. True where that opens the breaker for the
    // first time since it was closed.
    bool failed(Clock::time_point now) noexcept {
        ++failures_;
        if (now < open_until_)
            return false; // of those that were on their way when it opened
        const bool was_closed = is_closed();
        if (was_closed && failures_ < threshold)
            return false;
        pause_ = std::clamp<std::chrono::seconds>(pause_ * 2, first_pause, longest_pause);
        open_until_ = now + pause_;
        window_ = 1;
        return was_closed;
    }

  private:
    static constexpr int full_window = 64;

    int failures_ = 0; // in a row
    int window_ = 0;   // how many may be in flight; 0: closed
    std::chrono::seconds pause_{};
    Clock::time_point open_until_{};
    Clock::time_point paused_until_{};
};

} // namespace mfa::core
