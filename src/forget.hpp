// Erasing what is stored about one recipient. C++ zone.
#pragma once

#include <string_view>

#include "pg.hpp"

namespace mfa {

// Ends every request to a recipient, of whatever role, and erases what tells of him in it and in its
// messages (hash, code, purpose, the provider's ids and errors), its text in mfa.inbox, and the recipient's
// wrong codes. What is left has no recipient, and is purged as ever. Tells how many requests there were.
// core::Error 22023 for what is no recipient, 25000 in REPEATABLE READ and SERIALIZABLE.
int64 forget(std::string_view recipient);

} // namespace mfa
