// The known answer was computed apart from this code: the ciphertext with `openssl enc -aes-256-ctr`
// from the counter block nonce | 00000002, the tag with GHASH written in Python after NIST SP 800-38D
// over blocks from `openssl enc -aes-256-ecb`. The key is digest_test.cpp's "mfa 1 seal" key.
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"

namespace mfa::core {
namespace {

using test::count_from;
using test::to_hex;

const RequestId request = count_from<16>(0);

const Key &key() {
    static const Key *const made = new Key(count_from<32>(0));
    return *made;
}

std::vector<std::uint8_t> sealed_text(std::string_view plain) {
    return seal(key(), request, plain, system_random());
}

TEST(Seal, IsAKnownValue) {
    const auto nonce = count_from<12>(0xA0);
    test::ScriptedRandom random(std::vector<std::uint8_t>(nonce.begin(), nonce.end()));
    const auto sealed = seal(key(), request, "+14155550123 048291", random);
    EXPECT_EQ(random.left(), 0U);
    EXPECT_EQ(to_hex(sealed), "a0a1a2a3a4a5a6a7a8a9aaab"
                              "9b656eebe4a866f341805b97323f455fd79167"
                              "9f3e529fae3b2796a8fe2a5fecf661dc");
    const std::optional<Secret> plain = unseal(key(), request, sealed);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->view(), "+14155550123 048291");
}

TEST(Seal, OpensWhatItSealedOfEverySize) {
    for (const std::size_t size : {0, 1, 15, 16, 17, 31, 32, 33, 100, 1000, 4096, 1 << 20}) {
        std::string text(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            text[i] = static_cast<char>(i * 7);
        }
        const auto sealed = sealed_text(text);
        EXPECT_EQ(sealed.size(), size + seal_overhead);
        const std::optional<Secret> plain = unseal(key(), request, sealed);
        ASSERT_TRUE(plain) << size;
        EXPECT_EQ(plain->view(), text);
    }
}

TEST(Seal, NeverTheSameTwice) {
    std::set<std::vector<std::uint8_t>> seen;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(seen.insert(sealed_text("048291")).second);
    }
}

TEST(Unseal, RefusesEveryFlippedBit) {
    auto sealed = sealed_text("+14155550123 048291");
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
        sealed[bit / 8] ^= mask;
        EXPECT_FALSE(unseal(key(), request, sealed)) << bit;
        sealed[bit / 8] ^= mask;
    }
    EXPECT_TRUE(unseal(key(), request, sealed));
}

TEST(Unseal, RefusesEveryTruncationAndExtension) {
    auto sealed = sealed_text("+14155550123 048291");
    const std::span<const std::uint8_t> whole = sealed;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(unseal(key(), request, whole.first(size))) << size;
        EXPECT_FALSE(unseal(key(), request, whole.last(size))) << size;
    }
    sealed.push_back(0);
    EXPECT_FALSE(unseal(key(), request, sealed));
    EXPECT_FALSE(unseal(key(), request, {}));
    EXPECT_FALSE(unseal(key(), request, std::vector<std::uint8_t>(seal_overhead)));
}

TEST(Unseal, RefusesAnotherRequestOrKey) {
    const auto sealed = sealed_text("048291");
    for (std::size_t bit = 0; bit < 128; ++bit) {
        RequestId other = request;
        other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(unseal(key(), other, sealed)) << bit;
    }
    EXPECT_FALSE(unseal(Key(count_from<32>(1)), request, sealed));
    EXPECT_TRUE(unseal(key(), request, sealed));
}

// Its contexts stay keyed from one call to the next.
TEST(Seal, UsesTheKeyOfEachCall) {
    const Key other(count_from<32>(1));
    for (int i = 0; i < 3; ++i) {
        const auto first = sealed_text("048291");
        const auto second = seal(other, request, "048291", system_random());
        EXPECT_TRUE(unseal(key(), request, first));
        EXPECT_TRUE(unseal(other, request, second));
        EXPECT_FALSE(unseal(key(), request, second));
        EXPECT_FALSE(unseal(other, request, first));
    }
}

TEST(Seal, PassesOnAFailingGenerator) {
    test::ScriptedRandom random(std::vector<std::uint8_t>(11, 1));
    EXPECT_THROW(seal(key(), request, "048291", random), Error);
}

TEST(Unseal, LeavesNoPlainTextBehind) {
    const std::string text = "+14155550123 048291 and more text";
    auto sealed = sealed_text(text);
    {
        const test::FreedMemory freed(text);
        { EXPECT_TRUE(unseal(key(), request, sealed)); }
        EXPECT_GT(freed.blocks(), 0U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
    sealed.back() ^= 1; // decrypted before the tag is found wrong
    const test::FreedMemory freed(text);
    { EXPECT_FALSE(unseal(key(), request, sealed)); }
    EXPECT_GT(freed.blocks(), 0U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

} // namespace
} // namespace mfa::core
