// Table mfa.message, the worker's side: claim what is due, record what became of it. PostgreSQL zone: each function runs inside a transaction of the worker, with SPI connected.
// Strings are C++ so that they outlive the transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "core/recipient.hpp"
#include "pg.hpp"
#include "stats.hpp"
#include "usage.hpp"

namespace mfa::outbox {

// One message that this worker has a lease on.
struct Claimed {
    core::RequestId request{};
    int n = 0;
    int tries = 0;         // this one included
    ItemPointerData row{}; // where it is, unless it is changed again
    int unknowns = 0;      // earlier tries whose outcome is not known
    std::string channel;
    std::string provider;
    std::string next_provider;  // the one behind it in the order; '' = none
    std::string first_provider; // the first of the order
    std::string sealed_message;
    std::string sealed_request;
    int key_id = 0;
    Oid owner = InvalidOid;
    bool is_fallback = false;
    TimestampTz created_at = 0;
    TimestampTz expires_at = 0;
    // What it makes of itself when it is worded: how many segments, and what they cost.
    std::int64_t segments = 0;
    usage::Price price;
};

// What is written back for one. The lease decides: nothing is recorded where the message was claimed
// again meanwhile.
struct Record {
    core::RequestId request{};
    int n = 0;
    int tries = 0;
    ItemPointerData row{};
    const char *state = "queued";  // 'queued', 'sent', 'failed'
    TimestampTz due_at = DT_NOEND; // queued: the next try; sent: the first look at its state
    std::string provider;          // queued: through whom
    std::string tried;             // through whom it was tried
    int unknowns = 0;
    std::string message_id;  // sent: the provider's; '' = it said none
    std::string error;       // '' = none
    bool is_unknown = false; // this try's outcome is not known
    // For the statistics, see stats::Try.
    std::string channel;
    bool was_tried = true;
    stats::Answer answer = stats::Answer::unknown;
    std::int64_t response_time = -1;
    std::int64_t since_request = -1;
    std::optional<std::int64_t> clock_offset;
    std::int64_t segments = 0;
    usage::Price price;
    std::optional<std::int64_t> reported; // what the provider says that the message costs
};

// A provider that messages wait for, and when the first of them is due.
struct Waiting {
    std::string provider;
    TimestampTz due_at = DT_NOEND;
};
void waiting(std::vector<Waiting> *providers);

// Takes a lease until `lease_end` on at most `limit` messages of one provider that are due, oldest first,
// so that no provider's backlog stands in another's way. Those that are not needed are dropped instead:
// a code that is expired, used up, verified, canceled or superseded is never delivered, nor is one again
// for which a newer message is there. Tells how many rows it touched.
int claim(const std::string &provider, TimestampTz lease_end, int limit,
          std::vector<Claimed> *claimed);

void record(const std::vector<Record> &records);
// Counts them in the statistics, once that is committed. What was held back was no try of the provider's.
void count(const std::vector<Record> &records);

// Message `n` did not arrive: the fallback behind it is due now.
void hasten_fallback(const core::RequestId &request, int n);

// Gives at most `limit` due messages of a provider that is put aside to another of their order that is
// not. Tells how many.
int pass_on(const std::string &provider, const std::vector<std::string> &put_aside, int limit);

// Whether there are prepared transactions that have written to the outbox.
bool has_prepared_transactions();

} // namespace mfa::outbox
