// The guard against pumped traffic (core/fraud_guard.hpp) in shared memory: the worker counts what is about to
// leave and judges, whoever verifies says so, and whoever sends asks whether a number is held back. It
// begins anew when the server starts.
//
// A number that has verified a code within mfa.retention is never held back, nor is one whose route is not
// guarded. The setting mfa.fraud_guard is read where the request is made and where the message leaves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "core/fraud_guard.hpp"
#include "pg.hpp"
#include "routes.hpp"

namespace mfa::guard {

Size shared_size();
void initialise(void *memory, bool found); // under AddinShmemInitLock
void use_lock(LWLock *lock);

// core::Error MF004 where messages to the number are held back. C++ zone.
void check(const std::string &recipient, const std::vector<core::RecipientHash> &hashes,
           const std::optional<routes::Route> &route);

// A message that the worker is about to send.
struct Leaving {
    std::string recipient;
    TimestampTz requested_at;
    bool is_first; // of its request, and its first try: it is counted, if it is fresh
};
// Whether it may leave. Says in the log, and to the listeners of channel mfa_guard, what is held back
// from now on. C++ zone, inside a transaction of the worker.
bool admit(const Leaving &message, const core::Keyring &keys);

// Whether anybody looks at what is counted.
bool is_on();
bool enforces(); // rather than only says so

// Whether codes that this recipient verifies are counted. C++ zone, as what follows.
bool watches(const std::string &recipient);
// A request of then to a recipient that is watched is verified.
void count_verified(const std::string &recipient, TimestampTz requested_at);

// What is held back in this database, and the end of one hold. PostgreSQL zone.
struct Hold {
    char prefix[core::GuardEntry::max_prefix + 1];
    core::HoldReason reason;
    TimestampTz since;
    TimestampTz until;
    core::Cohort evidence;
    int32 usual_per_mille;
    int64 refused;
};
int holds(Hold *into, int room);
inline constexpr int max_holds = 1024;
bool lift(const char *prefix);

} // namespace mfa::guard
