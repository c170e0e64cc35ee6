// Rows written with their index entries, without the executor of statements. PostgreSQL zone throughout.
#pragma once

#include "pg.hpp"

namespace mfa::indexed_table {

// Inserts a formed tuple, visible to the commands that follow.
void insert(Relation table, TupleTableSlot *slot);

// Replaces the tuple that was read, in the columns that are `changed`; waits for a concurrent writer. True
// when this transaction did it, false where another one has.
// Where it is then is put into `place`, if given.
bool replace(Relation table, HeapTuple old_tuple, Datum *values, bool *nulls, bool *changed,
             ItemPointer place = nullptr);

} // namespace mfa::indexed_table
