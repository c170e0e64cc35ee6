#include "catalog.hpp"

namespace mfa::catalog {

namespace {

constexpr const char *extension_name = "mfa";
constexpr const char *schema_name = "mfa";

// OIDs of relations, kept until the catalogue says that some relation, schema or role has changed.
struct Known {
    const char *name;
    Oid oid;
    bool empty; // table of configuration without a page
};
constexpr int max_known = 32;
Known known[max_known];
int known_count = 0;
std::uint64_t changes = 0;

void forget() {
    known_count = 0;
    ++changes;
}

// Sent to this process before it takes a lock, and at the start of a transaction.
void watch_for_changes() {
    static bool is_watching = false;
    if (is_watching)
        return;
    CacheRegisterRelcacheCallback([](Datum, Oid) { forget(); }, 0);
    for (const pg::SyscacheId cache : {NAMESPACEOID, AUTHOID})
        CacheRegisterSyscacheCallback(
            cache, [](Datum, pg::SyscacheId, uint32) { forget(); }, 0);
    is_watching = true;
}

Known *find_known(const char *name) {
    for (int i = 0; i < known_count; ++i)
        if (known[i].name == name || std::strcmp(known[i].name, name) == 0)
            return &known[i];
    return nullptr;
}

Oid relation_oid(const char *name) {
    watch_for_changes();
    if (const Known *found = find_known(name))
        return found->oid;
    const Oid schema = get_namespace_oid(schema_name, true);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (!OidIsValid(relation))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("relation mfa.%s does not exist", name),
                        errhint("Run CREATE EXTENSION mfa in this database.")));
    if (known_count < max_known)
        known[known_count++] = {name, relation, false};
    return relation;
}

// The extension's row. The server keeps no copy of it, and tells nobody of its changes; but who drops the
// extension drops its tables, who gives it to another role gives them too, and an owner is dropped as a role.
struct Extension {
    Oid oid; // InvalidOid: not there
    Oid owner;
};

Extension find_extension() {
    static Extension kept{InvalidOid, InvalidOid};
    static std::uint64_t kept_at;
    watch_for_changes();
    if (OidIsValid(kept.oid) && kept_at == changes)
        return kept;
    kept = {InvalidOid, InvalidOid};
    const std::uint64_t looked_at = changes;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
                CStringGetDatum(extension_name));
    Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(catalog, ExtensionNameIndexId, true, nullptr, 1, &key);
    Extension found{InvalidOid, InvalidOid};
    if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple)) {
        const auto *row = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple));
        found = {row->oid, row->extowner};
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    kept = found;
    kept_at = looked_at;
    return found;
}

} // namespace

Relation open_relation(const char *name, LOCKMODE lock) {
    if (Relation relation = try_relation_open(relation_oid(name), lock))
        return relation;
    forget(); // it was dropped since
    return relation_open(relation_oid(name), lock);
}

bool lock_extension() {
    const Oid oid = find_extension().oid;
    if (!OidIsValid(oid))
        return false;
    LockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
    return find_extension().oid == oid; // it may have been dropped while the lock was waited for
}

Oid extension_owner() { return find_extension().owner; }

Relation open_table(const char *name, int attributes, LOCKMODE lock) {
    Relation table = open_relation(name, lock);
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

// Whoever has committed a row before this call has sent word of it: see mfa.note_row() in sql/.
bool is_known_empty(const char *name) {
    AcceptInvalidationMessages();
    const Known *found = find_known(name);
    return found && found->empty;
}

void note_empty(const char *name) {
    if (Known *found = find_known(name))
        found->empty = true;
}

// One that is not valid lacks entries, and who reads it would miss codes, wrong codes and messages. Where it
// was rebuilt just now (REINDEX CONCURRENTLY), another one has its name.
Relation open_index(const char *name, LOCKMODE lock) {
    Relation index = open_relation(name, lock);
    if (index->rd_index->indisvalid)
        return index;
    index_close(index, NoLock);
    forget();
    index = open_relation(name, lock);
    if (!index->rd_index->indisvalid)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("index mfa.%s is not valid", name),
                        errhint("Run REINDEX INDEX CONCURRENTLY mfa.%s.", name)));
    return index;
}

std::uint64_t version() { return changes; }

Lookup open_lookup(Relation table, const char *index_name, Snapshot snapshot) {
    Relation index = open_index(index_name, AccessShareLock);
    return {index, table_slot_create(table, nullptr),
            pg::begin_index_scan(table, index, snapshot, 1)};
}

void close_lookup(const Lookup &lookup) {
    index_endscan(lookup.scan);
    ExecDropSingleTupleTableSlot(lookup.slot);
    index_close(lookup.index, AccessShareLock);
}

} // namespace mfa::catalog
