// Table mfa.message, sent messages whose state is looked up at the provider: which are due, and what was
// found. PostgreSQL zone, as outbox.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa::lookups {

struct Claimed {
    core::RequestId request{};
    int n = 0;
    std::string channel;
    std::string provider;
    std::string message_id;
    TimestampTz sent_at = 0;
    Oid owner = InvalidOid;
    TimestampTz expires_at = 0;
    int key_id = 0;
    std::string sealed_request; // '' once it has ended
};

struct Found {
    core::RequestId request{};
    int n = 0;
    const char *state = "sent";           // 'sent', 'delivered', 'undelivered'
    TimestampTz due_at = DT_NOEND;        // sent: the next look; DT_NOEND: none
    std::string error;                    // undelivered
    std::optional<std::int64_t> reported; // what the provider says that the message costs
};

// The look after one at `now`: as long after it as the message has been gone, 1.5 s to 10 min; none once
// the code has been expired for 5 minutes.
TimestampTz next_look(TimestampTz sent_at, TimestampTz expires_at, TimestampTz now);

// At most `limit` that are due, longest due first. Due again at `lease_end`, should the worker die.
void claim(TimestampTz lease_end, int limit, std::vector<Claimed> *claimed);

// Writes down what was found: the state, unless a report came first; and in the usage, by how much the
// message costs more or less than was counted before.
void record(const std::vector<Found> &found);

// When the first look is due; DT_NOEND: never.
TimestampTz next_due();

} // namespace mfa::lookups
