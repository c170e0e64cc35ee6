#include "due_messages.hpp"

#include "catalog.hpp"
#include "indexed_table.hpp"
#include "message_row.hpp"
#include "message_store.hpp"
#include "request_store.hpp"
#include "statement.hpp"

namespace mfa::store {

namespace {

bool is_one_of(std::string_view state, std::initializer_list<std::string_view> states) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

// The request's other messages, which may make one of them unneeded.
struct Siblings {
    bool has_arrived; // one that it stands in for
    bool is_newer;    // the same was asked for again
};

Siblings look_at_siblings(const catalog::Lookup &messages, TupleTableSlot *due) {
    const Datum *values = due->tts_values;
    const int n = DatumGetInt16(values[col_n]);
    const bool is_fallback = !due->tts_isnull[col_fallback_for];
    const bool is_reserved = is_reserve(due);
    const int stands_in_for = is_fallback ? DatumGetInt16(values[col_fallback_for]) : 0;
    const std::string_view channel = catalog::text_view(values[col_channel]);
    Siblings siblings{};
    catalog::look(messages, F_UUID_EQ, values[col_request], ForwardScanDirection,
                  [&](TupleTableSlot *slot) {
                      slot_getallattrs(slot);
                      const Datum *other = slot->tts_values;
                      const int other_n = DatumGetInt16(other[col_n]);
                      if (other_n == n)
                          return;
                      const std::string_view state = catalog::text_view(other[col_state]);
                      if (other_n < n) {
                          siblings.has_arrived |=
                              is_reserved && other_n >= stands_in_for && state == "delivered";
                          return;
                      }
                      siblings.is_newer |=
                          slot->tts_isnull[col_fallback_for] &&
                          (is_fallback || catalog::text_view(other[col_channel]) == channel) &&
                          is_one_of(state, {"queued", "sending", "sent", "delivered"});
                  });
    return siblings;
}

void read_providers(TupleTableSlot *slot, DueMessage *due) {
    Datum *names;
    int count;
    deconstruct_array(DatumGetArrayTypeP(slot->tts_values[col_providers]), TEXTOID, -1, false,
                      TYPALIGN_INT, &names, nullptr, &count);
    due->provider = text_or_null(slot, col_provider);
    due->first_provider = count > 0 ? TextDatumGetCString(names[0]) : due->provider;
    due->next_provider = nullptr;
    for (int i = 0; i + 1 < count; ++i)
        if (catalog::text_view(names[i]) == due->provider) {
            due->next_provider = TextDatumGetCString(names[i + 1]);
            return;
        }
}

DueMessage read_due(TupleTableSlot *slot) {
    const Datum *values = slot->tts_values;
    DueMessage due{};
    std::memcpy(due.request.data(), DatumGetUUIDP(values[col_request])->data, due.request.size());
    due.n = DatumGetInt16(values[col_n]);
    due.tries = DatumGetInt32(values[col_tries]);
    due.unknowns = DatumGetInt32(values[col_unknowns]);
    due.channel = text_or_null(slot, col_channel);
    due.destination = text_or_null(slot, col_destination);
    due.created_at = DatumGetTimestampTz(values[col_created_at]);
    due.is_fallback = !slot->tts_isnull[col_fallback_for];
    due.was_leased = catalog::text_view(values[col_state]) == "sending";
    due.sealed = slot->tts_isnull[col_sealed] ? nullptr : DatumGetByteaPCopy(values[col_sealed]);
    read_providers(slot, &due);
    return due;
}

// Also reads what delivery needs of the request.
const char *ending_of(TupleTableSlot *slot, const catalog::Lookup &requests,
                      const catalog::Lookup &messages, DueMessage *due) {
    Request request;
    if (!read_request(requests, due->request, &request, &due->sealed_request))
        return "request gone";
    due->key_id = request.key_id;
    due->owner = request.owner;
    due->expires_at = request.expires_at;
    if (request.state != RequestState::live)
        return psprintf("request %s", state_name(request.state));
    const Siblings siblings = look_at_siblings(messages, slot);
    return siblings.has_arrived ? "not needed: delivered"
           : siblings.is_newer  ? "sent again meanwhile"
                                : nullptr;
}

// False where somebody else is changing the row, or has. heap_update alone can't be asked not to wait: with
// assertions it would end the server.
bool try_lock(Relation messages, TupleTableSlot *due, Snapshot snapshot, TupleTableSlot *locked) {
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_lock(messages, &due->tts_tid, snapshot, locked, GetCurrentCommandId(false),
                         LockTupleNoKeyExclusive, LockWaitSkip, 0, &failure);
    ExecClearTuple(locked);
    return result == TM_Ok;
}

// The row is locked.
void take(Relation messages, TupleTableSlot *slot, TimestampTz lease_end, DueMessage *due) {
    MessageChange change;
    if (due->ending) {
        change.set_text(col_state, "dropped");
        change.set(col_ended_at, TimestampTzGetDatum(GetCurrentTimestamp()));
        change.set_null(col_sealed);
        const char *error = text_or_null(slot, col_error);
        change.set_text(col_error, error ? psprintf("%s; %s", due->ending, error) : due->ending);
    } else {
        ++due->tries;
        change.set_text(col_state, "sending");
        change.set(col_tries, Int32GetDatum(due->tries));
        change.set(col_due_at, TimestampTzGetDatum(lease_end));
        change.set_null(col_ended_at);
    }
    if (!indexed_table::replace(messages, ExecCopySlotHeapTuple(slot), change.values, change.nulls,
                                change.changed, &due->row))
        elog(ERROR, "mfa could not change a row that it has locked");
}

// Calls `see(slot)` for messages that wait, by provider and oldest first, while it answers true.
template <class See>
void scan_due(Relation messages, ScanKeyData *keys, int key_count, Snapshot snapshot, See see) {
    Relation index = catalog::open_index("message_due", AccessShareLock);
    TupleTableSlot *slot = table_slot_create(messages, nullptr);
    IndexScanDesc scan = pg::begin_index_scan(messages, index, snapshot, key_count);
    index_rescan(scan, keys, key_count, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        slot_getallattrs(slot);
        if (!see(slot))
            break;
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
}

void compare_provider(ScanKeyData *key, StrategyNumber strategy, Oid function, const char *name) {
    ScanKeyEntryInitialize(key, 0, 1, strategy, InvalidOid, C_COLLATION_OID, function,
                           CStringGetTextDatum(name));
}

// Whether the row is the message as it was claimed.
bool is_claimed(TupleTableSlot *slot, const TryOutcome &outcome) {
    slot_getallattrs(slot);
    const Datum *values = slot->tts_values;
    return std::memcmp(DatumGetUUIDP(values[col_request])->data, outcome.request.data(),
                       outcome.request.size()) == 0 &&
           DatumGetInt16(values[col_n]) == outcome.n &&
           DatumGetInt32(values[col_tries]) == outcome.tries &&
           catalog::text_view(values[col_state]) == "sending";
}

// Mostly it is where the claim has put it. Where not, it was changed since, or the table is another one.
HeapTuple find_claimed(Relation messages, const catalog::Lookup &lookup, Snapshot snapshot,
                       BlockNumber blocks, const TryOutcome &outcome) {
    ItemPointerData row = outcome.row;
    HeapTuple found = nullptr;
    if (ItemPointerIsValid(&row) && ItemPointerGetBlockNumber(&row) < blocks) {
        if (table_tuple_fetch_row_version(messages, &row, snapshot, lookup.slot) &&
            is_claimed(lookup.slot, outcome))
            found = ExecCopySlotHeapTuple(lookup.slot);
        ExecClearTuple(lookup.slot);
    }
    if (!found)
        catalog::look(lookup, F_UUID_EQ, id_datum(outcome.request), ForwardScanDirection,
                      [&](TupleTableSlot *slot) {
                          if (is_claimed(slot, outcome))
                              found = ExecCopySlotHeapTuple(slot);
                      });
    return found;
}

bool record_one(Relation messages, HeapTuple recorded, const TryOutcome &outcome) {
    if (!recorded)
        return true; // it was claimed again, or its request is gone
    const Datum now = TimestampTzGetDatum(GetCurrentTimestamp());
    MessageChange change;
    const auto set_or_null = [&](MessageColumn column, bool given, Datum value) {
        if (given)
            change.set(column, value);
        else
            change.set_null(column);
    };
    const auto set_text_or_null = [&](MessageColumn column, const char *text) {
        set_or_null(column, *text != '\0', CStringGetTextDatum(text));
    };
    change.set_text(col_state, outcome.state);
    change.set(col_due_at, TimestampTzGetDatum(outcome.due_at));
    change.set_text(col_provider, outcome.provider);
    change.set(col_unknowns, Int32GetDatum(outcome.unknowns));
    set_text_or_null(col_message_id, outcome.message_id);
    set_text_or_null(col_error, outcome.error);
    change.set(col_cost, Int64GetDatum(outcome.cost));
    set_or_null(col_sent_at, std::strcmp(outcome.state, "sent") == 0, now);
    set_or_null(col_ended_at, std::strcmp(outcome.state, "failed") == 0, now);
    return indexed_table::replace(messages, recorded, change.values, change.nulls, change.changed);
}

} // namespace

int claim_due(const char *provider, TimestampTz lease_end, int limit, DueVisitor see,
              void *context) {
    const TimestampTz now = GetCurrentTimestamp();
    Relation messages = open_messages(RowExclusiveLock);
    Relation requests = open_requests(AccessShareLock);
    int count = 0;
    catalog::with_latest_snapshot([&](Snapshot snapshot) {
        catalog::Lookup request_lookup = catalog::open_lookup(requests, "request_pkey", snapshot);
        catalog::Lookup message_lookup = catalog::open_lookup(messages, "message_pkey", snapshot);
        TupleTableSlot *locked = table_slot_create(messages, nullptr);
        ScanKeyData keys[2];
        compare_provider(&keys[0], BTEqualStrategyNumber, F_TEXTEQ, provider);
        ScanKeyEntryInitialize(&keys[1], 0, 2, BTLessEqualStrategyNumber, InvalidOid, InvalidOid,
                               F_TIMESTAMPTZ_LE, TimestampTzGetDatum(now));
        scan_due(messages, keys, lengthof(keys), snapshot, [&](TupleTableSlot *slot) {
            // Passed over before anything is read for it: somebody may be changing very many.
            if (!is_one_of(catalog::text_view(slot->tts_values[col_state]),
                           {"queued", "sending"}) || // whatever the index has
                !try_lock(messages, slot, snapshot, locked))
                return true;
            DueMessage due = read_due(slot);
            due.ending = ending_of(slot, request_lookup, message_lookup, &due);
            take(messages, slot, lease_end, &due);
            see(due, context);
            return ++count < limit;
        });
        ExecDropSingleTupleTableSlot(locked);
        catalog::close_lookup(message_lookup);
        catalog::close_lookup(request_lookup);
    });
    table_close(requests, NoLock);
    table_close(messages, NoLock);
    return count;
}

void visit_waiting(WaitingVisitor see, void *context) {
    Relation messages = open_messages(AccessShareLock);
    catalog::with_latest_snapshot([&](Snapshot snapshot) {
        ScanKeyData behind;
        const char *last = nullptr;
        const char *found = nullptr;
        do {
            if (last)
                compare_provider(&behind, BTGreaterStrategyNumber, F_TEXT_GT, last);
            found = nullptr;
            scan_due(messages, &behind, last ? 1 : 0, snapshot, [&](TupleTableSlot *slot) {
                found = text_or_null(slot, col_provider);
                see(found, DatumGetTimestampTz(slot->tts_values[col_due_at]), context);
                return false;
            });
            last = found;
        } while (found);
    });
    table_close(messages, NoLock);
}

void take_over_leases() {
    Relation messages = open_messages(RowExclusiveLock);
    catalog::with_latest_snapshot([&](Snapshot snapshot) {
        scan_due(messages, nullptr, 0, snapshot, [&](TupleTableSlot *slot) {
            if (catalog::text_view(slot->tts_values[col_state]) != "sending")
                return true;
            MessageChange change;
            change.set(col_due_at, TimestampTzGetDatum(GetCurrentTimestamp()));
            indexed_table::replace(messages, ExecCopySlotHeapTuple(slot), change.values,
                                   change.nulls, change.changed);
            return true;
        });
    });
    table_close(messages, NoLock);
}

void record_outcomes(const TryOutcome *outcomes, int count, RecordVisitor see, void *context) {
    constexpr int most_rounds = 10; // who else changes a message that is being sent does so once
    Relation messages = open_messages(RowExclusiveLock);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(messages), &TTSOpsHeapTuple);
    const BlockNumber blocks = RelationGetNumberOfBlocks(messages); // none goes while it is locked
    int next = 0;
    for (int round = 0; next < count && round < most_rounds; ++round)
        catalog::with_latest_snapshot([&](Snapshot snapshot) {
            catalog::Lookup lookup = catalog::open_lookup(messages, "message_pkey", snapshot);
            while (next < count) {
                HeapTuple recorded =
                    find_claimed(messages, lookup, snapshot, blocks, outcomes[next]);
                if (!record_one(messages, recorded, outcomes[next]))
                    break;
                if (recorded) {
                    ExecStoreHeapTuple(recorded, slot, false);
                    slot_getallattrs(slot);
                    see(next, text_or_null(slot, col_channel), text_or_null(slot, col_destination),
                        DatumGetTimestampTz(slot->tts_values[col_created_at]), context);
                    ExecClearTuple(slot);
                }
                ++next;
                round = 0;
            }
            catalog::close_lookup(lookup);
        });
    ExecDropSingleTupleTableSlot(slot);
    table_close(messages, NoLock);
    if (next < count)
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not record what became of a message")));
}

} // namespace mfa::store
