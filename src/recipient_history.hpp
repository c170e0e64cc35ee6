// What a recipient's past tells: wrong codes since the last right one, and messages sent. PostgreSQL
// zone. `hashes` are the recipient's under each key.
#pragma once

#include "core/lockout.hpp"
#include "request_store.hpp"

namespace mfa::store {

// Wrong codes, across requests of every owner and purpose.
struct Failures {
    core::Streak streak;
    std::int64_t possible; // the streak's length, if every attempt that is left were wrong as well
};

// Sums up over the recipient's requests and what purging carried over from those that are gone.
Failures failures_of(Relation requests, const core::RecipientHash *hashes, int hash_count);

// Whether one of the recipient's requests that are kept was verified.
bool has_verified(Relation requests, const core::RecipientHash *hashes, int hash_count);

// Writes the times at which messages to the recipient were queued after `since`, in no order; at most
// `room` of them. Tells how many.
int sends_since(Relation requests, const core::RecipientHash *hashes, int hash_count,
                TimestampTz since, TimestampTz *times, int room);

} // namespace mfa::store
