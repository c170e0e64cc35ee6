#include "forget.hpp"

#include "core/error.hpp"
#include "core/recipient.hpp"
#include "keys.hpp"
#include "owner_session.hpp"
#include "pg_wall.hpp"
#include "request_store.hpp"
#include "statement.hpp"

namespace mfa {

namespace {

// A message that is on its way may have been accepted: nobody will write down whether.
Statement forget_statement = {
    "WITH gone AS (SELECT r.id, r.state FROM mfa.request r WHERE r.recipient_hash = ANY ($1)"
    "  ORDER BY r.id FOR UPDATE),"
    " messages AS (DELETE FROM mfa.message m USING gone WHERE m.request = gone.id"
    "  RETURNING m.created_at, m.provider, m.channel, m.destination, m.n, m.state,"
    "   gone.state AS request_state),"
    " counted AS (INSERT INTO mfa.usage_total AS u"
    "  (day, provider, channel, destination, verified, delivered, undelivered, unknown)"
    "  SELECT (m.created_at AT TIME ZONE 'UTC')::pg_catalog.date, m.provider, m.channel, m.destination,"
    "   pg_catalog.count(*) FILTER (WHERE m.n = 1 AND m.request_state = 'verified'),"
    "   pg_catalog.count(*) FILTER (WHERE m.state = 'delivered'),"
    "   pg_catalog.count(*) FILTER (WHERE m.state = 'undelivered'),"
    "   pg_catalog.count(*) FILTER (WHERE m.state = 'sending')"
    "  FROM messages m"
    "  WHERE m.n = 1 AND m.request_state = 'verified'"
    "   OR m.state IN ('delivered', 'undelivered', 'sending')"
    "  GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    "  ON CONFLICT (day, provider, channel, destination) DO UPDATE SET"
    "   verified = u.verified + EXCLUDED.verified, delivered = u.delivered + EXCLUDED.delivered,"
    "   undelivered = u.undelivered + EXCLUDED.undelivered, unknown = u.unknown + EXCLUDED.unknown),"
    " inbox AS (DELETE FROM mfa.inbox i USING gone WHERE i.request = gone.id),"
    " failures AS (DELETE FROM mfa.failure f WHERE f.recipient_hash = ANY ($1))"
    " DELETE FROM mfa.request r USING gone WHERE r.id = gone.id",
    nullptr};

} // namespace

int64 forget(std::string_view recipient) {
    const std::optional<std::string> normalised = core::read_recipient(recipient);
    if (!normalised)
        throw core::Error(core::sqlstate::invalid_parameter_value,
                          "recipient is neither a number nor a mail address",
                          "For example +14155550123, or someone@example.com.");
    const std::vector<core::RecipientHash> hashes = keys::hashes_of(keys::current(), *normalised);
    return pg::call([&] {
        store::lock_recipient(hashes.front()); // a send that is under way ends first
        int64 requests = 0;
        as_owner([&] {
            Datum *values = static_cast<Datum *>(palloc(hashes.size() * sizeof(Datum)));
            for (std::size_t i = 0; i < hashes.size(); ++i)
                values[i] = catalog::bytes_datum(hashes[i]);
            run(forget_statement, {BYTEAARRAYOID}, {array_datum(BYTEAOID, values, hashes.size())},
                SPI_OK_DELETE);
            requests = static_cast<int64>(SPI_processed);
        });
        return requests;
    });
}

} // namespace mfa
