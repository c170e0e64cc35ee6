// A delivery worker as PostgreSQL sees it: signals, connection, transactions, waiting.
#pragma once

#include "catalog.hpp"
#include "pg_wall.hpp"

namespace mfa::worker {

// Of this process.
struct Session {
    int slot = -1;
    bool leaving = false; // the extension is gone, or somebody wants the database for himself
    bool has_extension = true;
};
extern Session session;

// Signals, connection, and settings that no database's or role's can bend; the slot is released however
// the process ends. PostgreSQL zone.
void set_up(int slot);

enum class Manners {
    yield,      // leave at once where somebody wants the database for himself
    last_words, // write down what is known all the same: he waits for that
};

// A transaction as the extension's owner, with the extension locked against being dropped. Where it is
// gone, or the database is wanted (DROP, RENAME, SET TABLESPACE, CREATE ... TEMPLATE hold or wait for a
// lock on it), `body` is not run and the worker leaves.
template <class F> void work(const char *activity, Manners manners, F &&body) {
    pg::call([&] { pgstat_report_activity(STATE_RUNNING, activity); });
    pg::transaction([&] {
        const bool may_stay = pg::call([&] {
            if (manners == Manners::yield && !pg::try_lock_database(MyDatabaseId, RowExclusiveLock))
                return false;
            if (!catalog::lock_extension()) {
                session.has_extension = false;
                return false;
            }
            SetUserIdAndSecContext(catalog::extension_owner(),
                                   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
            return true;
        });
        if (!may_stay) {
            session.leaving = true;
            return;
        }
        body();
        pg::call([] { SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, 0); });
    });
    pg::call([] {
        pgstat_report_stat(true);
        pgstat_report_activity(STATE_IDLE, nullptr);
    });
}

// DT_NOEND: never, the longest time there is.
std::chrono::milliseconds until(TimestampTz when);

// Waits for the latch, the network or the timeout, and serves interrupts. C++ zone.
class Waiter {
  public:
    explicit Waiter(int poll_fd);
    void wait(std::chrono::milliseconds timeout);

  private:
    WaitEventSet *set_;
};

} // namespace mfa::worker
