#include "core/crypto.hpp"

#include <array>

namespace mfa::core::crypto {

std::string sha256_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, 32> hash{};
    if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
        fail("SHA-256");
    std::string hex;
    for (const unsigned char byte : hash) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15U];
    }
    return hex;
}

} // namespace mfa::core::crypto
