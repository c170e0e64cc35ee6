#include "announce.hpp"

#include "settings.hpp"

namespace mfa {

namespace {

constexpr const char *notify_channel = "mfa_message";
constexpr double fullest_queue = 0.5;
bool queue_was_full = false; // said in the log, until it is not

// Asked once a transaction: it takes locks that all databases share.
bool queue_has_room() {
    static TimestampTz asked_in = 0;
    if (asked_in == GetCurrentTransactionStartTimestamp())
        return !queue_was_full;
    asked_in = GetCurrentTransactionStartTimestamp();
    const bool full =
        DatumGetFloat8(OidFunctionCall0(F_PG_NOTIFICATION_QUEUE_USAGE)) > fullest_queue;
    if (full && !queue_was_full)
        ereport(LOG,
                (errmsg("mfa announces nothing while the queue of NOTIFY is more than half full"),
                 errhint("End the transaction of the session that listens and does not read.")));
    queue_was_full = full;
    return !full;
}

} // namespace

void notify(const char *channel, const char *payload) {
    if (settings::notify && queue_has_room())
        Async_Notify(channel, payload);
}

void announce(const Announcement &what) {
    if (!settings::notify)
        return;
    pg_uuid_t id;
    std::memcpy(id.data, what.request.data(), what.request.size());
    StringInfoData payload;
    initStringInfo(&payload);
    appendStringInfo(&payload,
                     "{\"request\": \"%s\", \"n\": %d, \"state\": \"%s\", \"channel\": \"%s\"",
                     DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id))), what.n,
                     what.state, what.channel);
    appendStringInfoString(&payload, ", \"provider\": ");
    escape_json(&payload, what.provider);
    appendStringInfoChar(&payload, '}');
    notify(notify_channel, payload.data);
}

} // namespace mfa
