#include "core/outcome.hpp"

#include <string>

#include <gtest/gtest.h>

#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;

TEST(ClassifyStatus, EveryStatus) {
    for (long status = -1; status <= 1000; status++) {
        Verdict expected = Verdict::refused;
        if (status >= 200 && status < 300)
            expected = Verdict::accepted;
        else if (status == 408 || status == 425 || status == 429 || status == 503)
            expected = Verdict::retry;
        else if (status >= 500 && status < 600)
            expected = Verdict::unknown;
        EXPECT_EQ(classify_status(status), expected) << status;
    }
}

TEST(ClassifyService, EveryStatus) {
    for (long status = -1; status <= 1000; status++) {
        Service expected = Service::up;
        if (status == 429)
            expected = Service::throttled;
        else if (status >= 500 && status < 600)
            expected = Service::down;
        EXPECT_EQ(classify_service(status), expected) << status;
    }
}

constexpr Sent sent{"+14155550123", "482913", "Your code is 482913"};

TEST(Keep, ProviderCodes) {
    for (const std::string_view code :
         {"21610", "missing_required_parameter", "a.B-9", "0", "48291"})
        EXPECT_TRUE(may_keep_provider_code(code, sent)) << code;
    EXPECT_TRUE(may_keep_provider_code(std::string(32, 'x'), sent));
    EXPECT_FALSE(may_keep_provider_code(std::string(33, 'x'), sent));
    for (const std::string_view code : {"", "a b", "a\n", "a/b", "é", "a:b", "\"a\"", "482913",
                                        "E-482913", "482913.1", "14155550123", "E14155550123E"})
        EXPECT_FALSE(may_keep_provider_code(code, sent)) << code;
}

TEST(Keep, MessageIds) {
    for (const std::string_view id :
         {"SM0123", "3f0c9a7e-482913aa-1", "x482913", "<a@b>", "14155550124", "{id}"})
        EXPECT_TRUE(may_keep_message_id(id, sent)) << id;
    EXPECT_TRUE(may_keep_message_id(std::string(200, '~'), sent));
    EXPECT_FALSE(may_keep_message_id(std::string(201, '~'), sent));
    for (const std::string_view id : {"", "a b", "a\t", "\x7F", "é", "482913", "SM-482913-9",
                                      "+14155550123", "msg.14155550123.7", "Your code is 482913"})
        EXPECT_FALSE(may_keep_message_id(id, sent)) << id;
    // Without a code, recipient or text there is nothing to find.
    EXPECT_TRUE(may_keep_message_id("anything", {"", "", ""}));
    EXPECT_FALSE(may_keep_message_id("x-someone@example.com", {"someone@example.com", "1", ""}));
}

TEST(NextDelay, BackOffDoublesUpToAMinuteWithJitterOfHalf) {
    const std::vector<std::uint8_t> low(4, 0x00);
    const std::vector<std::uint8_t> high(4, 0xFF);
    const std::array expected{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s};
    for (std::size_t i = 0; i < expected.size(); i++) {
        const std::chrono::milliseconds d = expected[i];
        const int tries = static_cast<int>(i) + 1;
        test::ScriptedRandom least(low);
        EXPECT_EQ(next_delay(tries, std::nullopt, least), d / 2) << tries;
        test::ScriptedRandom most(high);
        EXPECT_EQ(next_delay(tries, std::nullopt, most), d) << tries;
    }
    for (const int tries : {1'000'000, std::numeric_limits<int>::max()}) {
        test::ScriptedRandom most(high);
        EXPECT_EQ(next_delay(tries, std::nullopt, most), 60s);
    }
    for (const int tries : {0, -1, std::numeric_limits<int>::min()}) {
        test::ScriptedRandom most(high);
        EXPECT_EQ(next_delay(tries, std::nullopt, most), 1s);
    }
}

TEST(NextDelay, JitterIsSpreadOverTheWholeRange) {
    test::SeededRandom random(42);
    std::array<int, 10> buckets{};
    constexpr int draws = 20'000;
    for (int i = 0; i < draws; i++) {
        const auto delay = next_delay(3, std::nullopt, random);
        ASSERT_GE(delay, 2s);
        ASSERT_LE(delay, 4s);
        buckets[std::min<std::size_t>(static_cast<std::size_t>((delay - 2s) / 200ms), 9)]++;
    }
    for (const int count : buckets) {
        EXPECT_GT(count, draws / 10 * 8 / 10);
        EXPECT_LT(count, draws / 10 * 12 / 10);
    }
}

TEST(NextDelay, NeverSoonerThanRetryAfter) {
    test::SeededRandom random(1);
    EXPECT_EQ(next_delay(1, 30s, random), 30s);
    EXPECT_EQ(next_delay(1, 24h * 7, random), 24h * 7);
    for (int tries = 1; tries < 20; tries++)
        EXPECT_GE(next_delay(tries, 5s, random), 5s);
    EXPECT_GE(next_delay(7, 5s, random), 30s);
    EXPECT_GE(next_delay(1, 0s, random), 500ms);
}

} // namespace
} // namespace mfa::core
