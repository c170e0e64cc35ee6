// Breakers that are not closed, or paused, in shared memory: a worker leaves after two seconds, and the
// next one must not find out anew that a provider is down. PostgreSQL zone.
#pragma once

#include "core/breaker.hpp"
#include "pg.hpp"

namespace mfa::breakers {

Size shared_size();
void initialise(void *memory, bool found); // under AddinShmemInitLock
void use_lock(LWLock *lock);

// Of that server in the current database; closed where none is kept.
core::Breaker load(const char *server);
// Keeps it, or forgets it where there is nothing to keep. Where there are more than there is room for,
// those that have been open for longest are forgotten.
void save(const char *server, const core::Breaker &breaker);

} // namespace mfa::breakers
