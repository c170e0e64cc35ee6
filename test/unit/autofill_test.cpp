#include "core/autofill.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "core/compose.hpp"
#include "core/message.hpp"
#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::error_of;

RequestData data(std::string message) {
    RequestData data;
    data.message = std::move(message);
    data.webotp_domain = "example.com";
    data.app_hash = "FA+9qCX9VSu";
    return data;
}

std::string composed(Channel channel, const RequestData &with) {
    return std::string(compose(channel, with, "123456", 10min).view());
}

constexpr const char *webotp = "Your code is {code}.\n\n{webotp}";
constexpr const char *app_hash = "Your code is {code}. {app_hash}";

TEST(Autofill, WebOtpIsTheLastLine) {
    EXPECT_EQ(composed(Channel::sms, data(webotp)), "Your code is 123456.\n\n@example.com #123456");
}

TEST(Autofill, AppHashIsTheLastWord) {
    EXPECT_EQ(composed(Channel::sms, data(app_hash)), "Your code is 123456. FA+9qCX9VSu");
    EXPECT_EQ(composed(Channel::sms, data("{code}\n{app_hash}")), "123456\nFA+9qCX9VSu");
}

TEST(Autofill, IsOfTextMessagesOnly) {
    for (const char *text : {webotp, app_hash}) {
        for (const Channel channel : {Channel::email, Channel::whatsapp})
            EXPECT_EQ(composed(channel, data(text)), "Your code is 123456.");
        EXPECT_EQ(composed(Channel::voice, data(text)),
                  "Your code is 1, 2, 3, 4, 5, 6. Your code is 1, 2, 3, 4, 5, 6.");
    }
    // Nor is its setting asked for there.
    RequestData without = data(webotp);
    without.webotp_domain.clear();
    EXPECT_EQ(composed(Channel::email, without), "Your code is 123456.");
}

TEST(Autofill, NeedsItsSetting) {
    RequestData without = data(webotp);
    without.webotp_domain.clear();
    Error error = error_of([&] { composed(Channel::sms, without); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("mfa.webotp_domain"), std::string::npos);
    without = data(app_hash);
    without.app_hash.clear();
    error = error_of([&] { composed(Channel::sms, without); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("mfa.app_hash"), std::string::npos);
}

TEST(Autofill, ElsewhereItWouldNotBeFound) {
    for (const char *text : {"{code} {webotp}", "{webotp}", "{code}\n{webotp}.", "{webotp}\n{code}",
                             "{code}\n{webotp}\n", "{code}{app_hash}", "{app_hash} {code}",
                             "{code} {app_hash}!", "{code}\n{webotp}\n{app_hash}",
                             "{code}\n{webotp}\n{webotp}", "code:\n{webotp}", "code: {app_hash}"})
        EXPECT_STREQ(error_of([&] { check_template(text); }).sqlstate(), "22023") << text;
    for (const char *text : {webotp, app_hash, "{code}\n{webotp}", "{code}\n{app_hash}"})
        EXPECT_NO_THROW(check_template(text)) << text;
}

TEST(Autofill, ATextWithAHashHas140Bytes) {
    const std::string fits(140 - 6 - 1 - 11, 'x');
    EXPECT_EQ(composed(Channel::sms, data(fits + "{code} {app_hash}")).size(), 140U);
    EXPECT_STREQ(
        error_of([&] { composed(Channel::sms, data(fits + "x{code} {app_hash}")); }).sqlstate(),
        "22023");
    EXPECT_NO_THROW(composed(Channel::email, data(fits + "x{code} {app_hash}")));
}

TEST(Autofill, ADomainIsAHostName) {
    for (const char *domain :
         {"example.com", "localhost", "a-b.c1.example", "xn--bcher-kva.example"})
        EXPECT_NO_THROW(check_webotp_domain(domain)) << domain;
    for (const std::string &domain :
         {std::string(), std::string("https://example.com"), std::string("example.com/"),
          std::string("Example.com"), std::string("example..com"), std::string(".example.com"),
          std::string("example.com."), std::string("-a.com"), std::string("a-.com"),
          std::string("exämple.com"), std::string("example.com #1"), std::string("a:1"),
          std::string(64, 'a'), std::string(127, 'a') + std::string(".a", 2)})
        EXPECT_STREQ(error_of([&] { check_webotp_domain(domain); }).sqlstate(), "22023") << domain;
}

TEST(Autofill, AHashHas11Characters) {
    EXPECT_NO_THROW(check_app_hash("FA+9qCX9VS/"));
    for (const char *hash :
         {"", "FA+9qCX9VS", "FA+9qCX9VSuu", "FA+9qCX9VS=", "FA+9qCX9VS ", "FA-9qCX9VSu"})
        EXPECT_STREQ(error_of([&] { check_app_hash(hash); }).sqlstate(), "22023") << hash;
}

} // namespace
} // namespace mfa::core
