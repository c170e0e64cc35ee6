#include "core/fraud_guard.hpp"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using mfa::core::FraudGuard;
using mfa::core::guard_prefixes;
using mfa::core::GuardEntry;
using mfa::core::GuardPrefixes;
using mfa::core::HoldReason;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t noon = 9000 * 24 * hour + 12 * hour;
constexpr std::uint32_t shop = 1;

std::string number(const std::string &prefix, int n) {
    const std::string digits = "0000" + std::to_string(n);
    return prefix + digits.substr(digits.size() - 4);
}

class Guard : public testing::Test {
  protected:
    // Requests to a block of numbers, one every `step`; `verified` of each 100 are verified. Tells how many
    // got through.
    int ask(const std::string &prefix, int count, std::int64_t step, int verified = 0) {
        int passed = 0;
        for (int i = 0; i < count; ++i, now_ += step) {
            const std::string to = number(prefix, i % 10000);
            const FraudGuard::Answer answer = guard_.count(shop, to, now_, now_);
            if (answer.hold)
                continue;
            ++passed;
            if (i * 37 % 100 < verified)
                guard_.count_verified(shop, to, now_, now_);
        }
        return passed;
    }
    // One every ten seconds, until the block is held. Tells how many got through.
    int ask_until_held(const std::string &prefix) {
        int passed = 0;
        while (!held(number(prefix, 0)) && passed < 1000)
            passed += ask(prefix, 1, 10 * second);
        return passed;
    }
    GuardEntry *held(const std::string &to) { return guard_.held(shop, to, now_); }

    std::int64_t now_ = noon;
    std::vector<GuardEntry> entries_{1024};
    FraudGuard guard_{entries_};
};

TEST(GuardPrefixesOf, AreTheCountryAndTwoStepsBelow) {
    const GuardPrefixes prefixes = guard_prefixes("+994551234567");
    ASSERT_EQ(prefixes.count, 2); // six more digits would leave three
    EXPECT_EQ(prefixes.prefix[0], "+994551");
    EXPECT_EQ(prefixes.level[0], 1);
    EXPECT_EQ(prefixes.prefix[1], "+994");
    EXPECT_EQ(prefixes.level[1], 0);
    EXPECT_EQ(guard_prefixes("+14155550123").prefix[0], "+1415555");
    EXPECT_EQ(guard_prefixes("+14155550123").count, 3);
}

TEST(GuardPrefixesOf, LeaveFourDigitsOut) {
    EXPECT_EQ(guard_prefixes("+4912345").prefix[0], "+49");
    EXPECT_EQ(guard_prefixes("+491234").count, 1);
    EXPECT_EQ(guard_prefixes("+49123").count, 0);
    EXPECT_EQ(guard_prefixes("").count, 0);
    EXPECT_EQ(guard_prefixes("someone@example.com").count, 0);
    EXPECT_EQ(guard_prefixes("+999123456789012345").prefix[0].size(), 10U);
}

TEST(Tails, AreThoseOfTheBinomialDistribution) {
    EXPECT_NEAR(mfa::core::binomial_lower_tail(0, 10, 0.3), std::pow(0.7, 10), 1e-12);
    EXPECT_NEAR(mfa::core::binomial_lower_tail(2, 10, 0.3), 0.3827827864, 1e-9);
    EXPECT_NEAR(mfa::core::binomial_lower_tail(5, 100, 0.1), 0.0575768865, 1e-9);
    EXPECT_EQ(mfa::core::binomial_lower_tail(10, 10, 0.3), 1);
    EXPECT_GE(mfa::core::binomial_lower_tail(0, 4'000'000'000U, 0.3), 0);
}

TEST(Tails, AreThoseOfThePoissonDistribution) {
    EXPECT_NEAR(mfa::core::poisson_upper_tail(10, 5), 0.0318280573, 1e-9);
    EXPECT_NEAR(mfa::core::poisson_upper_tail(1, 0.5), 1 - std::exp(-0.5), 1e-9);
    EXPECT_EQ(mfa::core::poisson_upper_tail(5, 5), 1);
    EXPECT_EQ(mfa::core::poisson_upper_tail(5, 0), 0);
}

TEST_F(Guard, HoldsABlockThatNobodyVerifies) {
    const int passed = ask_until_held("+994551234");
    GuardEntry *entry = held(number("+994551234", 5));
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->name(), "+994551234");
    EXPECT_EQ(entry->reason, HoldReason::conversion);
    EXPECT_LT(passed, 60);
    EXPECT_GE(entry->evidence.requests, 30U);
    EXPECT_EQ(entry->evidence.verified, 0U);
    EXPECT_EQ(entry->usual_per_mille, 600);
    EXPECT_EQ(held(number("+994557777", 5)), nullptr) << "the country around it";
}

TEST_F(Guard, NeverHoldsForAHandful) {
    EXPECT_EQ(ask("+994551234", 29, 10 * second), 29);
    now_ += 5 * minute;
    EXPECT_EQ(ask("+994551234", 1, 0), 1);
}

TEST_F(Guard, LetsHonestTrafficPass) {
    EXPECT_EQ(ask("+994551234", 3000, 2 * second, 70), 3000);
    EXPECT_EQ(ask("+994551234", 3000, 2 * second, 40), 3000); // less than usual, but no collapse
}

TEST_F(Guard, HoldsASurgeUntilItCanBeJudged) {
    EXPECT_EQ(ask("+994551234", 500, second / 10), 100);
    ASSERT_NE(held(number("+994551234", 1)), nullptr);
    EXPECT_EQ(held(number("+994551234", 1))->reason, HoldReason::surge);
    now_ += 3 * minute;
    EXPECT_EQ(held(number("+994551234", 1)), nullptr);
    EXPECT_EQ(ask("+994551234", 100, second), 0) << "now it is judged";
    EXPECT_EQ(held(number("+994551234", 1))->reason, HoldReason::conversion);
}

TEST_F(Guard, LetsASurgeOfCustomersGrow) {
    ask("+994551234", 90, second, 70);
    EXPECT_EQ(ask("+994551234", 900, second, 70), 900);
}

TEST_F(Guard, HoldsAWiderPrefixForWhatIsSpread) {
    int passed = 0;
    for (int i = 0; i < 200; ++i) // ten blocks, twenty numbers of each
        passed += ask("+99450" + std::to_string(i % 10) + "12", 1, 5 * second);
    EXPECT_LT(passed, 200);
    ASSERT_NE(held("+994500120000"), nullptr);
    EXPECT_EQ(held("+994500120000")->name(), "+994");
}

TEST_F(Guard, AnOutageOfACarrierIsNoFraud) {
    ask("+994551234", 8000, 10 * second, 70);               // most of a day
    EXPECT_EQ(ask("+994551234", 720, 10 * second, 0), 720); // two hours at the same pace
}

TEST_F(Guard, DoublesTheHoldUntilADay) {
    std::int64_t last = 0;
    for (int i = 0; i < 12; ++i) {
        ask_until_held("+994551234");
        const GuardEntry *entry = held(number("+994551234", 1));
        ASSERT_NE(entry, nullptr);
        const std::int64_t length = entry->held_until - entry->held_since;
        EXPECT_EQ(length, i == 0 ? 15 * minute : std::min(2 * last, 24 * hour));
        last = length;
        now_ = entry->held_until;
    }
    now_ += 25 * hour;
    ask_until_held("+994551234");
    EXPECT_EQ(held(number("+994551234", 1))->times, 1) << "after a quiet day";
}

TEST_F(Guard, IsLiftedByItself) {
    ask_until_held("+994551234");
    ASSERT_NE(held(number("+994551234", 1)), nullptr);
    now_ += 15 * minute;
    EXPECT_EQ(held(number("+994551234", 1)), nullptr);
    EXPECT_EQ(ask("+994551234", 20, 10 * second), 20) << "on new evidence only";
}

TEST_F(Guard, IsLiftedByHand) {
    ask("+994551234", 200, 10 * second);
    EXPECT_FALSE(guard_.lift(shop, "+994", now_));
    EXPECT_FALSE(guard_.lift(shop + 1, "+994551234", now_));
    EXPECT_TRUE(guard_.lift(shop, "+994551234", now_));
    EXPECT_FALSE(guard_.lift(shop, "+994551234", now_));
    EXPECT_EQ(ask("+994551234", 20, 10 * second), 20);
}

TEST_F(Guard, HoldsNothingThatBeganInTheFuture) {
    ask_until_held("+994551234");
    now_ -= 30 * second; // a small step back is none
    EXPECT_NE(held(number("+994551234", 1)), nullptr);
    now_ -= 24 * hour; // the clock was wrong, and is set
    EXPECT_EQ(held(number("+994551234", 1)), nullptr);
    EXPECT_LT(ask_until_held("+994551234"), 60) << "and it is not blind";
}

TEST_F(Guard, IsOfOneDatabase) {
    ask("+994551234", 200, 10 * second);
    EXPECT_EQ(guard_.held(shop + 1, number("+994551234", 1), now_), nullptr);
}

TEST_F(Guard, LearnsWhatIsUsual) {
    ask("+1415555", 8000, 10 * second, 15); // few verify, and it is noticed early
    const std::int64_t until = now_ + 48 * hour;
    while (now_ < until)
        ask("+1415555", 1, 10 * second, 15);
    EXPECT_EQ(ask("+1415555", 2000, 10 * second, 15), 2000);
}

TEST_F(Guard, KeepsHoldsWhenItsTableIsFull) {
    std::vector<GuardEntry> few(16);
    guard_ = FraudGuard{few};
    ask("+994551234", 200, 10 * second);
    ASSERT_NE(held(number("+994551234", 1)), nullptr);
    for (int i = 0; i < 500; ++i)
        guard_.count(shop, number("+1" + std::to_string(200000 + i), 1), now_, now_);
    EXPECT_NE(held(number("+994551234", 1)), nullptr);
}

TEST_F(Guard, KnowsNoAddress) {
    const FraudGuard::Answer answer = guard_.count(shop, "someone@example.com", now_, now_);
    EXPECT_EQ(answer.hold, nullptr);
    guard_.count_verified(shop, "someone@example.com", now_, now_);
    EXPECT_EQ(entries_[0].scope, 0U);
}

} // namespace
