#include "shmem.hpp"

#include "breakers.hpp"
#include "guard.hpp"
#include "rate_counters.hpp"
#include "stats.hpp"

namespace mfa::shmem {

namespace {

struct Shared {
    slock_t lock; // guards launcher and probe_all; the claiming of slots has a lock that may wait
    int launcher; // its number in the process array, -1: none
    bool probe_all;
    bool lacks_worker_slots;
    Slot slots[max_slots];
};

Shared *shared = nullptr;
LWLock *claim_lock = nullptr;
void (*run_at_start)() = nullptr;
shmem_request_hook_type next_request_hook = nullptr;
shmem_startup_hook_type next_startup_hook = nullptr;

void request() {
    if (next_request_hook)
        next_request_hook();
    RequestAddinShmemSpace(sizeof(Shared));
    RequestAddinShmemSpace(rate_counters::shared_size());
    RequestAddinShmemSpace(breakers::shared_size());
    RequestAddinShmemSpace(guard::shared_size());
    RequestAddinShmemSpace(stats::shared_size());
    RequestNamedLWLockTranche("mfa", 5);
}

void startup() {
    if (next_startup_hook)
        next_startup_hook();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    shared = static_cast<Shared *>(ShmemInitStruct("mfa", sizeof(Shared), &found));
    if (!found) {
        std::memset(static_cast<void *>(shared), 0, sizeof(Shared));
        SpinLockInit(&shared->lock);
        shared->launcher = -1;
        shared->probe_all = true; // messages may have outlived the restart
        for (Slot &slot : shared->slots) {
            SpinLockInit(&slot.lock);
            slot.due = DT_NOEND;
        }
    }
    bool counters_found;
    void *counters =
        ShmemInitStruct("mfa send limits", rate_counters::shared_size(), &counters_found);
    rate_counters::initialise(counters, counters_found);
    bool breakers_found;
    void *kept = ShmemInitStruct("mfa breakers", breakers::shared_size(), &breakers_found);
    breakers::initialise(kept, breakers_found);
    bool guard_found;
    void *traffic = ShmemInitStruct("mfa fraud guard", guard::shared_size(), &guard_found);
    guard::initialise(traffic, guard_found);
    bool stats_found;
    void *statistics = ShmemInitStruct("mfa statistics", stats::shared_size(), &stats_found);
    stats::initialise(statistics, stats_found);
    LWLockRelease(AddinShmemInitLock);
    LWLockPadded *locks = GetNamedLWLockTranche("mfa");
    claim_lock = &locks[0].lock;
    rate_counters::use_lock(&locks[1].lock);
    breakers::use_lock(&locks[2].lock);
    guard::use_lock(&locks[3].lock);
    stats::use_lock(&locks[4].lock);
    if (!found)
        run_at_start();
}

} // namespace

void install_hooks(void (*at_start)()) {
    run_at_start = at_start;
    next_request_hook = shmem_request_hook;
    shmem_request_hook = request;
    next_startup_hook = shmem_startup_hook;
    shmem_startup_hook = startup;
}

bool available() { return shared != nullptr; }

void require() {
    if (!available())
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("mfa is not in shared_preload_libraries"),
                 errhint("Add mfa to shared_preload_libraries in postgresql.conf and restart "
                         "the server.")));
}

Slot &slot(int index) { return shared->slots[index]; }

int claim_slot(Oid database) {
    int free = -1;
    int claimed = -1;
    LWLockAcquire(claim_lock, LW_EXCLUSIVE);
    for (int i = 0; i < max_slots && claimed < 0; ++i) {
        if (shared->slots[i].database == database)
            claimed = i;
        else if (free < 0 && shared->slots[i].database == InvalidOid)
            free = i;
    }
    if (claimed < 0 && free >= 0) {
        Slot &slot = shared->slots[free];
        SpinLockAcquire(&slot.lock);
        slot.database = database;
        slot.worker = WorkerState::none;
        slot.wanted = false;
        slot.due = DT_NOEND;
        slot.has_extension = true;
        slot.has_inbox = false;
        slot.prepared_step = 0;
        SpinLockRelease(&slot.lock);
        claimed = free;
    }
    LWLockRelease(claim_lock);
    return claimed;
}

void release_slot(int index) {
    LWLockAcquire(claim_lock, LW_EXCLUSIVE);
    Slot &slot = shared->slots[index];
    SpinLockAcquire(&slot.lock);
    const bool idle = slot.worker == WorkerState::none && !slot.wanted;
    if (idle)
        slot.database = InvalidOid;
    SpinLockRelease(&slot.lock);
    LWLockRelease(claim_lock);
}

void wake_launcher() {
    SpinLockAcquire(&shared->lock);
    int launcher = shared->launcher;
    SpinLockRelease(&shared->lock);
    if (launcher >= 0)
        SetLatch(&pg::proc_by_number(launcher)->procLatch);
}

namespace {

enum class Marked { no_slot, known_already, for_worker, for_launcher };

// Who has set `wanted` has told somebody, or is about to: until it is taken, to tell again is only a signal a
// commit, which a launcher that can't start a worker now, or a worker that is busy, has no use for.
Marked mark(int index, Oid database, bool prepared, int *worker) {
    if (index < 0)
        return Marked::no_slot;
    Slot &slot = shmem::slot(index);
    SpinLockAcquire(&slot.lock);
    Marked marked = Marked::no_slot;
    if (slot.database == database) {
        if (slot.wanted)
            marked = Marked::known_already;
        else if (slot.worker == WorkerState::running)
            marked = Marked::for_worker;
        else
            marked = Marked::for_launcher;
        slot.wanted = true;
        if (prepared)
            slot.prepared_step = 0;
        *worker = slot.worker_proc;
    }
    SpinLockRelease(&slot.lock);
    return marked;
}

void mark_and_wake(int index, Oid database, bool prepared) {
    int worker = -1;
    switch (mark(index, database, prepared, &worker)) {
    case Marked::no_slot:
        ask_probe_all();
        break;
    case Marked::known_already:
        break;
    case Marked::for_worker:
        SetLatch(&pg::proc_by_number(worker)->procLatch);
        break;
    case Marked::for_launcher:
        wake_launcher();
        break;
    }
}

} // namespace

void wake(int index, Oid database) { mark_and_wake(index, database, false); }

void wake_prepared(int index, Oid database) { mark_and_wake(index, database, true); }

void set_launcher(int proc_number) {
    SpinLockAcquire(&shared->lock);
    shared->launcher = proc_number;
    SpinLockRelease(&shared->lock);
}

bool has_launcher() {
    SpinLockAcquire(&shared->lock);
    const bool has_one = shared->launcher >= 0;
    SpinLockRelease(&shared->lock);
    return has_one;
}

void set_lacks_worker_slots(bool lacks) {
    SpinLockAcquire(&shared->lock);
    shared->lacks_worker_slots = lacks;
    SpinLockRelease(&shared->lock);
}

bool lacks_worker_slots() {
    SpinLockAcquire(&shared->lock);
    const bool lacks = shared->lacks_worker_slots;
    SpinLockRelease(&shared->lock);
    return lacks;
}

bool take_probe_all() {
    SpinLockAcquire(&shared->lock);
    bool asked = shared->probe_all;
    shared->probe_all = false;
    SpinLockRelease(&shared->lock);
    return asked;
}

void ask_probe_all() {
    SpinLockAcquire(&shared->lock);
    shared->probe_all = true;
    SpinLockRelease(&shared->lock);
    wake_launcher();
}

} // namespace mfa::shmem
