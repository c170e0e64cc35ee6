#include "stats.hpp"

#include "core/error.hpp"
#include "shmem.hpp"

namespace mfa::stats {

namespace {

// Of one database: as many as there are slots, and at the same places.
struct CallCounters {
    Oid database;
    TimestampTz reset_at;
    pg_atomic_uint64 counts[calls];
};

constexpr std::int64_t rate_bucket = 10 * USECS_PER_SEC;

// Of one provider and channel.
struct Entry {
    Oid database; // InvalidOid: free
    Tries tries;
    TimestampTz used_at;
    std::int64_t bucket; // for the rate: the number of the current ten seconds
    int64 in_bucket;
    int64 in_last_bucket;
};

struct Shared {
    CallCounters calls[shmem::max_slots];
    Entry entries[max_tries];
};

Shared *shared = nullptr;
LWLock *shared_lock = nullptr;
CallCounters *mine = nullptr;

void clear(CallCounters &counters, Oid database) {
    counters.database = database;
    counters.reset_at = GetCurrentTimestamp();
    for (pg_atomic_uint64 &count : counters.counts)
        pg_atomic_write_u64(&count, 0);
}

void advance(Entry &entry, TimestampTz now) {
    const std::int64_t bucket = now / rate_bucket;
    if (bucket == entry.bucket)
        return;
    entry.in_last_bucket = bucket == entry.bucket + 1 ? entry.in_bucket : 0;
    entry.in_bucket = 0;
    entry.bucket = bucket;
}

// The lock is held. Takes the place of what was used longest ago where there is no other.
Entry &find(const char *provider, const char *channel, TimestampTz now) {
    Entry *oldest = &shared->entries[0];
    for (Entry &entry : shared->entries) {
        if (entry.database == MyDatabaseId &&
            std::strcmp(NameStr(entry.tries.provider), provider) == 0 &&
            std::strcmp(entry.tries.channel, channel) == 0) {
            entry.used_at = now;
            return entry;
        }
        if (OidIsValid(oldest->database) &&
            (!OidIsValid(entry.database) || entry.used_at < oldest->used_at))
            oldest = &entry;
    }
    *oldest = Entry{};
    oldest->database = MyDatabaseId;
    oldest->used_at = now;
    namestrcpy(&oldest->tries.provider, provider);
    strlcpy(oldest->tries.channel, channel, sizeof(oldest->tries.channel));
    return *oldest;
}

} // namespace

Size shared_size() { return sizeof(Shared); }

void initialise(void *memory, bool found) {
    shared = static_cast<Shared *>(memory);
    if (found)
        return;
    std::memset(memory, 0, sizeof(Shared));
    for (CallCounters &counters : shared->calls)
        for (pg_atomic_uint64 &count : counters.counts)
            pg_atomic_init_u64(&count, 0);
}

void use_lock(LWLock *lock) { shared_lock = lock; }

void attach() {
    if (mine && mine->database == MyDatabaseId)
        return;
    const int slot = shmem::claim_slot(MyDatabaseId);
    if (slot < 0) {
        mine = nullptr;
        return;
    }
    mine = &shared->calls[slot];
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    if (mine->database != MyDatabaseId)
        clear(*mine, MyDatabaseId);
    LWLockRelease(shared_lock);
}

void count(Call call) noexcept {
    if (mine)
        pg_atomic_fetch_add_u64(&mine->counts[static_cast<int>(call)], 1);
}

void count_refusal(const char *sqlstate) noexcept {
    namespace state = core::sqlstate;
    const auto is = [&](const char *other) { return std::strcmp(sqlstate, other) == 0; };
    if (is(state::send_limit_reached))
        count(Call::refused_by_limit);
    else if (is(state::destination_not_allowed))
        count(Call::refused_by_route);
    else if (is(state::budget_used_up))
        count(Call::refused_by_budget);
    else if (is(state::held_back))
        count(Call::refused_by_guard);
}

void note(const Try &entry) {
    const TimestampTz now = GetCurrentTimestamp();
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    Entry &kept = find(entry.provider, entry.channel, now);
    Tries &tries = kept.tries;
    ++tries.answers[static_cast<int>(entry.answer)];
    if (entry.response_time >= 0)
        tries.response_time.record(entry.response_time);
    if (entry.clock_offset) {
        tries.clock_offset = *entry.clock_offset;
        tries.clock_at = now;
    }
    if (entry.answer == Answer::accepted) {
        tries.accepted_at = now;
        if (entry.since_request >= 0)
            tries.acceptance.record(entry.since_request);
        advance(kept, now);
        ++kept.in_bucket;
    } else {
        tries.failed_at = now;
        strlcpy(tries.error, entry.error, sizeof(tries.error));
    }
    LWLockRelease(shared_lock);
}

void note_delivery(const char *provider, const char *channel, bool delivered,
                   std::int64_t since_sent) {
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    Tries &tries = find(provider, channel, GetCurrentTimestamp()).tries;
    ++(delivered ? tries.delivered : tries.undelivered);
    if (delivered)
        tries.delivery.record(since_sent);
    LWLockRelease(shared_lock);
}

Calls read_calls() {
    Calls read{};
    attach();
    if (!mine)
        return read;
    read.reset_at = mine->reset_at;
    for (int i = 0; i < calls; ++i)
        read.counts[i] = pg_atomic_read_u64(&mine->counts[i]);
    return read;
}

int read_tries(Tries *into, int room) {
    const TimestampTz now = GetCurrentTimestamp();
    int count = 0;
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    for (Entry &entry : shared->entries) {
        if (entry.database != MyDatabaseId || count == room)
            continue;
        advance(entry, now);
        into[count] = entry.tries;
        into[count++].accepted_per_second =
            static_cast<double>(entry.in_last_bucket + entry.in_bucket) * USECS_PER_SEC /
            static_cast<double>(rate_bucket + now % rate_bucket);
    }
    LWLockRelease(shared_lock);
    return count;
}

void reset() {
    attach();
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    if (mine)
        clear(*mine, MyDatabaseId);
    for (Entry &entry : shared->entries)
        if (entry.database == MyDatabaseId)
            entry.database = InvalidOid;
    LWLockRelease(shared_lock);
}

} // namespace mfa::stats
