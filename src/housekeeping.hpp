// Keeps the tables small and free of secrets that nobody needs. PostgreSQL zone: inside a transaction of
// the worker, with SPI connected.
#pragma once

#include "pg.hpp"

namespace mfa::housekeeping {

// Erases the secrets of requests that have expired, and deletes requests (and their messages) that are
// past the retention, carrying wrong codes over to mfa.failure; at most `limit` rows of each. Tells
// whether it may have left some.
// `erased_until` is the expiry up to which secrets have been erased (DT_NOBEGIN at first), and moves on.
bool purge(int limit, TimestampTz *erased_until);

// When purge() has something to do again; DT_NOEND: never.
TimestampTz next_purge(TimestampTz erased_until);

} // namespace mfa::housekeeping
