#include "core/mail_text.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base64.hpp"
#include "core/ascii.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono;

std::string header(std::string_view text) {
    std::string out;
    append_header_text(out, text);
    return out;
}

std::string name(std::string_view text) {
    std::string out;
    append_display_name(out, text);
    return out;
}

std::string printable(std::string_view text) {
    Secret out;
    append_quoted_printable(out, text);
    return std::string(out.view());
}

// Written apart from what is tested: RFC 2045, 6.7.
std::string decode_printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text.starts_with("=\r\n")) {
            text.remove_prefix(3);
        } else if (text[0] == '=') {
            out += static_cast<char>(std::stoi(std::string(text.substr(1, 2)), nullptr, 16));
            text.remove_prefix(3);
        } else {
            out += text[0];
            text.remove_prefix(1);
        }
    }
    return out;
}

TEST(MailDate, IsUtc) {
    EXPECT_EQ(mail_date(sys_seconds{1'800'000'000s}), "Fri, 15 Jan 2027 08:00:00 +0000");
    EXPECT_EQ(mail_date(sys_seconds{0s}), "Thu, 1 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(mail_date(sys_seconds{1'709'251'199s}), "Thu, 29 Feb 2024 23:59:59 +0000");
}

TEST(HeaderText, AsItIsWhereThatIsSafe) {
    EXPECT_EQ(header("Your code"), "Your code");
    EXPECT_EQ(header(std::string(60, 'x')), std::string(60, 'x'));
    EXPECT_EQ(header("a=b?"), "a=b?");
}

TEST(HeaderText, EncodedWords) {
    EXPECT_EQ(header("é"), "=?UTF-8?B?w6k=?=");
    EXPECT_EQ(header("=?UTF-8?Q?x?="), "=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=");
    EXPECT_EQ(header("a\r\nBcc: x@y.z"), "=?UTF-8?B?YQ0KQmNjOiB4QHkueg==?=");
    EXPECT_EQ(header(std::string(61, 'x')),
              "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4?=\r\n "
              "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA==?=");
    // A character that would lie across the end of a word begins the next one.
    std::string text;
    for (int i = 0; i < 25; i++)
        text += "x😀";
    std::string rest = header(text);
    std::string decoded;
    for (std::string_view lines = rest; !lines.empty();) {
        std::string_view word = trim(cut(lines, '\n'));
        if (word.ends_with('\r'))
            word.remove_suffix(1);
        EXPECT_LE(std::string_view("Subject: ").size() + word.size(), 76U);
        ASSERT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?=")) << word;
        const auto bytes = test::decode_base64(word.substr(10, word.size() - 12));
        ASSERT_TRUE(bytes.has_value());
        const unsigned char first = static_cast<unsigned char>(bytes->view()[0]);
        EXPECT_TRUE(first < 0x80 || first >= 0xC0);
        decoded += bytes->view();
    }
    EXPECT_EQ(decoded, text);
}

TEST(DisplayName, IsQuoted) {
    EXPECT_EQ(name("My Shop"), "\"My Shop\"");
    EXPECT_EQ(name("a\"b\\c <d@e.f>, g"), "\"a\\\"b\\\\c <d@e.f>, g\"");
    EXPECT_EQ(name("Größe"), "=?UTF-8?B?R3LDtsOfZQ==?=");
    EXPECT_EQ(name("x\r\ny"), "=?UTF-8?B?eA0KeQ==?=");
}

TEST(QuotedPrintable, Text) {
    EXPECT_EQ(printable(""), "\r\n");
    EXPECT_EQ(printable("Your code is 482913"), "Your code is 482913\r\n");
    EXPECT_EQ(printable("a=b é"), "a=3Db =C3=A9\r\n");
    EXPECT_EQ(printable("one\ntwo\r\nthree\rfour"), "one\r\ntwo\r\nthree=0Dfour\r\n");
    EXPECT_EQ(printable("blank \n \nend "), "blank=20\r\n=20\r\nend=20\r\n");
    EXPECT_EQ(printable("tab\t"), "tab=09\r\n");
    EXPECT_EQ(printable(".\n..\na."), "=2E\r\n=2E.\r\na.\r\n");
    EXPECT_EQ(printable(std::string_view("\0\x7F\xFF", 3)), "=00=7F=FF\r\n");
}

TEST(QuotedPrintable, LinesAreShortAndComeOutAgain) {
    for (const std::string_view piece :
         {std::string_view("x"), std::string_view("."), std::string_view("é"),
          std::string_view(" "), std::string_view("x."), std::string_view("=😀 .\r\n"),
          std::string_view("\r"), test::hostile}) {
        std::string text;
        for (std::size_t n = 0; n < 200; n++, text += piece) {
            const std::string out = printable(text);
            ASSERT_TRUE(out.ends_with("\r\n"));
            for (std::string_view rest = out; !rest.empty();) {
                const std::string_view line = cut(rest, '\n');
                ASSERT_TRUE(line.ends_with('\r')) << out;
                ASSERT_LE(line.size(), 77U) << out;
                ASSERT_FALSE(line.starts_with('.')) << out;
                ASSERT_FALSE(line.ends_with(" \r")) << out;
            }
            ASSERT_EQ(decode_printable(out), text + "\r\n") << out;
        }
    }
}

} // namespace
} // namespace mfa::core
