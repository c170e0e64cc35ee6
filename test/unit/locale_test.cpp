#include "core/locale.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/ascii.hpp"
#include "core/message.hpp"
#include "core/utf8.hpp"
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

// 'de-DE', 'fil-PH'; the tags of the list themselves are 'de', 'pt-BR', 'sr-Latn', 'es-419'.
bool is_language(std::string_view tag) {
    return (tag.size() == 2 || tag.size() == 3) && std::all_of(tag.begin(), tag.end(), is_lower);
}

bool is_region(std::string_view tag) {
    return tag.size() == 2 &&
           std::all_of(tag.begin(), tag.end(), [](char c) { return is_alpha(c) && !is_lower(c); });
}

bool is_well_formed(std::string_view tag) {
    const std::string_view language = cut(tag, '-');
    return is_language(language) &&
           (tag.empty() || is_region(tag) || tag == "419" || tag == "Latn");
}

TEST(Locale, EveryTextIsFitForEveryChannel) {
    const std::string longest_code(20, 'W');
    const MessageValues values{longest_code, "", 10min};
    for (std::size_t i = 0; i < builtin_locale_count(); i++) {
        const std::string_view tag = builtin_locale(i);
        for (const Channel channel :
             {Channel::sms, Channel::voice, Channel::whatsapp, Channel::email})
            EXPECT_NO_THROW(check_template(builtin_template(tag, channel))) << tag;
        const Secret sms = render_message(builtin_template(tag, Channel::sms), values);
        EXPECT_EQ(count_segments(sms.view()).segments, 1U) << tag;
        EXPECT_NO_THROW(check_message_fits(Channel::sms, sms.view())) << tag;
        const Secret voice = speak_message(builtin_template(tag, Channel::voice), values);
        EXPECT_EQ(voice.view().find("W, W"), voice.view().find('W')) << tag;
        EXPECT_NE(voice.view().rfind("W, W"), voice.view().find("W, W")) << tag;
    }
}

TEST(Locale, EveryTagIsWellFormedAndThereOnce) {
    std::set<std::string_view> tags;
    std::set<std::string_view> known_languages;
    for (std::size_t i = 0; i < builtin_locale_count(); i++) {
        const std::string_view tag = builtin_locale(i);
        EXPECT_TRUE(tags.insert(tag).second) << tag << " twice";
        EXPECT_TRUE(is_well_formed(tag)) << tag;
        known_languages.insert(tag.substr(0, tag.find('-')));

        std::string_view rest = speech_locale(tag);
        EXPECT_EQ(cut(rest, '-'), tag.substr(0, tag.find('-'))) << tag;
        EXPECT_TRUE(is_region(rest)) << tag << " speaks " << speech_locale(tag);
        // A tag that has its own region keeps it.
        if (is_region(tag.substr(tag.size() - 2))) {
            EXPECT_EQ(speech_locale(tag), tag);
        }
    }
    EXPECT_GE(tags.size(), 45U);
    EXPECT_GE(known_languages.size(), 42U);
    EXPECT_EQ(builtin_locale(0), "en");
    for (const std::string_view tag :
         {"en", "de", "fr", "es", "pt",    "it",    "nl",    "pl",    "sv", "da",
          "nb", "fi", "ar", "zh", "zh-TW", "zh-HK", "ja",    "ko",    "hi", "ru",
          "he", "tr", "id", "vi", "th",    "fil",   "pt-BR", "es-419"})
        EXPECT_TRUE(tags.contains(tag)) << tag;
}

// What a font, a reader or a speech engine would stumble over. Composed characters (NFC) need a
// table that the core does not have; at least no combining mark follows a Latin, Greek or Cyrillic letter.
bool is_clean(std::string_view text) {
    bool after_space = true;
    bool after_european = false;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        if (!c.valid || is_control(c.value))
            return false;
        const bool space = c.value == U' ';
        const bool other_space_or_mark =
            c.value == 0xA0 || c.value == 0xAD || c.value == 0x61C ||
            (c.value >= 0x2000 && c.value <= 0x206F && c.value != 0x200D) || c.value == 0x3000 ||
            c.value == 0xFEFF;
        const bool combining = c.value >= 0x300 && c.value <= 0x36F;
        const bool digit = c.value < 0x80 && is_digit(static_cast<char>(c.value));
        if ((space && after_space) || other_space_or_mark || (combining && after_european) || digit)
            return false;
        after_space = space;
        after_european = c.value < 0x530;
        text.remove_prefix(c.bytes);
    }
    return !after_space;
}

TEST(Locale, EveryTextHasTheCodeOnceAndIsClean) {
    for (std::size_t i = 0; i < builtin_locale_count(); i++) {
        const std::string_view tag = builtin_locale(i);
        for (const Channel channel : {Channel::sms, Channel::voice}) {
            const std::string_view text = builtin_template(tag, channel);
            const std::size_t code = text.find("{code}");
            ASSERT_NE(code, std::string_view::npos) << tag;
            EXPECT_EQ(text.find_first_of("{}", code + 6), std::string_view::npos) << tag;
            EXPECT_EQ(text.find_first_of("{}"), code) << tag;
            EXPECT_EQ(text.find('}'), code + 5) << tag;
            EXPECT_TRUE(is_clean(text)) << tag;
        }
        const std::string_view text = builtin_template(tag, Channel::sms);
        EXPECT_TRUE(text.ends_with("{code}")) << tag;
        const std::string_view before = text.substr(0, text.size() - 6);
        EXPECT_TRUE(before.ends_with(": ") || before.ends_with("：") || before.ends_with("՝ ") ||
                    before.ends_with("៖ "))
            << tag;
    }
    EXPECT_TRUE(is_clean("a b"));
    for (const std::string_view text : {" a", "a ", "a  b", "a\nb", "a\u00a0b", "a\u200eb",
                                        "a\u2068b", "e\u0301", "a1", "a\xff", ""})
        EXPECT_FALSE(is_clean(text)) << text;
}

// By that letter a reader finds that the text runs from right to left.
TEST(Locale, RightToLeftTextsBeginWithALetterOfTheirScript) {
    std::size_t right_to_left = 0;
    for (std::size_t i = 0; i < builtin_locale_count(); i++) {
        std::string_view text = builtin_template(builtin_locale(i), Channel::sms);
        const char32_t first = first_code_point(text).value;
        const bool begins = first >= 0x5D0 && first <= 0x6D3; // Hebrew to Arabic letters
        bool contains = false;
        for (; !text.empty(); text.remove_prefix(first_code_point(text).bytes)) {
            const char32_t c = first_code_point(text).value;
            contains = contains || (c >= 0x590 && c <= 0x8FF);
        }
        EXPECT_EQ(begins, contains) << builtin_locale(i);
        right_to_left += begins ? 1U : 0U;
    }
    EXPECT_EQ(right_to_left, 4U); // ar, fa, he, ur
}

TEST(Locale, MatchesWithoutCaseAndFallsBackBySubtag) {
    const std::string_view german = builtin_template("de", Channel::sms);
    EXPECT_NE(german, builtin_template("en", Channel::sms));
    for (const std::string_view locale :
         {"DE", "De", "de-AT", "de_at", "DE-1996", "de-CH-1996", "de-Latn-DE-u-co-phonebk"})
        EXPECT_EQ(builtin_template(locale, Channel::sms), german) << locale;
    EXPECT_EQ(builtin_template("pt-AO", Channel::sms), builtin_template("pt", Channel::sms));
    EXPECT_NE(builtin_template("pt-BR", Channel::sms), builtin_template("pt", Channel::sms));
    EXPECT_EQ(speech_locale("tlh"), "");
    EXPECT_EQ(speech_locale("{}"), "");
}

TEST(Locale, IsSpokenWithTheRegionThatIsNearest) {
    struct Case {
        std::string_view locale;
        std::string_view speech;
    };
    for (const auto &[locale, speech] : std::array{
             Case{"", "en-US"},           Case{"en-AU", "en-US"},
             Case{"en_gb", "en-GB"},      Case{"de_AT", "de-DE"},
             Case{"pt-BR", "pt-BR"},      Case{"pt_br", "pt-BR"},
             Case{"pt-AO", "pt-PT"},      Case{"pt", "pt-PT"},
             Case{"es", "es-ES"},         Case{"es-GQ", "es-ES"},
             Case{"es-419", "es-MX"},     Case{"es-MX", "es-MX"},
             Case{"es_ar", "es-MX"},      Case{"es-AR-x-lunfardo", "es-MX"},
             Case{"fr-CA", "fr-CA"},      Case{"fr-CH", "fr-FR"},
             Case{"sr-Latn-ME", "sr-RS"}, Case{"fil", "fil-PH"},
             Case{"tl", "fil-PH"},        Case{"tl-PH", "fil-PH"},
             Case{"no", "nb-NO"},         Case{"no-NO", "nb-NO"},
             Case{"nn-NO", "nb-NO"},      Case{"iw", "he-IL"},
             Case{"IW_il", "he-IL"},      Case{"in", "id-ID"},
             Case{"zh", "zh-CN"},         Case{"zh-CN", "zh-CN"},
             Case{"zh-SG", "zh-CN"},      Case{"zh-Hans", "zh-CN"},
             Case{"zh-Hans-HK", "zh-CN"}, Case{"zh-Hant", "zh-TW"},
             Case{"zh-Hant-TW", "zh-TW"}, Case{"zh-Hant-HK", "zh-HK"},
             Case{"zh_hant_mo", "zh-HK"}, Case{"zh-TW", "zh-TW"},
             Case{"zh-HK", "zh-HK"},      Case{"zh-MO", "zh-HK"},
             Case{"yue", "zh-HK"},        Case{"yue-Hant-HK", "zh-HK"},
         })
        EXPECT_EQ(speech_locale(locale), speech) << locale;
}

TEST(Locale, OtherNamesHaveTheTextOfWhatTheyMean) {
    struct Case {
        std::string_view locale;
        std::string_view meant;
    };
    for (const auto &[locale, meant] :
         std::array{Case{"no", "nb"}, Case{"nn", "nb"}, Case{"iw", "he"}, Case{"in", "id"},
                    Case{"tl", "fil"}, Case{"zh-Hans", "zh"}, Case{"zh-Hant", "zh-TW"},
                    Case{"zh-Hant-HK", "zh-HK"}, Case{"es-MX", "es-419"}})
        for (const Channel channel : {Channel::sms, Channel::voice})
            EXPECT_EQ(builtin_template(locale, channel), builtin_template(meant, channel))
                << locale;
    EXPECT_NE(builtin_template("zh-Hant", Channel::sms), builtin_template("zh", Channel::sms));
    EXPECT_NE(builtin_template("sr-Latn", Channel::sms), builtin_template("sr", Channel::sms));
}

TEST(Locale, UnknownOnesAreRefusedWithTheList) {
    const Error error = error_of([] { builtin_template("tlh-QO", Channel::sms); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_EQ(error.message(), "no built-in text for locale \"tlh-QO\"");
    std::string known;
    for (std::size_t i = 0; i < builtin_locale_count(); i++)
        known.append(known.empty() ? "" : ", ").append(builtin_locale(i));
    EXPECT_NE(error.hint().find(" " + known + "."), std::string::npos);
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
