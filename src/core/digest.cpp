#include "core/digest.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/crypto.hpp"

namespace mfa::core {

namespace {

using Tag = std::array<std::uint8_t, 32>;

// Fetching an algorithm costs more than using it, so it is done once a process. Never freed: a
// destructor could run after OpenSSL's own clean-up at exit.
EVP_MAC *hmac() {
    static EVP_MAC *const algorithm = [] {
        EVP_MAC *fetched = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
        if (fetched == nullptr) {
            crypto::fail("HMAC is not available");
        }
        return fetched;
    }();
    return algorithm;
}

// A context that stays keyed from one call to the next: restarting it takes less than half of what
// keying it does. One for each use of a key, one set a thread; trivially destructible, so that
// nothing runs at exit (a thread that ends leaves its contexts behind; a server process has one).
// The key's copy says which key the context is for; a process that hashes holds its keys anyway.
struct KeptMac {
    EVP_MAC_CTX *context;
    SubKey key;
    bool ready; // keyed, and the last use came to its end
};

constinit thread_local KeptMac recipient_mac{};
constinit thread_local KeptMac code_mac{};

void set_key(EVP_MAC_CTX *context, const SubKey &key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_MAC_init(context, key.data(), key.size(), parameters) != 1) {
        crypto::fail("HMAC-SHA-256 key");
    }
}

void add_bytes(EVP_MAC_CTX *context, const void *bytes, std::size_t size) {
    if (EVP_MAC_update(context, static_cast<const unsigned char *>(bytes), size) != 1) {
        crypto::fail("HMAC-SHA-256 update");
    }
}

Tag finish(EVP_MAC_CTX *context) {
    Tag tag{};
    std::size_t size = 0;
    if (EVP_MAC_final(context, tag.data(), &size, tag.size()) != 1 || size != tag.size()) {
        crypto::fail("HMAC-SHA-256 result");
    }
    return tag;
}

EVP_MAC_CTX *new_context() {
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac());
    if (context == nullptr) {
        crypto::fail("HMAC-SHA-256 context");
    }
    return context;
}

// Providers before OpenSSL 3.0.3 answer success to a restart and do nothing, which would yield
// wrong hashes (openssl/openssl#17811). The provider's version need not be the library's, so this
// tries it out.
bool restart_works() {
    static const bool works = [] {
        const std::unique_ptr<EVP_MAC_CTX, crypto::Deleter<EVP_MAC_CTX_free>> context(
            new_context());
        set_key(context.get(), SubKey{});
        add_bytes(context.get(), "probe", 5);
        const Tag first = finish(context.get());
        bool same = false;
        if (EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1 &&
            EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char *>("probe"), 5) ==
                1) {
            Tag second{};
            std::size_t size = 0;
            same = EVP_MAC_final(context.get(), second.data(), &size, second.size()) == 1 &&
                   second == first;
        }
        ERR_clear_error();
        return same;
    }();
    return works;
}

// One computation on a kept context. Abandoned half-way by an exception, it leaves the context
// marked as not ready, so that the next one keys it anew.
class Mac {
  public:
    Mac(KeptMac &kept, const SubKey &key) : kept_(kept) {
        const bool keyed = kept.ready && equal_constant_time(kept.key, key);
        kept.ready = false;
        if (kept.context == nullptr) {
            kept.context = new_context();
        }
        if (keyed && restart_works()) {
            if (EVP_MAC_init(kept.context, nullptr, 0, nullptr) != 1) {
                crypto::fail("HMAC-SHA-256 restart");
            }
        } else {
            set_key(kept.context, key);
            kept.key = key;
        }
    }
    Mac(const Mac &) = delete;
    Mac &operator=(const Mac &) = delete;
    ~Mac() = default;

    Mac &add(const void *bytes, std::size_t size) {
        add_bytes(kept_.context, bytes, size);
        return *this;
    }

    // With its length in front (64 bits, big-endian), so that no two lists of fields read the same.
    Mac &add_field(const void *bytes, std::size_t size) {
        std::array<std::uint8_t, 8> length{};
        for (std::size_t i = 0; i < length.size(); ++i) {
            length[i] = static_cast<std::uint8_t>(std::uint64_t{size} >> (56 - 8 * i));
        }
        return add(length.data(), length.size()).add(bytes, size);
    }

    Tag finish() {
        const Tag tag = mfa::core::finish(kept_.context);
        kept_.ready = true;
        return tag;
    }

  private:
    KeptMac &kept_;
};

} // namespace

RecipientHash hash_recipient(const Key &key, std::string_view normalised_recipient) {
    const Tag tag = Mac(recipient_mac, key.recipient_key())
                        .add(normalised_recipient.data(), normalised_recipient.size())
                        .finish();
    RecipientHash hash{};
    std::copy_n(tag.begin(), hash.size(), hash.begin());
    return hash;
}

CodeHash hash_code(const Key &key, const RequestId &request, const RecipientHash &recipient,
                   std::string_view purpose, std::string_view code) {
    return Mac(code_mac, key.code_key())
        .add_field(request.data(), request.size())
        .add_field(recipient.data(), recipient.size())
        .add_field(purpose.data(), purpose.size())
        .add_field(code.data(), code.size())
        .finish();
}

bool equal_constant_time(std::span<const std::uint8_t> a,
                         std::span<const std::uint8_t> b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

RequestId make_uuid(std::int64_t unix_ms, RandomSource &random, std::optional<int> shard) {
    constexpr std::int64_t largest = (std::int64_t{1} << 48) - 1; // in the year 10889
    const std::int64_t time = std::clamp<std::int64_t>(unix_ms, 0, largest);
    RequestId id{};
    for (std::size_t i = 0; i < 6; ++i) {
        id[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
    }
    random.fill(std::span(id).subspan(6));
    if (shard) {
        id[6] = static_cast<std::uint8_t>(*shard >> 8);
        id[7] = static_cast<std::uint8_t>(*shard);
    }
    id[6] = static_cast<std::uint8_t>((id[6] & 0x0F) | 0x70); // version 7
    id[8] = static_cast<std::uint8_t>((id[8] & 0x3F) | 0x80); // variant of RFC 9562
    return id;
}

} // namespace mfa::core
