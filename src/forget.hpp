// Erasing what is stored about one recipient. C++ zone.
#pragma once

#include <string_view>

#include "pg.hpp"

namespace mfa {

// Deletes every request to a recipient, of whatever role, with its messages, its text in mfa.inbox, and
// the recipient's wrong codes. What was sent stays counted in mfa.usage_total, which knows no recipients.
// Tells how many requests there were. core::Error 22023 for what is no recipient.
int64 forget(std::string_view recipient);

} // namespace mfa
