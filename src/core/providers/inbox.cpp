// For development: messages stay in the database, in a table that tests can read.
#include <array>

#include "core/providers/providers.hpp"

namespace mfa::core {

namespace {

constexpr std::array channels{Channel::sms, Channel::voice, Channel::whatsapp, Channel::email};

} // namespace

constinit const Provider inbox_provider{
    .name = "mfa_inbox",
    .channels = channels,
};

} // namespace mfa::core
