// Limits on sending (G11): per recipient, per database, per destination. C++ zone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "routes.hpp"

namespace mfa::send_limits {

// How far back, and how many, of a recipient's earlier sends matter to mfa.send_limit.
struct Horizon {
    std::int64_t microseconds = 0; // 0: no limit is set
    int count = 0;
};
Horizon horizon();

// core::Error MF001 where one more send at `now` breaks mfa.send_limit, given the times of the earlier
// ones. The caller holds the recipient's lock.
void check_recipient(std::span<std::int64_t> times, std::int64_t now);

// Counts the send for the database and for its destination; core::Error MF001 where a limit of theirs is
// reached.
void count(const std::string &recipient, const std::optional<routes::Route> &route);

} // namespace mfa::send_limits
