// Keys: derivation from the master key, and the text of the key file.
#include "core/digest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/crypto.hpp"
#include "core/error.hpp"
#include "core/wiped.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t master_size = 32;
constexpr std::size_t line_size = 44; // base64 of 32 bytes, one '=' at its end
constexpr const char *line_hint = "A key is one line with the base64 of 32 random bytes, as "
                                  "\"openssl rand -base64 32\" prints it.";

// HKDF-SHA-256 without salt: the master key is uniform already. `purpose` keeps the keys apart.
void derive(std::span<const std::uint8_t> master, std::string_view purpose,
            std::span<std::uint8_t> out) {
    const crypto::Kdf algorithm(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
    const crypto::KdfContext context(EVP_KDF_CTX_new(algorithm.get()));
    if (context == nullptr) {
        crypto::fail("HKDF is not available");
    }
    // OSSL_PARAM has no pointer to const; what it points to is only read.
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                          const_cast<std::uint8_t *>(master.data()), master.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char *>(purpose.data()),
                                          purpose.size()),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) != 1) {
        crypto::fail("HKDF-SHA-256");
    }
}

Error unusable(const std::string &problem, const char *hint = line_hint) {
    return {sqlstate::object_not_in_prerequisite_state, problem, hint};
}

bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Strict base64 of 32 bytes: false for anything that encodes to another text.
bool read_master(std::string_view line, std::span<std::uint8_t, master_size> master) {
    if (line.size() != line_size) {
        return false;
    }
    WipedArray<line_size / 4 * 3> decoded; // EVP_DecodeBlock writes the padding, too
    WipedArray<line_size + 1> encoded;     // EVP_EncodeBlock writes a NUL behind
    const auto *text = reinterpret_cast<const unsigned char *>(line.data());
    if (EVP_DecodeBlock(decoded.data(), text, static_cast<int>(line.size())) !=
        static_cast<int>(decoded.size())) {
        return false;
    }
    EVP_EncodeBlock(encoded.data(), decoded.data(), static_cast<int>(master_size));
    if (CRYPTO_memcmp(encoded.data(), text, line_size) != 0) {
        return false;
    }
    std::copy_n(decoded.begin(), master_size, master.begin());
    return true;
}

} // namespace

Key::Key(std::span<const std::uint8_t> master, std::string_view domain) {
    if (master.size() != master_size) {
        throw unusable("a master key has " + std::to_string(master.size()) + " bytes, but needs " +
                       std::to_string(master_size));
    }
    const auto in_domain = [&](std::string_view purpose) {
        return std::string(purpose).append(domain);
    };
    std::array<std::uint8_t, 4> id{};
    try {
        derive(master, in_domain("mfa 1 recipient"), recipient_);
        derive(master, in_domain("mfa 1 code"), code_);
        derive(master, in_domain("mfa 1 seal"), seal_);
        derive(master, "mfa 1 id", id);
    } catch (...) {
        wipe(); // no destructor runs for an object that was never made
        throw;
    }
    id_ = (id[0] & 0x7F) << 24 | id[1] << 16 | id[2] << 8 | id[3];
}

void Key::wipe() noexcept {
    OPENSSL_cleanse(recipient_.data(), recipient_.size());
    OPENSSL_cleanse(code_.data(), code_.size());
    OPENSSL_cleanse(seal_.data(), seal_.size());
}

Keyring Keyring::parse(std::string_view file_text, std::string_view domain) {
    if (file_text.size() > max_file_bytes) {
        throw unusable("the key file has " + std::to_string(file_text.size()) +
                       " bytes, but at most " + std::to_string(max_file_bytes) + " are read");
    }
    Keyring ring;
    ring.keys_.reserve(max_keys);
    for (int number = 1; !file_text.empty(); ++number) {
        const std::string where = "line " + std::to_string(number) + " of the key file ";
        const std::size_t end = file_text.find('\n');
        if (end == std::string_view::npos) {
            throw unusable(where + "does not end with a newline",
                           "The file may have been cut short. Restore it from a copy, or add the "
                           "newline if the line is whole.");
        }
        const std::string_view line = file_text.substr(0, end);
        file_text.remove_prefix(end + 1);
        if (is_blank(line) || line.front() == '#') {
            continue;
        }
        WipedArray<master_size> master;
        if (!read_master(line, std::span<std::uint8_t, master_size>(master))) {
            throw unusable(where + "is not a key");
        }
        if (ring.keys_.size() == max_keys) {
            throw unusable(where + "is one key too many: at most " + std::to_string(max_keys) +
                               " are read",
                           "Remove keys that no live request uses, which are the last ones.");
        }
        Key key(master, domain);
        if (ring.find(key.id()) != nullptr) {
            throw unusable(where + "repeats a key", "Remove the line.");
        }
        ring.keys_.push_back(std::move(key));
    }
    if (ring.keys_.empty()) {
        throw unusable("the key file has no key");
    }
    return ring;
}

const Key *Keyring::find(std::int32_t id) const noexcept {
    const auto found =
        std::find_if(keys_.begin(), keys_.end(), [id](const Key &key) { return key.id() == id; });
    return found == keys_.end() ? nullptr : &*found;
}

Secret make_key_file(RandomSource &random) {
    WipedArray<master_size> master;
    random.fill(master);
    WipedArray<line_size + 1> line; // EVP_EncodeBlock writes a NUL behind
    EVP_EncodeBlock(line.data(), master.data(), static_cast<int>(master_size));
    Secret text(
        "# Key file of mfa. Who reads it can open the codes in the database: keep it private.\n"
        "# One key a line (base64 of 32 bytes). The first is the current one. To rotate, put a "
        "new\n"
        "# key on a line above it, and remove the old one when no live request uses it any "
        "more.\n");
    text.reserve(text.size() + line_size + 1);
    text.append({reinterpret_cast<const char *>(line.data()), line_size}).append('\n');
    return text;
}

} // namespace mfa::core
