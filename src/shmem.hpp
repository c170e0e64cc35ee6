// What the processes share: one slot a database that has something to deliver.
//
// A slot is claimed by a database's first send (or the launcher's probe at server start) and kept until
// the launcher finds the database gone. Commit callbacks only touch a slot that is theirs already: no
// allocation, no lock that could be waited for, nothing that can fail.
#pragma once

#include "pg.hpp"

namespace mfa::shmem {

enum class WorkerState : std::uint8_t { none, starting, running };

struct Slot {
    slock_t lock; // guards all below; held for a few instructions
    Oid database; // InvalidOid: free
    WorkerState worker;
    int worker_proc;    // of a running worker: its number in the process array
    bool wanted;        // something was committed since a worker last looked
    TimestampTz due;    // when a worker is to look again by itself; DT_NOEND: never
    bool ended_well;    // the last worker left by itself
    bool has_extension; // what the last worker found; true until one has looked
    bool has_inbox;     // a worker has said in the log that mfa_inbox is in use
    int prepared_step;  // s between looks for prepared transactions that were committed; 0: none
};

// Chains the request and startup hooks; from _PG_init in the postmaster only. `at_start` runs once when
// the memory is set up, before any other process is started.
void install_hooks(void (*at_start)());

// False where the library was not in shared_preload_libraries (or the server is in binary upgrade).
bool available();

// PostgreSQL zone: ERROR 55000 with the way out when not available.
void require();

constexpr int max_slots = 1024;
Slot &slot(int index);

// The slot of a database, claimed where it has none; -1 when all are taken (the launcher is then told
// to look into every database).
int claim_slot(Oid database);
void release_slot(int index);

// Marks the database as having something to deliver, and wakes its worker or else the launcher. From
// commit callbacks: cannot fail. Where the slot is not that database's (any more), or is -1, the
// launcher is asked to look into every database.
void wake(int index, Oid database);

// The same for PREPARE TRANSACTION, whose COMMIT PREPARED runs no callback: the database is looked at
// again at growing intervals, from 1 s on, while such transactions exist.
void wake_prepared(int index, Oid database);

void wake_launcher();
void set_launcher(int proc_number); // -1: no launcher
bool has_launcher();
// Whether the launcher waits for one of max_worker_processes.
void set_lacks_worker_slots(bool lacks);
bool lacks_worker_slots();
bool take_probe_all(); // true once after it was asked for
void ask_probe_all();

} // namespace mfa::shmem
