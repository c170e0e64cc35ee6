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

// The rows stay until they are purged, so that what was sent is counted then, but tell nothing of whom: the
// totals that the worker writes must not wait for the caller's transaction. A message that is on its way is
// left to the worker, which would wait for it.
Statement forget_statement = {
    "WITH gone AS (UPDATE mfa.request r SET recipient_hash = $2, code_hash = NULL, sealed = NULL,"
    "   purpose = '', attempts = 0, attempted_at = '-infinity',"
    "   state = CASE r.state WHEN 'live' THEN 'canceled' ELSE r.state END,"
    "   ended_at = coalesce(r.ended_at, $3), expires_at = least(r.expires_at, $3)"
    "  WHERE r.recipient_hash = ANY ($1) RETURNING r.id),"
    " messages AS (UPDATE mfa.message m SET sealed = NULL, message_id = NULL, error = NULL,"
    "   due_at = CASE m.state WHEN 'sent' THEN 'infinity' ELSE m.due_at END"
    "  FROM gone WHERE m.request = gone.id AND m.state <> 'sending'),"
    " inbox AS (DELETE FROM mfa.inbox i USING gone WHERE i.request = gone.id),"
    " failures AS (DELETE FROM mfa.failure f WHERE f.recipient_hash = ANY ($1))"
    " SELECT pg_catalog.count(*) FROM gone",
    nullptr};

} // namespace

int64 forget(std::string_view recipient) {
    const std::optional<std::string> normalised = core::read_recipient(recipient);
    if (!normalised)
        throw core::Error(core::sqlstate::invalid_parameter_value,
                          "recipient is neither a number nor a mail address",
                          "For example +14155550123, or someone@example.com.");
    if (pg::call([] { return IsolationUsesXactSnapshot(); })) // it would not see what is newer
        throw core::Error(core::sqlstate::invalid_transaction_state,
                          "mfa_forget can't be called in REPEATABLE READ or SERIALIZABLE",
                          "Call it in a transaction that is READ COMMITTED.");
    const std::vector<core::RecipientHash> hashes = keys::hashes_of(keys::current(), *normalised);
    return pg::call([&] {
        store::lock_recipient(hashes.front()); // a send that is under way ends first
        int64 requests = 0;
        as_owner([&] {
            Datum *values = static_cast<Datum *>(palloc(hashes.size() * sizeof(Datum)));
            for (std::size_t i = 0; i < hashes.size(); ++i)
                values[i] = catalog::bytes_datum(hashes[i]);
            run(forget_statement, {BYTEAARRAYOID, BYTEAOID, TIMESTAMPTZOID},
                {array_datum(BYTEAOID, values, hashes.size()),
                 catalog::bytes_datum(core::RecipientHash{}),
                 TimestampTzGetDatum(GetCurrentTimestamp())},
                SPI_OK_SELECT);
            bool is_null;
            requests = DatumGetInt64(field(0, 1, &is_null));
        });
        return requests;
    });
}

} // namespace mfa
