// A byte array on the stack that is wiped when its scope ends, also by an exception.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <openssl/crypto.h>

namespace mfa::core {

template <std::size_t N> struct WipedArray : std::array<std::uint8_t, N> {
    WipedArray() : std::array<std::uint8_t, N>{} {}
    WipedArray(const WipedArray &) = delete;
    WipedArray &operator=(const WipedArray &) = delete;
    ~WipedArray() { OPENSSL_cleanse(this->data(), N); }
};

} // namespace mfa::core
