// What several tests of the core need.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/random.hpp"

namespace mfa::test {

inline std::string to_hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        hex += digits[byte >> 4];
        hex += digits[byte & 0xF];
    }
    return hex;
}

inline std::vector<std::uint8_t> bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

// first, first + 1, first + 2 …, as many as the array has.
template <std::size_t N> constexpr std::array<std::uint8_t, N> count_from(std::uint8_t first) {
    std::array<std::uint8_t, N> bytes{};
    for (std::size_t i = 0; i < N; ++i) {
        bytes[i] = static_cast<std::uint8_t>(first + i);
    }
    return bytes;
}

// Gives exactly the bytes it was made with; a draw beyond them fails as a broken generator does.
class ScriptedRandom final : public core::RandomSource {
  public:
    explicit ScriptedRandom(std::vector<std::uint8_t> script) : script_(std::move(script)) {}

    void fill(std::span<std::uint8_t> out) override {
        if (out.size() > left()) {
            throw core::Error(core::sqlstate::internal_error, "script is at its end");
        }
        for (std::uint8_t &byte : out) {
            byte = script_[used_++];
        }
    }

    std::size_t left() const { return script_.size() - used_; }

  private:
    std::vector<std::uint8_t> script_;
    std::size_t used_ = 0;
};

// The same uniform bytes at every run.
class SeededRandom final : public core::RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t &byte : out) {
            byte = static_cast<std::uint8_t>(engine_() >> 56);
        }
    }

  private:
    std::mt19937_64 engine_; // its sequence is laid down by the C++ standard
};

// The core::Error that `body` throws; a test failure when it throws none.
template <class Body> core::Error error_of(Body &&body) {
    try {
        body();
    } catch (const core::Error &error) {
        return error;
    }
    ADD_FAILURE() << "no core::Error was thrown";
    return core::Error("00000", "");
}

// Everything that a user or the server log could see of an error.
inline std::string all_text(const core::Error &error) {
    return error.message() + "|" + error.hint() + "|" + error.detail();
}

} // namespace mfa::test
