#include "recipient_history.hpp"

#include "catalog.hpp"
#include "message_store.hpp"

namespace mfa::store {

namespace {

// One request, or a deleted one's wrong codes.
struct Wrong {
    std::int64_t attempts;
    std::int64_t attempts_left;
    TimestampTz at;
};

struct Sum {
    Meant *meant;
    TimestampTz verified_at = DT_NOBEGIN; // the last right code
    TimestampTz forgotten;                // what is older does not count
    int count = 0;
    int room = 0;
    Wrong *wrong = nullptr;

    void add(std::int64_t attempts, std::int64_t attempts_left, TimestampTz at) {
        if (count == room) {
            room = room ? room * 2 : 16;
            wrong = static_cast<Wrong *>(wrong ? repalloc(wrong, room * sizeof(Wrong))
                                               : palloc(room * sizeof(Wrong)));
        }
        wrong[count++] = {attempts, attempts_left, at};
    }
};

bool comes_before(const Request &a, const Request &b, Oid role) {
    const bool a_live = a.state == RequestState::live;
    const bool b_live = b.state == RequestState::live;
    if (a_live != b_live)
        return a_live;
    if ((a.owner == role) != (b.owner == role))
        return a.owner == role;
    return a.created_at > b.created_at;
}

void look_for(Meant *meant, const Request &request, std::string_view purpose) {
    if (!meant || purpose != view(meant->purpose))
        return;
    if (request.owner != meant->role &&
        (meant->own || !has_privs_of_role(meant->role, request.owner)))
        return;
    if (!meant->is_found || comes_before(request, meant->request, meant->role))
        meant->request = request;
    meant->is_found = true;
}

void see_request(const Request &request, std::string_view purpose, void *context) {
    Sum &sum = *static_cast<Sum *>(context);
    look_for(sum.meant, request, purpose);
    if (request.state == RequestState::verified) {
        sum.verified_at = std::max(sum.verified_at, request.ended_at);
        return;
    }
    const bool is_live = request.state == RequestState::live;
    const int left = is_live ? request.max_attempts - request.attempts : 0;
    if (request.attempts > 0 || left > 0)
        sum.add(request.attempts, left, request.attempted_at);
}

void add_carried_over(const core::RecipientHash &recipient, Sum *sum) {
    constexpr int columns = 3; // recipient_hash, attempted_at, attempts
    Relation failures = catalog::open_unlogged("failure", columns, AccessShareLock);
    if (RelationGetNumberOfBlocks(failures) > 0)
        catalog::scan(failures, "failure_recipient", F_BYTEAEQ, catalog::bytes_datum(recipient),
                      ForwardScanDirection, [&](TupleTableSlot *slot) {
                          slot_getallattrs(slot);
                          sum->add(DatumGetInt32(slot->tts_values[2]), 0,
                                   DatumGetTimestampTz(slot->tts_values[1]));
                      });
    table_close(failures, AccessShareLock);
}

struct Sends {
    Meant *meant;
    Relation messages; // opened when a request may have some
    TimestampTz since;
    TimestampTz *times;
    int room;
    int count = 0;
};

void see_message(const Message &message, void *context) {
    Sends &sends = *static_cast<Sends *>(context);
    if (!message.is_reserve && message.queued_at > sends.since && sends.count < sends.room)
        sends.times[sends.count++] = message.queued_at;
}

void see_sends(const Request &request, std::string_view purpose, void *context) {
    Sends &sends = *static_cast<Sends *>(context);
    look_for(sends.meant, request, purpose);
    if (sends.room == 0 || request.expires_at <= sends.since)
        return; // nobody counts; or: a message is only queued while its request is live
    if (!sends.messages)
        sends.messages = open_messages(AccessShareLock);
    visit_messages(sends.messages, request.id, see_message, context);
}

} // namespace

Failures failures_of(Relation requests, const core::RecipientHash *hashes, int hash_count,
                     Meant *meant) {
    Sum sum;
    sum.meant = meant;
    sum.forgotten = GetCurrentTimestamp() - core::forgotten_after;
    // Requests before what is carried over: a purge in between is then counted twice, not never.
    for (int i = 0; i < hash_count; ++i)
        visit_requests(requests, hashes[i], see_request, &sum);
    for (int i = 0; i < hash_count; ++i)
        add_carried_over(hashes[i], &sum);

    Failures failures{};
    for (int i = 0; i < sum.count; ++i) {
        const Wrong &wrong = sum.wrong[i];
        failures.possible += wrong.attempts_left;
        if (wrong.at <= sum.verified_at || wrong.at <= sum.forgotten)
            continue;
        failures.possible += wrong.attempts;
        failures.streak.failures += wrong.attempts;
        failures.streak.last_at = std::max(failures.streak.last_at, wrong.at);
    }
    if (sum.wrong)
        pfree(sum.wrong);
    return failures;
}

bool has_verified(Relation requests, const core::RecipientHash *hashes, int hash_count) {
    bool found = false;
    for (int i = 0; i < hash_count; ++i)
        visit_requests(
            requests, hashes[i],
            [](const Request &request, std::string_view /*purpose*/, void *context) {
                if (request.state == RequestState::verified)
                    *static_cast<bool *>(context) = true;
            },
            &found);
    return found;
}

int sends_since(Relation requests, const core::RecipientHash *hashes, int hash_count,
                TimestampTz since, TimestampTz *times, int room, Meant *meant) {
    Sends sends{meant, nullptr, since, times, room};
    for (int i = 0; i < hash_count; ++i)
        visit_requests(requests, hashes[i], see_sends, &sends);
    if (sends.messages)
        table_close(sends.messages, NoLock);
    return sends.count;
}

} // namespace mfa::store
