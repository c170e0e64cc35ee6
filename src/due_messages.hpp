// The worker's reads and writes of mfa.message: what is due is claimed, and what became of it recorded. By
// direct access, for a statement costs several times as much a message. PostgreSQL zone throughout.
#pragma once

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa::store {

// A message that was due. What is pointed to lives in the current memory context.
struct DueMessage {
    core::RequestId request;
    int n;
    int tries;           // this one included
    ItemPointerData row; // as it is now, once it is claimed
    int unknowns;
    const char *channel;
    const char *destination;
    const char *provider;
    const char *next_provider;  // the one behind it in the order; null: none
    const char *first_provider; // the first of the order
    TimestampTz created_at;
    bool is_fallback;
    bool was_leased;    // to a worker that is gone
    const char *ending; // why it is not needed, and was dropped; null: it is claimed
    bytea *sealed;      // may be null
    // Of the request; only where it is claimed.
    bytea *sealed_request;
    int key_id;
    Oid owner;
    TimestampTz expires_at;
};

// Takes a lease until `lease_end` on at most `limit` messages of one provider that are due, oldest first, or
// drops them where they are not needed: their request has ended, a message that they stand in for has
// arrived, or the same was asked for again behind them, which is what a person does while nothing arrives.
// What somebody else is changing is left alone. Calls `see` for each, and tells how many.
using DueVisitor = void (*)(const DueMessage &message, void *context);
int claim_due(const char *provider, TimestampTz lease_end, int limit, DueVisitor see,
              void *context);

// Calls `see` for each provider that messages wait for, with when the first of them is due.
using WaitingVisitor = void (*)(const char *provider, TimestampTz due_at, void *context);
void visit_waiting(WaitingVisitor see, void *context);

// Makes messages that a worker which is gone had claimed due at once.
void take_over_leases();

// What became of a message that was claimed.
struct TryOutcome {
    core::RequestId request;
    int n;
    int tries; // as when it was claimed: where it was claimed again since, nothing is recorded
    ItemPointerData row; // where it was then
    const char *state;
    TimestampTz due_at;
    const char *provider;
    int unknowns;
    const char *message_id; // '': none
    const char *error;      // '': none
    std::int64_t cost;
};

// Calls `see(i, ...)` for each outcome that was recorded.
using RecordVisitor = void (*)(int i, const char *channel, const char *destination,
                               TimestampTz created_at, void *context);
void record_outcomes(const TryOutcome *outcomes, int count, RecordVisitor see, void *context);

} // namespace mfa::store
