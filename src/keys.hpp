// The keys in force: mfa.key_file, resolved and read. C++ zone.
#pragma once

#include "core/digest.hpp"

namespace mfa::keys {

// core::Error 55000 where the key file is unusable; the reference is good until the next call.
const core::Keyring &current();

// Makes the key file at the server's first start. Never raises: says in the log what is wrong.
void ensure_file() noexcept;

} // namespace mfa::keys
