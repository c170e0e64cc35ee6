// The attempt counters of requests (G2, G3): charged in place before a code is compared.
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
