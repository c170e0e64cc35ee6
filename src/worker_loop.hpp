// The worker's loop and its state between turns: worker.cpp has the turns, worker_claims.cpp how messages are
// claimed. C++ zone.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/claim_pace.hpp"
#include "delivery.hpp"
#include "outbox.hpp"
#include "purging.hpp"
#include "state_lookups.hpp"
#include "worker_session.hpp"

namespace mfa::worker {

using std::chrono::milliseconds;

// Until the next look at rows that somebody has locked: nobody tells when a lock ends.
inline constexpr std::int64_t lock_pause = 1 * USECS_PER_SEC;

// One a process: run() is all there is to call.
class Worker {
  public:
    void run();

  private:
    using Clock = std::chrono::steady_clock;

    bool take_wanted();
    bool is_wanted() const;
    int room() const;
    bool claim();
    bool claim_from(const std::string &provider, std::vector<outbox::Waiting> *left = nullptr);
    void claim_from_all();
    bool claim_from_last(std::vector<outbox::Waiting> *waiting);
    int room_for(const std::string &provider);
    void note_waiting(const std::vector<outbox::Waiting> &waiting);
    bool record_is_due() const;
    bool pass_on(const std::string &provider);
    bool look_is_due() const { return until(next_look_) <= milliseconds(0); }
    void look_up();
    void transfer();
    bool can_claim() const {
        return pace_.next(Clock::now()) != core::ClaimPace::Look::none && room() > 0;
    }
    void record();
    void turn();
    void leave();
    bool idle_for_long() const;
    milliseconds next_wait() const;

    Wire wire_;
    Delivery delivery_{wire_};
    StateLookups lookups_{wire_};
    Waiter waiter_{wire_.transport.poll_fd()};
    std::vector<core::Completion> ended_;
    core::ClaimPace pace_;
    std::string last_provider_;        // all of whose messages were claimed last; '' for none
    TimestampTz looked_at_ = 0;        // when the last claims began
    bool met_lock_ = false;            // by them: something due is locked by somebody
    Clock::time_point answered_at_{};  // the first answer that is not recorded yet
    TimestampTz next_look_ = 0;        // long ago: at once
    Clock::time_point pass_on_from_{}; // not before
    TimestampTz next_due_ = DT_NOEND;
    Purging purging_;
    bool claim_failed_ = false; // said in the log, until a claim succeeds
    Clock::time_point last_work_ = Clock::now();
    Clock::time_point last_watch_ = Clock::now();
    int failures_ = 0;
};

} // namespace mfa::worker
