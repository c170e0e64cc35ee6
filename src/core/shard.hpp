// Where a request is, when several databases share the recipients. A request id carries the number
// of the database that made it (the setting mfa.shard), in the 12 bits of a version 7 UUID that may
// hold anything: it tells nothing of the recipient, and 62 random bits are left. A recipient is
// placed by a hash that is the same everywhere, whatever the keys and the release of PostgreSQL.
#pragma once

#include <string_view>

#include "core/digest.hpp"

namespace mfa::core {

inline constexpr int max_shard = 4095;

// The number in an id; of one that was made without, chance.
int shard_of(const RequestId &id) noexcept;

// Of an id the same, in any form that mfa_verify reads; of a recipient in any form, the first 12
// bits of the SHA-256 of its normal form; of any other text 0.
int shard_of(std::string_view request);

} // namespace mfa::core
