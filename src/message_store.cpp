#include "message_store.hpp"

#include "catalog.hpp"
#include "indexed_table.hpp"
#include "message_row.hpp"

namespace mfa::store {

namespace {

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
    return catalog::open_unlogged("message", message_columns, lock);
}

namespace {

// The request's messages, the last one first.
template <class See>
void scan_request(Relation messages, const core::RequestId &request, See see,
                  Snapshot snapshot = SnapshotSelf) {
    pg_uuid_t id;
    std::memcpy(id.data, request.data(), request.size());
    catalog::scan(
        messages, "message_pkey", F_UUID_EQ, UUIDPGetDatum(&id), BackwardScanDirection,
        [&](TupleTableSlot *slot) {
            slot_getallattrs(slot);
            see(slot);
        },
        snapshot);
}

bool is_queued(TupleTableSlot *slot) {
    return std::strcmp(text_or_null(slot, col_state), "queued") == 0;
}

// Changes message `n` where `wanted(slot)` says so, by what `fill(change)` sets. Again where somebody else
// has changed it meanwhile.
template <class Wanted, class Fill>
bool change_message(Relation messages, const core::RequestId &request, int n, Wanted wanted,
                    Fill fill) {
    constexpr int most_rounds = 10; // each of the worker's transactions changes it once
    for (int round = 0; round < most_rounds; ++round) {
        HeapTuple old_tuple = nullptr;
        const auto see = [&](TupleTableSlot *slot) {
            if (DatumGetInt16(slot->tts_values[col_n]) == n && wanted(slot))
                old_tuple = ExecCopySlotHeapTuple(slot);
        };
        catalog::with_latest_snapshot(
            [&](Snapshot snapshot) { scan_request(messages, request, see, snapshot); });
        if (!old_tuple)
            return false;
        MessageChange change;
        fill(&change);
        if (indexed_table::replace(messages, old_tuple, change.values, change.nulls,
                                   change.changed))
            return true;
    }
    ereport(ERROR,
            (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
             errmsg("could not change the state of the message"), errhint("Report it again.")));
}

} // namespace

void visit_messages(Relation messages, const core::RequestId &request, MessageVisitor see,
                    void *context) {
    scan_request(messages, request, [&](TupleTableSlot *slot) {
        const Datum *values = slot->tts_values;
        see({DatumGetInt16(values[col_n]), DatumGetTimestampTz(values[col_created_at]),
             text_or_null(slot, col_state), text_or_null(slot, col_channel),
             text_or_null(slot, col_provider), text_or_null(slot, col_error),
             slot->tts_isnull[col_sealed] ? nullptr : DatumGetByteaPCopy(values[col_sealed]),
             is_reserve(slot)},
            context);
    });
}

bool has_message(const core::RequestId &request) {
    Relation messages = open_messages(AccessShareLock);
    int16 last = 0;
    visit_messages(messages, request, remember_last, &last);
    table_close(messages, NoLock);
    return last > 0;
}

bool find_accepted(Relation messages, const char *provider, const char *message_id,
                   Accepted *found) {
    bool is_found = false;
    const auto see = [&](TupleTableSlot *slot) {
        slot_getallattrs(slot);
        if (std::strcmp(text_or_null(slot, col_provider), provider) != 0)
            return;
        std::memcpy(found->request.data(), DatumGetUUIDP(slot->tts_values[col_request])->data,
                    found->request.size());
        found->n = DatumGetInt16(slot->tts_values[col_n]);
        found->state = text_or_null(slot, col_state);
        found->channel = text_or_null(slot, col_channel);
        found->sent_at = DatumGetTimestampTz(slot->tts_values[col_sent_at]);
        is_found = true;
    };
    catalog::with_latest_snapshot([&](Snapshot snapshot) {
        catalog::scan(messages, "message_report", F_TEXTEQ, CStringGetTextDatum(message_id),
                      ForwardScanDirection, see, snapshot);
    });
    return is_found;
}

bool finish_message(Relation messages, const core::RequestId &request, int n, const char *state,
                    const char *error) {
    return change_message(
        messages, request, n,
        [](TupleTableSlot *slot) {
            return std::strcmp(text_or_null(slot, col_state), "sent") == 0;
        },
        [&](MessageChange *change) {
            change->set_text(col_state, state);
            change->set(col_ended_at, TimestampTzGetDatum(GetCurrentTimestamp()));
            change->set(col_due_at, TimestampTzGetDatum(DT_NOEND));
            if (error)
                change->set_text(col_error, error);
            else
                change->set_null(col_error);
        });
}

bool hasten_fallback(Relation messages, const core::RequestId &request, int n) {
    const TimestampTz now = GetCurrentTimestamp();
    return change_message(
        messages, request, n + 1,
        [&](TupleTableSlot *slot) {
            return is_reserve(slot) && is_queued(slot) &&
                   DatumGetTimestampTz(slot->tts_values[col_due_at]) > now;
        },
        [&](MessageChange *change) { change->set(col_due_at, TimestampTzGetDatum(now)); });
}

int insert_message(const NewMessage &message, bool first) {
    Relation messages = open_messages(RowExclusiveLock);
    pg_uuid_t request;
    std::memcpy(request.data, message.request.data(), message.request.size());
    TimestampTz now = GetCurrentTimestamp();
    int16 last = 0;
    if (!first)
        visit_messages(messages, message.request, remember_last, &last);
    if (last == PG_INT16_MAX)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("the request has %d messages, as many as it can have", last),
                        errhint("Cancel it by mfa_cancel, then send a new one.")));
    std::string_view channel = core::channel_name(message.channel);

    TupleTableSlot *slot = table_slot_create(messages, nullptr);
    ExecClearTuple(slot);
    Datum *values = slot->tts_values;
    std::memset(slot->tts_isnull, 0, message_columns * sizeof(bool));
    values[col_request] = UUIDPGetDatum(&request);
    values[col_n] = Int16GetDatum(last + 1);
    values[col_tries] = Int32GetDatum(0);
    values[col_unknowns] = Int32GetDatum(0);
    values[col_due_at] = TimestampTzGetDatum(now + message.delay);
    values[col_created_at] = TimestampTzGetDatum(now);
    values[col_state] = CStringGetTextDatum("queued");
    values[col_channel] =
        PointerGetDatum(cstring_to_text_with_len(channel.data(), static_cast<int>(channel.size())));
    values[col_destination] = CStringGetTextDatum(message.destination);
    values[col_provider] = CStringGetTextDatum(static_cast<char *>(linitial(message.providers)));
    values[col_providers] = text_array(message.providers);
    slot->tts_isnull[col_sent_at] = true;
    slot->tts_isnull[col_ended_at] = true;
    values[col_cost] = Int64GetDatum(0);
    slot->tts_isnull[col_fallback_for] = message.fallback_for == 0;
    values[col_fallback_for] = Int16GetDatum(static_cast<int16>(message.fallback_for));
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
    indexed_table::insert(messages, slot);
    ExecDropSingleTupleTableSlot(slot);
    table_close(messages, NoLock);
    return last + 1;
}

} // namespace mfa::store
