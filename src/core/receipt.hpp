// What became of a message that a provider has accepted: by a look-up, or a report that it sends.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/outcome.hpp"

namespace mfa::core {

enum class DeliveryState { pending, delivered, undelivered };

// The words of mfa and of the providers for it (SignalWire, Twilio, Vonage, Telnyx, Plivo, MessageBird,
// Sinch, Infobip, Bandwidth; their published lists of message and call states), in any case. A call that
// was answered has been delivered. Nothing for a word that none of them uses.
std::optional<DeliveryState> parse_delivery_state(std::string_view word);

// The provider's reason, as far as it may be kept: 'provider code 30003'. '' where there is none.
std::string receipt_error(std::string_view provider_code, const Sent &sent);

} // namespace mfa::core
