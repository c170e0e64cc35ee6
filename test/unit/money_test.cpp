#include "core/money.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace mfa::core;

namespace {

std::int64_t amount(std::string_view text) {
    const std::optional<Money> money = parse_money(text, "USD");
    return money ? money->amount : -1;
}

} // namespace

TEST(Money, IsReadInMillionths) {
    EXPECT_EQ(parse_money("0.03330000", "EUR"), (Money{33'300, "EUR"}));
    EXPECT_EQ(amount("1"), 1'000'000);
    EXPECT_EQ(amount("0"), 0);
    EXPECT_EQ(amount("0.000"), 0);
    EXPECT_EQ(amount("000.5"), 500'000);
    EXPECT_EQ(amount("12.345678"), 12'345'678);
    EXPECT_EQ(amount("1000000"), most_money);
}

TEST(Money, IsTakenWithoutItsSign) {
    EXPECT_EQ(amount("-0.00750"), 7'500);
    EXPECT_EQ(amount("+0.00750"), 7'500);
}

TEST(Money, IsRoundedHalfUpWithoutFloatingPoint) {
    EXPECT_EQ(amount("0.0000004"), 0);
    EXPECT_EQ(amount("0.00000049999999999999999999"), 0);
    EXPECT_EQ(amount("0.0000005"), 1);
    EXPECT_EQ(amount("0.1234565"), 123'457);
    EXPECT_EQ(amount("0.12345649999"), 123'456);
    EXPECT_EQ(amount("0.9999999"), 1'000'000);
    EXPECT_EQ(amount("-0.0000015"), 2);
    // As doubles, these two are a little less than they look.
    EXPECT_EQ(amount("1.0000005"), 1'000'001);
    EXPECT_EQ(amount("8.0000035"), 8'000'004);
}

TEST(Money, MayHaveAnExponent) {
    EXPECT_EQ(amount("5e-05"), 50);
    EXPECT_EQ(amount("5.0E-3"), 5'000);
    EXPECT_EQ(amount("1.5e2"), 150'000'000);
    EXPECT_EQ(amount("0.0000123e+3"), 12'300);
    EXPECT_EQ(amount("1e6"), most_money);
    EXPECT_EQ(amount("1e-7"), 0);
    EXPECT_EQ(amount("9e-99"), 0);
    EXPECT_EQ(amount("0e99"), 0);
}

TEST(Money, OfMoreThanAMillionIsNone) {
    for (const char *text : {"1000000.000001", "1000000.0000005", "9999999", "1e7", "9e99",
                             "9223372036854775808", "340282366920938463463374607431768211456"})
        EXPECT_EQ(amount(text), -1) << text;
    EXPECT_EQ(amount("1000000.0000004"), most_money);
}

TEST(Money, ThatIsNoNumberIsNone) {
    for (const char *text : {"",      " ",         "-",      "+",
                             ".",     ".5",        "5.",     "-.5",
                             "--1",   "+-1",       "1-",     "0x10",
                             "1,5",   "1.2.3",     "1 ",     " 1",
                             "$1",    "1USD",      "NaN",    "nan",
                             "inf",   "-Infinity", "null",   "true",
                             "e5",    "1e",        "1e+",    "1e-",
                             "1e1.5", "1e100",     "1e-100", "1e99999999999999999999",
                             "1e+-5", "\u0661",    "１"})
        EXPECT_EQ(amount(text), -1) << text;
    EXPECT_EQ(amount(std::string_view("1\0", 2)), -1);
    EXPECT_EQ(amount(std::string(64, '0')), 0);
    EXPECT_EQ(amount(std::string(65, '0')), -1);
    EXPECT_EQ(amount(std::string(1'000'000, '9')), -1);
}

TEST(Money, HasACurrencyOfThreeLettersOrNone) {
    EXPECT_EQ(parse_money("1", "usd"), (Money{1'000'000, "USD"}));
    EXPECT_EQ(parse_money("1", "Eur"), (Money{1'000'000, "EUR"}));
    EXPECT_EQ(parse_money("1", ""), (Money{1'000'000, ""}));
    for (const char *text : {"US", "USDT", "U$D", "us ", "978", "\u20ac", "credits"})
        EXPECT_EQ(parse_money("1", text), std::nullopt) << text;
    EXPECT_EQ(parse_money("1", std::string(1'000'000, 'A')), std::nullopt);
    EXPECT_TRUE(is_currency("USD"));
    for (const char *text : {"", "usd", "USd", "US", "USDX", "U D"})
        EXPECT_FALSE(is_currency(text)) << text;
}

TEST(Money, IsMultipliedByACount) {
    EXPECT_EQ(multiply({10'000, "EUR"}, "1"), (Money{10'000, "EUR"}));
    EXPECT_EQ(multiply({10'000, "EUR"}, "3"), (Money{30'000, "EUR"}));
    EXPECT_EQ(multiply({0, "EUR"}, "99"), (Money{0, "EUR"}));
    for (const char *count : {"", "0", "-1", "1.0", "1e1", "x", "100", "99999999999999999999"})
        EXPECT_EQ(multiply({10'000, "EUR"}, count), std::nullopt) << count;
    EXPECT_EQ(multiply({most_money / 2, ""}, "2"), (Money{most_money, ""}));
    EXPECT_EQ(multiply({most_money / 2 + 1, ""}, "2"), std::nullopt);
    EXPECT_EQ(multiply({most_money, ""}, "99"), std::nullopt);
}
