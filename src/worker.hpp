// The delivery worker: drains one database's outbox, lingers, leaves.
#pragma once

struct BackgroundWorkerHandle;

namespace mfa::worker {

// Asks the postmaster for a worker of the slot's database. The handle, or nullptr where all worker
// slots are taken. PostgreSQL zone.
BackgroundWorkerHandle *start(int slot);

// What the worker's process does, once it is set up. C++ zone.
void run();

} // namespace mfa::worker
