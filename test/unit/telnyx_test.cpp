#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/http.hpp"
#include "core/json.hpp"
#include "core/providers/providers.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::call_message;
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

Options options() {
    Options options;
    options.set("api_key", "KEY0123");
    options.set("account_sid", "61bf923e-5e4d-4595-a110-56190ea18a1b");
    options.set("application_sid", "1494404757140276705");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return telnyx_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

std::string field(const std::string &json, std::string_view pointer) {
    return json_scalar_at(json, pointer).value_or("(none)");
}

// --- text messages

TEST(TelnyxText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.telnyx.com/v2/messages");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{"Content-Type: application/json",
                                                             "Accept: application/json",
                                                             "Authorization: Bearer KEY0123"}));
    EXPECT_EQ(request.body.view(), R"({"from":"+15550100","to":"+14155550123",)"
                                   R"("text":"Your Personal Authorization Code is: 482913"})");
}

TEST(TelnyxText, HostileFieldsStayStrings) {
    Options with = options();
    with.set("messaging_profile_id", hostile);
    OutboundMessage message = text_message();
    const std::string sender = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = sender;
    message.text = hostile;
    const std::string text = body(message, with);
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(field(text, "/to"), hostile);
    EXPECT_EQ(field(text, "/from"), sender);
    EXPECT_EQ(field(text, "/text"), hostile);
    EXPECT_EQ(field(text, "/messaging_profile_id"), hostile);
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, with)));
}

TEST(TelnyxText, BaseUrlStandsForTheHost) {
    Options with = options();
    with.set("base_url", "http://127.0.0.1:8080//");
    EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/v2/messages");
    EXPECT_TRUE(build(call_message(), with).url.view().starts_with("http://127.0.0.1:8080/v2/te"));
}

TEST(TelnyxText, ANameNeedsAProfile) {
    Options with = options();
    OutboundMessage message = text_message();
    for (const std::string_view sender : {"MyShop", "4you"}) {
        message.sender = sender;
        const Error error = error_of([&] { build(message, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.hint().find("\"messaging_profile_id\""), std::string::npos);
    }
    message.sender = "12345"; // a short code
    EXPECT_EQ(field(body(message, with), "/from"), "12345");
    message.sender = "MyShop";
    with.set("messaging_profile_id", "4001");
    EXPECT_TRUE(
        body(message, with).starts_with(R"({"from":"MyShop","messaging_profile_id":"4001","to":)"));
}

TEST(TelnyxText, AProfileStandsForTheSender) {
    Options with = options();
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, with); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
    for (const char *secret : {"482913", "4155550123", "KEY0123"})
        EXPECT_EQ(all_text(error).find(secret), std::string::npos);
    with.set("messaging_profile_id", "4001");
    EXPECT_TRUE(body(message, with).starts_with(R"({"messaging_profile_id":"4001","to":)"));
}

// --- calls

TEST(TelnyxCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.telnyx.com/v2/texml/Accounts/"
                                  "61bf923e-5e4d-4595-a110-56190ea18a1b/Calls");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{"Content-Type: application/json",
                                                             "Accept: application/json",
                                                             "Authorization: Bearer KEY0123"}));
    EXPECT_EQ(request.body.view(),
              R"({"ApplicationSid":"1494404757140276705","From":"+15550100","To":"+14155550123",)"
              R"("Texml":"<Response><Say voice=\"alice\">Your code is: 4, 8, 2, 9, 1, 3. )"
              R"(Your code is: 4, 8, 2, 9, 1, 3.</Say></Response>","Timeout":30})");
}

std::string texml(const OutboundMessage &message, const Options &with) {
    return field(body(message, with), "/Texml");
}

TEST(TelnyxCall, VoiceAndLanguage) {
    Options with = options();
    OutboundMessage message = call_message();
    message.text = "x";
    message.locale = "de_AT";
    EXPECT_EQ(texml(message, with),
              R"(<Response><Say voice="alice" language="de-DE">x</Say></Response>)");
    with.set("say_voice", "Polly.Vicki");
    with.set("say_language", "de-AT");
    EXPECT_EQ(texml(message, with),
              R"(<Response><Say voice="Polly.Vicki" language="de-AT">x</Say></Response>)");
    message.locale = "ar";
    EXPECT_EQ(texml(message, options()),
              R"(<Response><Say voice="alice" language="arb">x</Say></Response>)");
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(texml(message, options()), R"(<Response><Say voice="alice">x</Say></Response>)")
            << locale;
    }
}

TEST(TelnyxCall, HostileFieldsStayTextAndBringNoTemplate) {
    Options with = options();
    with.set("account_sid", hostile);
    with.set("application_sid", hostile);
    with.set("say_voice", hostile);
    with.set("say_language", hostile);
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const HttpRequest request = build(message, with);
    EXPECT_EQ(request.url.view(), "https://api.telnyx.com/v2/texml/Accounts/" +
                                      std::string(test::hostile_percent_encoded) + "/Calls");
    const std::string json(request.body.view());
    ASSERT_TRUE(is_json(json)) << json;
    EXPECT_EQ(field(json, "/To"), hostile);
    EXPECT_EQ(field(json, "/From"), number);
    EXPECT_EQ(field(json, "/ApplicationSid"), hostile);
    const std::string attribute =
        "é😀&amp;=+%&quot;&lt;&gt;&#39;\\/&#13;&#10;&#9;{}${1+1}%{call.from}#;?";
    EXPECT_EQ(field(json, "/Texml"),
              "<Response><Say voice=\"" + attribute + "\" language=\"" + attribute +
                  "\">é😀&amp;=+%&quot;&lt;&gt;&#39;\\/&#13;&#10;&#9;  $ 1+1 % call.from #;?"
                  "</Say></Response>");
    message.text = "{{my_secret}} \xFF\x01";
    EXPECT_EQ(texml(message, options()), "<Response><Say voice=\"alice\">  my_secret   "
                                         "\uFFFD\uFFFD</Say></Response>");
}

TEST(TelnyxCall, RingsNoLongerThanTheCodeLives) {
    OutboundMessage message = call_message();
    const auto ringing = [&](std::chrono::seconds life) {
        message.life = life;
        return field(body(message, options()), "/Timeout");
    };
    EXPECT_EQ(ringing(0s), "5");
    EXPECT_EQ(ringing(5s), "5");
    EXPECT_EQ(ringing(12s), "12");
    EXPECT_EQ(ringing(30s), "30");
    EXPECT_EQ(ringing(31s), "30");
}

TEST(TelnyxCall, NeedsANumberToCallFrom) {
    Options with = options();
    with.set("messaging_profile_id", "4001");
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, with); }).sqlstate(), "55000");
    }
}

// --- options

TEST(TelnyxOptions, CallsNeedAccountAndApplication) {
    Options with;
    with.set("api_key", "KEY0123");
    check_complete(telnyx_provider, with);
    EXPECT_TRUE(serves(telnyx_provider, Channel::sms, with));
    EXPECT_FALSE(serves(telnyx_provider, Channel::voice, with));
    with.set("account_sid", "ACCOUNT");
    Error error = error_of([&] { check_complete(telnyx_provider, with); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_STREQ(error.what(), "option \"application_sid\" of the server is not set");
    EXPECT_EQ(all_text(error).find("ACCOUNT"), std::string::npos);
    with.set("application_sid", "1");
    check_complete(telnyx_provider, with);
    EXPECT_TRUE(serves(telnyx_provider, Channel::sms, with));
    EXPECT_TRUE(serves(telnyx_provider, Channel::voice, with));
    with = Options();
    with.set("api_key", "KEY0123");
    with.set("application_sid", "1");
    error = error_of([&] { check_complete(telnyx_provider, with); });
    EXPECT_STREQ(error.what(), "option \"account_sid\" of the server is not set");
    EXPECT_STREQ(error_of([&] { check_complete(telnyx_provider, Options()); }).sqlstate(), "55000");
}

TEST(TelnyxOptions, AreChecked) {
    const auto refused = [](OptionPlace place, std::string_view name, std::string_view value) {
        return error_of([&] { check_option(telnyx_provider, place, name, value); }).sqlstate();
    };
    for (const std::string_view name :
         {"messaging_profile_id", "account_sid", "application_sid", "say_voice", "say_language"}) {
        EXPECT_STREQ(refused(OptionPlace::server, name, ""), "HV024");
        EXPECT_STREQ(refused(OptionPlace::server, name, "a/b"), "HV024");
    }
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "api_key", "a\nb"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::server, "api_key", "x"), "HV00D");
    EXPECT_STREQ(refused(OptionPlace::server, "base_url", "http://example.com"), "HV024");
    EXPECT_EQ(telnyx_provider.signature_scheme, nullptr);
    EXPECT_EQ(find_provider("mfa_telnyx"), &telnyx_provider);
}

// --- memory

TEST(Telnyx, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    for (const std::string_view marker : {"482913", "4, 8, 2, 9, 1, 3", "4155550123", "KEY0123"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
