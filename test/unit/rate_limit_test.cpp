#include "core/rate_limit.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"

using namespace mfa::core;

namespace {

constexpr std::int64_t second = 1'000'000;

std::string why_refused(std::string_view text) {
    try {
        parse_rate_limits(text);
    } catch (const Error &error) {
        EXPECT_STREQ(error.sqlstate(), "22023");
        EXPECT_NE(error.hint().find("5/10min"), std::string::npos);
        return error.message();
    }
    return "";
}

RateLimit only(std::string_view text) {
    const RateLimits limits = parse_rate_limits(text);
    EXPECT_EQ(limits.size, 1U);
    return limits.limits[0];
}

} // namespace

TEST(RateLimits, AreReadInEveryUnit) {
    EXPECT_EQ(only("1/30s").seconds, 30);
    EXPECT_EQ(only("5/10min").seconds, 600);
    EXPECT_EQ(only("5/2h").seconds, 7200);
    EXPECT_EQ(only("20/1d").seconds, 86400);
    EXPECT_EQ(only("20/1d").count, 20);
}

TEST(RateLimits, ADurationWithoutANumberIsOne) { EXPECT_EQ(only("7/h").seconds, 3600); }

TEST(RateLimits, WhiteSpaceIsFree) {
    const RateLimits limits = parse_rate_limits(" 1 / 30 s , 5/10min,20/1d ");
    ASSERT_EQ(limits.size, 3U);
    EXPECT_EQ(limits.limits[1].count, 5);
    EXPECT_EQ(limits.limits[2].seconds, 86400);
}

TEST(RateLimits, NothingMeansNoLimit) {
    EXPECT_EQ(parse_rate_limits("").size, 0U);
    EXPECT_EQ(parse_rate_limits("  ").size, 0U);
}

TEST(RateLimits, BoundsAreExact) {
    EXPECT_EQ(only("10000000/1s").count, 10'000'000);
    EXPECT_NE(why_refused("10000001/1s"), "");
    EXPECT_NE(why_refused("0/1s"), "");
    EXPECT_EQ(only("1/31d").seconds, 31 * 86400);
    EXPECT_NE(why_refused("1/32d"), "");
    EXPECT_NE(why_refused("1/0s"), "");
    EXPECT_EQ(parse_rate_limits("1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s").size, 8U);
    EXPECT_NE(why_refused("1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s"), "");
}

TEST(RateLimits, WhatIsWrongIsNamedWithItsEntry) {
    EXPECT_EQ(why_refused("1/s, x"), "send limit 2 does not begin with a number");
    EXPECT_EQ(why_refused("5"), "send limit 1 has no \"/\" behind its count");
    EXPECT_EQ(why_refused("5/10"), "send limit 1 has no unit of time that is known");
    EXPECT_EQ(why_refused("5/10weeks"), "send limit 1 has no unit of time that is known");
    EXPECT_EQ(why_refused("5/1h 3"), "send limit 1 has something behind its duration");
    EXPECT_EQ(why_refused("5/1h,"), "send limit 2 does not begin with a number");
    EXPECT_NE(why_refused("99999999999999999999/1h"), "");
    EXPECT_NE(why_refused("1/99999999999999999999d"), "");
    EXPECT_NE(why_refused("-1/1h"), "");
}

TEST(RateLimits, AreDescribedInTheLargestFittingUnit) {
    EXPECT_EQ(describe({1, 30}), "1 in 30 s");
    EXPECT_EQ(describe({5, 600}), "5 in 10 min");
    EXPECT_EQ(describe({20, 86400}), "20 in 1 d");
    EXPECT_EQ(describe({20, 90}), "20 in 90 s");
}

TEST(CheckTimes, AllowsWhatTheLimitAllowsAndNoMore) {
    const RateLimits limits = parse_rate_limits("2/10s");
    std::vector<std::int64_t> times{100 * second};
    EXPECT_FALSE(check_times(times, limits, 101 * second));
    times.push_back(105 * second);
    const auto refusal = check_times(times, limits, 106 * second);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->seconds, 4); // until the first is ten seconds old
    EXPECT_TRUE(check_times(times, limits, 110 * second - 1));
    EXPECT_FALSE(check_times(times, limits, 110 * second));
}

TEST(CheckTimes, TheLongestRefusalIsTold) {
    const RateLimits limits = parse_rate_limits("1/30s, 2/1h");
    std::vector<std::int64_t> times{10 * second, 20 * second};
    const auto refusal = check_times(times, limits, 21 * second);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->limit.count, 2);
    EXPECT_EQ(refusal->seconds, 3600 - 11);
}

TEST(Window, CountsUpToTheLimitWithinABucket) {
    Window window;
    const RateLimit limit{3, 10};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(count_event(window, limit, 100 * second), 0);
    EXPECT_GT(count_event(window, limit, 101 * second), 0);
    EXPECT_EQ(window.current, 3); // a refused event is not counted
}

TEST(Window, ABurstAtABucketsEndCountsInTheNext) {
    Window window;
    const RateLimit limit{10, 10};
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(count_event(window, limit, 199 * second), 0);
    // A naive fixed window would allow ten more right here.
    int allowed = 0;
    for (int i = 0; i < 10; ++i)
        allowed += count_event(window, limit, 201 * second) == 0;
    EXPECT_LE(allowed, 1);
}

TEST(Window, TheWaitIsLongEnough) {
    const RateLimit limit{7, 60};
    for (std::int64_t start = 0; start < 120; start += 7) {
        Window window;
        std::int64_t now = (1000 + start) * second;
        while (count_event(window, limit, now) == 0)
            now += second / 3;
        const std::int64_t wait = count_event(window, limit, now);
        ASSERT_GE(wait, 1);
        ASSERT_LE(wait, 120);
        EXPECT_EQ(count_event(window, limit, now + wait * second), 0) << "started at " << start;
    }
}

TEST(Window, IsForgottenAfterTwoBuckets) {
    Window window;
    const RateLimit limit{1, 10};
    EXPECT_EQ(count_event(window, limit, 100 * second), 0);
    EXPECT_EQ(count_event(window, limit, 120 * second), 0);
}
