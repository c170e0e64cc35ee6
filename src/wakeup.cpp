#include "wakeup.hpp"

#include "shmem.hpp"

namespace mfa::wakeup {

namespace {

bool armed = false;
int my_slot = -1; // of this backend's database, which never changes

// Runs after the commit is visible to others, where nothing may fail: no allocation, no lock that is
// held for more than some instructions.
void at_transaction_end(XactEvent event, void * /*arg*/) {
    if (!armed)
        return;
    switch (event) {
    case XACT_EVENT_COMMIT:
        armed = false;
        shmem::wake(my_slot, MyDatabaseId);
        break;
    case XACT_EVENT_PREPARE:
        armed = false;
        shmem::wake_prepared(my_slot, MyDatabaseId);
        break;
    case XACT_EVENT_ABORT:
        armed = false;
        break;
    default:
        break;
    }
}

} // namespace

void install() { RegisterXactCallback(at_transaction_end, nullptr); }

void arm() {
    // Claimed anew where the launcher has released it meanwhile.
    if (my_slot < 0 || shmem::slot(my_slot).database != MyDatabaseId)
        my_slot = shmem::claim_slot(MyDatabaseId);
    armed = true;
}

} // namespace mfa::wakeup
