#include "lookups.hpp"

#include "announce.hpp"
#include "budgets.hpp"
#include "outbox.hpp"
#include "statement.hpp"
#include "usage.hpp"

namespace mfa::lookups {

namespace {

constexpr std::int64_t shortest_wait =
    1'500'000; // us: while the worker that has sent is still there
constexpr std::int64_t longest_wait = 600 * USECS_PER_SEC;
constexpr std::int64_t beyond_expiry = 300 * USECS_PER_SEC;

Statement claim_statement = {
    "WITH due AS (SELECT m.request, m.n FROM mfa.message m"
    "  WHERE m.state = 'sent' AND m.due_at < 'infinity' AND m.due_at <= $1"
    "  ORDER BY m.due_at LIMIT $3 FOR UPDATE SKIP LOCKED)"
    " UPDATE mfa.message m SET due_at = $2"
    "  FROM due JOIN mfa.request r ON r.id = due.request"
    "  WHERE m.request = due.request AND m.n = due.n"
    " RETURNING m.request, m.n::integer, m.channel, m.provider, m.message_id, m.sent_at, r.owner,"
    "  r.expires_at, r.key_id, r.sealed",
    nullptr};

Statement record_statement = {
    "UPDATE mfa.message m SET state = $3, due_at = $4, error = nullif($5, ''),"
    "  ended_at = CASE WHEN $3 <> 'sent' THEN pg_catalog.clock_timestamp() END"
    " WHERE m.request = $1 AND m.n = $2 AND m.state = 'sent'"
    " RETURNING m.channel, m.provider, m.sent_at",
    nullptr};

// Whatever its state by now. What was counted before is read under the row's lock.
Statement price_statement = {
    "WITH old AS (SELECT m.request, m.n, m.cost FROM mfa.message m"
    "  WHERE m.request = $1 AND m.n = $2 AND m.state IN ('sent', 'delivered', 'undelivered')"
    "   AND m.cost <> $3 FOR UPDATE)"
    " UPDATE mfa.message m SET cost = $3 FROM old WHERE m.request = old.request AND m.n = old.n"
    " RETURNING m.cost - old.cost, m.provider, m.channel, m.destination, m.created_at",
    nullptr};

Statement next_statement = {"SELECT m.due_at FROM mfa.message m"
                            " WHERE m.state = 'sent' AND m.due_at < 'infinity'"
                            " ORDER BY m.due_at LIMIT 1",
                            nullptr};

void count_prices(const std::vector<Found> &found) {
    usage::Line *lines = static_cast<usage::Line *>(palloc0(found.size() * sizeof(usage::Line)));
    int count = 0;
    for (const Found &entry : found) {
        if (!entry.reported)
            continue;
        run(price_statement, {UUIDOID, INT4OID, INT8OID},
            {id_datum(entry.request), Int32GetDatum(entry.n), Int64GetDatum(*entry.reported)},
            SPI_OK_UPDATE_RETURNING);
        if (SPI_processed == 0)
            continue;
        bool is_null;
        usage::Line &line = lines[count++];
        line.cost = DatumGetInt64(field(0, 1, &is_null));
        line.provider = TextDatumGetCString(field(0, 2, &is_null));
        line.channel = TextDatumGetCString(field(0, 3, &is_null));
        line.destination = TextDatumGetCString(field(0, 4, &is_null));
        line.day = usage::day_of(read_time(0, 5));
    }
    usage::add(lines, count);
    if (count > 0)
        budgets::announce(budgets::Occasion::spent);
}

} // namespace

TimestampTz next_look(TimestampTz sent_at, TimestampTz expires_at, TimestampTz now) {
    const TimestampTz next = now + std::clamp(now - sent_at, shortest_wait, longest_wait);
    return now > expires_at + beyond_expiry ? DT_NOEND : next;
}

void claim(TimestampTz lease_end, int limit, std::vector<Claimed> *claimed) {
    run(claim_statement, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID},
        {TimestampTzGetDatum(GetCurrentTimestamp()), TimestampTzGetDatum(lease_end),
         Int32GetDatum(limit)},
        SPI_OK_UPDATE_RETURNING);
    for (uint64 row = 0; row < SPI_processed; ++row) {
        bool is_null;
        claimed->emplace_back();
        Claimed &message = claimed->back();
        read_id(row, 1, &message.request);
        message.n = read_int(row, 2);
        read_text(row, 3, &message.channel);
        read_text(row, 4, &message.provider);
        read_text(row, 5, &message.message_id);
        message.sent_at = read_time(row, 6);
        message.owner = DatumGetObjectId(field(row, 7, &is_null));
        message.expires_at = read_time(row, 8);
        message.key_id = read_int(row, 9);
        read_text(row, 10, &message.sealed_request);
    }
}

void record(const std::vector<Found> &found) {
    for (const Found &entry : found) {
        run(record_statement, {UUIDOID, INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
            {id_datum(entry.request), Int32GetDatum(entry.n), CStringGetTextDatum(entry.state),
             TimestampTzGetDatum(entry.due_at), text_datum(entry.error)},
            SPI_OK_UPDATE_RETURNING);
        if (SPI_processed == 0 || std::strcmp(entry.state, "sent") == 0)
            continue;
        bool is_null;
        const char *channel = TextDatumGetCString(field(0, 1, &is_null));
        const char *provider = TextDatumGetCString(field(0, 2, &is_null));
        const bool arrived = std::strcmp(entry.state, "delivered") == 0;
        const TimestampTz sent_at = read_time(0, 3);
        announce({entry.request, entry.n, entry.state, channel, provider});
        stats::note_delivery(provider, channel, arrived, GetCurrentTimestamp() - sent_at);
        if (!arrived)
            outbox::hasten_fallback(entry.request, entry.n);
    }
    count_prices(found);
}

TimestampTz next_due() {
    run(next_statement, {}, {}, SPI_OK_SELECT);
    return answered_time();
}

} // namespace mfa::lookups
