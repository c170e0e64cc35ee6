#include "catalog.hpp"

namespace mfa::catalog {

namespace {

constexpr const char *extension_name = "mfa";
constexpr const char *schema_name = "mfa";

Oid relation_oid(const char *name) {
    Oid schema = get_namespace_oid(schema_name, true);
    Oid relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (!OidIsValid(relation))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("relation mfa.%s does not exist", name),
                        errhint("Run CREATE EXTENSION mfa in this database.")));
    return relation;
}

// A ResultRelInfo with its indexes open, for one change of one tuple.
struct IndexedTable {
    EState *estate;
    ResultRelInfo *info;
};

IndexedTable open_indexes(Relation table) {
    EState *estate = CreateExecutorState();
    ResultRelInfo *info = makeNode(ResultRelInfo);
    InitResultRelInfo(info, table, 0, nullptr, 0);
    ExecOpenIndices(info, false);
    return {estate, info};
}

void close_indexes(const IndexedTable &indexed) {
    ExecCloseIndices(indexed.info);
    FreeExecutorState(indexed.estate);
    CommandCounterIncrement();
}

} // namespace

Oid extension() { return get_extension_oid(extension_name, true); }

bool lock_extension() {
    Oid oid = extension();
    if (!OidIsValid(oid))
        return false;
    LockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
    return extension() == oid; // it may have been dropped while the lock was waited for
}

Oid extension_owner() {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
                CStringGetDatum(extension_name));
    Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(catalog, ExtensionNameIndexId, true, nullptr, 1, &key);
    HeapTuple tuple = systable_getnext(scan);
    Oid owner = HeapTupleIsValid(tuple)
                    ? reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple))->extowner
                    : InvalidOid;
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return owner;
}

Relation open_table(const char *name, int attributes, LOCKMODE lock) {
    Relation table = table_open(relation_oid(name), lock);
    if (RelationGetNumberOfAttributes(table) != attributes)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("table mfa.%s is of another version of mfa than the loaded library", name),
                 errdetail("It has %d columns; the library needs %d.",
                           RelationGetNumberOfAttributes(table), attributes),
                 errhint("Restart the server, then run ALTER EXTENSION mfa UPDATE.")));
    return table;
}

Relation open_unlogged(const char *name, int attributes, LOCKMODE lock) {
    Relation table = open_table(name, attributes, lock);
    if (table->rd_rel->relam != HEAP_TABLE_AM_OID ||
        table->rd_rel->relpersistence != RELPERSISTENCE_UNLOGGED)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table mfa.%s is not an unlogged heap table", name),
                        errhint("Run ALTER TABLE mfa.%s SET UNLOGGED.", name)));
    return table;
}

Relation open_index(const char *name, LOCKMODE lock) {
    return index_open(relation_oid(name), lock);
}

void insert(Relation table, TupleTableSlot *slot) {
    IndexedTable indexed = open_indexes(table);
    table_tuple_insert(table, slot, GetCurrentCommandId(true), 0, nullptr);
    pg::insert_index_entries(indexed.info, slot, indexed.estate, false, false);
    close_indexes(indexed);
}

bool update(Relation table, ItemPointer tid, TupleTableSlot *slot) {
    IndexedTable indexed = open_indexes(table);
    TM_Result result = pg::update_tuple(table, tid, slot, indexed.info, indexed.estate);
    close_indexes(indexed);
    return result == TM_Ok;
}

bool replace(Relation table, HeapTuple old_tuple, Datum *values, bool *nulls, bool *changed) {
    HeapTuple new_tuple =
        heap_modify_tuple(old_tuple, RelationGetDescr(table), values, nulls, changed);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsHeapTuple);
    ExecStoreHeapTuple(new_tuple, slot, false);
    ItemPointerData tid = old_tuple->t_self;
    const bool done = update(table, &tid, slot);
    ExecDropSingleTupleTableSlot(slot);
    return done;
}

} // namespace mfa::catalog
