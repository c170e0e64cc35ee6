// What a recipient's past tells: wrong codes since the last right one, and messages sent. PostgreSQL
// zone. `hashes` are the recipient's under each key.
#pragma once

#include "core/lockout.hpp"
#include "request_store.hpp"

namespace mfa::store {

// The request that a caller means by its recipient and purpose. Of several, a live one comes before an
// ended one, the role's own before another's, and the newest before others.
struct Meant {
    Text purpose;
    Oid role;
    bool own; // only the role's own; otherwise those of any role that it has the privileges of
    bool is_found = false;
    Request request{};
};

// Wrong codes, across requests of every owner and purpose.
struct Failures {
    core::Streak streak;
    std::int64_t possible; // the streak's length, if every attempt that is left were wrong as well
};

// Sums up over the recipient's requests and what purging carried over from those that are gone. Finds
// `meant` on the way, unless it is null.
Failures failures_of(Relation requests, const core::RecipientHash *hashes, int hash_count,
                     Meant *meant = nullptr);

// Whether one of the recipient's requests that are kept was verified.
bool has_verified(Relation requests, const core::RecipientHash *hashes, int hash_count);

// Writes the times at which messages to the recipient were queued after `since`, in no order; at most
// `room` of them. Tells how many. Finds `meant` on the way, unless it is null.
int sends_since(Relation requests, const core::RecipientHash *hashes, int hash_count,
                TimestampTz since, TimestampTz *times, int room, Meant *meant = nullptr);

} // namespace mfa::store
