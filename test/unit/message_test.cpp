#include "core/message.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "core/gsm7.hpp"
#include "core/utf8.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::error_of;

std::string utf8(char32_t c) {
    std::string out;
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (c >> 18));
        out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
    return out;
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; i++)
        out += text;
    return out;
}

std::string render(std::string_view text, const MessageValues &values = {"482913", "Shop", 10min}) {
    return std::string(render_message(text, values).view());
}

std::string speak(std::string_view text, const MessageValues &values = {"4829", "Shop", 10min}) {
    return std::string(speak_message(text, values).view());
}

// --- UTF-8

TEST(Utf8, EveryScalarValueComesBack) {
    for (char32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        const std::string text = utf8(c);
        const CodePoint read = first_code_point(text);
        ASSERT_TRUE(read.valid) << static_cast<std::uint32_t>(c);
        ASSERT_EQ(read.value, c);
        ASSERT_EQ(read.bytes, text.size());
    }
}

TEST(Utf8, RefusesWhatIsNone) {
    const std::array<std::string, 14> bad{
        "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xC3",
        "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",     "\xED\xBF\xBF",     "\xE2\x82",
        "\xF0\x9F\x98", "\xFF",         "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
    };
    for (const std::string &text : bad) {
        EXPECT_FALSE(is_utf8(text));
        EXPECT_FALSE(is_utf8("ok" + text + "ok"));
        EXPECT_EQ(first_code_point(text).bytes, 1U);
    }
    EXPECT_FALSE(is_utf8("\xF8\x88\x80\x80\x80"));
    EXPECT_TRUE(is_utf8(""));
    EXPECT_EQ(count_code_points("aé€😀"), 4U);
}

// --- GSM-7: the table of 3GPP TS 23.038 written down a second time, as code points

constexpr std::array<char32_t, 128> gsm_table{
    0x0040, 0x00A3, 0x0024, 0x00A5, 0x00E8, 0x00E9, 0x00F9, 0x00EC, 0x00F2, 0x00C7, 0x000A, 0x00D8,
    0x00F8, 0x000D, 0x00C5, 0x00E5, 0x0394, 0x005F, 0x03A6, 0x0393, 0x039B, 0x03A9, 0x03A0, 0x03A8,
    0x03A3, 0x0398, 0x039E, 0x00A0, 0x00C6, 0x00E6, 0x00DF, 0x00C9, 0x0020, 0x0021, 0x0022, 0x0023,
    0x00A4, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029, 0x002A, 0x002B, 0x002C, 0x002D, 0x002E, 0x002F,
    0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003A, 0x003B,
    0x003C, 0x003D, 0x003E, 0x003F, 0x00A1, 0x0041, 0x0042, 0x0043, 0x0044, 0x0045, 0x0046, 0x0047,
    0x0048, 0x0049, 0x004A, 0x004B, 0x004C, 0x004D, 0x004E, 0x004F, 0x0050, 0x0051, 0x0052, 0x0053,
    0x0054, 0x0055, 0x0056, 0x0057, 0x0058, 0x0059, 0x005A, 0x00C4, 0x00D6, 0x00D1, 0x00DC, 0x00A7,
    0x00BF, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0x0067, 0x0068, 0x0069, 0x006A, 0x006B,
    0x006C, 0x006D, 0x006E, 0x006F, 0x0070, 0x0071, 0x0072, 0x0073, 0x0074, 0x0075, 0x0076, 0x0077,
    0x0078, 0x0079, 0x007A, 0x00E4, 0x00F6, 0x00F1, 0x00FC, 0x00E0};
constexpr std::size_t escape_position = 0x1B; // listed as a no-break space, but is no character
constexpr std::array<char32_t, 10> gsm_extension{0x000C, 0x005E, 0x007B, 0x007D, 0x005C,
                                                 0x005B, 0x007E, 0x005D, 0x007C, 0x20AC};

TEST(Gsm7, EveryCodePointIsClassedExactly) {
    for (char32_t c = 0; c <= 0x10FFFF; c++) {
        int expected = 0;
        for (std::size_t i = 0; i < gsm_table.size(); i++)
            if (gsm_table[i] == c && i != escape_position)
                expected = 1;
        for (const char32_t e : gsm_extension)
            if (e == c)
                expected = 2;
        ASSERT_EQ(gsm7_septets(c), expected) << static_cast<std::uint32_t>(c);
    }
}

TEST(Segments, TheWholeAlphabetIsGsm7) {
    std::string text;
    for (std::size_t i = 0; i < gsm_table.size(); i++)
        if (i != escape_position)
            text += utf8(gsm_table[i]);
    SegmentCount count = count_segments(text);
    EXPECT_TRUE(count.gsm7);
    EXPECT_EQ(count.units, 127U);
    EXPECT_EQ(count.segments, 1U);
    for (const char32_t c : gsm_extension)
        text += utf8(c);
    count = count_segments(text);
    EXPECT_TRUE(count.gsm7);
    EXPECT_EQ(count.units, 147U);
}

TEST(Segments, OneForeignCharacterMakesItUcs2) {
    for (const std::string_view foreign : {"ç", "á", "`", "…", "’", "ł", "中", "\t", "\u00A0"}) {
        const SegmentCount count = count_segments("abc" + std::string(foreign));
        EXPECT_FALSE(count.gsm7) << foreign;
        EXPECT_EQ(count.units, 4U) << foreign;
    }
}

struct SegmentCase {
    std::string text;
    bool gsm7;
    std::size_t units;
    std::size_t segments;
};

TEST(Segments, Borders) {
    const std::string grin = "😀";
    const std::vector<SegmentCase> cases{
        {"", true, 0, 1},
        {repeat("a", 160), true, 160, 1},
        {repeat("a", 161), true, 161, 2},
        {repeat("a", 306), true, 306, 2},
        {repeat("a", 307), true, 307, 3},
        {repeat("€", 80), true, 160, 1},
        {repeat("€", 80) + "a", true, 161, 2},
        {repeat("a", 159) + "€", true, 161, 2},
        {repeat("a", 158) + "€", true, 160, 1},
        // The pair at septets 153 and 154 moves as a whole, so that 306 septets need a third part.
        {repeat("a", 152) + "€" + repeat("a", 152), true, 306, 3},
        {repeat("a", 151) + "€" + repeat("a", 153), true, 306, 2},
        {repeat("ж", 70), false, 70, 1},
        {repeat("ж", 71), false, 71, 2},
        {repeat("ж", 134), false, 134, 2},
        {repeat("ж", 135), false, 135, 3},
        {repeat(grin, 35), false, 70, 1},
        {repeat(grin, 35) + "a", false, 71, 2},
        {repeat("ж", 69) + grin, false, 71, 2},
        {repeat("ж", 66) + grin + repeat("ж", 66), false, 134, 3},
        {"\xFF", false, 1, 1},
    };
    for (const SegmentCase &each : cases) {
        const SegmentCount count = count_segments(each.text);
        EXPECT_EQ(count.gsm7, each.gsm7) << each.text;
        EXPECT_EQ(count.units, each.units) << each.text;
        EXPECT_EQ(count.segments, each.segments) << each.text;
    }
}

TEST(MessageFits, SmsHoldsOneSegment) {
    EXPECT_NO_THROW(check_message_fits(Channel::sms, repeat("a", 160)));
    EXPECT_NO_THROW(check_message_fits(Channel::sms, repeat("ж", 70)));
    EXPECT_NO_THROW(check_message_fits(Channel::sms, repeat("[", 80)));

    Error error = error_of([] { check_message_fits(Channel::sms, repeat("q", 161)); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_EQ(error.message(), "message with its code is 161 characters long, at most 160 fit in "
                               "one text message");
    EXPECT_FALSE(error.hint().empty());
    EXPECT_EQ(all_text(error).find("qq"), std::string::npos);

    error = error_of([] { check_message_fits(Channel::sms, repeat("ж", 71)); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_NE(error.message().find("is 71 characters long, at most 70 fit"), std::string::npos);
    EXPECT_NE(error.hint().find("160"), std::string::npos);
    EXPECT_EQ(all_text(error).find("ж"), std::string::npos);
    error_of([] { check_message_fits(Channel::sms, repeat("[", 81)); });
    error_of([] { check_message_fits(Channel::sms, repeat("a", 70) + "ж"); });
}

TEST(MessageFits, OtherChannelsCountCodePoints) {
    EXPECT_NO_THROW(check_message_fits(Channel::voice, repeat("😀", 500)));
    EXPECT_NO_THROW(check_message_fits(Channel::email, repeat("ж", 1600)));
    EXPECT_NO_THROW(check_message_fits(Channel::whatsapp, repeat("a", 1600)));
    const Error error = error_of([] { check_message_fits(Channel::voice, repeat("a", 501)); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_EQ(error.message(),
              "message with its code is 501 characters long, at most 500 are allowed on channel "
              "voice");
    error_of([] { check_message_fits(Channel::email, repeat("a", 1601)); });
    error_of([] { check_message_fits(Channel::whatsapp, repeat("a", 1601)); });
}

// --- templates

TEST(RenderMessage, Placeholders) {
    EXPECT_EQ(render("Your code: {code}"), "Your code: 482913");
    EXPECT_EQ(render("{code}"), "482913");
    EXPECT_EQ(render("{code}{code}"), "482913482913");
    EXPECT_EQ(render("{app}: {code}, good for {minutes} min.\nBye"),
              "Shop: 482913, good for 10 min.\nBye");
    EXPECT_EQ(render("Dein Schlüssel für {app} ist"), "Dein Schlüssel für Shop ist 482913");
    EXPECT_EQ(render("Your Personal Authorization Code is:"),
              "Your Personal Authorization Code is: 482913");
}

TEST(RenderMessage, MinutesAreWholeAndNeverNone) {
    const auto minutes = [](std::chrono::seconds valid_for) {
        return render("{code} {minutes}", {"1", "", valid_for});
    };
    EXPECT_EQ(minutes(0s), "1 1");
    EXPECT_EQ(minutes(1s), "1 1");
    EXPECT_EQ(minutes(89s), "1 1");
    EXPECT_EQ(minutes(90s), "1 2");
    EXPECT_EQ(minutes(599s), "1 10");
    EXPECT_EQ(minutes(168h), "1 10080");
    EXPECT_EQ(minutes(-5s), "1 1");
}

TEST(RenderMessage, OtherBracesAreText) {
    for (const std::string_view text :
         {"{} {code}", "{ code} {code}", "{code {code}", "}{ {code}", "{{code}", "{code}}", "{",
          "{a b}", "{code", "{é}", "{co{code}de}", "{code-}"}) {
        std::string expected(text);
        if (const std::size_t at = expected.find("{code}"); at != std::string::npos)
            expected.replace(at, 6, "482913");
        else
            expected += " 482913";
        EXPECT_EQ(render(text), expected);
    }
}

TEST(RenderMessage, ValuesAreNotSearched) {
    EXPECT_EQ(render("{app} {code}", {"{app}", "{code}{minutes}", 1min}), "{code}{minutes} {app}");
}

TEST(RenderMessage, RefusesBadTemplates) {
    for (const std::string_view text :
         {"{token}", "x {Code}", "{code} {MINUTES}", "{code1}", "{_}", "{a}", "{code} {unknown}"}) {
        const Error error = error_of([&] { render(text); });
        EXPECT_STREQ(error.sqlstate(), "22023") << text;
        EXPECT_EQ(error.hint(),
                  "Valid placeholders are {code}, {minutes}, {app}, {webotp} and {app_hash}.");
        EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
        EXPECT_THROW(check_template(text), Error);
        EXPECT_THROW(speak(text), Error);
    }
    EXPECT_EQ(error_of([] { check_template("é€ {token}"); }).message(),
              "message template has an unknown placeholder at character 4");

    for (const std::string_view text : {"", " ", "\n", " \n \n"}) {
        const Error error = error_of([&] { check_template(text); });
        EXPECT_STREQ(error.sqlstate(), "22023");
        EXPECT_EQ(error.message(), "message template is empty");
    }
    for (const std::string &text :
         {std::string("a\rb"), std::string("a\tb"), std::string("a\0b", 3), std::string("a\x1B"),
          std::string("a\x7F"), std::string("a\xC2\x85"), std::string("a\fb")}) {
        const Error error = error_of([&] { check_template(text); });
        EXPECT_STREQ(error.sqlstate(), "22023");
        EXPECT_EQ(error.message(), "message template has a control character at character 2");
    }
    EXPECT_EQ(error_of([] { check_template("ab\xFF"); }).message(),
              "message template is not valid UTF-8 at character 3");
}

TEST(RenderMessage, LengthOfTemplateAndApp) {
    EXPECT_NO_THROW(check_template(repeat("é", 1600)));
    EXPECT_EQ(error_of([] { check_template(repeat("é", 1601)); }).message(),
              "message template is 1601 characters long, at most 1600 are allowed");
    EXPECT_NO_THROW(render("{app}", {"1", repeat("é", 100), 1min}));
    EXPECT_EQ(error_of([] {
                  render("{app}", {"1", repeat("x", 101), 1min});
              }).message(),
              "the value of {app} is 101 characters long, at most 100 are allowed");
    for (const std::string_view app : {"a\nb", "a\r", "\xFF", "\x01"})
        EXPECT_STREQ(error_of([&] { render("{app}", {"1", app, 1min}); }).sqlstate(), "22023");
    EXPECT_NO_THROW(render("{code}", {"1", "\xFF", 1min})); // not used, not looked at
}

// --- speech

TEST(SpeakMessage, CodeWithPausesAndTheSentenceTwice) {
    EXPECT_EQ(speak("Your Personal Authorization Code is: {code}"),
              "Your Personal Authorization Code is: 4, 8, 2, 9. "
              "Your Personal Authorization Code is: 4, 8, 2, 9.");
    EXPECT_EQ(speak("Code {code}!"), "Code 4, 8, 2, 9! Code 4, 8, 2, 9!");
    EXPECT_EQ(speak("Hi.\nThe code is"), "Hi. The code is 4, 8, 2, 9. Hi. The code is 4, 8, 2, 9.");
    EXPECT_EQ(speak("验证码 {code}。"), "验证码 4, 8, 2, 9。 验证码 4, 8, 2, 9。");
    EXPECT_EQ(speak("{app}: {code}, {minutes} min", {"C7", "My Shop", 89s}),
              "My Shop: C, 7, 1 min. My Shop: C, 7, 1 min.");
    EXPECT_EQ(speak("{code}", {"5", "", 1s}), "5. 5.");
    // Spelling is for the code alone.
    EXPECT_EQ(speak("24 {app} {code}", {"12", "12", 1s}), "24 12 1, 2. 24 12 1, 2.");
}

TEST(SpeakMessage, NeverMoreThan500Characters) {
    const MessageValues values{"00000000000000000000", "", 1s}; // 58 characters, spoken
    for (std::size_t length = 1; length <= 500; length++) {
        const std::string text = repeat("ж", length);
        const std::size_t once = length + 1 + 58 + 1;
        if (once > 500) {
            const Error error = error_of([&] { speak(text, values); });
            EXPECT_STREQ(error.sqlstate(), "22023");
            EXPECT_EQ(all_text(error).find("0, 0"), std::string::npos);
            continue;
        }
        const std::string spoken = speak(text, values);
        EXPECT_EQ(count_code_points(spoken), 2 * once + 1 <= 500 ? 2 * once + 1 : once);
        EXPECT_NO_THROW(check_message_fits(Channel::voice, spoken));
    }
}

TEST(RenderMessage, LeavesNoCodeInFreedMemory) {
    constexpr std::string_view code = "K7X9P2M4";
    constexpr std::string_view spelled = "K, 7, X, 9, P, 2, M, 4";
    const MessageValues values{code, "Shop", 10min};
    for (const std::string_view marker : {code, spelled}) {
        const test::FreedMemory freed(marker);
        render_message("{app}: {code}", values);
        speak_message("{app}: {code}", values);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
}

} // namespace
} // namespace mfa::core
