#include "core/traffic.hpp"

#include <gtest/gtest.h>

namespace {

using mfa::core::Cohort;
using mfa::core::Traffic;

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t noon = 9000 * 24 * hour + 12 * hour;

void expect(const Cohort &cohort, std::uint32_t requests, std::uint32_t verified) {
    EXPECT_EQ(cohort.requests, requests);
    EXPECT_EQ(cohort.verified, verified);
}

TEST(Traffic, JudgesRequestsThatAreTwoMinutesOld) {
    Traffic traffic;
    traffic.count(noon, noon);
    expect(traffic.fresh(noon), 1, 0);
    expect(traffic.judged(5, noon), 0, 0);
    expect(traffic.fresh(noon + 1 * minute), 1, 0);
    expect(traffic.fresh(noon + 2 * minute), 0, 0);
    expect(traffic.judged(5, noon + 2 * minute), 1, 0);
    expect(traffic.judged(5, noon + 6 * minute), 1, 0);
    expect(traffic.judged(5, noon + 7 * minute), 0, 0);
    expect(traffic.judged(15, noon + 7 * minute), 1, 0);
}

TEST(Traffic, CountsAVerifiedCodeWhereItsRequestIs) {
    Traffic traffic;
    traffic.count(noon, noon);
    traffic.count(noon + 3 * minute, noon + 3 * minute);
    traffic.count_verified(noon, noon + 4 * minute);
    expect(traffic.judged(5, noon + 4 * minute), 1, 1);
    expect(traffic.fresh(noon + 4 * minute), 1, 0);
    traffic.count_verified(noon, noon + 2 * hour); // it has left the window
    expect(traffic.history(noon + 2 * hour), 2, 2);
}

TEST(Traffic, MovesWhatLeavesTheWindowToItsHour) {
    Traffic traffic;
    for (int i = 0; i < 90; ++i) // 60 of one hour, 30 of the next
        traffic.count(noon + i * minute, noon + i * minute);
    const std::int64_t later = noon + 3 * hour;
    expect(traffic.window(later), 0, 0);
    expect(traffic.history(later), 90, 0);
    EXPECT_EQ(traffic.busiest_hour(later), 60U);
    expect(traffic.history(noon + 89 * minute), 30, 0);
    expect(traffic.window(noon + 89 * minute), 60, 0);
}

TEST(Traffic, ForgetsADay) {
    Traffic traffic;
    traffic.count(noon, noon);
    expect(traffic.history(noon + 24 * hour), 1, 0);
    expect(traffic.history(noon + 26 * hour), 0, 0);
    expect(traffic.history(noon + 1000 * hour), 0, 0);
    traffic.count(noon + 1000 * hour, noon + 1000 * hour);
    expect(traffic.window(noon + 1000 * hour), 1, 0);
}

TEST(Traffic, TakesAClockThatGoesBack) {
    Traffic traffic;
    traffic.count(noon, noon);
    traffic.count(noon - 5 * minute, noon - 5 * minute);
    traffic.count(noon + 5 * minute, noon - 5 * minute); // of the future: counted as now
    expect(traffic.window(noon), 3, 0);
    expect(traffic.fresh(noon), 2, 0);
    traffic.count(noon - 61 * minute, noon); // too old
    expect(traffic.window(noon), 3, 0);
}

TEST(Traffic, BeginsAnewWhereTheClockGoesFarBack) {
    Traffic traffic;
    traffic.count(noon + 1000 * hour, noon + 1000 * hour);
    traffic.count(noon, noon);
    traffic.count(noon, noon);
    expect(traffic.window(noon), 2, 0);
    expect(traffic.history(noon), 0, 0);
}

TEST(Traffic, CountsNoMoreVerifiedThanRequests) {
    Traffic traffic;
    traffic.count(noon, noon);
    traffic.count_verified(noon, noon);
    traffic.count_verified(noon, noon);
    traffic.count_verified(noon - 5 * minute, noon);
    expect(traffic.window(noon), 1, 1);
}

TEST(Traffic, WorksBeforeTheEpoch) {
    Traffic traffic;
    traffic.count(-10 * hour, -10 * hour);
    expect(traffic.window(-10 * hour), 1, 0);
    traffic.count(5, 5);
    expect(traffic.window(5), 1, 0);
}

TEST(Traffic, GivesUpWhatANarrowerOneExplains) {
    Traffic whole;
    Traffic part;
    for (int i = 0; i < 10; ++i) {
        whole.count(noon + i * minute, noon + i * minute);
        if (i < 4)
            part.count(noon + i * minute, noon + i * minute);
    }
    whole.subtract_window(part, noon + 10 * minute);
    expect(whole.window(noon + 10 * minute), 6, 0);
    whole.subtract_window(part, noon + 10 * minute); // never below nothing
    expect(whole.window(noon + 10 * minute), 6, 0);
    part.clear_window();
    expect(part.window(noon + 10 * minute), 0, 0);
}

} // namespace
