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

int16 last_number(Relation messages, pg_uuid_t *request) {
    Relation index = catalog::open_index("message_pkey", AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(request));
    TupleTableSlot *slot = table_slot_create(messages, nullptr);
    IndexScanDesc scan = pg::begin_index_scan(messages, index, SnapshotSelf, 1);
    index_rescan(scan, &key, 1, nullptr, 0);
    int16 last = 0;
    if (index_getnext_slot(scan, BackwardScanDirection, slot)) {
        bool is_null;
        last = DatumGetInt16(slot_getattr(slot, col_n + 1, &is_null));
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
    return last;
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

void insert_message(const NewMessage &message, bool first) {
    Relation messages = catalog::open_unlogged("message", column_count, RowExclusiveLock);
    pg_uuid_t request;
    std::memcpy(request.data, message.request.data(), message.request.size());
    TimestampTz now = GetCurrentTimestamp();
    std::string_view channel = core::channel_name(message.channel);

    TupleTableSlot *slot = table_slot_create(messages, nullptr);
    ExecClearTuple(slot);
    Datum *values = slot->tts_values;
    std::memset(slot->tts_isnull, 0, column_count * sizeof(bool));
    values[col_request] = UUIDPGetDatum(&request);
    values[col_n] = Int16GetDatum(first ? 1 : last_number(messages, &request) + 1);
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
