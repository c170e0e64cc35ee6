#include "core/lockout.hpp"

#include <gtest/gtest.h>

using namespace mfa::core;

namespace {

constexpr Microseconds minute = 60'000'000;
constexpr Microseconds day = 24 * 60 * minute;

} // namespace

TEST(Lockout, TheFirstNineFailuresAreFree) {
    for (int failures = 0; failures < 10; ++failures)
        EXPECT_EQ(lockout_after(failures, day), 0) << failures;
    EXPECT_EQ(lockout_after(-1, day), 0);
}

TEST(Lockout, EachFailureAfterThemLocksAndEveryFifthDoublesTheTime) {
    for (int failures = 10; failures < 15; ++failures)
        EXPECT_EQ(lockout_after(failures, day), minute);
    for (int failures = 15; failures < 20; ++failures)
        EXPECT_EQ(lockout_after(failures, day), 2 * minute);
    EXPECT_EQ(lockout_after(60, day), 1024 * minute);
    EXPECT_EQ(lockout_after(65, day), day);
}

TEST(Lockout, NeverLastsLongerThanTheLongest) {
    for (Microseconds longest : {minute, 10 * minute, day, 7 * day})
        for (int failures = 0; failures <= 1000; ++failures)
            EXPECT_LE(lockout_after(failures, longest), longest);
}

// NIST SP 800-63B-4, 3.2.2: no more than 100 consecutive failures. The hundredth brings the longest
// lock-out, and behind it a new streak begins.
TEST(Lockout, TheHundredthFailureBringsTheLongest) {
    EXPECT_EQ(lockout_after(100, 7 * day), 7 * day);
    EXPECT_EQ(lockout_after(101, 7 * day), 0);
    EXPECT_EQ(lockout_after(109, 7 * day), 0);
    EXPECT_EQ(lockout_after(110, 7 * day), minute);
    EXPECT_EQ(lockout_after(200, 7 * day), 7 * day);
}

// What an attacker needs for a whole streak when he presents a code the moment each lock-out ends: the
// figure that the documentation gives.
TEST(Lockout, AStreakTakesWeeks) {
    Microseconds total = 0;
    for (int failures = 1; failures <= longest_streak; ++failures)
        total += lockout_after(failures, day);
    EXPECT_EQ(total, 5 * 2047 * minute + 36 * day);
}

TEST(Lockout, EndsOnItsOwn) {
    const Streak streak{10, 1000 * minute};
    EXPECT_EQ(locked_until(streak, day), 1001 * minute);
    EXPECT_EQ(locked_until(Streak{}, day), 0);
}
