#include "verify.hpp"

#include <vector>

#include "attempts.hpp"
#include "core/code.hpp"
#include "core/recipient.hpp"
#include "guard.hpp"
#include "keys.hpp"
#include "pg_wall.hpp"
#include "recipient_history.hpp"
#include "sealed_data.hpp"
#include "settings.hpp"

namespace mfa {

namespace {

constexpr const char *status_names[] = {"verified",   "wrong",     "expired",
                                        "used",       "exhausted", "canceled",
                                        "superseded", "locked",    "not_found"};

// Which request is meant: by id, or else by recipient. Its hashes are those under each key that may have
// hashed it; by id they are only needed where there are several keys.
struct Target {
    std::optional<core::RequestId> id;
    std::string recipient; // normalised; '' where it is not known
    std::vector<core::RecipientHash> recipients;
};

VerifyStatus status_of(store::RequestState state) {
    switch (state) {
    case store::RequestState::verified:
        return VerifyStatus::used;
    case store::RequestState::exhausted:
        return VerifyStatus::exhausted;
    case store::RequestState::canceled:
        return VerifyStatus::canceled;
    case store::RequestState::superseded:
        return VerifyStatus::superseded;
    default:
        return VerifyStatus::expired;
    }
}

enum class Presented { not_found, ended, unknown_key, locked, charged, moved };

// When the recipient's lock-out ends; past: it is not locked.
TimestampTz lock_end(const store::Failures &failures) {
    return core::locked_until(failures.streak, settings::lockout_max * USECS_PER_SEC);
}

// The recipient's hashes, as far as they are needed and known.
struct Hashes {
    const core::RecipientHash *data;
    int count;
};

Hashes hashes_of(const Target &target, const store::Request &row) {
    if (target.recipients.empty())
        return {&row.recipient, 1};
    return {target.recipients.data(), static_cast<int>(target.recipients.size())};
}

// Finds the request that is meant, and its recipient's failures. PostgreSQL zone.
bool find(Relation requests, const Target &target, store::Text purpose, store::Request *row,
          store::Failures *failures) {
    const Oid role = GetUserId();
    if (!target.id) {
        store::Meant meant{purpose, role, false};
        const Hashes hashes = hashes_of(target, *row);
        *failures = store::failures_of(requests, hashes.data, hashes.count, &meant);
        *row = meant.request;
        return meant.is_found;
    }
    if (!store::find_request(requests, *target.id, purpose, role, row, nullptr))
        return false;
    if (row->state == store::RequestState::live) {
        const Hashes hashes = hashes_of(target, *row);
        *failures = store::failures_of(requests, hashes.data, hashes.count);
    }
    return true;
}

// Charges one attempt, unless the recipient is locked out by the failures `before`. PostgreSQL zone.
Presented charge(Relation requests, const Target &target, const store::Failures &before,
                 store::Request *row, TimestampTz *locked_until) {
    *locked_until = lock_end(before);
    if (*locked_until > GetCurrentTimestamp())
        return Presented::locked;
    switch (attempts::charge(requests, row)) {
    case attempts::Charge::moved:
        return Presented::moved;
    case attempts::Charge::exhausted:
        row->state = store::RequestState::exhausted;
        return Presented::ended;
    case attempts::Charge::charged:
        break;
    }
    if (before.possible < core::free_failures)
        return Presented::charged; // whatever others charged meanwhile, it can't have locked
    // Charged before looking: of sessions that present codes to several requests at once, each sees what
    // the others have charged, and none compares a code that their failures have locked out.
    const Hashes hashes = hashes_of(target, *row);
    const store::Failures after = store::failures_of(requests, hashes.data, hashes.count);
    if (after.streak.failures <= before.streak.failures + 1)
        return Presented::charged;
    *locked_until = lock_end({{after.streak.failures - 1, after.streak.last_at}, 0});
    return *locked_until > GetCurrentTimestamp() ? Presented::locked : Presented::charged;
}

// Finds the request and charges it one attempt. Nothing is charged under a key that is not there: the
// code could not be compared.
Presented present(const Target &target, std::string_view purpose, const core::Keyring &keys,
                  store::Request *row, TimestampTz *locked_until) {
    return pg::call([&] {
        Relation requests = store::open_requests(RowExclusiveLock);
        Presented result = Presented::not_found;
        store::Failures failures{};
        if (find(requests, target, {purpose.data(), static_cast<int>(purpose.size())}, row,
                 &failures)) {
            if (row->state != store::RequestState::live)
                result = Presented::ended;
            else if (!keys.find(row->key_id))
                result = Presented::unknown_key;
            else
                result = charge(requests, target, failures, row, locked_until);
        }
        table_close(requests, NoLock);
        return result;
    });
}

bool finish(const store::Request &row) {
    return pg::call([&] {
        Relation requests = store::open_requests(RowExclusiveLock);
        bool done = store::finish_request(requests, row, store::RequestState::verified);
        table_close(requests, NoLock);
        return done;
    });
}

// The recipient of a live request; '' where it is not known (any more).
std::string recipient_of(const core::RequestId &request, const core::Keyring &keys) {
    store::Request row;
    bytea *sealed = nullptr;
    const bool found = pg::call([&] {
        Relation requests = store::open_requests(AccessShareLock);
        const bool exists =
            store::find_request(requests, request, store::any_purpose, GetUserId(), &row, &sealed);
        table_close(requests, NoLock);
        return exists;
    });
    if (!found || !sealed || !keys.find(row.key_id))
        return {};
    return std::string(open_sealed(keys, row.key_id, request, bytes_of(sealed)).recipient.view());
}

// Whom the fraud guard is to be told of; '' for nobody. That it can't be found out is no reason to refuse a
// right code.
std::string watched_recipient(const Target &target, const core::RequestId &request,
                              const core::Keyring &keys) {
    std::string recipient = target.recipient;
    if (guard::is_on() && recipient.empty()) {
        try {
            recipient = recipient_of(request, keys);
        } catch (const core::Error &) {
            return {};
        }
    }
    return guard::watches(recipient) ? recipient : std::string();
}

VerifyAnswer verify(const Target &target, std::string_view code, std::string_view purpose,
                    const core::Keyring &keys) {
    // A row moves only when its request ends or the table is rewritten under our own transaction; the
    // second look finds it at rest.
    constexpr int max_looks = 4;
    const core::Secret presented = core::normalise_code(code);
    store::Request row{};
    TimestampTz locked_until = 0;
    for (int look = 0; look < max_looks; ++look) {
        switch (present(target, purpose, keys, &row, &locked_until)) {
        case Presented::not_found:
            return {};
        case Presented::ended:
            return {status_of(row.state), std::max(0, row.max_attempts - row.attempts), {}};
        case Presented::locked:
            return {VerifyStatus::locked, row.max_attempts - row.attempts,
                    std::max<TimestampTz>(1, locked_until - GetCurrentTimestamp())};
        case Presented::unknown_key:
            throw core::Error(core::sqlstate::object_not_in_prerequisite_state,
                              "the key file does not have the key of this request",
                              "Put the key back into the file that mfa.key_file names, behind the "
                              "current one.");
        case Presented::moved:
            continue;
        case Presented::charged:
            break;
        }
        const int left = row.max_attempts - row.attempts;
        const core::CodeHash hash = core::hash_code(*keys.find(row.key_id), row.id, row.recipient,
                                                    purpose, presented.view());
        if (!core::equal_constant_time(hash, row.code_hash))
            return {VerifyStatus::wrong, left, {}};
        const std::string recipient = watched_recipient(target, row.id, keys);
        // The loser of a race for the right code looks again, and is told how the request ended.
        if (finish(row)) {
            if (!recipient.empty())
                guard::count_verified(recipient, row.created_at);
            return {VerifyStatus::verified, left, {}};
        }
    }
    return {VerifyStatus::used, 0, {}};
}

} // namespace

const char *status_name(VerifyStatus status) { return status_names[static_cast<int>(status)]; }

VerifyAnswer verify(const core::RequestId &request, std::string_view code,
                    std::string_view purpose) {
    const core::Keyring &keys = keys::current();
    Target target{request, {}, {}};
    // Its hashes under every key, so that wrong codes from before a change of keys count.
    if (keys.keys().size() > 1) {
        target.recipient = recipient_of(request, keys);
        if (!target.recipient.empty())
            target.recipients = keys::hashes_of(keys, target.recipient);
    }
    return verify(target, code, purpose, keys);
}

VerifyAnswer verify(std::string_view request, std::string_view code, std::string_view purpose) {
    if (std::optional<core::RequestId> id = core::read_request_id(request))
        return verify(*id, code, purpose);
    const std::optional<std::string> recipient = core::read_recipient(request);
    if (!recipient)
        return {};
    const core::Keyring &keys = keys::current();
    const Target target{std::nullopt, *recipient, keys::hashes_of(keys, *recipient)};
    return verify(target, code, purpose, keys);
}

} // namespace mfa
