#include "breakers.hpp"

namespace mfa::breakers {

namespace {

struct Entry {
    Oid database; // InvalidOid: free
    NameData server;
    core::Breaker breaker;
};
constexpr int max_entries = 256;

struct Shared {
    Entry entries[max_entries];
};

Shared *shared = nullptr;
LWLock *shared_lock = nullptr;

Entry *find(const char *server) {
    for (Entry &entry : shared->entries)
        if (entry.database == MyDatabaseId && std::strcmp(NameStr(entry.server), server) == 0)
            return &entry;
    return nullptr;
}

// A free one, or the one that opened before all others.
Entry *oldest() {
    Entry *best = &shared->entries[0];
    for (Entry &entry : shared->entries) {
        if (!OidIsValid(entry.database))
            return &entry;
        if (entry.breaker.open_until() < best->breaker.open_until())
            best = &entry;
    }
    return best;
}

} // namespace

Size shared_size() { return sizeof(Shared); }

void initialise(void *memory, bool found) {
    shared = static_cast<Shared *>(memory);
    if (!found)
        shared = new (memory) Shared();
}

void use_lock(LWLock *lock) { shared_lock = lock; }

core::Breaker load(const char *server) {
    LWLockAcquire(shared_lock, LW_SHARED);
    const Entry *entry = find(server);
    const core::Breaker breaker = entry ? entry->breaker : core::Breaker();
    LWLockRelease(shared_lock);
    return breaker;
}

void save(const char *server, const core::Breaker &breaker) {
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    Entry *entry = find(server);
    if (breaker.has_nothing_to_keep(core::Breaker::Clock::now())) {
        if (entry)
            entry->database = InvalidOid;
    } else {
        if (!entry)
            entry = oldest();
        entry->database = MyDatabaseId;
        namestrcpy(&entry->server, server);
        entry->breaker = breaker;
    }
    LWLockRelease(shared_lock);
}

} // namespace mfa::breakers
