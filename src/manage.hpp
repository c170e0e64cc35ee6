// What can be done with a request besides verifying it: send it again, cancel it, look at it. C++ zone.
#pragma once

#include <optional>
#include <string>

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa {

// Sends the live request's code again, over `channel` or else the one before; limits hold as for a first
// send. core::Error 42704 where there is no such request, 55000 where it has ended.
void resend(const core::RequestId &id, const std::optional<std::string> &channel);

// Ends the request. False where it is not live (any more), or there is none.
bool cancel(const core::RequestId &id);

struct Status {
    std::optional<std::string> recipient; // masked; nothing once the request has ended
    const char *state = nullptr;
    const char *channel = nullptr; // of the last message, as the three below
    const char *provider = nullptr;
    const char *delivery = nullptr;
    const char *error = nullptr;
    int attempts_left = 0;
    int sends = 0;
    TimestampTz created_at = 0;
    TimestampTz expires_at = 0;
    TimestampTz ended_at = DT_NOEND;
};

// Nothing where there is no such request. Strings are in memory of the caller's context.
std::optional<Status> status(const core::RequestId &id);

} // namespace mfa
