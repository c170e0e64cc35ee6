// The extension's own objects in the current database: found by name in schema mfa, checked before
// use. PostgreSQL zone throughout.
#pragma once

#include "pg.hpp"

namespace mfa::catalog {

// InvalidOid where the current database does not have the extension.
Oid extension();

// Locks the extension against DROP and ALTER EXTENSION to the end of the transaction; false where it
// is not there (any more). Each transaction of a worker begins with this.
bool lock_extension();

// The role that owns the extension: the worker's queries run as it.
Oid extension_owner();

// Opens a table of schema mfa. ERROR 55000 where it is not of the version that the library was built for.
Relation open_table(const char *name, int attributes, LOCKMODE lock);

// The same for one whose counters are changed in place: that needs a heap, and a table that owes no WAL.
Relation open_unlogged(const char *name, int attributes, LOCKMODE lock);

// An index of schema mfa.
Relation open_index(const char *name, LOCKMODE lock);

// Inserts a formed tuple with its index entries, visible to the commands that follow.
void insert(Relation table, TupleTableSlot *slot);

// Replaces the tuple at `tid`, waiting for a concurrent writer; true when this transaction did it.
bool update(Relation table, ItemPointer tid, TupleTableSlot *slot);

} // namespace mfa::catalog
