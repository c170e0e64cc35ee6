#include "core/receipt.hpp"

#include <array>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

struct Word {
    std::string_view word;
    DeliveryState state;
};

constexpr std::array words{
    Word{"accepted", DeliveryState::pending},
    Word{"scheduled", DeliveryState::pending},
    Word{"queued", DeliveryState::pending},
    Word{"pending", DeliveryState::pending},
    Word{"dispatched", DeliveryState::pending},
    Word{"initiated", DeliveryState::pending},
    Word{"started", DeliveryState::pending},
    Word{"sending", DeliveryState::pending},
    Word{"sent", DeliveryState::pending},
    Word{"submitted", DeliveryState::pending},
    Word{"buffered", DeliveryState::pending},
    Word{"ringing", DeliveryState::pending},
    Word{"in-progress", DeliveryState::pending},
    Word{"answered", DeliveryState::pending},
    Word{"machine", DeliveryState::pending}, // an answering machine took the call
    Word{"unknown", DeliveryState::pending},
    Word{"delivery_unconfirmed", DeliveryState::pending},
    Word{"delivered", DeliveryState::delivered},
    Word{"read", DeliveryState::delivered},
    Word{"completed", DeliveryState::delivered},
    Word{"undelivered", DeliveryState::undelivered},
    Word{"undeliverable", DeliveryState::undelivered},
    Word{"delivery_failed", DeliveryState::undelivered},
    Word{"sending_failed", DeliveryState::undelivered},
    Word{"failed", DeliveryState::undelivered},
    Word{"rejected", DeliveryState::undelivered},
    Word{"expired", DeliveryState::undelivered},
    Word{"canceled", DeliveryState::undelivered},
    Word{"cancelled", DeliveryState::undelivered},
    Word{"aborted", DeliveryState::undelivered},
    Word{"deleted", DeliveryState::undelivered},
    Word{"busy", DeliveryState::undelivered},
    Word{"no-answer", DeliveryState::undelivered},
    Word{"noanswer", DeliveryState::undelivered},
    Word{"timeout", DeliveryState::undelivered},
    Word{"unanswered", DeliveryState::undelivered},
};

} // namespace

std::optional<DeliveryState> parse_delivery_state(std::string_view word) {
    for (const Word &known : words)
        if (equal_ignoring_case(known.word, word))
            return known.state;
    return std::nullopt;
}

std::string receipt_error(std::string_view provider_code, const Sent &sent) {
    if (!may_keep_provider_code(provider_code, sent))
        return {};
    return "provider code " + std::string(provider_code);
}

} // namespace mfa::core
