#include "purging.hpp"

#include "housekeeping.hpp"
#include "worker_session.hpp"

namespace mfa::worker {

namespace {

constexpr int batch = 1000;
constexpr std::chrono::milliseconds least_interval{1000};
// Where rows that are to be purged are locked, the next look at them is this much later.
constexpr std::int64_t interval_of_locked = 60 * USECS_PER_SEC;

} // namespace

bool Purging::is_due(bool beside_claims) const {
    return (has_more_ || until(next_at_) <= std::chrono::milliseconds(0)) &&
           (!beside_claims || Clock::now() - last_run_ >= least_interval);
}

void Purging::run() {
    last_run_ = Clock::now();
    TimestampTz erased_until = erased_until_;
    bool more = false;
    TimestampTz next = DT_NOEND;
    work("purge ended requests", Manners::yield, [&] {
        pg::call([&] {
            more = housekeeping::purge(batch, &erased_until);
            next = housekeeping::next_purge(erased_until);
        });
    });
    erased_until_ = erased_until;
    has_more_ = more;
    // What expires is erased by the second; rows that somebody has locked are left to a later look.
    const TimestampTz now = GetCurrentTimestamp();
    next_at_ = std::max(next, now + (next <= now && !more ? interval_of_locked : USECS_PER_SEC));
}

} // namespace mfa::worker
