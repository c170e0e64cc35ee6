#include "core/country_code.hpp"

#include <gtest/gtest.h>

using mfa::core::country_code;

TEST(CountryCode, HasOneDigitInZones1And7) {
    EXPECT_EQ(country_code("+14155550123"), "+1");
    EXPECT_EQ(country_code("+79161234567"), "+7");
}

TEST(CountryCode, HasTwoDigitsWhereTheListSaysSo) {
    EXPECT_EQ(country_code("+4930123456"), "+49");
    EXPECT_EQ(country_code("+442079460123"), "+44");
    EXPECT_EQ(country_code("+989121234567"), "+98");
    EXPECT_EQ(country_code("+2012345678"), "+20");
}

TEST(CountryCode, HasThreeDigitsOtherwise) {
    EXPECT_EQ(country_code("+353861234567"), "+353");
    EXPECT_EQ(country_code("+8821234567"), "+882");
    EXPECT_EQ(country_code("+9661234567"), "+966");
}

TEST(CountryCode, OfAnAddressIsItsDomain) {
    EXPECT_EQ(country_code("someone@example.com"), "@example.com");
}

TEST(CountryCode, NeverReadsBeyondItsInput) {
    EXPECT_EQ(country_code(""), "");
    EXPECT_EQ(country_code("+"), "+");
    EXPECT_EQ(country_code("+3"), "+3");
    EXPECT_EQ(country_code("+35"), "+35");
}
