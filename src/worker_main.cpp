// The delivery worker as a process: how it is started, and its entry.

#include "pg_wall.hpp"
#include "worker.hpp"
#include "worker_session.hpp"

namespace mfa::worker {

BackgroundWorkerHandle *start(int slot) {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_notify_pid = MyProcPid;
    worker.bgw_main_arg = Int32GetDatum(slot);
    strlcpy(worker.bgw_library_name, "mfa", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, "mfa_worker_main", sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, "mfa delivery worker", sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, "mfa delivery worker", sizeof(worker.bgw_type));
    BackgroundWorkerHandle *handle = nullptr;
    return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : nullptr;
}

} // namespace mfa::worker

extern "C" {
PGDLLEXPORT void mfa_worker_main(Datum slot);

void mfa_worker_main(Datum slot) {
    mfa::worker::set_up(DatumGetInt32(slot));
    mfa::pg::Report report;
    if (mfa::pg::caught(report, [] { mfa::worker::run(); }))
        mfa::pg::raise(
            report); // to the process' own handler: logged, exit status 1, never restarted
}
}
