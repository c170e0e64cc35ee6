// The keys in force: mfa.key_file, resolved and read. C++ zone.
#pragma once

#include <string_view>
#include <vector>

#include "core/digest.hpp"

namespace mfa::keys {

// core::Error 55000 where the key file is unusable; the reference is good until the next call.
const core::Keyring &current();

// The recipient's hash under each key, the current one's first.
std::vector<core::RecipientHash> hashes_of(const core::Keyring &keys, std::string_view recipient);

// Makes the key file at the server's first start. Never raises: says in the log what is wrong.
void ensure_file() noexcept;

} // namespace mfa::keys
