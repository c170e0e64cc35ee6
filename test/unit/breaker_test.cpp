#include "core/breaker.hpp"

#include <type_traits>

#include <gtest/gtest.h>

#include "core/lane.hpp"

using mfa::core::Breaker;
using mfa::core::Lane;
using namespace std::chrono_literals;

namespace {

const Breaker::Clock::time_point start{1000h};

static_assert(std::is_trivially_copyable_v<Breaker>); // it lives in shared memory

bool trip(Breaker &breaker, Breaker::Clock::time_point now) {
    bool opened = false;
    for (int i = 0; i < Breaker::threshold; ++i)
        opened |= breaker.failed(now);
    return opened;
}

} // namespace

TEST(Breaker, OpensAfterFailuresInARowOnly) {
    Breaker breaker;
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(breaker.failed(start));
        EXPECT_FALSE(breaker.succeeded());
    }
    EXPECT_TRUE(breaker.is_closed());
    EXPECT_TRUE(trip(breaker, start));
    EXPECT_TRUE(breaker.is_open(start));
    EXPECT_EQ(breaker.room(start, 0), 0);
}

TEST(Breaker, LetsOneProbeThroughAfterThePause) {
    Breaker breaker;
    trip(breaker, start);
    const auto later = start + Breaker::first_pause;
    EXPECT_FALSE(breaker.is_open(later));
    EXPECT_EQ(breaker.room(later, 0), 1);
    EXPECT_EQ(breaker.room(later, 1), 0);
}

TEST(Breaker, DoublesThePauseUpToItsBound) {
    Breaker breaker;
    trip(breaker, start);
    auto now = start;
    auto pause = Breaker::first_pause;
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(breaker.open_until() - now, pause);
        now = breaker.open_until();
        EXPECT_FALSE(breaker.failed(now)); // the state has not changed: no line in the log
        pause = std::min(pause * 2, Breaker::longest_pause);
    }
}

TEST(Breaker, IsNotMovedByWhatWasOnItsWayWhenItOpened) {
    Breaker breaker;
    trip(breaker, start);
    const auto until = breaker.open_until();
    for (int i = 0; i < 100; ++i)
        EXPECT_FALSE(breaker.failed(start + 1s));
    EXPECT_EQ(breaker.open_until(), until);
}

TEST(Breaker, TakesTheProviderUpAgainStepByStep) {
    Breaker breaker;
    trip(breaker, start);
    const auto now = breaker.open_until();
    EXPECT_FALSE(breaker.succeeded());
    int last = breaker.room(now, 0);
    EXPECT_EQ(last, 2);
    int answers = 1;
    while (!breaker.succeeded()) {
        EXPECT_EQ(breaker.room(now, 0), last + 1);
        last = breaker.room(now, 0);
        ASSERT_LT(++answers, 1000);
    }
    EXPECT_TRUE(breaker.is_closed());
    EXPECT_GT(breaker.room(now, 10'000), 0);
}

TEST(Breaker, ALaneIsAsideWhileItIsOpenOrProbed) {
    Lane lane;
    lane.set_limits(8, 0);
    trip(lane.breaker(), start);
    EXPECT_EQ(lane.room(start), 0);
    EXPECT_TRUE(lane.is_aside(start));
    EXPECT_FALSE(lane.is_full(start)); // time makes room, not an answer
    const auto probe = start + Breaker::first_pause;
    EXPECT_EQ(lane.next_turn(start), probe);
    EXPECT_FALSE(lane.is_aside(probe));
    EXPECT_EQ(lane.room(probe), 1);
    lane.enter(probe);
    EXPECT_TRUE(lane.is_aside(probe));
    EXPECT_TRUE(lane.is_full(probe));
    lane.leave();
    lane.breaker().succeeded();
    EXPECT_FALSE(lane.is_aside(probe));
    EXPECT_EQ(lane.room(probe), 2);
}

TEST(Breaker, APauseIsNeverShortened) {
    Lane lane;
    lane.set_limits(8, 0);
    lane.pause_until(start + 10s);
    lane.pause_until(start + 1s);
    EXPECT_TRUE(lane.is_aside(start + 9s));
    EXPECT_EQ(lane.next_turn(start), start + 10s);
}
