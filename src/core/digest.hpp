// Keyed hashes and sealed copies: what makes a dump of the tables worthless without the key file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "core/secret.hpp"

namespace mfa::core {

using RequestId = std::array<std::uint8_t, 16>;     // a UUID, version 7 (RFC 9562)
using RecipientHash = std::array<std::uint8_t, 16>; // HMAC-SHA-256, leftmost 128 bits
using CodeHash = std::array<std::uint8_t, 32>;      // HMAC-SHA-256
using SubKey = std::array<std::uint8_t, 32>;

// One master key, as the three purpose-bound keys derived from it by HKDF-SHA-256 (RFC 5869):
// a key never serves two algorithms. `id` is derived from the key itself, so another key can never
// pass under the id stored in a row. Wiped on destruction.
class Key {
  public:
    // 32 bytes, or core::Error 55000. `domain` is where the key is used: another domain has other
    // sub-keys under the same id, so that what is hashed or sealed in one is void in another.
    explicit Key(std::span<const std::uint8_t> master, std::string_view domain = {});
    Key(const Key &) = default;
    Key(Key &&) = default;
    Key &operator=(const Key &) = default;
    Key &operator=(Key &&) = default;
    ~Key() { wipe(); }

    std::int32_t id() const noexcept { return id_; }
    const SubKey &recipient_key() const noexcept { return recipient_; }
    const SubKey &code_key() const noexcept { return code_; }
    const SubKey &seal_key() const noexcept { return seal_; }

  private:
    void wipe() noexcept;

    std::int32_t id_ = 0; // 31 bits, never negative
    SubKey recipient_{};
    SubKey code_{};
    SubKey seal_{};
};

// The keys of the key file, the current one first. Between 1 and max_keys of them.
class Keyring {
  public:
    static constexpr std::size_t max_keys = 16;
    static constexpr std::size_t max_file_bytes = 16 * 1024;

    // Reads the text of a key file: one key a line (base64 of 32 bytes), the first is the current
    // one; blank lines and lines that begin with '#' are skipped; every line ends with a newline
    // (so a line cut short is refused, not half read); no key twice. Throws core::Error 55000 that
    // names the line, never its content.
    static Keyring parse(std::string_view file_text, std::string_view domain = {});

    const Key &current() const noexcept { return keys_.front(); }
    const Key *find(std::int32_t id) const noexcept; // nullptr when the file has no such key
    std::span<const Key> keys() const noexcept { return keys_; }

  private:
    std::vector<Key> keys_;
};

// The text of a new key file: a comment that says what it is, and one random key.
Secret make_key_file(RandomSource &random);

// A new request or message id: UUID version 7 for `unix_ms`, 74 random bits. Time-ordered, so that
// inserts touch the right edge of an index. With a shard (see core/shard.hpp) its number stands in
// for the first 12 of them.
RequestId make_uuid(std::int64_t unix_ms, RandomSource &random,
                    std::optional<int> shard = std::nullopt);

// The two hashes keep an HMAC context per thread that stays keyed between calls.
RecipientHash hash_recipient(const Key &key, std::string_view normalised_recipient);

// HMAC over request id, recipient hash, purpose and code, each length-prefixed: a hash is good for
// one request, one recipient, one purpose. `code` is in canonical form.
CodeHash hash_code(const Key &key, const RequestId &request, const RecipientHash &recipient,
                   std::string_view purpose, std::string_view code);

// Equality whose time does not depend on where the inputs differ (CRYPTO_memcmp).
bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;

// AES-256-GCM, a fresh random 96-bit nonce in front, the 128-bit tag behind, the request id as
// associated data: a sealed copy moved to another request does not open.
inline constexpr std::size_t seal_overhead = 12 + 16;
std::vector<std::uint8_t> seal(const Key &key, const RequestId &request, std::string_view plain,
                               RandomSource &random);
std::optional<Secret> unseal(const Key &key, const RequestId &request,
                             std::span<const std::uint8_t> sealed);

} // namespace mfa::core
