#include "core/lane.hpp"

#include <gtest/gtest.h>

using mfa::core::Lane;
using namespace std::chrono_literals;

namespace {

const Lane::Clock::time_point start{1000h};

int fill(Lane &lane, Lane::Clock::time_point now) {
    int entered = 0;
    while (lane.room(now) > 0 && entered < 10'000) {
        lane.enter(now);
        ++entered;
    }
    return entered;
}

} // namespace

TEST(Lane, HoldsNoMoreThanItMay) {
    Lane lane;
    lane.set_limits(3, 0);
    EXPECT_EQ(fill(lane, start), 3);
    EXPECT_TRUE(lane.is_full(start));
    lane.leave();
    EXPECT_EQ(lane.room(start), 1);
}

TEST(Lane, LetsThroughWhatTheRateAllows) {
    Lane lane;
    lane.set_limits(1000, 10);
    int passed = 0;
    for (auto now = start; now < start + 10s; now += 10ms) {
        for (int entered = fill(lane, now); entered > 0; --entered) {
            lane.leave();
            ++passed;
        }
    }
    EXPECT_GE(passed, 100);
    EXPECT_LE(passed, 110); // a second's worth may have been saved up at the start
}

TEST(Lane, KeepsASlowRateExactly) {
    Lane lane;
    lane.set_limits(1000, 0.5); // one each two seconds
    EXPECT_EQ(fill(lane, start), 1);
    EXPECT_EQ(lane.room(start + 1s), 0);
    EXPECT_EQ(lane.next_turn(start + 1s), start + 2s);
    EXPECT_EQ(lane.room(start + 2s), 1);
}

TEST(Lane, DoesNotSaveUpMoreThanASecond) {
    Lane lane;
    lane.set_limits(1000, 5);
    EXPECT_EQ(fill(lane, start), 5);
    EXPECT_EQ(lane.room(start + 1h), 5);
}
