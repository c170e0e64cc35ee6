// The attempt counters: changed in place on the page, outside MVCC, so that no rollback gives an
// attacker a guess back.
//
// Why it is sound: mfa.request is unlogged, so no WAL is owed for its pages; the counter is the first,
// fixed-width column, so its place in a tuple is known and an aligned four-byte store is atomic for
// readers who hold only a pin; the change is made under the exclusive buffer lock, so no two sessions
// can read the same count; and the row is otherwise only written by the transition that ends it.
#pragma once

#include "request_store.hpp"

namespace mfa::attempts {

enum class Charge {
    charged,   // this caller may compare one code; row.attempts includes the attempt
    exhausted, // none left
    moved,     // the row was ended or rewritten meanwhile: look for it again
};

// Charges one attempt to the row. PostgreSQL zone.
Charge charge(Relation requests, store::Request *row);

} // namespace mfa::attempts
