#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
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
    options.set("base", "abc123");
    options.set("api_key", "key-0123456789abcdef");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return infobip_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

// --- requests

TEST(InfobipText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://abc123.api.infobip.com/sms/3/messages");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{
                                       "Content-Type: application/json", "Accept: application/json",
                                       "Authorization: App key-0123456789abcdef"}));
    EXPECT_EQ(request.body.view(),
              R"({"messages":[{"sender":"15550100","destinations":[{"to":"14155550123",)"
              R"("messageId":"018f0000-0000-7000-8000-000000000001"}],)"
              R"("content":{"text":"Your Personal Authorization Code is: 482913"},)"
              R"("options":{"validityPeriod":{"amount":600,"timeUnit":"SECONDS"}}}]})");
}

TEST(InfobipText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.id = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    for (const std::string_view pointer :
         {"/messages/0/sender", "/messages/0/destinations/0/to",
          "/messages/0/destinations/0/messageId", "/messages/0/content/text"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile) << pointer;
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, options())));
}

TEST(InfobipText, BaseUrlStandsForTheBase) {
    Options with = options();
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/sms/3/messages");
    EXPECT_EQ(build(call_message(), with).url.view(), "http://127.0.0.1:8080/tts/3/single");
}

TEST(InfobipText, ValidityIsTheRemainingLife) {
    OutboundMessage message = text_message();
    const auto validity = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, options()), "/messages/0/options/validityPeriod/amount")
            .value_or("");
    };
    EXPECT_EQ(validity(-1s), "1");
    EXPECT_EQ(validity(0s), "1");
    EXPECT_EQ(validity(2s), "2");
    EXPECT_EQ(validity(172'800s), "172800");
    EXPECT_EQ(validity(172'801s), "172800");
}

TEST(InfobipText, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
    EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
}

TEST(InfobipCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://abc123.api.infobip.com/tts/3/single");
    EXPECT_EQ(headers_of(request)[2], "Authorization: App key-0123456789abcdef");
    EXPECT_EQ(request.body.view(),
              R"({"from":"15550100","to":"14155550123",)"
              R"("text":"Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3."})");
}

TEST(InfobipCall, VoiceAndLanguage) {
    Options with = options();
    OutboundMessage message = call_message();
    for (const auto &[locale, tag] :
         {std::pair{"de_AT", "de"}, std::pair{"en", "en"}, std::pair{"nb", "no"},
          std::pair{"no", "no"}, std::pair{"pt", "pt-pt"}, std::pair{"da", "da"}}) {
        message.locale = locale;
        EXPECT_EQ(json_scalar_at(body(message, with), "/language"), tag) << locale;
    }
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(body(message, with).find("language"), std::string::npos) << locale;
    }
    with.set("say_language", "pt-br");
    with.set("say_voice", "Camila \"neural\"");
    EXPECT_EQ(json_scalar_at(body(message, with), "/language"), "pt-br");
    EXPECT_EQ(json_scalar_at(body(message, with), "/voice/name"), "Camila \"neural\"");
    message.locale = "de";
    EXPECT_EQ(json_scalar_at(body(message, with), "/language"), "pt-br");
}

TEST(InfobipCall, HostileFieldsBringNoMarkup) {
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(json_scalar_at(text, "/to"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/from"), number.substr(1));
    EXPECT_EQ(json_scalar_at(text, "/text"), "é😀&=+%\"  '\\/\r\n\t{}${1+1}%{call.from}#;?");
}

TEST(InfobipCall, NeedsANumberToCallFrom) {
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, options()); }).sqlstate(), "55000");
    }
}

TEST(Infobip, NeedsABase) {
    Options with;
    with.set("api_key", "key-0123456789abcdef");
    const Error error = error_of([&] { check_complete(infobip_provider, with); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(std::string(error.what()).find("\"base\""), std::string::npos);
    EXPECT_EQ(all_text(error).find("key-0123456789abcdef"), std::string::npos);
    with.set("base_url", "https://example.com");
    EXPECT_NO_THROW(check_complete(infobip_provider, with));
    EXPECT_NO_THROW(check_complete(infobip_provider, options()));
    for (const std::string_view value : {"", "abc.api.infobip.com", "a/b", "-a"})
        EXPECT_STREQ(error_of([&] {
                         check_option(infobip_provider, OptionPlace::server, "base", value);
                     }).sqlstate(),
                     "HV024");
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return infobip_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

std::string made(std::string_view id, std::string_view group, std::string_view status_id = "26") {
    return R"({"bulkId":"b","messages":[{"messageId":")" + std::string(id) +
           R"(","destination":"14155550123","status":{"groupId":)" + std::string(group) +
           R"(,"groupName":"PENDING","id":)" + std::string(status_id) +
           R"(,"description":"482913"}}]})";
}

TEST(InfobipAnswer, Accepted) {
    for (const std::string_view group : {"0", "1", "3"})
        for (const OutboundMessage &message : {text_message(), call_message()}) {
            const Outcome outcome = read(message, 200, made("2250be2d4219-3af1", group));
            EXPECT_EQ(outcome.verdict, Verdict::accepted);
            EXPECT_EQ(outcome.message_id, "2250be2d4219-3af1");
            EXPECT_EQ(outcome.error, "");
            EXPECT_FALSE(outcome.retry_after.has_value());
        }
}

TEST(InfobipAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "x-482913", "14155550123", "a b", "a\\u0000"}) {
        const Outcome outcome = read_text(200, made(id, "1"));
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(InfobipAnswer, SuccessOfSomebodyElse) {
    for (const std::string &text :
         {std::string(), std::string("<html>"), std::string("{}"), std::string("[]"),
          std::string(R"({"messages":[]})"), std::string(R"({"messages":[{"messageId":"x"}]})"),
          made("x", "null"), made("x", "{}"), made("x", "17"), made("", "1"),
          made("x", "1") + "]"}) {
        const Outcome outcome = read_text(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 200")) << outcome.error;
        EXPECT_EQ(outcome.error.find("provider code"), std::string::npos) << outcome.error;
    }
}

TEST(InfobipAnswer, RejectedWithHttp200) {
    for (const std::string_view group : {"2", "4", "5"}) {
        for (const std::string code : {"4", "6", "8", "9", "10", "11", "12", "13", "14", "15", "17",
                                       "18", "19", "20", "25", "51", "52"}) {
            const Outcome outcome = read_text(200, made("x", group, code));
            EXPECT_EQ(outcome.verdict, Verdict::refused) << code;
            EXPECT_EQ(outcome.service, Service::up);
            EXPECT_EQ(outcome.message_id, "");
            EXPECT_TRUE(outcome.error.starts_with("HTTP 200, provider code " + code + ": "))
                << outcome.error;
            EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        }
        EXPECT_EQ(read_text(200, made("x", group, "77")).error, "HTTP 200, provider code 77");
        EXPECT_EQ(read_text(200, made("x", group, "482913")).error, "HTTP 200");
        EXPECT_EQ(read_text(200, made("x", group, "{}")).verdict, Verdict::refused);
    }
    EXPECT_EQ(read_text(200, made("x", "5", "12")).error,
              "HTTP 200, provider code 12: not enough credits");
    const Outcome inside = read_text(200, made("x", "5", "21"));
    EXPECT_EQ(inside.verdict, Verdict::retry);
    EXPECT_EQ(inside.service, Service::down);
    const Outcome twice = read_text(200, made("x", "5", "23"));
    EXPECT_EQ(twice.verdict, Verdict::unknown);
    EXPECT_EQ(twice.error, "HTTP 200, provider code 23: provider has this message already");
}

TEST(InfobipAnswer, StatusClasses) {
    const auto old = [](std::string_view code) {
        return R"({"requestError":{"serviceException":{"messageId":")" + std::string(code) +
               R"(","text":"482913"}}})";
    };
    for (const long status : {302L, 400L, 401L, 403L, 404L, 408L, 429L, 500L, 502L, 503L, 504L}) {
        const std::string plain = "HTTP " + std::to_string(status);
        for (const std::string &text : {std::string(), std::string("{}"), std::string("<html>"),
                                        old(""), old("482913"), old("E-482913"), old("14155550123"),
                                        old("a b"), std::string(R"({"errorCode":{"id":1}})"),
                                        std::string(R"({"errorCode":"482913"})"), made("x", "1")}) {
            const Outcome outcome = read_text(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, plain);
            EXPECT_EQ(outcome.message_id, "");
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
        EXPECT_EQ(read_text(status, old("UNAUTHORIZED")).error,
                  plain + ", provider code UNAUTHORIZED");
        EXPECT_EQ(read_text(status, R"({"errorCode":"E400","description":"482913"})").error,
                  plain + ", provider code E400");
        // An id of a status means nothing outside of one.
        EXPECT_EQ(read_text(status, R"({"errorCode":"12"})").error, plain + ", provider code 12");
    }
}

// --- look-ups

TEST(InfobipLookup, Request) {
    HttpRequest request = infobip_provider.build_lookup({Channel::sms, "m-1", {}}, options());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://abc123.api.infobip.com/sms/3/logs?messageId=m-1");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{"Accept: application/json",
                                        "Authorization: App key-0123456789abcdef"}));
    request = infobip_provider.build_lookup({Channel::voice, hostile, {}}, options());
    EXPECT_EQ(request.url.view(), "https://abc123.api.infobip.com/tts/3/logs?messageId=" +
                                      std::string(test::hostile_percent_encoded));
}

Receipt look(const std::string &text, long status = 200) {
    return infobip_provider.read_lookup(Channel::sms, {status, text, {}},
                                        {"+14155550123", "482913", "text"});
}

std::string log(const std::string &group, const std::string &error) {
    return R"({"results":[{"messageId":"x","status":{"groupId":1,"groupName":")" + group +
           R"(","name":"REJECTED_SENDER"},"error":{"name":")" + error + R"("}}]})";
}

TEST(InfobipLookup, States) {
    for (const std::string group : {"ACCEPTED", "PENDING", "OTHER"})
        EXPECT_EQ(look(log(group, "NO_ERROR")).state, DeliveryState::pending) << group;
    EXPECT_EQ(look(log("DELIVERED", "NO_ERROR")).state, DeliveryState::delivered);
    EXPECT_EQ(look(log("DELIVERED", "NO_ERROR")).error, "");
    EXPECT_EQ(look(log("DELIVERED", "NO_ERROR"), 401).state, DeliveryState::pending);
    for (const std::string group : {"UNDELIVERABLE", "EXPIRED", "REJECTED"}) {
        const Receipt receipt = look(log(group, "EC_ABSENT_SUBSCRIBER"));
        EXPECT_EQ(receipt.state, DeliveryState::undelivered) << group;
        EXPECT_EQ(receipt.error, "provider code EC_ABSENT_SUBSCRIBER");
        EXPECT_EQ(look(log(group, "NO_ERROR")).error, "provider code REJECTED_SENDER");
        EXPECT_EQ(look(log(group, "482913")).error, "provider code " + group);
    }
    for (const std::string text :
         {"", "<html>", "{}", R"({"results":[]})", R"({"results":[{"status":"DELIVERED"}]})"})
        EXPECT_EQ(look(text).state, DeliveryState::pending) << text;
}

// --- memory

TEST(Infobip, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    for (const std::string_view marker :
         {"482913", "4, 8, 2, 9, 1, 3", "4155550123", "key-0123456789abcdef"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
