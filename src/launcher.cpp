// The launcher. It holds no connection to a database (only one to the shared catalogs), runs no query
// while nothing happens, and starts at most one delivery worker a database:
//
//   none --(wanted, or due)--> starting --(worker runs)--> running --(worker leaves)--> none
//
// A worker that left by itself may be started again at once; one that died is started again after a
// pause that doubles from 1 s to 60 s. "wanted" is set by commits and by the probe of every database at
// server start (messages outlive a restart); "due" is what the last worker left behind.
#include "launcher.hpp"

#include "pg_wall.hpp"
#include "settings.hpp"
#include "shmem.hpp"
#include "worker.hpp"

namespace mfa::launcher {

namespace {

constexpr int max_pause = 60; // seconds
// Between two starts for one database, whatever asks for them: no loop may eat the machine.
constexpr std::int64_t least_interval = 100 * 1000; // microseconds

// What the launcher alone knows of a slot.
struct Watch {
    BackgroundWorkerHandle *handle; // of a worker that was asked for
    TimestampTz started_at;
    TimestampTz not_before;
    int pause;       // seconds, after failures
    bool lacks_slot; // the pause is for want of a worker slot
};

Watch watches[shmem::max_slots];

struct SlotView {
    Oid database;
    shmem::WorkerState worker;
    bool wanted;
    TimestampTz due;
};

SlotView look(int index) {
    shmem::Slot &slot = shmem::slot(index);
    SpinLockAcquire(&slot.lock);
    const SlotView view{slot.database, slot.worker, slot.wanted, slot.due};
    SpinLockRelease(&slot.lock);
    return view;
}

// Whether connections are allowed; "gone" is also a database whose DROP was interrupted.
enum class Access { open, closed, gone };

Access access_to(const FormData_pg_database *database) {
    constexpr int invalid_database =
        -2; // DATCONNLIMIT_INVALID_DB, which not all minor releases name
    if (database->datconnlimit == invalid_database)
        return Access::gone;
    return database->datallowconn ? Access::open : Access::closed;
}

// To wait for a lock resets the latch: what was committed meanwhile is found by another round.
void end_transaction() {
    CommitTransactionCommand();
    SetLatch(MyLatch);
}

// Marks every database that may hold the extension. PostgreSQL zone.
void probe_all() {
    StartTransactionCommand();
    Relation databases = table_open(DatabaseRelationId, AccessShareLock);
    Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
    TableScanDesc scan = pg::begin_table_scan(databases, snapshot);
    while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection)) {
        const auto *database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        if (access_to(database) != Access::open || database->datistemplate)
            continue;
        const int index = shmem::claim_slot(database->oid);
        if (index < 0) {
            ereport(LOG,
                    (errmsg("mfa delivers in at most %d databases at once", shmem::max_slots)));
            break;
        }
        shmem::Slot &slot = shmem::slot(index);
        SpinLockAcquire(&slot.lock);
        slot.wanted = true;
        SpinLockRelease(&slot.lock);
    }
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
    table_close(databases, AccessShareLock);
    end_transaction();
}

Access access_to(Oid oid) {
    StartTransactionCommand();
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(oid));
    Access access = Access::gone;
    if (HeapTupleIsValid(tuple)) {
        access = access_to(reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple)));
        ReleaseSysCache(tuple);
    }
    end_transaction();
    return access;
}

int longer(int pause) { return std::clamp(pause * 2, 1, max_pause); }

// Where a worker could only fail to connect, none is started. The slot of a database that was dropped is
// freed. One that is closed to connections may be opened again, of which nobody tells: it is looked at
// again after a pause, or by the first commit.
bool still_wanted(int index, Oid database) {
    const Access access = access_to(database);
    if (access == Access::open)
        return true;
    Watch &watch = watches[index];
    shmem::Slot &slot = shmem::slot(index);
    TimestampTz due = DT_NOEND;
    if (access == Access::closed) {
        watch.pause = longer(watch.pause);
        due = GetCurrentTimestamp() + watch.pause * USECS_PER_SEC;
    }
    SpinLockAcquire(&slot.lock);
    slot.wanted = false;
    slot.due = due;
    SpinLockRelease(&slot.lock);
    if (access == Access::gone) {
        shmem::release_slot(index);
        watch = {};
    }
    return false;
}

// A worker of ours has left: whoever waits for a slot need not wait for the end of a pause. (That another
// extension's worker has left is only seen then.)
void slot_was_freed() {
    for (Watch &watch : watches) {
        if (watch.lacks_slot)
            watch.not_before = 0;
    }
}

// A worker is gone: notes whether it went well, and frees the slot of a database that needs none.
void reap(int index) {
    Watch &watch = watches[index];
    pfree(watch.handle);
    watch.handle = nullptr;
    slot_was_freed();

    shmem::Slot &slot = shmem::slot(index);
    SpinLockAcquire(&slot.lock);
    slot.worker = shmem::WorkerState::none; // also where it died before it ran
    const Oid database = slot.database;
    const bool well = slot.ended_well;
    const bool needed = slot.has_extension;
    if (!well)
        slot.wanted = true; // it may not have done what it was started for
    SpinLockRelease(&slot.lock);

    if (well) {
        watch.pause = 0;
        watch.not_before = watch.started_at + least_interval;
        if (!needed)
            shmem::release_slot(index);
        return;
    }
    if (!still_wanted(index, database))
        return;
    watch.pause = longer(watch.pause);
    watch.not_before = GetCurrentTimestamp() + watch.pause * USECS_PER_SEC;
}

void reap_all() {
    for (int i = 0; i < shmem::max_slots; ++i) {
        pid_t pid;
        if (watches[i].handle && GetBackgroundWorkerPid(watches[i].handle, &pid) == BGWH_STOPPED)
            reap(i);
    }
}

bool launch(int index) {
    shmem::Slot &slot = shmem::slot(index);
    SpinLockAcquire(&slot.lock);
    slot.worker = shmem::WorkerState::starting;
    slot.ended_well = false;
    slot.wanted = true; // for the worker to take
    slot.due = DT_NOEND;
    SpinLockRelease(&slot.lock);

    Watch &watch = watches[index];
    watch.started_at = GetCurrentTimestamp();
    watch.handle = worker::start(index);
    watch.lacks_slot = watch.handle == nullptr;
    if (watch.handle) {
        return true;
    }
    SpinLockAcquire(&slot.lock);
    slot.worker = shmem::WorkerState::none;
    SpinLockRelease(&slot.lock);
    watch.pause = longer(watch.pause);
    watch.not_before = GetCurrentTimestamp() + watch.pause * USECS_PER_SEC;
    if (!shmem::lacks_worker_slots()) // said once, until all that was asked for has started
        ereport(LOG,
                (errmsg("mfa can't start a delivery worker: all background worker slots are taken"),
                 errhint("Raise max_worker_processes, now %d; messages wait meanwhile.",
                         max_worker_processes)));
    shmem::set_lacks_worker_slots(true);
    return false;
}

// Starts what can be started; tells when to look again. Goes round, so that with more databases than
// workers each has its turn.
TimestampTz launch_due() {
    static int first = 0;
    bool some_wait = false;
    TimestampTz next = DT_NOEND;
    const TimestampTz now = GetCurrentTimestamp();
    int running = 0; // also those that an earlier launcher has started
    for (int i = 0; i < shmem::max_slots; ++i)
        running += look(i).worker != shmem::WorkerState::none;
    for (int n = 0; n < shmem::max_slots; ++n) {
        const int index = (first + n) % shmem::max_slots;
        const SlotView slot = look(index);
        if (!OidIsValid(slot.database) || slot.worker != shmem::WorkerState::none ||
            watches[index].handle)
            continue;
        const TimestampTz when = std::max(slot.wanted ? now : slot.due, watches[index].not_before);
        if (when > now) {
            some_wait = some_wait || slot.wanted;
            next = std::min(next, when);
        } else if (running >= settings::max_workers) {
            first = index; // its turn comes when a worker leaves
            break;
        } else if (still_wanted(index, slot.database)) {
            if (!launch(index)) {
                first = index;
                return std::min(next, watches[index].not_before);
            }
            ++running;
        } else {
            next = std::min(next, look(index).due);
        }
    }
    if (!some_wait)
        shmem::set_lacks_worker_slots(false);
    return next;
}

void wait_until(TimestampTz next) {
    const long longest = 3600 * 1000L;
    long timeout = longest;
    if (next != DT_NOEND)
        timeout = std::min(longest, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next));
    static const uint32 wait_event = pg::wait_event("MfaLauncherMain");
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout, wait_event);
    pg::serve_interrupts();
}

// After an earlier launcher: a worker that it asked for and that never came must not hold its slot for
// ever. Should it come yet, it sees that it is not expected.
void adopt_slots() {
    for (int i = 0; i < shmem::max_slots; ++i) {
        shmem::Slot &slot = shmem::slot(i);
        SpinLockAcquire(&slot.lock);
        if (slot.worker == shmem::WorkerState::starting) {
            slot.worker = shmem::WorkerState::none;
            slot.wanted = true;
        }
        SpinLockRelease(&slot.lock);
    }
}

void at_exit(int /*code*/, Datum /*arg*/) { shmem::set_launcher(-1); }

// PostgreSQL zone throughout: no object here has a destructor.
void run() {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(InvalidOid, InvalidOid, 0);
    before_shmem_exit(at_exit, 0);
    shmem::set_launcher(pg::my_proc_number());
    adopt_slots();
    shmem::ask_probe_all(); // an earlier launcher may have died over it

    while (!ShutdownRequestPending) {
        if (shmem::take_probe_all())
            probe_all();
        reap_all();
        wait_until(launch_due());
    }
    proc_exit(1); // the postmaster restarts it, unless it is shutting down itself
}

} // namespace

void install() {
    BackgroundWorker launcher{};
    launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
    launcher.bgw_restart_time = 1;
    strlcpy(launcher.bgw_library_name, "mfa", sizeof(launcher.bgw_library_name));
    strlcpy(launcher.bgw_function_name, "mfa_launcher_main", sizeof(launcher.bgw_function_name));
    strlcpy(launcher.bgw_name, "mfa launcher", sizeof(launcher.bgw_name));
    strlcpy(launcher.bgw_type, "mfa launcher", sizeof(launcher.bgw_type));
    RegisterBackgroundWorker(&launcher);
}

} // namespace mfa::launcher

extern "C" {
PGDLLEXPORT void mfa_launcher_main(Datum arg);

void mfa_launcher_main(Datum /*arg*/) { mfa::launcher::run(); }
}
