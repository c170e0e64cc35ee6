// What became of one delivery attempt, and when the next one is due.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/money.hpp"
#include "core/random.hpp"

namespace mfa::core {

// accepted: the provider has it. retry: it certainly does not (never reached, 429, 503). unknown: it
// may have it (timeout after writing, 500, 502, 504). refused: it will never take it.
enum class Verdict { accepted, retry, unknown, refused };

// What it says about the provider itself, whatever became of the message: throttled, everybody is to
// wait; down, it does not answer or not with sense.
enum class Service { up, throttled, down };

struct Outcome {
    Verdict verdict = Verdict::unknown;
    Service service = Service::up;
    std::string message_id; // accepted: the provider's id, at most 200 bytes of printable ASCII
    std::string error; // otherwise: status and the provider's code; never the provider's prose,
                       // which may echo the text
    std::optional<std::chrono::seconds> retry_after;
    std::optional<Money> price = std::nullopt; // accepted: what it costs, if the provider says it
};

// The class of an HTTP status where the provider says nothing more exact: 2xx accepted; 429, 503
// retry; 408, 425 retry; 500, 502, 504 and other 5xx unknown; everything else refused.
Verdict classify_status(long status) noexcept;

// 429 throttled; 5xx down; else up.
Service classify_service(long status) noexcept;

// What of an answer may be kept. Both come from the provider, who may echo the request in them: a
// code is 1-32 of A-Za-z0-9_.- , an id 1-200 printable ASCII characters without a space, and
// neither holds the one-time code as a word of its own, the digits of the recipient, or the text.
struct Sent {
    std::string_view recipient;
    std::string_view code;
    std::string_view text;
};
bool may_keep_provider_code(std::string_view provider_code, const Sent &sent);
bool may_keep_message_id(std::string_view id, const Sent &sent);

// Exponential back-off with jitter: uniform in [d/2, d] with d = 1 s * 2^(tries-1), at most 60 s;
// never sooner than the provider's Retry-After. `tries` counts the attempts made so far, from 1.
std::chrono::milliseconds next_delay(int tries, std::optional<std::chrono::seconds> retry_after,
                                     RandomSource &random);

} // namespace mfa::core
