#include "outbox.hpp"

#include "announce.hpp"
#include "budgets.hpp"
#include "statement.hpp"
#include "usage.hpp"

namespace mfa::outbox {

namespace {

// What is due, and either a lease on it or the reason why it is not needed any more: its request has
// ended, a message that it stands in for has arrived, or the same was asked for again behind it, which is
// what a person does while nothing arrives.
Statement claim_statement = {
    "WITH due AS ("
    " SELECT m.request, m.n, m.channel, m.fallback_for, m.tries, m.state FROM mfa.message m"
    "  WHERE m.state IN ('queued', 'sending') AND m.provider = $4 AND m.due_at <= $1"
    "  ORDER BY m.due_at LIMIT $3 FOR UPDATE SKIP LOCKED),"
    " look AS MATERIALIZED (" // or `ending` is found out anew at each mention
    " SELECT due.request, due.n, due.state, r.sealed, r.key_id, r.owner, r.expires_at,"
    "   CASE WHEN r.id IS NULL THEN 'request gone'"
    "    WHEN r.state <> 'live' THEN 'request ' || r.state"
    "    WHEN r.expires_at <= $1 THEN 'request expired'"
    "    WHEN r.attempts >= r.max_attempts THEN 'request exhausted'"
    "    WHEN due.fallback_for IS NOT NULL AND due.tries = 0 AND EXISTS ("
    "     SELECT FROM mfa.message p WHERE p.request = due.request AND p.state = 'delivered'"
    "      AND p.n >= due.fallback_for AND p.n < due.n) THEN 'not needed: delivered'"
    "    WHEN EXISTS ("
    "     SELECT FROM mfa.message p WHERE p.request = due.request AND p.n > due.n"
    "      AND p.fallback_for IS NULL AND (due.fallback_for IS NOT NULL OR p.channel = due.channel)"
    "      AND p.state IN ('queued', 'sending', 'sent', 'delivered')) THEN 'sent again meanwhile'"
    "   END AS ending"
    "  FROM due LEFT JOIN mfa.request r ON r.id = due.request)"
    " UPDATE mfa.message m SET"
    "  state = CASE WHEN look.ending IS NULL THEN 'sending' ELSE 'dropped' END,"
    "  tries = CASE WHEN look.ending IS NULL THEN m.tries + 1 ELSE m.tries END,"
    "  due_at = CASE WHEN look.ending IS NULL THEN $2 ELSE m.due_at END,"
    "  sealed = CASE WHEN look.ending IS NULL THEN m.sealed END,"
    "  ended_at = CASE WHEN look.ending IS NOT NULL THEN $1 END,"
    "  error = CASE WHEN look.ending IS NULL THEN m.error"
    "    ELSE pg_catalog.concat_ws('; ', look.ending, m.error) END"
    " FROM look WHERE m.request = look.request AND m.n = look.n"
    " RETURNING m.state = 'sending', m.request, m.n::integer, m.tries, m.unknowns, m.channel,"
    "  m.provider, m.providers[pg_catalog.array_position(m.providers, m.provider) + 1],"
    "  m.providers[1], m.sealed, look.sealed, look.key_id, look.owner, look.expires_at,"
    "  look.state = 'sending', m.destination, m.created_at, m.fallback_for IS NOT NULL",
    nullptr};

// Each message by its key. Where a planner that has seen an empty outbox could prove that a row is in the
// index of what is due, it would read all of that for each row: a backlog would take its square. Hence IS
// NOT DISTINCT FROM, which proves nothing.
Statement record_statement = {
    "UPDATE mfa.message m SET state = e.state, due_at = e.due_at, provider = e.provider,"
    "  unknowns = e.unknowns, message_id = nullif(e.message_id, ''), error = nullif(e.error, ''),"
    "  cost = e.cost,"
    "  sent_at = CASE WHEN e.state = 'sent' THEN pg_catalog.clock_timestamp() END,"
    "  ended_at = CASE WHEN e.state = 'failed' THEN pg_catalog.clock_timestamp() END"
    " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY"
    "  AS e (request, n, tries, state, due_at, provider, unknowns, message_id, error, cost, place)"
    " WHERE m.request = e.request AND m.n = e.n AND m.state IS NOT DISTINCT FROM 'sending'"
    "  AND m.tries = e.tries"
    " RETURNING e.place::pg_catalog.int4, m.channel, m.destination, m.created_at",
    nullptr};

// The message behind one that did not arrive need not wait for its time.
Statement hasten_statement = {
    "UPDATE mfa.message m SET due_at = $3 WHERE m.request = $1 AND m.n = $2 + 1"
    "  AND m.fallback_for IS NOT NULL AND m.state IS NOT DISTINCT FROM 'queued' AND m.tries = 0"
    "  AND m.due_at > $3",
    nullptr};

// The first provider of a message's order that is none of those that are put aside.
Statement pass_on_statement = {
    "WITH moved AS ("
    " SELECT m.request, m.n, other.name FROM mfa.message m CROSS JOIN LATERAL"
    "   (SELECT p.name FROM pg_catalog.unnest(m.providers) WITH ORDINALITY p (name, place)"
    "     WHERE p.name <> ALL ($2) ORDER BY p.place LIMIT 1) other"
    "  WHERE m.state IN ('queued', 'sending') AND m.state = 'queued' AND m.provider = $1"
    "   AND m.due_at <= $3 AND pg_catalog.cardinality(m.providers) > 1"
    "  ORDER BY m.due_at LIMIT $4 FOR UPDATE OF m SKIP LOCKED)"
    " UPDATE mfa.message m SET provider = moved.name FROM moved"
    "  WHERE m.request = moved.request AND m.n = moved.n",
    nullptr};

Statement take_over_statement = {"UPDATE mfa.message m SET due_at = $1"
                                 " WHERE m.state IN ('queued', 'sending') AND m.state = 'sending'",
                                 nullptr};

// The first message that waits for each provider: a step of the recursion is a step in the index.
Statement waiting_statement = {
    "WITH RECURSIVE first AS ("
    " (SELECT m.provider, m.due_at FROM mfa.message m WHERE m.state IN ('queued', 'sending')"
    "   ORDER BY m.provider, m.due_at LIMIT 1)"
    " UNION ALL"
    " SELECT behind.* FROM first CROSS JOIN LATERAL"
    "  (SELECT m.provider, m.due_at FROM mfa.message m"
    "    WHERE m.state IN ('queued', 'sending') AND m.provider > first.provider"
    "    ORDER BY m.provider, m.due_at LIMIT 1) behind)"
    " SELECT provider, due_at FROM first",
    nullptr};

// A prepared transaction is seen by the lock that it holds without a process.
Statement prepared_statement = {
    "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.pid IS NULL AND l.locktype = 'relation'"
    "  AND l.relation = 'mfa.message'::pg_catalog.regclass LIMIT 1",
    nullptr};

} // namespace

int claim(const std::string &provider, TimestampTz lease_end, int limit,
          std::vector<Claimed> *claimed) {
    run(claim_statement, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, TEXTOID},
        {TimestampTzGetDatum(GetCurrentTimestamp()), TimestampTzGetDatum(lease_end),
         Int32GetDatum(limit), text_datum(provider)},
        SPI_OK_UPDATE_RETURNING);
    const uint64 rows = SPI_processed;
    usage::Line *lines = static_cast<usage::Line *>(palloc0(rows * sizeof(usage::Line)));
    int lost = 0;
    for (uint64 row = 0; row < rows; ++row) {
        bool is_null;
        if (DatumGetBool(field(row, 15, &is_null))) {
            usage::Line &line = lines[lost++]; // its worker is gone, with what it knew
            line.day = usage::day_of(read_time(row, 17));
            line.provider = TextDatumGetCString(field(row, 7, &is_null));
            line.channel = TextDatumGetCString(field(row, 6, &is_null));
            line.destination = TextDatumGetCString(field(row, 16, &is_null));
            line.unknown = 1;
        }
        claimed->emplace_back();
        Claimed &message = claimed->back();
        read_id(row, 2, &message.request);
        message.n = read_int(row, 3);
        message.tries = read_int(row, 4);
        message.unknowns = read_int(row, 5);
        read_text(row, 6, &message.channel);
        read_text(row, 7, &message.provider);
        if (!DatumGetBool(field(row, 1, &is_null))) {
            announce({message.request, message.n, "dropped", message.channel.c_str(),
                      message.provider.c_str()});
            claimed->pop_back();
            continue;
        }
        read_text(row, 8, &message.next_provider);
        read_text(row, 9, &message.first_provider);
        read_text(row, 10, &message.sealed_message);
        read_text(row, 11, &message.sealed_request);
        message.key_id = read_int(row, 12);
        message.owner = DatumGetObjectId(field(row, 13, &is_null));
        message.expires_at = read_time(row, 14);
        message.created_at = read_time(row, 17);
        message.is_fallback = DatumGetBool(field(row, 18, &is_null));
    }
    usage::add(lines, lost);
    return static_cast<int>(rows);
}

namespace {

bool is_sent(const Record &entry) { return std::strcmp(entry.state, "sent") == 0; }
bool is_failed(const Record &entry) { return std::strcmp(entry.state, "failed") == 0; }

// Of its segments: what the provider has said, or else what the table of prices says.
int64 cost_of(const Record &entry) {
    return is_sent(entry) ? entry.reported.value_or(entry.segments * entry.price.segment) : 0;
}

// One column of all records.
template <class Value> Datum column(Oid type, const std::vector<Record> &records, Value value) {
    Datum *values = static_cast<Datum *>(palloc(records.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < records.size(); ++i)
        values[i] = value(records[i]);
    return array_datum(type, values, records.size());
}

void update_messages(const std::vector<Record> &records) {
    const auto numbers = [&](int Record::*field) {
        return column(INT4OID, records,
                      [=](const Record &entry) { return Int32GetDatum(entry.*field); });
    };
    const auto texts = [&](std::string Record::*field) {
        return column(TEXTOID, records,
                      [=](const Record &entry) { return text_datum(entry.*field); });
    };
    run(record_statement,
        {UUIDARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID,
         INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID},
        {column(UUIDOID, records, [](const Record &entry) { return id_datum(entry.request); }),
         numbers(&Record::n), numbers(&Record::tries),
         column(TEXTOID, records,
                [](const Record &entry) { return CStringGetTextDatum(entry.state); }),
         column(TIMESTAMPTZOID, records,
                [](const Record &entry) { return TimestampTzGetDatum(entry.due_at); }),
         texts(&Record::provider), numbers(&Record::unknowns), texts(&Record::message_id),
         texts(&Record::error),
         column(INT8OID, records,
                [](const Record &entry) { return Int64GetDatum(cost_of(entry)); })},
        SPI_OK_UPDATE_RETURNING);
}

} // namespace

void record(const std::vector<Record> &records) {
    if (records.empty())
        return;
    update_messages(records);
    const uint64 rows = SPI_processed;
    usage::Line *lines = static_cast<usage::Line *>(palloc0(rows * sizeof(usage::Line)));
    const Record **recorded = static_cast<const Record **>(palloc(rows * sizeof(const Record *)));
    int count = 0;
    for (uint64 row = 0; row < rows; ++row) {
        bool is_null;
        const Record &entry = records[static_cast<std::size_t>(read_int(row, 1)) - 1];
        recorded[row] = &entry;
        usage::Line &line = lines[count];
        line.day = usage::day_of(read_time(row, 4));
        line.provider = entry.tried.c_str();
        line.channel = TextDatumGetCString(field(row, 2, &is_null));
        line.destination = TextDatumGetCString(field(row, 3, &is_null));
        line.requests = entry.n == 1 && (is_sent(entry) || is_failed(entry)) ? 1 : 0;
        line.messages = is_sent(entry) ? 1 : 0;
        line.segments = is_sent(entry) ? entry.segments : 0;
        line.unknown = entry.is_unknown ? 1 : 0;
        line.failed = is_failed(entry) ? 1 : 0;
        line.cost = cost_of(entry) + line.requests * entry.price.request;
        if (line.requests + line.messages + line.unknown + line.failed > 0)
            ++count;
        if (is_sent(entry) || is_failed(entry))
            announce({entry.request, entry.n, entry.state, line.channel, entry.provider.c_str()});
    }
    for (uint64 row = 0; row < rows; ++row) // statements of their own, which end what was answered
        if (is_failed(*recorded[row]))
            hasten_fallback(recorded[row]->request, recorded[row]->n);
    usage::add(lines, count);
    if (count > 0)
        budgets::announce(budgets::Occasion::spent);
}

void count(const std::vector<Record> &records) {
    for (const Record &entry : records)
        if (entry.was_tried)
            stats::note({entry.tried.c_str(), entry.channel.c_str(), entry.answer,
                         entry.response_time, entry.since_request, entry.clock_offset,
                         entry.error.c_str()});
}

void hasten_fallback(const core::RequestId &request, int n) {
    run(hasten_statement, {UUIDOID, INT4OID, TIMESTAMPTZOID},
        {id_datum(request), Int32GetDatum(n), TimestampTzGetDatum(GetCurrentTimestamp())},
        SPI_OK_UPDATE);
}

int pass_on(const std::string &provider, const std::vector<std::string> &put_aside, int limit) {
    Datum *names = static_cast<Datum *>(palloc(put_aside.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < put_aside.size(); ++i)
        names[i] = text_datum(put_aside[i]);
    run(pass_on_statement, {TEXTOID, TEXTARRAYOID, TIMESTAMPTZOID, INT4OID},
        {text_datum(provider), array_datum(TEXTOID, names, put_aside.size()),
         TimestampTzGetDatum(GetCurrentTimestamp()), Int32GetDatum(limit)},
        SPI_OK_UPDATE);
    return static_cast<int>(SPI_processed);
}

void take_over_leases() {
    run(take_over_statement, {TIMESTAMPTZOID}, {TimestampTzGetDatum(GetCurrentTimestamp())},
        SPI_OK_UPDATE);
}

void waiting(std::vector<Waiting> *providers) {
    run(waiting_statement, {}, {}, SPI_OK_SELECT);
    providers->clear();
    for (uint64 row = 0; row < SPI_processed; ++row) {
        providers->emplace_back();
        read_text(row, 1, &providers->back().provider);
        providers->back().due_at = read_time(row, 2);
    }
}

bool has_prepared_transactions() {
    if (max_prepared_xacts == 0)
        return false;
    run(prepared_statement, {}, {}, SPI_OK_SELECT);
    return SPI_processed > 0;
}

} // namespace mfa::outbox
