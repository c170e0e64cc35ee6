// What was called and what providers answered, since the last reset or start of the server: counters in shared
// memory, cheap to count and without a promise beyond that (what is billed is in mfa.usage_total). PostgreSQL
// zone, but for count().
#pragma once

#include <optional>

#include "core/latency_histogram.hpp"
#include "pg.hpp"

namespace mfa::stats {

Size shared_size();
void initialise(void *memory, bool found); // under AddinShmemInitLock
void use_lock(LWLock *lock);

// Calls, in the order of mfa.list_calls(). The statuses of mfa_verify and mfa_check follow VerifyStatus.
enum class Call : int {
    send,
    resend,
    refused_by_limit,
    refused_by_route,
    refused_by_budget,
    refused_by_guard,
    first_verify_status
};
inline constexpr int verify_statuses = 9;
inline constexpr int calls = static_cast<int>(Call::first_verify_status) + verify_statuses;

// Finds the counters of this database, once; before count().
void attach();
void count(Call call) noexcept;
// The refusals among the errors of mfa_send.
void count_refusal(const char *sqlstate) noexcept;

// What a provider did with one try.
enum class Answer { accepted, retry, refused, unknown };
struct Try {
    const char *provider;
    const char *channel;
    Answer answer;
    std::int64_t response_time; // microseconds; negative: it gave no answer
    std::int64_t since_request; // microseconds; negative: not accepted, or it stands in for another
    std::optional<std::int64_t> clock_offset; // seconds that its clock is ahead of ours
    const char *error;
};
void note(const Try &entry);

// A sent message has a final state, so long after it was accepted.
void note_delivery(const char *provider, const char *channel, bool delivered,
                   std::int64_t since_sent);

// Counters of this database, as the views show them.
struct Calls {
    uint64 counts[calls];
    TimestampTz reset_at;
};
Calls read_calls();

struct Tries {
    NameData provider;
    char channel[12];
    int64 answers[4]; // by Answer
    int64 delivered;
    int64 undelivered;
    core::LatencyHistogram response_time;
    core::LatencyHistogram acceptance; // from mfa_send
    core::LatencyHistogram delivery;   // from acceptance
    TimestampTz accepted_at;           // the last time; 0: never
    TimestampTz failed_at;             // the last time that it did not accept
    char error[128];                   // of then
    int64 clock_offset;                // seconds
    TimestampTz clock_at;              // 0: not known
    double accepted_per_second;        // in the last ten to twenty seconds
};
inline constexpr int max_tries = 256;
int read_tries(Tries *into, int room);

void reset();

} // namespace mfa::stats
