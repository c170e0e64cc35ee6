// The extension's own objects in the current database: found by name in schema mfa, checked before
// use. PostgreSQL zone throughout.
#pragma once

#include <string_view>

#include "pg.hpp"

namespace mfa::catalog {

// Locks the extension against DROP and ALTER EXTENSION to the end of the transaction; false where it
// is not there (any more). Each transaction of a worker begins with this.
bool lock_extension();

// The role that owns the extension: the worker's queries run as it.
Oid extension_owner();

// Opens a relation of schema mfa; the name is a literal, of which a pointer is kept. ERROR 55000 where it is
// not there.
Relation open_relation(const char *name, LOCKMODE lock);

// The same for a table whose columns are read by their places. ERROR 55000 where it is not of the version
// that the library was built for.
Relation open_table(const char *name, int attributes, LOCKMODE lock);

// What read_configuration keeps: whether the table was seen without a page, and nobody has told of a row since.
bool is_known_empty(const char *name);
void note_empty(const char *name);

// Calls read(table) with a table of configuration, unless it has no pages: most have none. That is kept until
// a row is inserted, of which the table's trigger tells all sessions; not even a lock is needed then.
template <class Read> void read_configuration(const char *name, int attributes, Read read) {
    if (is_known_empty(name))
        return;
    Relation table = open_table(name, attributes, AccessShareLock);
    if (RelationGetNumberOfBlocks(table) > 0)
        read(table);
    else
        note_empty(name); // what comes from here on is told of after this
    table_close(table, AccessShareLock);
}

// As open_table, for one whose counters are changed in place: that needs a heap, and a table that owes no WAL.
Relation open_unlogged(const char *name, int attributes, LOCKMODE lock);

// An index of schema mfa, by a literal too. ERROR 55000 where it is not valid.
Relation open_index(const char *name, LOCKMODE lock);

// An index that is open for many looks, one after another.
struct Lookup {
    Relation index;
    TupleTableSlot *slot;
    IndexScanDesc scan;
};
Lookup open_lookup(Relation table, const char *index_name, Snapshot snapshot);
void close_lookup(const Lookup &lookup);

// Calls `see(slot)` for each row whose first index column equals `value`.
template <class See>
void look(const Lookup &lookup, Oid equal_function, Datum value, ScanDirection direction, See see) {
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, equal_function, value);
    index_rescan(lookup.scan, &key, 1, nullptr, 0);
    while (index_getnext_slot(lookup.scan, direction, lookup.slot))
        see(lookup.slot);
}

// One such look, at rows that are up to date now, whatever snapshot the transaction has: SnapshotSelf sees
// what others have committed and what we have done. A row that gets a new index entry during the scan may
// be missed; who can't have that gives a new MVCC snapshot.
template <class See>
void scan(Relation table, const char *index_name, Oid equal_function, Datum value,
          ScanDirection direction, See see, Snapshot snapshot = SnapshotSelf) {
    Lookup lookup = open_lookup(table, index_name, snapshot);
    look(lookup, equal_function, value, direction, see);
    close_lookup(lookup);
}

// Runs `look(snapshot)` with a snapshot of now that sees one version of each row.
template <class Look> void with_latest_snapshot(Look look) {
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    look(snapshot);
    UnregisterSnapshot(snapshot);
}

// The bytes of a text value. Where it was compressed or stored apart, they live in the current memory
// context, otherwise in the tuple.
inline std::string_view text_view(Datum datum) {
    const text *value = DatumGetTextPP(datum);
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// A bytea of these bytes.
template <std::size_t N> Datum bytes_datum(const std::array<std::uint8_t, N> &bytes) {
    bytea *copy = static_cast<bytea *>(palloc(VARHDRSZ + N));
    SET_VARSIZE(copy, VARHDRSZ + N);
    std::memcpy(VARDATA(copy), bytes.data(), N);
    return PointerGetDatum(copy);
}

// Changes with every change of a relation, schema or role that this process is told of: what was derived from
// their definitions at another version may be wrong.
std::uint64_t version();

} // namespace mfa::catalog
