#include "rate_counters.hpp"

extern "C" {
#include "common/hashfn.h"
}

namespace mfa::rate_counters {

namespace {

// A window is found by the hash of database, subject and limit. Where its places are all taken, it takes
// the one that has been quiet for longest.
struct Entry {
    uint64 key; // 0: free
    core::Window window;
    TimestampTz used_at;
};

constexpr int entries = 8192;
constexpr int places = 16;

Entry *table = nullptr;
LWLock *table_lock = nullptr;

uint64 key_of(std::string_view subject, const core::RateLimit &limit) {
    const uint64 hash = hash_bytes_extended(reinterpret_cast<const unsigned char *>(subject.data()),
                                            static_cast<int>(subject.size()), MyDatabaseId);
    const uint64 key = hash_combine64(hash_combine64(hash, static_cast<uint64>(limit.count)),
                                      static_cast<uint64>(limit.seconds));
    return key ? key : 1;
}

Entry *find(uint64 key) {
    Entry *oldest = nullptr;
    for (int i = 0; i < places; ++i) {
        Entry *entry = &table[(key + i) % entries];
        if (entry->key == key)
            return entry;
        if (!oldest || (oldest->key && (!entry->key || entry->used_at < oldest->used_at)))
            oldest = entry;
    }
    *oldest = Entry{key, {}, 0};
    return oldest;
}

} // namespace

Size shared_size() { return sizeof(Entry) * entries; }

void initialise(void *memory, bool found) {
    table = static_cast<Entry *>(memory);
    if (!found)
        std::memset(memory, 0, shared_size());
}

void use_lock(LWLock *lock) { table_lock = lock; }

bool count(const Subject *subjects, int count, int *refused, core::Refusal *refusal) {
    const TimestampTz now = GetCurrentTimestamp();
    bool allowed = true;
    LWLockAcquire(table_lock, LW_EXCLUSIVE);
    // A dry run first, on copies: one refusal means that nothing is counted.
    for (bool dry : {true, false}) {
        for (int s = 0; s < count && allowed; ++s) {
            for (const core::RateLimit &limit : subjects[s].limits->all()) {
                Entry *entry = find(key_of(subjects[s].name, limit));
                core::Window window = entry->window;
                if (const std::int64_t wait = core::count_event(window, limit, now)) {
                    *refused = s;
                    *refusal = {limit, wait};
                    allowed = false;
                    break;
                }
                if (!dry) {
                    entry->window = window;
                    entry->used_at = now;
                }
            }
        }
    }
    LWLockRelease(table_lock);
    return allowed;
}

} // namespace mfa::rate_counters
