#include "message_store.hpp"

#include "catalog.hpp"

namespace mfa::store {

namespace {

// Columns of mfa.message, as sql/mfa--1.0.sql creates them.
enum Column : int {
    col_request,
    col_n,
    col_tries,
    col_unknowns,
    col_due_at,
    col_created_at,
    col_sent_at,
    col_state,
    col_channel,
    col_provider,
    col_providers,
    col_sealed,
    col_message_id,
    col_error,
    column_count
};

const char *text_or_null(TupleTableSlot *slot, Column column) {
    return slot->tts_isnull[column] ? nullptr : TextDatumGetCString(slot->tts_values[column]);
}

void remember_last(const Message &message, void *last) {
    int16 *n = static_cast<int16 *>(last);
    *n = std::max(*n, message.n);
}

Datum text_array(List *names) {
    Datum *items = static_cast<Datum *>(palloc(list_length(names) * sizeof(Datum)));
    int count = 0;
    ListCell *cell;
    foreach (cell, names)
        items[count++] = CStringGetTextDatum(static_cast<char *>(lfirst(cell)));
    return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

} // namespace

Relation open_messages(LOCKMODE lock) {
    return catalog::open_unlogged("message", column_count, lock);
}

void visit_messages(Relation messages, const core::RequestId &request, MessageVisitor see,
                    void *context) {
    pg_uuid_t id;
    std::memcpy(id.data, request.data(), request.size());
    catalog::scan(
        messages, "message_pkey", F_UUID_EQ, UUIDPGetDatum(&id), BackwardScanDirection,
        [&](TupleTableSlot *slot) {
            slot_getallattrs(slot);
            const Datum *values = slot->tts_values;
            see({DatumGetInt16(values[col_n]), DatumGetTimestampTz(values[col_created_at]),
                 text_or_null(slot, col_state), text_or_null(slot, col_channel),
                 text_or_null(slot, col_provider), text_or_null(slot, col_error),
                 slot->tts_isnull[col_sealed] ? nullptr : DatumGetByteaPCopy(values[col_sealed])},
                context);
        });
}

void insert_message(const NewMessage &message, bool first) {
    Relation messages = open_messages(RowExclusiveLock);
    pg_uuid_t request;
    std::memcpy(request.data, message.request.data(), message.request.size());
    TimestampTz now = GetCurrentTimestamp();
    int16 last = 0;
    if (!first)
        visit_messages(messages, message.request, remember_last, &last);
    std::string_view channel = core::channel_name(message.channel);

    TupleTableSlot *slot = table_slot_create(messages, nullptr);
    ExecClearTuple(slot);
    Datum *values = slot->tts_values;
    std::memset(slot->tts_isnull, 0, column_count * sizeof(bool));
    values[col_request] = UUIDPGetDatum(&request);
    values[col_n] = Int16GetDatum(last + 1);
    values[col_tries] = Int32GetDatum(0);
    values[col_unknowns] = Int32GetDatum(0);
    values[col_due_at] = TimestampTzGetDatum(now);
    values[col_created_at] = TimestampTzGetDatum(now);
    values[col_state] = CStringGetTextDatum("queued");
    values[col_channel] =
        PointerGetDatum(cstring_to_text_with_len(channel.data(), static_cast<int>(channel.size())));
    values[col_provider] = CStringGetTextDatum(static_cast<char *>(linitial(message.providers)));
    values[col_providers] = text_array(message.providers);
    slot->tts_isnull[col_sent_at] = true;
    slot->tts_isnull[col_message_id] = true;
    slot->tts_isnull[col_error] = true;
    if (message.sealed) {
        bytea *sealed = static_cast<bytea *>(palloc(VARHDRSZ + message.sealed_length));
        SET_VARSIZE(sealed, VARHDRSZ + message.sealed_length);
        std::memcpy(VARDATA(sealed), message.sealed, message.sealed_length);
        values[col_sealed] = PointerGetDatum(sealed);
    } else {
        slot->tts_isnull[col_sealed] = true;
    }
    ExecStoreVirtualTuple(slot);
    catalog::insert(messages, slot);
    ExecDropSingleTupleTableSlot(slot);
    table_close(messages, NoLock);
}

} // namespace mfa::store
