// The hashes were computed with `printf %s +14155550123 | sha256sum | cut -c 1-3`, not with this code.
#include "core/shard.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "core_helpers.hpp"

namespace mfa::core {
namespace {

TEST(Shard, IsInTheId) {
    for (int shard = 0; shard <= max_shard; ++shard) {
        EXPECT_EQ(shard_of(make_uuid(1717761600000, system_random(), shard)), shard);
    }
}

TEST(Shard, IsReadInEveryFormOfAnId) {
    for (const char *form :
         {"0198f3a2-5d1c-7c60-b1a5-0d6d2a9a4f11", "0198F3A25D1C7C60B1A50D6D2A9A4F11",
          "{0198f3a2-5d1c-7c60-b1a5-0d6d2a9a4f11}"}) {
        EXPECT_EQ(shard_of(form), 0xC60) << form;
    }
}

TEST(Shard, OfARecipientIsThatOfItsNormalForm) {
    for (const char *form : {"+14155550123", "+1 (415) 555-0123", "0014155550123"}) {
        EXPECT_EQ(shard_of(form), 0x36a) << form;
    }
    EXPECT_EQ(shard_of("someone@example.com"), 0x724);
    EXPECT_EQ(shard_of(" Someone@Example.COM "), 0x724);
}

TEST(Shard, OfOtherTextIsNought) {
    for (const char *text : {"", "4155550123", "+1415555012x", "0198f3a2-5d1c-7c60", "@"}) {
        EXPECT_EQ(shard_of(text), 0) << text;
    }
}

// A router takes the last bits: neighbours are spread over any power of two.
TEST(Shard, SpreadsNumbersEvenly) {
    std::array<int, 16> count{};
    for (int i = 0; i < 4000; ++i) {
        ++count[static_cast<std::size_t>(shard_of("+1415" + std::to_string(5000000 + i))) % 16];
    }
    for (const int n : count) { // 250 on average, standard deviation 15
        EXPECT_GT(n, 175);
        EXPECT_LT(n, 325);
    }
}

} // namespace
} // namespace mfa::core
