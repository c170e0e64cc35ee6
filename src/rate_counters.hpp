// Counters of send limits that many recipients share (a database's, a destination's): sliding windows in
// shared memory, so that counting holds up no other send. They begin anew when the server starts.
//
// A send is counted when it is called, not when it commits: rolling back gives no send back.
#pragma once

#include <optional>
#include <string_view>

#include "core/rate_limit.hpp"
#include "pg.hpp"

namespace mfa::rate_counters {

Size shared_size();
void initialise(void *memory, bool found); // under AddinShmemInitLock
void use_lock(LWLock *lock);

// One thing that is limited: which limits, and of what.
struct Subject {
    const core::RateLimits *limits;
    std::string_view name; // within the database: 'database', 'destination +49'
};

// Counts one send for all subjects, or for none of them where one of their limits refuses; `refused`
// then is that subject's number. PostgreSQL zone.
bool count(const Subject *subjects, int count, int *refused, core::Refusal *refusal);

} // namespace mfa::rate_counters
