#include "inbox.hpp"

#include "encoding.hpp"
#include "pg_wall.hpp"
#include "shmem.hpp"
#include "statement.hpp"
#include "worker_session.hpp"

namespace mfa::inbox {

namespace {

// A message is put again where what became of it could not be written down.
Statement put_statement = {
    "INSERT INTO mfa.inbox (request, n, received_at, provider, channel, recipient, sender, body, code)"
    " VALUES ($1, $2, pg_catalog.clock_timestamp(), $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT (request, n) DO NOTHING",
    nullptr};

bool is_first() {
    shmem::Slot &slot = shmem::slot(worker::session.slot);
    SpinLockAcquire(&slot.lock);
    const bool first = !slot.has_inbox;
    slot.has_inbox = true;
    SpinLockRelease(&slot.lock);
    return first;
}

} // namespace

void put(const outbox::Claimed &claimed, const core::OutboundMessage &message) {
    const std::string recipient(message.recipient);
    const std::string sender(message.sender);
    const std::string body = from_utf8(message.text);
    const std::string code(message.code);
    const bool first = is_first();
    pg::call([&] {
        run(put_statement, {UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
            {id_datum(claimed.request), Int32GetDatum(claimed.n), text_datum(claimed.provider),
             text_datum(claimed.channel), text_datum(recipient), text_datum(sender),
             text_datum(body), text_datum(code)},
            SPI_OK_INSERT);
        if (first)
            ereport(
                WARNING,
                (errmsg("mfa sends no messages through server \"%s\": it keeps them, with their "
                        "codes, in table mfa.inbox",
                        claimed.provider.c_str()),
                 errhint("This is for development. In production, use another provider.")));
    });
}

} // namespace mfa::inbox
