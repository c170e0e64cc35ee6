#include "core/locale.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/message.hpp"
#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::error_of;

TEST(Locale, EnglishIsTheHostedApisText) {
    for (const std::string_view locale : {"", "en", "en-US", "en_GB", "EN", "en-Latn-GB"})
        for (const Channel channel : {Channel::sms, Channel::voice})
            EXPECT_EQ(builtin_template(locale, channel),
                      "Your Personal Authorization Code is: {code}");
}

TEST(Locale, EveryTextIsFitForEveryChannel) {
    const std::string longest_code(20, 'W');
    const MessageValues values{longest_code, "", 10min};
    std::set<std::string_view> tags;
    ASSERT_GE(builtin_locale_count(), 12U);
    for (std::size_t i = 0; i < builtin_locale_count(); i++) {
        const std::string_view tag = builtin_locale(i);
        EXPECT_TRUE(tags.insert(tag).second) << tag << " twice";
        for (const Channel channel :
             {Channel::sms, Channel::voice, Channel::whatsapp, Channel::email}) {
            const std::string_view text = builtin_template(tag, channel);
            EXPECT_NO_THROW(check_template(text)) << tag;
            EXPECT_NE(text.find("{code}"), std::string_view::npos) << tag;
        }
        const Secret sms = render_message(builtin_template(tag, Channel::sms), values);
        EXPECT_EQ(count_segments(sms.view()).segments, 1U) << tag;
        EXPECT_NO_THROW(check_message_fits(Channel::sms, sms.view())) << tag;
        const Secret voice = speak_message(builtin_template(tag, Channel::voice), values);
        EXPECT_EQ(voice.view().find("W, W"), voice.view().find('W')) << tag;
        EXPECT_NE(voice.view().rfind("W, W"), voice.view().find("W, W")) << tag;
        EXPECT_EQ(speech_locale(tag).size(), 5U) << tag;
    }
    for (const std::string_view tag :
         {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "sv", "da", "nb", "fi"})
        EXPECT_TRUE(tags.contains(tag)) << tag;
}

TEST(Locale, MatchesWithoutCaseAndFallsBackBySubtag) {
    const std::string_view german = builtin_template("de", Channel::sms);
    EXPECT_NE(german, builtin_template("en", Channel::sms));
    for (const std::string_view locale :
         {"DE", "De", "de-AT", "de_at", "DE-1996", "de-CH-1996", "de-Latn-DE-u-co-phonebk"})
        EXPECT_EQ(builtin_template(locale, Channel::sms), german) << locale;
    EXPECT_EQ(builtin_template("pt-BR", Channel::sms), builtin_template("pt", Channel::sms));
    EXPECT_EQ(builtin_template("no", Channel::sms), builtin_template("nb", Channel::sms));
    EXPECT_EQ(speech_locale("de_AT"), "de-DE");
    EXPECT_EQ(speech_locale(""), "en-US");
    EXPECT_EQ(speech_locale("tlh"), "");
    EXPECT_EQ(speech_locale("{}"), "");
}

TEST(Locale, UnknownOnesAreRefusedWithTheList) {
    const Error error = error_of([] { builtin_template("tlh-QO", Channel::sms); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_EQ(error.message(), "no built-in text for locale \"tlh-QO\"");
    for (std::size_t i = 0; i < builtin_locale_count(); i++)
        EXPECT_NE(error.hint().find(std::string(builtin_locale(i))), std::string::npos);
}

TEST(Locale, WhatIsNoTagIsNotRepeated) {
    for (const std::string_view locale :
         {"482913", "deutsch", "d", "de-", "-de", "de--AT", "de AT", "de/AT", "de-toolongsubtag",
          "+14155550123", "Hello {code}", "dé", "en\n", "de-AT-aaaaaaaa-bbbbbbbb-cccccccc-dddd"}) {
        const Error error = error_of([&] { builtin_template(locale, Channel::sms); });
        EXPECT_STREQ(error.sqlstate(), "22023");
        EXPECT_EQ(error.message(), "no built-in text for that locale") << locale;
    }
}

} // namespace
} // namespace mfa::core
