// Channel fallback, 'sms:60s voice': which channel comes after which, and how long after.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "core/recipient.hpp"

namespace mfa::core {

struct FallbackStep {
    Channel channel;
    std::chrono::seconds wait; // until the next one takes over; of the last step 0
};

// Reads 'CHANNEL:WAIT CHANNEL:WAIT ... CHANNEL'. Channels are those of phone numbers, each once; a wait
// is a whole number with the unit s or min, 5 s - 1 h. '' is no step. core::Error 22023 that says what
// is wrong, with the form in the hint.
std::vector<FallbackStep> parse_fallback(std::string_view text);

// The steps behind `channel`, each with the time after which it is due; none where it is not there.
std::vector<FallbackStep> steps_behind(const std::vector<FallbackStep> &steps, Channel channel);

} // namespace mfa::core
