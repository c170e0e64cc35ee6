// The providers there are; each is one file in this folder. Adding one adds a line here and in
// provider.cpp's list.
#pragma once

#include "core/provider.hpp"

namespace mfa::core {

extern const Provider signalwire_provider;
extern const Provider twilio_provider;
extern const Provider vonage_provider;
extern const Provider telnyx_provider;
extern const Provider plivo_provider;
extern const Provider messagebird_provider;
extern const Provider sinch_provider;
extern const Provider infobip_provider;
extern const Provider bandwidth_provider;
extern const Provider sns_provider;
extern const Provider whatsapp_provider;
extern const Provider smtp_provider;
extern const Provider http_provider;
extern const Provider inbox_provider;

} // namespace mfa::core
