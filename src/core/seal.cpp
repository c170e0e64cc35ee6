// Sealed copies: AES-256-GCM.
#include "core/digest.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "core/crypto.hpp"
#include "core/error.hpp"
#include "core/wiped.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
static_assert(seal_overhead == nonce_size + tag_size);

// OpenSSL counts in int.
constexpr std::size_t max_plain = std::numeric_limits<int>::max() - seal_overhead;

// Fetched once a process, since that costs more than sealing. Never freed: a destructor could run
// after OpenSSL's own clean-up at exit.
const EVP_CIPHER *aes_256_gcm() {
    static const EVP_CIPHER *const cipher = [] {
        const EVP_CIPHER *fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
        if (fetched == nullptr) {
            crypto::fail("AES-256-GCM is not available");
        }
        return fetched;
    }();
    return cipher;
}

// A context that stays keyed from one call to the next, for each direction; as with hashes (digest.cpp),
// one set a thread, trivially destructible. The key's copy says which key it is for.
struct KeptCipher {
    EVP_CIPHER_CTX *context;
    SubKey key;
    bool ready; // keyed, and the last use came to its end
};

constinit thread_local KeptCipher sealing{};
constinit thread_local KeptCipher unsealing{};

// One use of a kept context: with a nonce (12 bytes, the cipher's default), and the request id read.
// Abandoned half-way, also by a wrong tag, it leaves the context to be keyed anew.
class Cipher {
  public:
    Cipher(bool encrypt, const Key &key, const RequestId &request, const std::uint8_t *nonce)
        : kept_(encrypt ? sealing : unsealing) {
        const bool keyed = kept_.ready && equal_constant_time(kept_.key, key.seal_key());
        kept_.ready = false;
        if (kept_.context == nullptr)
            kept_.context = EVP_CIPHER_CTX_new();
        int size = 0;
        if (kept_.context == nullptr ||
            EVP_CipherInit_ex2(kept_.context, keyed ? nullptr : aes_256_gcm(),
                               keyed ? nullptr : key.seal_key().data(), nonce, encrypt ? 1 : 0,
                               nullptr) != 1 ||
            EVP_CipherUpdate(kept_.context, nullptr, &size, request.data(),
                             static_cast<int>(request.size())) != 1) {
            crypto::fail("AES-256-GCM start");
        }
        kept_.key = key.seal_key();
    }
    Cipher(const Cipher &) = delete;
    Cipher &operator=(const Cipher &) = delete;
    ~Cipher() = default;

    EVP_CIPHER_CTX *get() const noexcept { return kept_.context; }
    void done() noexcept { kept_.ready = true; }

  private:
    KeptCipher &kept_;
};

} // namespace

// Random nonces of 96 bits are good for 2^32 sealed copies under one key (NIST SP 800-38D, 8.3):
// four billion requests, and a rotation of the key starts anew.
std::vector<std::uint8_t> seal(const Key &key, const RequestId &request, std::string_view plain,
                               RandomSource &random) {
    if (plain.size() > max_plain) {
        throw Error(sqlstate::internal_error, "too long to be sealed");
    }
    std::vector<std::uint8_t> sealed(plain.size() + seal_overhead);
    std::uint8_t *const nonce = sealed.data();
    std::uint8_t *const body = nonce + nonce_size;
    std::uint8_t *const tag = body + plain.size();
    random.fill(std::span(sealed).first(nonce_size));

    Cipher context(true, key, request, nonce);
    int size = 0;
    int rest = 0;
    if (EVP_EncryptUpdate(context.get(), body, &size,
                          reinterpret_cast<const unsigned char *>(plain.data()),
                          static_cast<int>(plain.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), body + size, &rest) != 1 ||
        static_cast<std::size_t>(size) + static_cast<std::size_t>(rest) != plain.size() ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size),
                            tag) != 1) {
        crypto::fail("AES-256-GCM encryption");
    }
    context.done();
    return sealed;
}

std::optional<Secret> unseal(const Key &key, const RequestId &request,
                             std::span<const std::uint8_t> sealed) {
    if (sealed.size() < seal_overhead || sealed.size() - seal_overhead > max_plain) {
        return std::nullopt;
    }
    const auto body = sealed.subspan(nonce_size, sealed.size() - seal_overhead);
    WipedArray<tag_size> tag; // a copy, because OpenSSL takes no pointer to const
    std::copy_n(sealed.last(tag_size).begin(), tag_size, tag.begin());

    Cipher context(false, key, request, sealed.data());
    // Wiped also when the tag is wrong: then it holds a text that somebody made up.
    std::vector<std::uint8_t, WipingAllocator<std::uint8_t>> plain(body.size());
    int size = 0;
    if (EVP_DecryptUpdate(context.get(), plain.data(), &size, body.data(),
                          static_cast<int>(body.size())) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size),
                            tag.data()) != 1) {
        crypto::fail("AES-256-GCM decryption");
    }
    int rest = 0;
    if (EVP_DecryptFinal_ex(context.get(), plain.data() + size, &rest) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    context.done();
    return Secret({reinterpret_cast<const char *>(plain.data()), plain.size()});
}

} // namespace mfa::core
