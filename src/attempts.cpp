#include "attempts.hpp"

namespace mfa::attempts {

namespace {

// The counter of a tuple on its page: the first column, not null, four bytes, so it stands right where
// the header ends.
int32 *counter_of(HeapTupleHeader tuple) {
    return reinterpret_cast<int32 *>(reinterpret_cast<char *>(tuple) + tuple->t_hoff);
}

} // namespace

Charge charge(Relation requests, store::Request *row) {
    Buffer buffer = ReadBuffer(requests, ItemPointerGetBlockNumber(&row->tid));
    LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    Page page = BufferGetPage(buffer);
    OffsetNumber offset = ItemPointerGetOffsetNumber(&row->tid);

    // Between the scan and the lock the tuple may have been pruned, its line pointer reused, or the
    // request ended: it must be the tuple that was read, and still the current one.
    Charge result = Charge::moved;
    ItemId item = offset <= PageGetMaxOffsetNumber(page) ? PageGetItemId(page, offset) : nullptr;
    if (item && ItemIdIsNormal(item)) {
        HeapTupleData tuple;
        tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
        tuple.t_len = ItemIdGetLength(item);
        tuple.t_tableOid = RelationGetRelid(requests);
        tuple.t_self = row->tid;
        if (HeapTupleHeaderGetRawXmin(tuple.t_data) == row->xmin &&
            HeapTupleSatisfiesVisibility(&tuple, SnapshotSelf, buffer)) {
            int32 *counter = counter_of(tuple.t_data);
            if (*counter >= row->max_attempts) {
                result = Charge::exhausted;
            } else {
                START_CRIT_SECTION();
                ++*counter;
                MarkBufferDirty(buffer);
                END_CRIT_SECTION();
                result = Charge::charged;
            }
            row->attempts = *counter;
        }
    }
    UnlockReleaseBuffer(buffer);
    return result;
}

} // namespace mfa::attempts
