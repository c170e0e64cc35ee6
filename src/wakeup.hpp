// Waking a delivery worker when a transaction that sent something commits.
#pragma once

namespace mfa::wakeup {

// Registers the transaction callback; from _PG_init in the postmaster.
void install();

// This transaction has queued a message: wake a worker at its commit. PostgreSQL zone.
void arm();

} // namespace mfa::wakeup
