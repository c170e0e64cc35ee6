#include "attempts.hpp"

#include "in_place.hpp"

namespace mfa::attempts {

namespace {

// The leading columns of mfa.request, as they stand on the page.
struct Counters {
    int32 attempts;
    int32 max_attempts;
    TimestampTz attempted_at;
};
static_assert(sizeof(Counters) == 16 && alignof(Counters) <= MAXIMUM_ALIGNOF);

} // namespace

Charge charge(Relation requests, store::Request *row) {
    const TimestampTz now = GetCurrentTimestamp();
    bool charged = false;
    const bool is_current = change_in_place(requests, row->tid, row->xmin, [&](char *columns) {
        Counters *counters = reinterpret_cast<Counters *>(columns);
        charged = counters->attempts < counters->max_attempts;
        if (charged) {
            ++counters->attempts;
            counters->attempted_at = now;
        }
        row->attempts = counters->attempts;
    });
    if (!is_current)
        return Charge::moved;
    return charged ? Charge::charged : Charge::exhausted;
}

} // namespace mfa::attempts
