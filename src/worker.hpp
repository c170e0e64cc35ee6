// The delivery worker: drains one database's outbox, lingers, leaves.
#pragma once

struct BackgroundWorkerHandle;

namespace mfa::worker {

// Asks the postmaster for a worker of the slot's database. The handle, or nullptr where all worker
// slots are taken. PostgreSQL zone.
BackgroundWorkerHandle *start(int slot);

} // namespace mfa::worker
