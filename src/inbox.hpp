// Messages that stay in the database: what servers of mfa_inbox are given. C++ zone.
#pragma once

#include "core/provider.hpp"
#include "outbox.hpp"

namespace mfa::inbox {

// Writes a message into mfa.inbox, inside the caller's transaction. The first one since the server has
// started is noted in the log: somebody may have left it on.
void put(const outbox::Claimed &claimed, const core::OutboundMessage &message);

} // namespace mfa::inbox
