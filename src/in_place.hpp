// Changing a tuple on its page, outside MVCC: what makes a counter survive its transaction's rollback.
//
// Why it is sound: the table is unlogged, so no WAL is owed for its pages; the counters are the leading,
// fixed-width, never-null columns, so their place in a tuple is known, and an aligned store is atomic
// for readers who hold only a pin; the change is made under the exclusive buffer lock, so no two
// sessions can read the same count; and a row with live counters is otherwise never updated, so there
// is no copy of them that others still charge.
#pragma once

#include "pg.hpp"

namespace mfa {

// The other transaction in progress that has updated or deleted the tuple; invalid where there is none.
inline TransactionId replacing_transaction(HeapTupleHeader tuple) {
    if ((tuple->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
        return InvalidTransactionId;
    const TransactionId xmax = HeapTupleHeaderGetUpdateXid(tuple);
    return TransactionIdIsValid(xmax) && !TransactionIdIsCurrentTransactionId(xmax) &&
                   TransactionIdIsInProgress(xmax)
               ? xmax
               : InvalidTransactionId;
}

// Calls `change(columns)` with the address of the tuple's first column, and writes the page, provided
// the tuple is the one that was read (same place, same inserting transaction) and is still current:
// since then it may have been pruned, its line pointer reused, or the row updated. False otherwise.
// Where another transaction is about to replace the row, its end is waited for, and the answer is false:
// a change to the old version would be lost with it.
// `change` must not ereport: it runs in a critical section. PostgreSQL zone.
template <class Change>
bool change_in_place(Relation table, const ItemPointerData &tid, TransactionId xmin,
                     Change change) {
    const Buffer buffer = ReadBuffer(table, ItemPointerGetBlockNumber(&tid));
    LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    const Page page = BufferGetPage(buffer);
    const OffsetNumber offset = ItemPointerGetOffsetNumber(&tid);
    bool is_current = false;
    TransactionId replacer = InvalidTransactionId;
    ItemId item = offset <= PageGetMaxOffsetNumber(page) ? PageGetItemId(page, offset) : nullptr;
    if (item && ItemIdIsNormal(item)) {
        HeapTupleData tuple;
        tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
        tuple.t_len = ItemIdGetLength(item);
        tuple.t_tableOid = RelationGetRelid(table);
        tuple.t_self = tid;
        is_current = HeapTupleHeaderGetRawXmin(tuple.t_data) == xmin &&
                     HeapTupleSatisfiesVisibility(&tuple, SnapshotSelf, buffer);
        if (is_current)
            replacer = replacing_transaction(tuple.t_data);
        if (is_current && !TransactionIdIsValid(replacer)) {
            START_CRIT_SECTION();
            change(reinterpret_cast<char *>(tuple.t_data) + tuple.t_data->t_hoff);
            MarkBufferDirty(buffer);
            END_CRIT_SECTION();
        }
    }
    UnlockReleaseBuffer(buffer);
    if (!TransactionIdIsValid(replacer))
        return is_current;
    ItemPointerData waited_for = tid;
    XactLockTableWait(replacer, table, &waited_for, XLTW_Update);
    return false;
}

} // namespace mfa
