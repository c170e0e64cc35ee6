#include "housekeeping.hpp"

#include "core/lockout.hpp"
#include "settings.hpp"
#include "statement.hpp"

namespace mfa::housekeeping {

namespace {

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
    " counted AS (INSERT INTO mfa.usage_total AS u"
    "  (day, provider, channel, destination, verified, delivered, undelivered)"
    "  SELECT (m.created_at AT TIME ZONE 'UTC')::pg_catalog.date, m.provider, m.channel, m.destination,"
    "   pg_catalog.count(*) FILTER (WHERE m.n = 1 AND o.state = 'verified'),"
    "   pg_catalog.count(*) FILTER (WHERE m.state = 'delivered'),"
    "   pg_catalog.count(*) FILTER (WHERE m.state = 'undelivered')"
    "  FROM old o JOIN mfa.message m ON m.request = o.id"
    "  WHERE m.n = 1 AND o.state = 'verified' OR m.state IN ('delivered', 'undelivered')"
    "  GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    "  ON CONFLICT (day, provider, channel, destination) DO UPDATE SET"
    "   verified = u.verified + EXCLUDED.verified, delivered = u.delivered + EXCLUDED.delivered,"
    "   undelivered = u.undelivered + EXCLUDED.undelivered),"
    " inbox AS (DELETE FROM mfa.inbox i USING old WHERE i.request = old.id),"
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

// How long rows are kept after their expiry: mfa.retention, and as long as mfa.send_limit looks back.
TimestampTz kept_for() {
    std::int64_t seconds = settings::retention;
    for (const core::RateLimit &limit : settings::send_limit->all())
        seconds = std::max(seconds, limit.seconds);
    return seconds * USECS_PER_SEC;
}

} // namespace

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
    const TimestampTz expiry = answered_time();
    run(oldest_statement, {}, {}, SPI_OK_SELECT);
    const TimestampTz oldest = answered_time();
    if (oldest == DT_NOEND)
        return DT_NOEND;
    return std::min(expiry, oldest + kept_for());
}

} // namespace mfa::housekeeping
