#include "worker_session.hpp"

#include "shmem.hpp"

namespace mfa::worker {

using std::chrono::milliseconds;

Session session;

namespace {

// Releases the slot however the process ends.
void release_slot(int /*code*/, Datum /*arg*/) {
    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    slot.worker = shmem::WorkerState::none;
    if (!slot.ended_well)
        slot.wanted = true; // whoever launches next: there is work left
    SpinLockRelease(&slot.lock);
    shmem::wake_launcher();
}

void use_setting(const char *name, const char *value) {
    SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

} // namespace

void set_up(int slot_number) {
    session.slot = slot_number;
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    BackgroundWorkerUnblockSignals();

    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    const Oid database = slot.database;
    const bool expected = slot.worker == shmem::WorkerState::starting;
    if (expected) {
        slot.worker = shmem::WorkerState::running;
        slot.worker_proc = pg::my_proc_number();
    }
    SpinLockRelease(&slot.lock);
    if (!expected)
        proc_exit(0); // asked for by a launcher that is gone; another worker has the slot, or will
    before_shmem_exit(release_slot, 0);

    BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
    use_setting("search_path", "pg_catalog, pg_temp");
    use_setting("default_transaction_isolation", "read committed");
    use_setting("default_transaction_read_only", "off");
    use_setting("lock_timeout", "500ms");
    use_setting("statement_timeout", "0");
    if (GetConfigOption("transaction_timeout", true, false)) // PostgreSQL 17 has it
        use_setting("transaction_timeout", "0");
    use_setting("row_security", "off");
    // Statements are planned when there is one message, and executed when there are thousands: then to
    // read a table that was small is wrong, and nobody plans again before its next ANALYZE.
    use_setting("enable_seqscan", "off");
    use_setting("plan_cache_mode", "force_generic_plan");
}

milliseconds until(TimestampTz when) {
    if (when == DT_NOEND)
        return milliseconds::max();
    return milliseconds(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), when));
}

Waiter::Waiter(int poll_fd) {
    set_ = pg::call([&] {
        WaitEventSet *set = pg::make_wait_event_set(3);
        AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
        AddWaitEventToSet(set, WL_SOCKET_READABLE, poll_fd, nullptr, nullptr);
        return set;
    });
}

void Waiter::wait(milliseconds timeout) {
    const long longest = 60'000;
    static const uint32 wait_event = pg::call([] { return pg::wait_event("MfaDeliveryMain"); });
    pg::call([&] {
        WaitEvent event;
        WaitEventSetWait(set_, std::clamp<long>(timeout.count(), 0, longest), &event, 1,
                         wait_event);
        pg::serve_interrupts();
    });
}

} // namespace mfa::worker
