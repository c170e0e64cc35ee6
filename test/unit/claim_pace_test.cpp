#include <gtest/gtest.h>

#include "core/claim_pace.hpp"

namespace mfa::core {
namespace {

using std::chrono::milliseconds;
using Look = ClaimPace::Look;

class Pace : public testing::Test {
  protected:
    ClaimPace::Clock::time_point now{std::chrono::hours(1)};
    ClaimPace pace;

    void pass(int ms) { now += milliseconds(ms); }
    // A look at all that finds `count` of provider a, which has `room` free places.
    void look(int count, int room, int in_flight) {
        pace.begin(Look::all_providers, now);
        if (pace.may_claim("a", room, in_flight, now))
            pace.claimed("a", count, room, count == room, now);
    }
};

TEST_F(Pace, LooksAtAllAtFirst) {
    EXPECT_EQ(pace.next(now), Look::all_providers);
    EXPECT_LE(pace.next_at(), now);
}

TEST_F(Pace, RestsWhenNothingIsDue) {
    pace.begin(Look::all_providers, now);
    EXPECT_EQ(pace.next(now), Look::none);
    EXPECT_EQ(pace.next_at(), ClaimPace::Clock::time_point::max());
    pace.ask();
    EXPECT_EQ(pace.next(now), Look::all_providers);
}

TEST_F(Pace, ClaimsFromABacklogBetweenLooksAtAll) {
    look(64, 64, 0);
    EXPECT_EQ(pace.backlog(), "a");
    EXPECT_EQ(pace.next(now), Look::backlog);
    pass(4);
    EXPECT_EQ(pace.next(now), Look::backlog);
    pass(1);
    EXPECT_EQ(pace.next(now), Look::all_providers);
}

TEST_F(Pace, WaitsForAnAnswerWhereThereIsNoRoom) {
    look(64, 64, 0);
    pace.begin(Look::backlog, now);
    EXPECT_FALSE(pace.may_claim("a", 0, 64, now));
    EXPECT_EQ(pace.next(now), Look::none);
    pace.make_room();
    EXPECT_EQ(pace.next(now), Look::backlog);
}

TEST_F(Pace, HoldsASmallBatchOfABusyProviderForAMomentOnly) {
    look(64, 64, 0);
    pace.begin(Look::backlog, now);
    EXPECT_FALSE(pace.may_claim("a", 1, 63, now));
    EXPECT_EQ(pace.next(now), Look::none);
    EXPECT_EQ(pace.next_at(), now + ClaimPace::longest_hold);
    pass(2); // nothing is answered, and yet its last place is used
    EXPECT_EQ(pace.next(now), Look::backlog);
    pace.begin(Look::backlog, now);
    EXPECT_TRUE(pace.may_claim("a", 1, 63, now));
}

TEST_F(Pace, ClaimsForOneWhereLittleIsOnItsWay) {
    look(1, 64, 0);
    EXPECT_TRUE(pace.may_claim("a", 1, 3, now));
    EXPECT_TRUE(pace.may_claim("a", 16, 1000, now));
    EXPECT_FALSE(pace.may_claim("a", 15, 1000, now));
}

TEST_F(Pace, ForgetsNoProviderThatIsHeldBehindAnother) {
    look(64, 64, 0);
    pace.begin(Look::all_providers, now);
    EXPECT_FALSE(pace.may_claim("a", 1, 63, now));
    EXPECT_FALSE(pace.may_claim("b", 0, 64, now));
    EXPECT_EQ(pace.backlog(), "b");
    pass(5);
    EXPECT_EQ(pace.next(now), Look::all_providers);
}

TEST_F(Pace, ForgetsNoFullProviderBehindAnother) {
    pace.begin(Look::all_providers, now);
    EXPECT_FALSE(pace.may_claim("a", 0, 64, now));
    EXPECT_FALSE(pace.may_claim("b", 0, 64, now));
    EXPECT_EQ(pace.next_at(), ClaimPace::Clock::time_point::max()) << "only an answer helps";
    pace.make_room(); // of a, perhaps
    EXPECT_EQ(pace.next(now), Look::backlog);
    pace.begin(Look::backlog, now);
    EXPECT_FALSE(pace.may_claim("b", 0, 64, now));
    EXPECT_EQ(pace.next_at(), now + ClaimPace::look_interval);
    pass(5);
    EXPECT_EQ(pace.next(now), Look::all_providers);
}

TEST_F(Pace, RestsBehindTheLastOne) {
    pace.begin(Look::all_providers, now);
    ASSERT_TRUE(pace.may_claim("a", 64, 0, now));
    pace.claimed("a", 3, 64, false, now);
    EXPECT_EQ(pace.next(now), Look::none);
    pace.claimed("a", 0, 64, true, now); // what is left is locked by somebody
    EXPECT_EQ(pace.next(now), Look::none);
    pace.claimed("a", 3, 64, true, now);
    EXPECT_EQ(pace.next(now), Look::all_providers);
}

TEST_F(Pace, ToAskWhetherAClaimIsWorthwhileChangesNothing) {
    look(3, 64, 60);
    EXPECT_FALSE(pace.is_worthwhile("a", 4, 60, now));
    EXPECT_FALSE(pace.is_worthwhile("a", 0, 60, now));
    EXPECT_EQ(pace.next(now), Look::none) << "nothing of it is known to be due";
    EXPECT_TRUE(pace.is_worthwhile("a", 4, 60, now + ClaimPace::longest_hold));
    EXPECT_TRUE(pace.is_worthwhile("a", 15, 60, now));
    EXPECT_TRUE(pace.is_worthwhile("b", 1, 60, now)) << "never claimed from";
}

TEST_F(Pace, HoldsNoProviderForAnothersClaims) {
    look(64, 64, 0);
    pass(10);
    pace.begin(Look::all_providers, now);
    ASSERT_TRUE(pace.may_claim("b", 64, 0, now));
    pace.claimed("b", 64, 64, true, now);
    EXPECT_TRUE(pace.may_claim("a", 1, 63, now)) << "its own last claim is long ago";
    EXPECT_FALSE(pace.may_claim("b", 1, 63, now));
}

TEST_F(Pace, ABacklogEnds) {
    look(64, 64, 0);
    pace.begin(Look::backlog, now);
    EXPECT_TRUE(pace.may_claim("a", 64, 64, now));
    pace.claimed("a", 0, 64, false, now);
    EXPECT_EQ(pace.backlog(), "");
    EXPECT_EQ(pace.next(now), Look::all_providers) << "others may have waited behind it";
}

TEST_F(Pace, RecordsABatchOrWhatIsOld) {
    EXPECT_FALSE(ClaimPace::may_record(0, now, now + milliseconds(2)));
    EXPECT_FALSE(ClaimPace::may_record(15, now, now + milliseconds(1)));
    EXPECT_TRUE(ClaimPace::may_record(16, now, now));
    EXPECT_TRUE(ClaimPace::may_record(1, now, now + milliseconds(2)));
}

} // namespace
} // namespace mfa::core
