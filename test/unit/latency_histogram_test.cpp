#include "core/latency_histogram.hpp"

#include <gtest/gtest.h>

namespace {

using mfa::core::LatencyHistogram;

TEST(LatencyHistogram, HasNoPercentileOfNothing) {
    EXPECT_LT(LatencyHistogram{}.percentile(0.5), 0);
}

TEST(LatencyHistogram, IsExactToAnEighth) {
    for (std::int64_t duration = 64; duration < 86'400'000'000; duration = duration * 21 / 20 + 1) {
        LatencyHistogram histogram;
        histogram.record(duration);
        const std::int64_t found = histogram.percentile(0.5);
        EXPECT_GE(found, duration);
        EXPECT_LE(found, duration + duration / 8);
    }
}

TEST(LatencyHistogram, KeepsWhatIsOutOfRangeAtItsEnds) {
    LatencyHistogram histogram;
    histogram.record(-5);
    histogram.record(0);
    EXPECT_LT(histogram.percentile(1), 80);
    histogram.record(INT64_MAX);
    EXPECT_GT(histogram.percentile(1), 86'400'000'000);
    EXPECT_LT(histogram.percentile(0.5), 80);
}

TEST(LatencyHistogram, FindsPercentiles) {
    LatencyHistogram histogram;
    for (int i = 0; i < 90; ++i)
        histogram.record(1000);
    for (int i = 0; i < 10; ++i)
        histogram.record(100'000);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.5)), 1000, 125);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.9)), 1000, 125);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.91)), 100'000, 12'500);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0)), 1000, 125);
}

} // namespace
