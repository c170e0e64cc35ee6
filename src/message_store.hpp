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

} // namespace mfa::store
