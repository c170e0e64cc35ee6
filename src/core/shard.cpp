#include "core/shard.hpp"

#include <optional>
#include <string>

#include "core/crypto.hpp"
#include "core/recipient.hpp"

namespace mfa::core {

int shard_of(const RequestId &id) noexcept { return (id[6] & 0x0F) << 8 | id[7]; }

int shard_of(std::string_view request) {
    if (const std::optional<RequestId> id = read_request_id(request)) {
        return shard_of(*id);
    }
    const std::optional<std::string> recipient = read_recipient(request);
    return recipient ? std::stoi(crypto::sha256_hex(*recipient).substr(0, 3), nullptr, 16) : 0;
}

} // namespace mfa::core
