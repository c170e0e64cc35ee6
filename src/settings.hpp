// The settings (mfa.*). All that shape a code are SUSET: an ordinary role cannot weaken them.
#pragma once

#include "core/rate_limit.hpp"
#include "pg.hpp"

namespace mfa::settings {

enum class Resend : int { same, fresh };
enum class GuardMode : int { off, monitor, enforce };

// Current values, as GUC keeps them; strings are never null.
extern int code_length;       // characters
extern int code_length_floor; // least that a call may ask for
extern bool allow_alphas;     //
extern int valid_for;         // seconds
extern int valid_for_cap;     // most that a call may ask for, seconds
extern int max_attempts;      //
extern int max_attempts_cap;  // most that a call may ask for
extern char *message;         // template; '' = the locale's built-in text
extern char *locale;          // '' = English
extern char *app_name;
extern char *webotp_domain;
extern char *app_hash;                                 // {app}; '' = the database's name
extern char *provider;                                 // servers in order, comma-separated
extern int resend;                                     // Resend
extern int lockout_max;                                // longest lock-out, seconds
extern const core::RateLimits *send_limit;             // per recipient
extern const core::RateLimits *send_limit_database;    // of the whole database
extern const core::RateLimits *send_limit_destination; // per route, or country code
extern int fraud_guard;                                // GuardMode
extern int retention;                                  // seconds a request is kept after its expiry
extern int unknown_retries;                            // tries after an unknown outcome
extern bool notify;                                    // NOTIFY of what becomes of messages
extern char *currency;                                 // of prices and costs, ISO 4217
extern char *fallback;                                 // channels, see core/fallback.hpp
extern char *key_file;                                 // path; relative to the data directory
extern int shard;                                      // in ids of requests; negative: none
extern int max_workers;                                // delivery workers at once, whole server
extern int max_in_flight;                              // messages in flight at once, one worker

// Defines them; from _PG_init, whether preloaded or not.
void define();

} // namespace mfa::settings
