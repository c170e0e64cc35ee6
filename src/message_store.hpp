// Table mfa.message, the sender's side: one row a delivery of a request's code. PostgreSQL zone.
// The worker's side (claim, record, purge) is outbox.hpp.
#pragma once

#include "core/recipient.hpp"
#include "request_store.hpp"

namespace mfa::store {

struct NewMessage {
    core::RequestId request;
    core::Channel channel;
    List *providers;            // of C strings, in the order in which they are tried; not empty
    const std::uint8_t *sealed; // the text's options, or null where all are the defaults
    int sealed_length;
    int64 delay; // microseconds until it is due; 0: at once, when the transaction commits
    const char *destination; // under which it is counted
    int fallback_for;        // number of the message that it stands in for; 0: none
};

// Queues a message, and tells its number. Messages of one request are numbered from 1 in the order of
// their making; the caller holds the recipient's lock where there may be others.
int insert_message(const NewMessage &message, bool first);

// A delivery, as mfa_status shows it. Strings are in memory of the caller's context; null: none.
struct Message {
    int16 n;
    TimestampTz queued_at;
    const char *state;
    const char *channel;
    const char *provider;
    const char *error;
    bytea *sealed;
    bool is_reserve; // a fallback whose time has not come: it has not been sent
};

// Calls `see` for each of the request's messages, the last one first.
using MessageVisitor = void (*)(const Message &message, void *context);
void visit_messages(Relation messages, const core::RequestId &request, MessageVisitor see,
                    void *context);

// Whether anything was queued for the request: nothing is for a test recipient's.
bool has_message(const core::RequestId &request);

// A message that a provider has accepted, by the provider's id.
struct Accepted {
    core::RequestId request;
    int16 n;
    const char *state;
    const char *channel;
    TimestampTz sent_at;
};
bool find_accepted(Relation messages, const char *provider, const char *message_id,
                   Accepted *found);

// Ends a sent message as `state` ('delivered', 'undelivered'). False where it is not "sent" any more.
bool finish_message(Relation messages, const core::RequestId &request, int n, const char *state,
                    const char *error);

// The fallback behind message `n`, which did not arrive, need not wait for its time. True where there is
// one.
bool hasten_fallback(Relation messages, const core::RequestId &request, int n);

Relation open_messages(LOCKMODE lock);

} // namespace mfa::store
