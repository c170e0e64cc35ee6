#include "request_store.hpp"

#include "indexed_table.hpp"

namespace mfa::store {

namespace {

// Columns of mfa.request, as sql/mfa--1.0.sql creates them.
enum Column : int {
    col_attempts, // the first three, of fixed width: attempts.cpp relies on it
    col_max_attempts,
    col_attempted_at,
    col_key_id,
    col_owner,
    col_created_at,
    col_expires_at,
    col_id,
    col_code_length,
    col_allow_alphas,
    col_state,
    col_purpose,
    col_recipient_hash,
    col_code_hash,
    col_sealed,
    col_ended_at,
    column_count
};

constexpr const char *state_names[] = {"live",    "verified", "exhausted",
                                       "expired", "canceled", "superseded"};

RequestState state_from(Datum datum) {
    text *stored = DatumGetTextPP(datum);
    std::string_view name(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
    for (int i = 0; i < static_cast<int>(lengthof(state_names)); ++i)
        if (name == state_names[i])
            return static_cast<RequestState>(i);
    ereport(ERROR,
            (errcode(ERRCODE_DATA_CORRUPTED), errmsg("mfa.request has a row in an unknown state")));
}

template <std::size_t N> void read_bytes(Datum datum, std::array<std::uint8_t, N> &bytes) {
    bytea *stored = DatumGetByteaPP(datum);
    if (VARSIZE_ANY_EXHDR(stored) != N)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("mfa.request has a hash of unexpected length")));
    std::memcpy(bytes.data(), VARDATA_ANY(stored), N);
}

// Reads the row in `slot`, and tells its effective state.
void read_row(TupleTableSlot *slot, Request *row) {
    slot_getallattrs(slot);
    const Datum *values = slot->tts_values;
    bool is_null;
    row->tid = slot->tts_tid;
    row->xmin =
        DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null));
    row->attempts = DatumGetInt32(values[col_attempts]);
    row->max_attempts = DatumGetInt32(values[col_max_attempts]);
    row->attempted_at = DatumGetTimestampTz(values[col_attempted_at]);
    row->key_id = DatumGetInt32(values[col_key_id]);
    row->owner = DatumGetObjectId(values[col_owner]);
    row->created_at = DatumGetTimestampTz(values[col_created_at]);
    row->expires_at = DatumGetTimestampTz(values[col_expires_at]);
    row->ended_at =
        slot->tts_isnull[col_ended_at] ? DT_NOEND : DatumGetTimestampTz(values[col_ended_at]);
    std::memcpy(row->id.data(), DatumGetUUIDP(values[col_id])->data, row->id.size());
    row->code_length = DatumGetInt16(values[col_code_length]);
    row->allow_alphas = DatumGetBool(values[col_allow_alphas]);
    read_bytes(values[col_recipient_hash], row->recipient);
    if (slot->tts_isnull[col_code_hash])
        row->code_hash.fill(0);
    else
        read_bytes(values[col_code_hash], row->code_hash);

    row->state = state_from(values[col_state]);
    if (row->state == RequestState::live) {
        if (row->expires_at <= GetCurrentTimestamp())
            row->state = RequestState::expired;
        else if (row->attempts >= row->max_attempts)
            row->state = RequestState::exhausted;
    }
}

bytea *sealed_of(TupleTableSlot *slot) {
    return slot->tts_isnull[col_sealed] ? nullptr
                                        : DatumGetByteaPCopy(slot->tts_values[col_sealed]);
}

std::string_view purpose_of(TupleTableSlot *slot) {
    return catalog::text_view(slot->tts_values[col_purpose]);
}

} // namespace

const char *state_name(RequestState state) { return state_names[static_cast<int>(state)]; }

Relation open_requests(LOCKMODE lock) {
    return catalog::open_unlogged("request", column_count, lock);
}

void insert_request(Relation requests, const NewRequest &request) {
    const Request &row = request.row;
    TupleTableSlot *slot = table_slot_create(requests, nullptr);
    ExecClearTuple(slot);
    Datum *values = slot->tts_values;
    std::memset(slot->tts_isnull, 0, column_count * sizeof(bool));

    pg_uuid_t id;
    std::memcpy(id.data, row.id.data(), row.id.size());
    bytea *sealed = static_cast<bytea *>(palloc(VARHDRSZ + request.sealed_length));
    SET_VARSIZE(sealed, VARHDRSZ + request.sealed_length);
    std::memcpy(VARDATA(sealed), request.sealed, request.sealed_length);

    values[col_attempts] = Int32GetDatum(0);
    values[col_max_attempts] = Int32GetDatum(row.max_attempts);
    values[col_attempted_at] = TimestampTzGetDatum(DT_NOBEGIN);
    values[col_key_id] = Int32GetDatum(row.key_id);
    values[col_owner] = ObjectIdGetDatum(row.owner);
    values[col_created_at] = TimestampTzGetDatum(row.created_at);
    values[col_expires_at] = TimestampTzGetDatum(row.expires_at);
    values[col_id] = UUIDPGetDatum(&id);
    values[col_code_length] = Int16GetDatum(row.code_length);
    values[col_allow_alphas] = BoolGetDatum(row.allow_alphas);
    values[col_state] = CStringGetTextDatum(state_name(RequestState::live));
    values[col_purpose] =
        PointerGetDatum(cstring_to_text_with_len(request.purpose.data, request.purpose.length));
    values[col_recipient_hash] = catalog::bytes_datum(row.recipient);
    values[col_code_hash] = catalog::bytes_datum(row.code_hash);
    values[col_sealed] = PointerGetDatum(sealed);
    slot->tts_isnull[col_ended_at] = true;
    ExecStoreVirtualTuple(slot);

    indexed_table::insert(requests, slot);
    ExecDropSingleTupleTableSlot(slot);
}

bool find_request(Relation requests, const core::RequestId &id, Text purpose, Oid role,
                  Request *found, bytea **sealed) {
    pg_uuid_t key;
    std::memcpy(key.data, id.data(), id.size());
    bool is_found = false;
    const auto see = [&](TupleTableSlot *slot) {
        read_row(slot, found);
        is_found = !purpose.data || purpose_of(slot) == view(purpose);
        if (sealed)
            *sealed = sealed_of(slot);
        if (!has_privs_of_role(role, found->owner))
            ereport(ERROR,
                    (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                     errmsg("permission denied for the request"),
                     errdetail("It was made by another role than \"%s\".",
                               GetUserNameFromId(role, false)),
                     errhint("Use it as the role that made it, or as a member of that role.")));
    };
    catalog::scan(requests, "request_pkey", F_UUID_EQ, UUIDPGetDatum(&key), ForwardScanDirection,
                  see);
    return is_found;
}

bool read_request(const catalog::Lookup &by_id, const core::RequestId &id, Request *found,
                  bytea **sealed) {
    pg_uuid_t key;
    std::memcpy(key.data, id.data(), id.size());
    bool is_found = false;
    catalog::look(by_id, F_UUID_EQ, UUIDPGetDatum(&key), ForwardScanDirection,
                  [&](TupleTableSlot *slot) {
                      read_row(slot, found);
                      *sealed = sealed_of(slot);
                      is_found = true;
                  });
    return is_found;
}

void visit_requests(Relation requests, const core::RecipientHash &recipient, RequestVisitor see,
                    void *context) {
    catalog::scan(requests, "request_recipient", F_BYTEAEQ, catalog::bytes_datum(recipient),
                  ForwardScanDirection, [&](TupleTableSlot *slot) {
                      Request row;
                      read_row(slot, &row);
                      see(row, purpose_of(slot), context);
                  });
}

bool finish_request(Relation requests, const Request &request, RequestState state) {
    TupleTableSlot *slot = table_slot_create(requests, nullptr);
    ItemPointerData tid = request.tid;
    bool done = false;
    if (table_tuple_fetch_row_version(requests, &tid, SnapshotSelf, slot)) {
        Datum values[column_count];
        bool nulls[column_count];
        bool changed[column_count] = {};
        values[col_state] = CStringGetTextDatum(state_name(state));
        values[col_ended_at] = TimestampTzGetDatum(GetCurrentTimestamp());
        nulls[col_state] = nulls[col_ended_at] = false;
        nulls[col_code_hash] = nulls[col_sealed] = true;
        for (int column : {col_state, col_ended_at, col_code_hash, col_sealed})
            changed[column] = true;
        done = indexed_table::replace(requests, ExecFetchSlotHeapTuple(slot, false, nullptr),
                                      values, nulls, changed);
    }
    ExecDropSingleTupleTableSlot(slot);
    return done;
}

void lock_recipient(const core::RecipientHash &recipient) {
    // The advisory lock space, apart from what users can lock in it: pg_advisory_lock() has 1 or 2 in
    // the last field.
    constexpr std::uint16_t lock_class = 0x6D66; // "mf"
    uint32 words[2];
    std::memcpy(words, recipient.data(), sizeof(words));
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, words[0], words[1], lock_class);
    LockAcquire(&tag, ExclusiveLock, false, false);
}

} // namespace mfa::store
