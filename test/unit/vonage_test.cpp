#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/http.hpp"
#include "core/json.hpp"
#include "core/providers/providers.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"
#include "provider_helpers.hpp"
#include "rsa_key.hpp"
#include "vonage_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::call_message;
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

using test::account;
using test::call_id;
using test::everything;
using test::messages_by_account;
using test::messages_by_application;

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return vonage_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

std::string form_field(const std::string &form, const std::string &name) {
    const std::size_t start = ("&" + form).find("&" + name + "=");
    if (start == std::string::npos)
        return "(nothing)";
    const std::size_t value = start + name.size() + 1;
    return form.substr(value, form.find('&', value) - value);
}

// --- SMS API

TEST(VonageSms, Request) {
    for (const Options &with : {account(), everything()}) {
        const HttpRequest request = build(text_message(), with);
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.url.view(), "https://rest.nexmo.com/sms/json");
        EXPECT_EQ(headers_of(request),
                  (std::vector<std::string>{"Content-Type: application/x-www-form-urlencoded",
                                            "Accept: application/json"}));
        EXPECT_EQ(request.body.view(),
                  "api_key=abcd1234&api_secret=abcdef0123456789&from=15550100&to=14155550123&"
                  "text=Your%20Personal%20Authorization%20Code%20is%3A%20482913&ttl=600000&"
                  "client-ref=018f0000-0000-7000-8000-000000000001");
    }
}

TEST(VonageSms, UnicodeExactlyWhereTheTextIsNotGsm7) {
    OutboundMessage message = text_message();
    const auto type = [&](std::string_view text) {
        message.text = text;
        return form_field(body(message, account()), "type");
    };
    EXPECT_EQ(type("Code: 482913"), "(nothing)");
    EXPECT_EQ(type("Ihr persönlicher Bestätigungscode: 482913 €[]{}"), "(nothing)");
    EXPECT_EQ(type("kod autoryzacyjny ł"), "unicode");
    EXPECT_EQ(type("😀"), "unicode");
    EXPECT_EQ(type("`"), "unicode");
}

TEST(VonageSms, HostileFields) {
    OutboundMessage message = text_message();
    message.id = hostile;
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    Options with = account();
    with.set("api_key", hostile);
    with.set("api_secret", hostile);
    const std::string x(test::hostile_percent_encoded);
    EXPECT_EQ(body(message, with), "api_key=" + x + "&api_secret=" + x + "&from=" + x + "&to=" + x +
                                       "&text=" + x + "&type=unicode&ttl=600000&client-ref=" + x);
}

TEST(VonageSms, LifeInMilliseconds) {
    OutboundMessage message = text_message();
    const auto ttl = [&](std::chrono::seconds life) {
        message.life = life;
        return form_field(body(message, account()), "ttl");
    };
    EXPECT_EQ(ttl(-1s), "20000");
    EXPECT_EQ(ttl(19s), "20000");
    EXPECT_EQ(ttl(20s), "20000");
    EXPECT_EQ(ttl(21s), "21000");
    EXPECT_EQ(ttl(604'800s), "604800000");
    EXPECT_EQ(ttl(604'801s), "604800000");
}

TEST(VonageSms, Sender) {
    OutboundMessage message = text_message();
    message.sender = "My Shop";
    EXPECT_EQ(form_field(body(message, account()), "from"), "My%20Shop");
    message.sender = "";
    for (const Options &with : {account(), messages_by_account()}) {
        const Error error = error_of([&] { build(message, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
        EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
    }
}

TEST(Vonage, BaseUrlStandsForBothHosts) {
    Options with = everything();
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/sms/json");
    EXPECT_EQ(build(call_message(), with).url.view(), "http://127.0.0.1:8080/v1/calls");
    with.set("api", "messages");
    EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/v1/messages");
    EXPECT_EQ(vonage_provider.build_lookup({Channel::voice, call_id, {}}, with).url.view(),
              "http://127.0.0.1:8080/v1/calls/" + std::string(call_id));
}

// --- Messages API

TEST(VonageMessages, Request) {
    for (const Options &with : {messages_by_account(), messages_by_application()}) {
        const HttpRequest request = build(text_message(), with);
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.url.view(), "https://api.nexmo.com/v1/messages");
        EXPECT_EQ(headers_of(request)[0], "Content-Type: application/json");
        EXPECT_EQ(headers_of(request)[1], "Accept: application/json");
        EXPECT_EQ(headers_of(request).size(), 3U);
        EXPECT_EQ(request.body.view(),
                  R"({"message_type":"text","channel":"sms","to":"14155550123","from":"15550100",)"
                  R"("text":"Your Personal Authorization Code is: 482913","ttl":600,)"
                  R"("client_ref":"018f0000-0000-7000-8000-000000000001"})");
    }
    EXPECT_EQ(headers_of(build(text_message(), messages_by_account()))[2],
              "Authorization: Basic YWJjZDEyMzQ6YWJjZGVmMDEyMzQ1Njc4OQ==");
}

// The claims of a request's token, after its signature was checked.
std::string claims_of(const HttpRequest &request) {
    const std::string header = headers_of(request).back();
    constexpr std::string_view prefix = "Authorization: Bearer ";
    if (!header.starts_with(prefix))
        return "no bearer";
    const std::string token = header.substr(prefix.size());
    if (!test::is_signed_by(test::rsa_key(), token))
        return "not signed by the key";
    const std::size_t dot = token.find('.');
    return test::from_base64url(token.substr(dot + 1, token.rfind('.') - dot - 1));
}

TEST(Vonage, TokensOfTheApplication) {
    const std::string claims =
        R"({"application_id":"78d335fa-323d-0114-9c3d-d6f0d48968cf","iat":1800000000,)"
        R"("exp":1800000300,"jti":"018f0000-0000-7000-8000-000000000001.1800000000"})";
    Options both = everything();
    both.set("api", "messages"); // an application goes before the account
    EXPECT_EQ(claims_of(build(text_message(), messages_by_application())), claims);
    EXPECT_EQ(claims_of(build(text_message(), both)), claims);
    EXPECT_EQ(claims_of(build(call_message(), everything())), claims);

    OutboundMessage hostile_id = call_message();
    hostile_id.id = hostile;
    Options with = everything();
    with.set("application_id", hostile);
    const std::string hostile_claims = claims_of(build(hostile_id, with));
    ASSERT_TRUE(is_json(hostile_claims)) << hostile_claims;
    EXPECT_EQ(json_scalar_at(hostile_claims, "/application_id"), hostile);
    EXPECT_EQ(json_scalar_at(hostile_claims, "/jti"), std::string(hostile) + ".1800000000");
}

TEST(Vonage, AKeyThatSignsNothingIsNamedWithoutItsContent) {
    Options with = everything();
    with.set("private_key", "-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n");
    for (const OutboundMessage &message : {call_message(), text_message()}) {
        with.set("api", "messages");
        const Error error = error_of([&] { build(message, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.message().find("\"private_key\""), std::string::npos);
        for (const std::string_view secret : {"SECRETSECRET", "482913", "4155550123"})
            EXPECT_EQ(all_text(error).find(secret), std::string::npos);
    }
}

TEST(VonageMessages, HostileFieldsStayStrings) {
    OutboundMessage message = text_message();
    message.id = hostile;
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    const std::string text = body(message, messages_by_account());
    ASSERT_TRUE(is_json(text)) << text;
    for (const std::string_view pointer : {"/to", "/from", "/text", "/client_ref"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile) << pointer;
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, messages_by_account())));
}

TEST(VonageMessages, LifeInSeconds) {
    OutboundMessage message = text_message();
    const auto ttl = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, messages_by_account()), "/ttl").value_or("");
    };
    EXPECT_EQ(ttl(1s), "20");
    EXPECT_EQ(ttl(21s), "21");
    EXPECT_EQ(ttl(259'200s), "259200");
    EXPECT_EQ(ttl(259'201s), "259200");
}

// --- calls

TEST(VonageCall, Request) {
    const HttpRequest request = build(call_message(), everything());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.nexmo.com/v1/calls");
    EXPECT_EQ(headers_of(request)[0], "Content-Type: application/json");
    EXPECT_EQ(headers_of(request)[1], "Accept: application/json");
    EXPECT_EQ(request.body.view(),
              R"({"to":[{"type":"phone","number":"14155550123"}],)"
              R"("from":{"type":"phone","number":"15550100"},"ncco":[{"action":"talk",)"
              R"("text":"Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3."}],)"
              R"("ringing_timer":30})");
}

TEST(VonageCall, VoiceAndLanguage) {
    OutboundMessage message = call_message();
    message.locale = "de_AT";
    Options with = everything();
    EXPECT_NE(body(message, with).find(R"(","language":"de-DE"}],)"), std::string::npos);
    with.set("say_language", "de-AT");
    with.set("say_voice", "3");
    EXPECT_NE(body(message, with).find(R"(","language":"de-AT","style":3}],)"), std::string::npos);
    message.locale = "zh-HK";
    EXPECT_NE(body(message, everything()).find(R"(","language":"yue-CN"}],)"), std::string::npos);
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(body(message, everything()).find("language"), std::string::npos) << locale;
    }
}

TEST(VonageCall, HostileFieldsStayStringsAndBringNoMarkUp) {
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    Options with = everything();
    with.set("say_language", hostile);
    const std::string text = body(message, with);
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(json_scalar_at(text, "/to/0/number"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/from/number"), number.substr(1));
    EXPECT_EQ(json_scalar_at(text, "/ncco/0/language"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/ncco/0/text"), "é😀&=+%\"  '\\/\r\n\t{}${1+1}%{call.from}#;?");
    message.text = "<speak>a</speak>";
    EXPECT_EQ(json_scalar_at(body(message, with), "/ncco/0/text"), " speak a /speak ");
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, with)));
}

TEST(VonageCall, RingsNoLongerThanTheCodeLives) {
    OutboundMessage message = call_message();
    const auto ringing = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, everything()), "/ringing_timer").value_or("");
    };
    EXPECT_EQ(ringing(0s), "1");
    EXPECT_EQ(ringing(12s), "12");
    EXPECT_EQ(ringing(31s), "30");
}

TEST(VonageCall, NeedsANumberToCallFrom) {
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, everything()); }).sqlstate(), "55000");
    }
}

// --- look-ups

TEST(VonageLookup, OfACall) {
    const std::chrono::sys_seconds now{1'800'000'060s};
    const HttpRequest request =
        vonage_provider.build_lookup({Channel::voice, call_id, now}, everything());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://api.nexmo.com/v1/calls/" + std::string(call_id));
    EXPECT_TRUE(request.body.empty());
    EXPECT_EQ(headers_of(request)[0], "Accept: application/json");
    EXPECT_EQ(claims_of(request),
              R"({"application_id":"78d335fa-323d-0114-9c3d-d6f0d48968cf","iat":1800000060,)"
              R"("exp":1800000360,"jti":"63f61863-4a51-4f6b-86e1-46edebcf9356.1800000060"})");
    EXPECT_EQ(vonage_provider.build_lookup({Channel::voice, hostile, now}, everything()).url.view(),
              "https://api.nexmo.com/v1/calls/" + std::string(test::hostile_percent_encoded));
}

TEST(VonageLookup, ThereIsNoneOfATextMessage) {
    EXPECT_FALSE(looks_up(vonage_provider, Channel::sms, everything()));
    EXPECT_TRUE(looks_up(vonage_provider, Channel::voice, everything()));
}

// --- memory

TEST(Vonage, LeavesNothingSecretInFreedMemory) {
    const Options with = everything();
    const Options by_account = messages_by_account();
    const Options by_application = messages_by_application();
    const Secret credentials = base64("abcd1234:abcdef0123456789");
    const std::string token = headers_of(build(call_message(), with)).back().substr(22);
    const std::string key = test::pem(test::rsa_key()).substr(1000, 40);
    for (const std::string_view marker :
         {std::string_view("482913"), std::string_view("4, 8, 2, 9, 1, 3"),
          std::string_view("4155550123"), std::string_view("abcdef0123456789"), credentials.view(),
          std::string_view(token), std::string_view(key)}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(text_message(), by_account);
        build(text_message(), by_application);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
