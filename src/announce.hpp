// NOTIFY of what becomes of messages. PostgreSQL zone.
#pragma once

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa {

struct Announcement {
    core::RequestId request;
    int n;
    const char *state;
    const char *channel;
    const char *provider;
};

// NOTIFY when the transaction commits. Says nothing with mfa.notify off, nor while a listener that does not
// read fills PostgreSQL's queue: a full one would make the transaction fail, and messages leave twice.
void notify(const char *channel, const char *payload);

// Tells the listeners of channel mfa_message when the transaction commits. Anybody may listen, so the
// payload has neither number nor error: {"request", "n", "state", "channel", "provider"}.
void announce(const Announcement &what);

} // namespace mfa
