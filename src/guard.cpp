#include "guard.hpp"

#include "announce.hpp"
#include "core/error.hpp"
#include "keys.hpp"
#include "pg_wall.hpp"
#include "recipient_history.hpp"
#include "settings.hpp"
#include "test_recipients.hpp"

namespace mfa::guard {

namespace {

using core::FraudGuard;
using core::GuardEntry;

constexpr int max_entries = 4096;
constexpr const char *notify_channel = "mfa_guard";

struct Shared {
    pg_atomic_uint64 held_until; // the last end of a hold: later than that, nobody need look
    GuardEntry entries[max_entries];
};

Shared *shared = nullptr;
LWLock *shared_lock = nullptr;

FraudGuard table() { return FraudGuard({shared->entries, max_entries}); }

bool nothing_is_held(TimestampTz now) {
    return static_cast<uint64>(now) >= pg_atomic_read_u64(&shared->held_until);
}

// Where the administrator wants no guard.
bool is_unguarded(const std::optional<routes::Route> &route) { return route && !route->guarded; }

// Who has shown to be a person lately.
bool is_known(const std::vector<core::RecipientHash> &hashes) {
    return pg::call([&] {
        Relation requests = store::open_requests(AccessShareLock);
        const bool known =
            store::has_verified(requests, hashes.data(), static_cast<int>(hashes.size()));
        table_close(requests, NoLock);
        return known;
    });
}

void note_refusal(const std::string &recipient, TimestampTz now) {
    pg::call([&] {
        LWLockAcquire(shared_lock, LW_EXCLUSIVE);
        if (GuardEntry *entry = table().held(MyDatabaseId, recipient, now))
            ++entry->refused;
        LWLockRelease(shared_lock);
    });
}

Hold describe(const GuardEntry &entry) {
    Hold hold{};
    strlcpy(hold.prefix, entry.prefix, sizeof(hold.prefix));
    hold.reason = entry.reason;
    hold.since = entry.held_since;
    hold.until = entry.held_until;
    hold.evidence = entry.evidence;
    hold.usual_per_mille = entry.usual_per_mille;
    hold.refused = static_cast<int64>(entry.refused);
    return hold;
}

void announce(const Hold &hold) {
    const bool enforced = enforces();
    const long seconds = static_cast<long>((hold.until - hold.since) / USECS_PER_SEC);
    ereport(
        LOG,
        (errmsg("mfa fraud guard: numbers under %s %s for %ld s", hold.prefix,
                enforced ? "are held back" : "would be held back", seconds),
         hold.reason == core::HoldReason::surge
             ? errdetail("%u requests came within two minutes, more than can wait for judgement.",
                         hold.evidence.requests)
             : errdetail("Of %u requests %u were verified, where %d %% are usual.",
                         hold.evidence.requests, hold.evidence.verified, hold.usual_per_mille / 10),
         errhint("See mfa.holds. mfa_lift_hold ends it, mfa.route exempts a destination.")));
    StringInfoData payload;
    initStringInfo(&payload);
    appendStringInfo(&payload,
                     "{\"prefix\": \"%s\", \"reason\": \"%s\", \"seconds\": %ld, \"requests\": %u, "
                     "\"verified\": %u, \"enforced\": %s}",
                     hold.prefix, core::hold_reason_name(hold.reason), seconds,
                     hold.evidence.requests, hold.evidence.verified, enforced ? "true" : "false");
    notify(notify_channel, payload.data);
}

} // namespace

Size shared_size() { return sizeof(Shared); }

void initialise(void *memory, bool found) {
    shared = static_cast<Shared *>(memory);
    if (found)
        return;
    std::memset(memory, 0, sizeof(Shared));
    pg_atomic_init_u64(&shared->held_until, 0);
}

void use_lock(LWLock *lock) { shared_lock = lock; }

void check(const std::string &recipient, const std::vector<core::RecipientHash> &hashes,
           const std::optional<routes::Route> &route) {
    const TimestampTz now = GetCurrentTimestamp();
    if (!enforces() || nothing_is_held(now) || is_unguarded(route))
        return;
    const std::optional<Hold> hold = pg::call([&] {
        LWLockAcquire(shared_lock, LW_SHARED);
        const GuardEntry *entry = table().held(MyDatabaseId, recipient, now);
        const std::optional<Hold> found = entry ? std::optional(describe(*entry)) : std::nullopt;
        LWLockRelease(shared_lock);
        return found;
    });
    if (!hold || is_known(hashes))
        return;
    note_refusal(recipient, now);
    throw core::Error(
        core::sqlstate::held_back,
        std::string("messages to numbers under ") + hold->prefix + " are held back",
        "An administrator sees why in mfa.holds, and can end it by mfa_lift_hold.",
        std::string(hold->reason == core::HoldReason::surge
                        ? "More codes were sent there at once than usual."
                        : "Hardly any of the codes sent there are verified.") +
            " It may be tried again in " +
            std::to_string(std::max<TimestampTz>((hold->until - now) / USECS_PER_SEC, 1)) +
            " seconds.");
}

bool admit(const Leaving &message, const core::Keyring &keys) {
    // What has waited longer is no sign of anything: nobody could verify it yet.
    constexpr std::int64_t longest_wait = 60 * USECS_PER_SEC;
    const TimestampTz now = GetCurrentTimestamp();
    const bool is_counted = message.is_first && now - message.requested_at < longest_wait;
    if (!is_on() || (!is_counted && nothing_is_held(now)))
        return true;
    if (is_unguarded(routes::find(message.recipient)))
        return true;
    bool is_new = false;
    const std::optional<Hold> hold = pg::call([&] {
        std::optional<Hold> found;
        LWLockAcquire(shared_lock, LW_EXCLUSIVE);
        FraudGuard guard = table();
        FraudGuard::Answer answer;
        if (is_counted)
            answer = guard.count(MyDatabaseId, message.recipient, message.requested_at, now);
        else
            answer.hold = guard.held(MyDatabaseId, message.recipient, now);
        if (answer.hold) {
            found = describe(*answer.hold);
            is_new = answer.is_new;
            const uint64 until = static_cast<uint64>(answer.hold->held_until);
            if (until > pg_atomic_read_u64(&shared->held_until))
                pg_atomic_write_u64(&shared->held_until, until);
        }
        LWLockRelease(shared_lock);
        return found;
    });
    if (!hold)
        return true;
    if (is_new)
        pg::call([&] { announce(*hold); });
    if (!enforces() || is_known(keys::hashes_of(keys, message.recipient)))
        return true;
    note_refusal(message.recipient, now);
    return false;
}

bool is_on() { return settings::fraud_guard != static_cast<int>(settings::GuardMode::off); }

bool enforces() { return settings::fraud_guard == static_cast<int>(settings::GuardMode::enforce); }

bool watches(const std::string &recipient) {
    // Whoever knows a fixed code could make pumped traffic look honest.
    return is_on() && !recipient.empty() && !test_recipients::find(recipient);
}

void count_verified(const std::string &recipient, TimestampTz requested_at) {
    pg::call([&] {
        LWLockAcquire(shared_lock, LW_EXCLUSIVE);
        table().count_verified(MyDatabaseId, recipient, requested_at, GetCurrentTimestamp());
        LWLockRelease(shared_lock);
    });
}

int holds(Hold *into, int room) {
    const TimestampTz now = GetCurrentTimestamp();
    int count = 0;
    LWLockAcquire(shared_lock, LW_SHARED);
    for (const GuardEntry &entry : shared->entries)
        if (entry.scope == MyDatabaseId && entry.is_held(now) && count < room)
            into[count++] = describe(entry);
    LWLockRelease(shared_lock);
    return count;
}

bool lift(const char *prefix) {
    if (std::strlen(prefix) > GuardEntry::max_prefix)
        return false;
    LWLockAcquire(shared_lock, LW_EXCLUSIVE);
    const bool lifted = table().lift(MyDatabaseId, prefix, GetCurrentTimestamp());
    LWLockRelease(shared_lock);
    return lifted;
}

} // namespace mfa::guard
