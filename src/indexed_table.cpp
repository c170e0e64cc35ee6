#include "indexed_table.hpp"

#include "catalog.hpp"

namespace mfa::indexed_table {

namespace {

constexpr int max_kept_indexes = 8;

// What is needed to write the entries of a table's indexes: their columns, and their predicates made ready
// to run. To find that out costs more than to write the entries, so it is kept.
struct Kept {
    Oid table; // InvalidOid: none
    std::uint64_t version;
    EState *estate;
    ResultRelInfo *info;
    Oid indexes[max_kept_indexes];
};

Kept all_kept[2]; // mfa.request and mfa.message

bool is_foreign(Oid function, void * /*context*/) { return function >= FirstNormalObjectId; }

bool calls_foreign(Node *node, void *context) {
    return node && (check_functions_in_node(node, is_foreign, context) ||
                    pg::walk_expression(node, calls_foreign, context));
}

// An index of somebody else's may do anything while an entry is written: keep state, or come back here.
bool may_be_kept(const ResultRelInfo *info) {
    if (info->ri_NumIndices > max_kept_indexes)
        return false;
    for (int i = 0; i < info->ri_NumIndices; ++i) {
        const IndexInfo *index = info->ri_IndexRelationInfo[i];
        for (int column = 0; column < index->ii_NumIndexKeyAttrs; ++column)
            if (is_foreign(info->ri_IndexRelationDescs[i]->rd_opfamily[column], nullptr))
                return false;
        if (info->ri_IndexRelationDescs[i]->rd_rel->relam != BTREE_AM_OID ||
            index->ii_Expressions != NIL || index->ii_ExclusionOps ||
            calls_foreign(reinterpret_cast<Node *>(index->ii_Predicate), nullptr))
            return false;
    }
    return true;
}

// With the indexes open.
Kept find_out(Relation table) {
    Kept found{};
    found.version = catalog::version();
    found.estate = CreateExecutorState();
    MemoryContext const context = MemoryContextSwitchTo(found.estate->es_query_cxt);
    found.info = makeNode(ResultRelInfo);
    InitResultRelInfo(found.info, table, 0, nullptr, 0);
    ExecOpenIndices(found.info, false);
    MemoryContextSwitchTo(context);
    return found;
}

void keep(Kept *found, Oid table) {
    for (Kept &place : all_kept) {
        if (OidIsValid(place.table))
            continue;
        MemoryContextSetParent(found->estate->es_query_cxt, TopMemoryContext);
        found->table = table;
        for (int i = 0; i < found->info->ri_NumIndices; ++i)
            found->indexes[i] = RelationGetRelid(found->info->ri_IndexRelationDescs[i]);
        place = *found;
        return;
    }
}

// Null where nothing is kept of the table as it is now.
Kept *find_kept(Oid table) {
    Kept *found = nullptr;
    for (Kept &place : all_kept) {
        if (OidIsValid(place.table) && place.version != catalog::version()) {
            place.table = InvalidOid;
            FreeExecutorState(place.estate);
        }
        if (OidIsValid(place.table) && place.table == table)
            found = &place;
    }
    return found;
}

// Calls write(info, estate) with the table's indexes open. The table is locked: what is kept of its indexes
// can't become wrong meanwhile, for whoever adds or drops one waits for those who have such a lock.
template <class Write> auto with_indexes(Relation table, Write write) {
    if (const Kept *kept = find_kept(RelationGetRelid(table))) {
        ResultRelInfo *info = kept->info;
        info->ri_RelationDesc = table;
        for (int i = 0; i < info->ri_NumIndices; ++i)
            info->ri_IndexRelationDescs[i] = index_open(kept->indexes[i], RowExclusiveLock);
        const auto result = write(info, kept->estate);
        for (int i = 0; i < info->ri_NumIndices; ++i)
            index_close(info->ri_IndexRelationDescs[i], NoLock);
        ResetPerTupleExprContext(kept->estate);
        return result;
    }
    Kept found = find_out(table);
    const auto result = write(found.info, found.estate);
    if (may_be_kept(found.info))
        keep(&found, RelationGetRelid(table));
    ExecCloseIndices(found.info);
    if (OidIsValid(found.table))
        ResetPerTupleExprContext(found.estate);
    else
        FreeExecutorState(found.estate);
    return result;
}

} // namespace

void insert(Relation table, TupleTableSlot *slot) {
    with_indexes(table, [&](ResultRelInfo *info, EState *estate) {
        table_tuple_insert(table, slot, GetCurrentCommandId(true), 0, nullptr);
        pg::insert_index_entries(info, slot, estate, false);
        return true;
    });
    CommandCounterIncrement();
}

bool replace(Relation table, HeapTuple old_tuple, Datum *values, bool *nulls, bool *changed,
             ItemPointer place) {
    HeapTuple new_tuple =
        heap_modify_tuple(old_tuple, RelationGetDescr(table), values, nulls, changed);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsHeapTuple);
    ExecStoreHeapTuple(new_tuple, slot, false);
    ItemPointerData tid = old_tuple->t_self;
    const TM_Result result = with_indexes(table, [&](ResultRelInfo *info, EState *estate) {
        return pg::update_tuple(table, &tid, slot, info, estate);
    });
    CommandCounterIncrement();
    if (place)
        *place = slot->tts_tid;
    ExecDropSingleTupleTableSlot(slot);
    return result == TM_Ok;
}

} // namespace mfa::indexed_table
