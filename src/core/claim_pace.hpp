// When the delivery worker claims: at once where little is going on, in batches where much is.
//
// A statement costs nearly the same for one message as for many. So while a provider is busy, a moment's
// wait for a batch that is worth one loses nothing; and while it has more than there is room for (its
// backlog), it is claimed from without a look each time at what every provider has.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

namespace mfa::core {

// Owned by one thread.
class ClaimPace {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr int worthwhile = 16; // messages
    static constexpr std::chrono::milliseconds longest_hold{2};
    static constexpr std::chrono::milliseconds look_interval{5}; // while there is a backlog

    enum class Look { none, all_providers, backlog };

    // Something may be due, of whichever provider.
    void ask() noexcept { asked_ = true; }
    // An answer has made room.
    void make_room() noexcept {
        has_room_ = true;
        asked_ = asked_ || has_several_; // whose, it does not say
    }

    Look next(Clock::time_point now) const noexcept {
        if (asked_ && (backlog_.empty() || now >= looked_at_ + look_interval))
            return Look::all_providers;
        return !backlog_.empty() && (has_room_ || now >= hold_until_) ? Look::backlog : Look::none;
    }
    // When next() has an answer, should nothing happen until then; long ago: now; max(): never.
    Clock::time_point next_at() const noexcept {
        const Clock::time_point look =
            asked_ ? (backlog_.empty() ? Clock::time_point{} : looked_at_ + look_interval)
                   : Clock::time_point::max();
        if (backlog_.empty())
            return look;
        return std::min(look, has_room_ ? Clock::time_point{} : hold_until_);
    }

    // A look at all providers begins, or at the backlog of one.
    void begin(Look look, Clock::time_point now) {
        has_room_ = false;
        hold_until_ = Clock::time_point::max();
        if (look != Look::all_providers)
            return;
        asked_ = has_several_ = false;
        looked_at_ = now;
        backlog_.clear();
    }
    // Whether a claim for `room` free places of a provider that has `in_flight` is worth a transaction.
    bool is_worthwhile(const std::string &provider, int room, int in_flight,
                       Clock::time_point now) const {
        return room > 0 &&
               (room >= std::min(worthwhile, in_flight / 4) || now >= held_until(provider));
    }
    // The same of a provider that has something due. Where not, it is its backlog from here on.
    bool may_claim(const std::string &provider, int room, int in_flight, Clock::time_point now) {
        if (is_worthwhile(provider, room, in_flight, now))
            return true;
        // Of several, one is remembered: a look at all finds the others.
        has_several_ = has_several_ || (!backlog_.empty() && backlog_ != provider);
        backlog_ = provider;
        if (room > 0) {
            hold_until_ = held_until(provider);
            asked_ = true; // should another one become the backlog
        }
        return false;
    }
    // So many were claimed where there was room for `room`; `more` of it are due, or may be.
    void claimed(const std::string &provider, int count, int room, bool more,
                 Clock::time_point now) {
        claimed_at_[provider] = now;
        if (count == room)
            backlog_ = provider;
        else if (backlog_ == provider)
            backlog_.clear();
        if (count > 0 && more)
            asked_ = true;
        has_room_ = !backlog_.empty();
    }

    const std::string &backlog() const noexcept { return backlog_; }

    // Whether `count` outcomes, the first of them known since `since`, are to be recorded now.
    static bool may_record(std::size_t count, Clock::time_point since,
                           Clock::time_point now) noexcept {
        return count >= worthwhile || (count > 0 && now >= since + longest_hold);
    }

  private:
    Clock::time_point held_until(const std::string &provider) const {
        const auto claimed_at = claimed_at_.find(provider);
        return claimed_at == claimed_at_.end() ? Clock::time_point{}
                                               : claimed_at->second + longest_hold;
    }

    bool asked_ = true;
    bool has_room_ = false;
    std::string backlog_; // a provider; '' for none
    bool has_several_ = false;
    Clock::time_point looked_at_{};
    std::map<std::string, Clock::time_point> claimed_at_; // of each: none waits for another's batch
    Clock::time_point hold_until_ = Clock::time_point::max();
};

} // namespace mfa::core
