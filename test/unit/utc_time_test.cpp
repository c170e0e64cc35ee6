#include <gtest/gtest.h>

#include "core/utc_time.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;

TEST(UtcTime, Timestamp) {
    using std::chrono::sys_seconds;
    EXPECT_EQ(utc_timestamp(sys_seconds(0s)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(utc_timestamp(sys_seconds(951'868'799s)), "2000-02-29T23:59:59Z");
    EXPECT_EQ(utc_timestamp(sys_seconds(1'800'000'009s)), "2027-01-15T08:00:09Z");
    EXPECT_EQ(utc_timestamp(sys_seconds(-1s)), "1969-12-31T23:59:59Z");
}

} // namespace
} // namespace mfa::core
