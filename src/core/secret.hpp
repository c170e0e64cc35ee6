// Secret: bytes that are wiped when they go (codes, numbers, credentials, rendered texts).
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <openssl/crypto.h>

namespace mfa::core {

// Wipes before it frees, so that a growing container leaves no copy behind either.
template <class T> struct WipingAllocator {
    using value_type = T;
    WipingAllocator() noexcept = default;
    template <class U> WipingAllocator(const WipingAllocator<U> & /*other*/) noexcept {}
    T *allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    void deallocate(T *p, std::size_t n) noexcept {
        OPENSSL_cleanse(p, n * sizeof(T));
        std::allocator<T>().deallocate(p, n);
    }
    template <class U> bool operator==(const WipingAllocator<U> & /*other*/) const noexcept {
        return true;
    }
};

// A byte string on the heap (never in a small-string buffer) that is wiped on destruction.
// Owned by one thread; copied only where a copy is meant to live on.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}

    std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }
    std::size_t size() const noexcept { return bytes_.size(); }
    bool empty() const noexcept { return bytes_.empty(); }

    void reserve(std::size_t n) { bytes_.reserve(n); }
    Secret &append(std::string_view more) {
        bytes_.insert(bytes_.end(), more.begin(), more.end());
        return *this;
    }
    Secret &append(char c) {
        bytes_.push_back(c);
        return *this;
    }

  private:
    std::vector<char, WipingAllocator<char>> bytes_;
};

} // namespace mfa::core
