#include "outbox.hpp"

#include "core/lockout.hpp"
#include "settings.hpp"

namespace mfa::outbox {

namespace {

// A statement that is planned once a process. All names are qualified; the worker's search_path has
// pg_catalog alone.
struct Statement {
    const char *sql;
    SPIPlanPtr plan;
};

void run(Statement &statement, std::initializer_list<Oid> types,
         std::initializer_list<Datum> values, int expected) {
    if (!statement.plan) {
        SPIPlanPtr plan = SPI_prepare(statement.sql, static_cast<int>(types.size()),
                                      const_cast<Oid *>(types.begin()));
        if (!plan || SPI_keepplan(plan) != 0)
            elog(ERROR, "mfa could not prepare a statement: %s",
                 SPI_result_code_string(SPI_result));
        statement.plan = plan;
    }
    const int result =
        SPI_execute_plan(statement.plan, const_cast<Datum *>(values.begin()), nullptr, false, 0);
    if (result != expected)
        elog(ERROR, "mfa could not run a statement: %s", SPI_result_code_string(result));
}

Datum field(uint64 row, int column, bool *is_null) {
    return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

// A varlena field into a string that outlives it; null is ''.
void read_text(uint64 row, int column, std::string *into) {
    bool is_null;
    const Datum value = field(row, column, &is_null);
    if (is_null)
        return;
    const struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
    into->assign(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

int read_int(uint64 row, int column) {
    bool is_null;
    const Datum value = field(row, column, &is_null);
    return is_null ? 0 : DatumGetInt32(value);
}

// The one timestamp that a statement answers; DT_NOEND for null and for no row.
TimestampTz read_time() {
    if (SPI_processed == 0)
        return DT_NOEND;
    bool is_null;
    const Datum value = field(0, 1, &is_null);
    return is_null ? DT_NOEND : DatumGetTimestampTz(value);
}

Datum text_datum(const std::string &value) {
    return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

Statement claim_statement = {
    "WITH due AS ("
    " SELECT m.request, m.n FROM mfa.message m"
    "  WHERE m.state IN ('queued', 'sending') AND m.provider = $4 AND m.due_at <= $1"
    "  ORDER BY m.due_at LIMIT $3 FOR UPDATE SKIP LOCKED),"
    " look AS ("
    " SELECT due.request, due.n, r.sealed, r.key_id, r.owner, r.expires_at,"
    "   r.state = 'live' AND r.expires_at > $1 AND r.attempts < r.max_attempts AS live,"
    "   CASE WHEN r.id IS NULL THEN 'gone' WHEN r.state <> 'live' THEN r.state"
    "        WHEN r.expires_at <= $1 THEN 'expired' ELSE 'exhausted' END AS ending"
    "  FROM due LEFT JOIN mfa.request r ON r.id = due.request)"
    " UPDATE mfa.message m SET"
    "  state = CASE WHEN look.live THEN 'sending' ELSE 'dropped' END,"
    "  tries = CASE WHEN look.live THEN m.tries + 1 ELSE m.tries END,"
    "  due_at = CASE WHEN look.live THEN $2 ELSE m.due_at END,"
    "  sealed = CASE WHEN look.live THEN m.sealed END,"
    "  error = CASE WHEN look.live THEN m.error"
    "    ELSE pg_catalog.concat_ws('; ', 'request ' || look.ending, m.error) END"
    " FROM look WHERE m.request = look.request AND m.n = look.n"
    " RETURNING m.state, m.request, m.n::integer, m.tries, m.unknowns, m.channel, m.provider,"
    "  m.providers[pg_catalog.array_position(m.providers, m.provider) + 1], m.providers[1], m.sealed,"
    "  look.sealed, look.key_id, look.owner, look.expires_at",
    nullptr};

Statement record_statement = {
    "UPDATE mfa.message m SET state = $4, due_at = $5, provider = $6, unknowns = $7,"
    "  message_id = nullif($8, ''), error = nullif($9, ''),"
    "  sent_at = CASE WHEN $4 = 'sent' THEN pg_catalog.clock_timestamp() END"
    " WHERE m.request = $1 AND m.n = $2 AND m.state = 'sending' AND m.tries = $3",
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

// Rows are taken in the order of their expiry from where the last purge ended, so that each purge reads
// only what has expired since.
Statement erase_statement = {
    "WITH gone AS (SELECT r.id FROM mfa.request r"
    "  WHERE r.expires_at > $1 AND r.expires_at <= $2 AND r.state = 'live'"
    "  ORDER BY r.expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)"
    " UPDATE mfa.request r SET state = CASE WHEN r.attempts >= r.max_attempts THEN 'exhausted'"
    "  ELSE 'expired' END, ended_at = $2, code_hash = NULL, sealed = NULL"
    "  FROM gone WHERE r.id = gone.id",
    nullptr};

// Wrong codes outlive their requests: those after the recipient's last right one go to mfa.failure, those
// before it are forgotten there.
Statement delete_statement = {
    "WITH old AS (SELECT r.* FROM mfa.request r WHERE r.expires_at <= $1"
    "  ORDER BY r.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED),"
    " messages AS (DELETE FROM mfa.message m USING old WHERE m.request = old.id),"
    " verified AS (SELECT o.recipient_hash, pg_catalog.max(o.ended_at) AS at FROM old o"
    "  WHERE o.state = 'verified' GROUP BY o.recipient_hash),"
    " forgotten AS (DELETE FROM mfa.failure f USING verified v"
    "  WHERE f.recipient_hash = v.recipient_hash AND f.attempted_at <= v.at),"
    " carried AS (INSERT INTO mfa.failure (recipient_hash, attempted_at, attempts)"
    "  SELECT o.recipient_hash, o.attempted_at, o.attempts FROM old o"
    "   LEFT JOIN verified v ON v.recipient_hash = o.recipient_hash"
    "  WHERE o.state <> 'verified' AND o.attempts > 0"
    "   AND (v.at IS NULL OR o.attempted_at > v.at))"
    " DELETE FROM mfa.request r USING old WHERE r.id = old.id",
    nullptr};

Statement forget_statement = {
    "DELETE FROM mfa.failure f WHERE f.ctid = ANY (ARRAY("
    "  SELECT o.ctid FROM mfa.failure o WHERE o.attempted_at <= $1 ORDER BY o.attempted_at LIMIT $2))",
    nullptr};

Statement next_expiry_statement = {"SELECT r.expires_at FROM mfa.request r"
                                   " WHERE r.expires_at > $1 ORDER BY r.expires_at LIMIT 1",
                                   nullptr};

Statement oldest_statement = {
    "SELECT r.expires_at FROM mfa.request r ORDER BY r.expires_at LIMIT 1", nullptr};

// A prepared transaction is seen by the lock that it holds without a process.
Statement prepared_statement = {
    "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.pid IS NULL AND l.locktype = 'relation'"
    "  AND l.relation = 'mfa.message'::pg_catalog.regclass LIMIT 1",
    nullptr};

// How long rows are kept after their expiry: mfa.retention, and as long as mfa.send_limit looks back.
TimestampTz kept_for() {
    std::int64_t seconds = settings::retention;
    for (const core::RateLimit &limit : settings::send_limit->all())
        seconds = std::max(seconds, limit.seconds);
    return seconds * USECS_PER_SEC;
}

} // namespace

int claim(const std::string &provider, TimestampTz lease_end, int limit,
          std::vector<Claimed> *claimed) {
    run(claim_statement, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, TEXTOID},
        {TimestampTzGetDatum(GetCurrentTimestamp()), TimestampTzGetDatum(lease_end),
         Int32GetDatum(limit), text_datum(provider)},
        SPI_OK_UPDATE_RETURNING);
    const uint64 rows = SPI_processed;
    for (uint64 row = 0; row < rows; ++row) {
        bool is_null;
        const text *state = DatumGetTextPP(field(row, 1, &is_null));
        if (std::string_view(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state)) != "sending")
            continue;
        const pg_uuid_t *request = DatumGetUUIDP(field(row, 2, &is_null));
        claimed->emplace_back();
        Claimed &message = claimed->back();
        std::memcpy(message.request.data(), request->data, message.request.size());
        message.n = read_int(row, 3);
        message.tries = read_int(row, 4);
        message.unknowns = read_int(row, 5);
        read_text(row, 6, &message.channel);
        read_text(row, 7, &message.provider);
        read_text(row, 8, &message.next_provider);
        read_text(row, 9, &message.first_provider);
        read_text(row, 10, &message.sealed_message);
        read_text(row, 11, &message.sealed_request);
        message.key_id = read_int(row, 12);
        message.owner = DatumGetObjectId(field(row, 13, &is_null));
        message.expires_at = DatumGetTimestampTz(field(row, 14, &is_null));
    }
    return static_cast<int>(rows);
}

void record(const std::vector<Record> &records) {
    for (const Record &entry : records) {
        pg_uuid_t request;
        std::memcpy(request.data, entry.request.data(), entry.request.size());
        run(record_statement,
            {UUIDOID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID,
             TEXTOID},
            {UUIDPGetDatum(&request), Int32GetDatum(entry.n), Int32GetDatum(entry.tries),
             CStringGetTextDatum(entry.state), TimestampTzGetDatum(entry.due_at),
             text_datum(entry.provider), Int32GetDatum(entry.unknowns),
             text_datum(entry.message_id), text_datum(entry.error)},
            SPI_OK_UPDATE);
    }
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
        bool is_null;
        providers->back().due_at = DatumGetTimestampTz(field(row, 2, &is_null));
    }
}

bool purge(int limit, TimestampTz *erased_until) {
    const TimestampTz now = GetCurrentTimestamp();
    run(erase_statement, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID},
        {TimestampTzGetDatum(*erased_until), TimestampTzGetDatum(now), Int32GetDatum(limit)},
        SPI_OK_UPDATE);
    const bool erased_all = SPI_processed < static_cast<uint64>(limit);
    if (erased_all)
        *erased_until = now;
    run(delete_statement, {TIMESTAMPTZOID, INT4OID},
        {TimestampTzGetDatum(now - kept_for()), Int32GetDatum(limit)}, SPI_OK_DELETE);
    const bool deleted_all = SPI_processed < static_cast<uint64>(limit);
    run(forget_statement, {TIMESTAMPTZOID, INT4OID},
        {TimestampTzGetDatum(now - core::forgotten_after), Int32GetDatum(limit)}, SPI_OK_DELETE);
    return !erased_all || !deleted_all || SPI_processed >= static_cast<uint64>(limit);
}

TimestampTz next_purge(TimestampTz erased_until) {
    run(next_expiry_statement, {TIMESTAMPTZOID}, {TimestampTzGetDatum(erased_until)},
        SPI_OK_SELECT);
    const TimestampTz expiry = read_time();
    run(oldest_statement, {}, {}, SPI_OK_SELECT);
    const TimestampTz oldest = read_time();
    if (oldest == DT_NOEND)
        return DT_NOEND;
    return std::min(expiry, oldest + kept_for());
}

bool has_prepared_transactions() {
    if (max_prepared_xacts == 0)
        return false;
    run(prepared_statement, {}, {}, SPI_OK_SELECT);
    return SPI_processed > 0;
}

} // namespace mfa::outbox
