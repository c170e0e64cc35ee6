// When the delivery worker purges, and that it does. C++ zone.
#pragma once

#include <chrono>

#include "pg.hpp"

namespace mfa::worker {

class Purging {
  public:
    // Whether to run now. Beside claims a second apart, so that a backlog holds up no purge, and no purge
    // the backlog.
    bool is_due(bool beside_claims) const;
    // In a transaction of its own; a failure is tried again with the next look.
    void run();

    bool has_more() const { return has_more_; } // the last run has left some, or there was none yet
    TimestampTz next() const { return next_at_; } // DT_NOEND: never
    void expect(TimestampTz expires_at) { next_at_ = std::min(next_at_, expires_at); }

  private:
    using Clock = std::chrono::steady_clock;

    bool has_more_ = true;
    TimestampTz next_at_ = DT_NOEND;
    TimestampTz erased_until_ = DT_NOBEGIN;
    Clock::time_point last_run_{};
};

} // namespace mfa::worker
