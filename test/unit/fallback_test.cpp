#include "core/fallback.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

using namespace mfa::core;
using namespace std::chrono_literals;

TEST(Fallback, ReadsChannelsAndWaits) {
    const auto steps = parse_fallback("  sms:60s  voice:2min whatsapp ");
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].channel, Channel::sms);
    EXPECT_EQ(steps[0].wait, 60s);
    EXPECT_EQ(steps[1].channel, Channel::voice);
    EXPECT_EQ(steps[1].wait, 120s);
    EXPECT_EQ(steps[2].channel, Channel::whatsapp);
    EXPECT_TRUE(parse_fallback("").empty());
}

TEST(Fallback, TheOnesBehindAreDueAfterAllWaitsBefore) {
    const auto steps = parse_fallback("sms:60s voice:2min whatsapp");
    const auto behind = steps_behind(steps, Channel::sms);
    ASSERT_EQ(behind.size(), 2U);
    EXPECT_EQ(behind[0].channel, Channel::voice);
    EXPECT_EQ(behind[0].wait, 60s);
    EXPECT_EQ(behind[1].channel, Channel::whatsapp);
    EXPECT_EQ(behind[1].wait, 180s);
    ASSERT_EQ(steps_behind(steps, Channel::voice).size(), 1U);
    EXPECT_EQ(steps_behind(steps, Channel::voice)[0].wait, 120s);
    EXPECT_TRUE(steps_behind(steps, Channel::whatsapp).empty());
    EXPECT_TRUE(steps_behind(steps, Channel::email).empty());
}

TEST(Fallback, SaysWhatIsWrongWithWhichStep) {
    const std::pair<const char *, const char *> cases[] = {
        {"sms:60s", "step 1 has a wait, and is the last one"},
        {"sms", "step 1 is the only one"},
        {"sms voice", "step 1 has no wait, and is not the last one"},
        {"sms:60s voice:60s", "step 2 has a wait, and is the last one"},
        {"sms:60s sms", "step 2 is a channel that was there before"},
        {"sms:60s email", "step 2 is no channel of phone numbers"},
        {"SMS:60s voice", "step 1 is no channel of phone numbers"},
        {"sms:60 voice", "step 1 has a wait that is no number of s or min"},
        {"sms:s voice", "step 1 has a wait that is no number of s or min"},
        {"sms:4s voice", "step 1 has a wait that is not between 5s and 60min"},
        {"sms:61min voice", "step 1 has a wait that is not between 5s and 60min"},
        {"sms:-60s voice", "step 1 has a wait that is not between 5s and 60min"},
        {"sms:99999999999999999999s voice", "step 1 has a wait that is no number of s or min"},
    };
    for (const auto &[text, what] : cases) {
        try {
            parse_fallback(text);
            ADD_FAILURE() << text;
        } catch (const Error &error) {
            EXPECT_NE(std::string(error.message()).find(what), std::string::npos)
                << text << ": " << error.message();
            EXPECT_FALSE(std::string(error.hint()).empty());
        }
    }
}
