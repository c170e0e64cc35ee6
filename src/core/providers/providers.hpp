// The providers there are; each is one file in this folder. Adding one adds a line here and in
// provider.cpp's list.
#pragma once

#include "core/provider.hpp"

namespace mfa::core {

extern const Provider signalwire_provider;
extern const Provider sns_provider;
extern const Provider smtp_provider;
extern const Provider http_provider;

} // namespace mfa::core
