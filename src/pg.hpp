// The one include of PostgreSQL, and the only place where its major versions differ.
// C++ headers come first: postgres.h defines macros that break them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"
}

namespace mfa::pg {

// What a cache of the catalogs is named by.
#if PG_VERSION_NUM >= 190000
using SyscacheId = SysCacheIdentifier;
#else
using SyscacheId = int;
#endif

// USAGE on a foreign server.
inline bool may_use_server(Oid server, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(ForeignServerRelationId, server, role, ACL_USAGE) == ACLCHECK_OK;
#else
    return pg_foreign_server_aclcheck(server, role, ACL_USAGE) == ACLCHECK_OK;
#endif
}

inline TableScanDesc begin_table_scan(Relation table, Snapshot snapshot) {
#if PG_VERSION_NUM >= 190000
    return table_beginscan(table, snapshot, 0, nullptr, 0);
#else
    return table_beginscan(table, snapshot, 0, nullptr);
#endif
}

inline IndexScanDesc begin_index_scan(Relation heap, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 190000
    return index_beginscan(heap, index, snapshot, nullptr, keys, 0, 0);
#elif PG_VERSION_NUM >= 180000
    return index_beginscan(heap, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

// Of a new row, or of a new version of one. That it is a new version is not said: it would make each full
// page be searched for entries of old versions, which are mostly too young to go.
inline void insert_index_entries(ResultRelInfo *relation, TupleTableSlot *slot, EState *estate,
                                 bool only_summarizing) {
#if PG_VERSION_NUM >= 190000
    const uint32 flags = only_summarizing ? EIIT_ONLY_SUMMARIZING : 0U;
    ExecInsertIndexTuples(relation, estate, flags, slot, NIL, nullptr);
#elif PG_VERSION_NUM >= 160000
    ExecInsertIndexTuples(relation, slot, estate, false, false, nullptr, NIL, only_summarizing);
#else
    (void) only_summarizing;
    ExecInsertIndexTuples(relation, slot, estate, false, false, nullptr, NIL);
#endif
}

// A macro in front of a function of the same name since 16, whose argument is no longer cast.
template <class Walker> bool walk_expression(Node *node, Walker walker, void *context) {
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, walker, context);
#else
    return expression_tree_walker(
        node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context);
#endif
}

// table_tuple_update that adds the index entries that are due.
inline TM_Result update_tuple(Relation heap, ItemPointer tid, TupleTableSlot *slot,
                              ResultRelInfo *relation, EState *estate) {
    TM_FailureData failure;
    LockTupleMode lock_mode;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes indexes;
#else
    bool indexes;
#endif
    const CommandId command = GetCurrentCommandId(true);
#if PG_VERSION_NUM >= 190000
    TM_Result result = table_tuple_update(heap, tid, slot, command, 0, SnapshotSelf,
                                          InvalidSnapshot, true, &failure, &lock_mode, &indexes);
#else
    TM_Result result = table_tuple_update(heap, tid, slot, command, SnapshotSelf, InvalidSnapshot,
                                          true, &failure, &lock_mode, &indexes);
#endif
    if (result != TM_Ok)
        return result;
#if PG_VERSION_NUM >= 160000
    if (indexes != TU_None)
        insert_index_entries(relation, slot, estate, indexes == TU_Summarizing);
#else
    if (indexes)
        insert_index_entries(relation, slot, estate, false);
#endif
    return result;
}

// Takes a lock on a database, to the end of the transaction, where that needs no waiting.
inline bool try_lock_database(Oid database, LOCKMODE mode) {
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
    return LockAcquire(&tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

// Memory for a check hook's extra, which GUC frees; null where there is none.
inline void *guc_extra(std::size_t size) {
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return malloc(size);
#endif
}

inline int my_proc_number() {
#if PG_VERSION_NUM >= 170000
    return MyProcNumber;
#else
    return MyProc->pgprocno;
#endif
}

inline PGPROC *proc_by_number(int number) { return &ProcGlobal->allProcs[number]; }

// A name of ours in pg_stat_activity.wait_event, where the server can have one: it is looked up once.
inline uint32 wait_event(const char *name) {
#if PG_VERSION_NUM >= 170000
    return WaitEventExtensionNew(name);
#else
    (void) name;
    return PG_WAIT_EXTENSION;
#endif
}

inline WaitEventSet *make_wait_event_set(int events) {
#if PG_VERSION_NUM >= 170000
    return CreateWaitEventSet(nullptr, events);
#else
    return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

} // namespace mfa::pg
