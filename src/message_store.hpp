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
};

// Queues a message, due at once when the transaction commits. Messages of one request are numbered
// from 1 in the order of their making; the caller holds the recipient's lock where there may be others.
void insert_message(const NewMessage &message, bool first);

// A delivery, as mfa_status shows it. Strings are in memory of the caller's context; null: none.
struct Message {
    int16 n;
    TimestampTz queued_at;
    const char *state;
    const char *channel;
    const char *provider;
    const char *error;
    bytea *sealed;
};

// Calls `see` for each of the request's messages, the last one first.
using MessageVisitor = void (*)(const Message &message, void *context);
void visit_messages(Relation messages, const core::RequestId &request, MessageVisitor see,
                    void *context);

Relation open_messages(LOCKMODE lock);

} // namespace mfa::store
