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
    options.set("access_key", "live_KEY-0123456789abcdef");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return messagebird_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

// --- requests

TEST(MessageBirdText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://rest.messagebird.com/messages");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{
                                       "Content-Type: application/json", "Accept: application/json",
                                       "Authorization: AccessKey live_KEY-0123456789abcdef"}));
    EXPECT_EQ(request.body.view(),
              R"({"recipients":["14155550123"],"originator":"15550100",)"
              R"("reference":"018f0000-0000-7000-8000-000000000001","type":"sms",)"
              R"("datacoding":"auto","body":"Your Personal Authorization Code is: 482913",)"
              R"("validity":600})");
}

TEST(MessageBirdText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.id = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    for (const std::string_view pointer : {"/recipients/0", "/originator", "/body", "/reference"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile) << pointer;
    EXPECT_FALSE(json_scalar_at(text, "/recipients/1").has_value());
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, options())));
}

TEST(MessageBirdText, BaseUrl) {
    Options with = options();
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/messages");
    EXPECT_EQ(build(call_message(), with).url.view(), "http://127.0.0.1:8080/voicemessages");
}

TEST(MessageBirdText, ValidityIsTheRemainingLife) {
    OutboundMessage message = text_message();
    const auto validity = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, options()), "/validity").value_or("");
    };
    EXPECT_EQ(validity(-1s), "1");
    EXPECT_EQ(validity(0s), "1");
    EXPECT_EQ(validity(1s), "1");
    EXPECT_EQ(validity(172'799s), "172799");
    EXPECT_EQ(validity(172'800s), "172800");
    EXPECT_EQ(validity(172'801s), "172800");
}

TEST(MessageBirdText, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
    EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
    message.sender = "MyShop";
    EXPECT_EQ(json_scalar_at(body(message, options()), "/originator"), "MyShop");
}

TEST(MessageBirdCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://rest.messagebird.com/voicemessages");
    EXPECT_EQ(headers_of(request)[2], "Authorization: AccessKey live_KEY-0123456789abcdef");
    EXPECT_EQ(request.body.view(),
              R"({"recipients":["14155550123"],"originator":"15550100",)"
              R"("reference":"018f0000-0000-7000-8000-000000000001",)"
              R"("body":"Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3.",)"
              R"("repeat":1,"ifMachine":"continue"})");
}

TEST(MessageBirdCall, VoiceAndLanguage) {
    Options with = options();
    OutboundMessage message = call_message();
    message.locale = "de_AT";
    EXPECT_EQ(json_scalar_at(body(message, with), "/language"), "de-de");
    message.locale = "en";
    EXPECT_EQ(json_scalar_at(body(message, with), "/language"), "en-us");
    EXPECT_FALSE(json_scalar_at(body(message, with), "/voice").has_value());
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(body(message, with).find("language"), std::string::npos) << locale;
    }
    with.set("say_language", "en-AU");
    with.set("say_voice", "male");
    EXPECT_EQ(json_scalar_at(body(message, with), "/language"), "en-au");
    EXPECT_EQ(json_scalar_at(body(message, with), "/voice"), "male");
}

TEST(MessageBirdCall, HostileFieldsBringNoInstructionToTheVoice) {
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(json_scalar_at(text, "/recipients/0"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/originator"), number.substr(1));
    EXPECT_EQ(json_scalar_at(text, "/body"), "é😀&=+%\"  '\\/\r\n\t{}${1+1}%{call.from}#;?");
}

TEST(MessageBirdCall, NeedsANumberToCallFrom) {
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, options()); }).sqlstate(), "55000");
    }
}

TEST(MessageBird, Options) {
    EXPECT_NO_THROW(check_complete(messagebird_provider, options()));
    EXPECT_STREQ(error_of([] { check_complete(messagebird_provider, Options{}); }).sqlstate(),
                 "55000");
    const auto check = [](std::string_view name, std::string_view value) {
        check_option(messagebird_provider,
                     name == "access_key" ? OptionPlace::user_mapping : OptionPlace::server, name,
                     value);
    };
    EXPECT_NO_THROW(check("say_voice", "male"));
    EXPECT_NO_THROW(check("say_voice", "female"));
    EXPECT_NO_THROW(check("say_language", "de-de"));
    for (const auto &[name, value] :
         {std::pair{"say_voice", "Polly"}, std::pair{"say_voice", ""},
          std::pair{"say_language", "de de"}, std::pair{"base_url", "http://example.com"},
          std::pair{"access_key", "a\nb"}, std::pair{"access_key", ""}})
        EXPECT_STREQ(error_of([&] { check(name, value); }).sqlstate(), "HV024") << name;
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return messagebird_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

std::string made(std::string_view id, std::string_view recipients) {
    return R"({"id":")" + std::string(id) + R"(","body":"482913","recipients":)" +
           std::string(recipients) + "}";
}

constexpr std::string_view one_sent =
    R"({"totalCount":1,"totalSentCount":1,"items":[{"recipient":14155550123,"status":"sent"}]})";

TEST(MessageBirdAnswer, Accepted) {
    for (const OutboundMessage &message : {text_message(), call_message()}) {
        const Outcome outcome = read(message, 201, made("f28bbe526fc1", one_sent));
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "f28bbe526fc1");
        EXPECT_EQ(outcome.error, "");
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
}

TEST(MessageBirdAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "x-482913", "14155550123", "a b", "a\\u0000"}) {
        const Outcome outcome = read_text(201, made(id, one_sent));
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(MessageBirdAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>", "{}", "[]", R"({"id":"x"})", R"({"id":"x","recipients":{}})",
          R"({"id":"x","recipients":{"totalSentCount":null}})",
          R"({"id":"x","recipients":{"totalSentCount":"many"}})",
          R"({"id":"x","recipients":{"totalSentCount":-1}})",
          R"({"recipients":{"totalSentCount":1}})",
          R"({"id":"","recipients":{"totalSentCount":1}})",
          R"({"id":"x","recipients":{"totalSentCount":1})"}) {
        const Outcome outcome = read_text(201, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 201")) << outcome.error;
        EXPECT_EQ(outcome.message_id, "");
    }
}

TEST(MessageBirdAnswer, NobodyWasSentTo) {
    const auto of = [](std::string_view items) {
        return read_text(201,
                         made("x", R"({"totalSentCount":0,"items":)" + std::string(items) + "}"));
    };
    Outcome outcome = of("[]");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 201");
    outcome = of(R"([{"status":"delivery_failed","statusErrorCode":9}])");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 201, provider code 9"); // another list of codes
    outcome = of(R"([{"status":"delivery_failed","statusErrorCode":482913}])");
    EXPECT_EQ(outcome.error, "HTTP 201");
    for (const std::string_view word : {"scheduled", "buffered", "sent", "delivered", "new word"})
        EXPECT_EQ(of(R"([{"status":")" + std::string(word) + R"("}])").verdict, Verdict::unknown);
}

TEST(MessageBirdAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text :
         {"", "{}", "<html>", R"({"errors":[]})", R"({"errors":{"code":2}})",
          R"({"errors":[{"code":{}}]})", R"({"errors":[{"code":null}]})"}) {
        for (const long status :
             {302L, 400L, 401L, 404L, 408L, 422L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read_text(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

TEST(MessageBirdAnswer, EveryDocumentedCodeDecides) {
    for (const long status : {401L, 404L, 422L, 429L, 500L, 503L}) {
        for (const std::string code : {"2", "9", "10", "20", "21", "25", "98", "99"}) {
            const Outcome outcome =
                read_text(status, R"({"errors":[{"code":)" + code +
                                      R"(,"description":"482913","parameter":"body"}]})");
            EXPECT_EQ(outcome.verdict, code == "99" ? Verdict::unknown : Verdict::refused) << code;
            EXPECT_TRUE(outcome.error.starts_with("HTTP " + std::to_string(status) +
                                                  ", provider code " + code + ": "))
                << outcome.error;
            EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        }
    }
    EXPECT_EQ(read_text(422, R"({"errors":[{"code":99}]})").service, Service::down);
    EXPECT_EQ(read_text(422, R"({"errors":[{"code":25}]})").service, Service::up);
    EXPECT_EQ(read_text(422, R"({"errors":[{"code":25}]})").error,
              "HTTP 422, provider code 25: not enough balance");
}

TEST(MessageBirdAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    EXPECT_EQ(read_text(422, R"({"errors":[{"code":101}]})").error, "HTTP 422, provider code 101");
    for (const std::string_view code : {"482913", "E-482913", "+14155550123", "a b", "<b>", "é"})
        EXPECT_EQ(read_text(422, R"({"errors":[{"code":")" + std::string(code) + R"("}]})").error,
                  "HTTP 422")
            << code;
}

// --- look-ups

TEST(MessageBirdLookup, Request) {
    HttpRequest request = messagebird_provider.build_lookup({Channel::sms, "f28b", {}}, options());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://rest.messagebird.com/messages/f28b");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{"Accept: application/json",
                                        "Authorization: AccessKey live_KEY-0123456789abcdef"}));
    EXPECT_TRUE(request.body.empty());
    request = messagebird_provider.build_lookup({Channel::voice, hostile, {}}, options());
    EXPECT_EQ(request.url.view(), "https://rest.messagebird.com/voicemessages/" +
                                      std::string(test::hostile_percent_encoded));
}

Receipt look(Channel channel, std::string_view state, std::string_view code = "null",
             long status = 200) {
    const std::string text = R"({"id":"x","recipients":{"items":[{"status":")" +
                             std::string(state) + R"(","statusErrorCode":)" + std::string(code) +
                             "}]}}";
    return messagebird_provider.read_lookup(channel, {status, text, {}},
                                            {"+14155550123", "482913", "text"});
}

TEST(MessageBirdLookup, StatesOfTexts) {
    for (const std::string_view word :
         {"scheduled", "sent", "buffered", "answered", "machine", "?"})
        EXPECT_EQ(look(Channel::sms, word).state, DeliveryState::pending) << word;
    EXPECT_EQ(look(Channel::sms, "delivered").state, DeliveryState::delivered);
    EXPECT_EQ(look(Channel::sms, "expired").state, DeliveryState::undelivered);
    EXPECT_EQ(look(Channel::sms, "expired").error, "provider code expired");
    EXPECT_EQ(look(Channel::sms, "delivery_failed", "9").state, DeliveryState::undelivered);
    EXPECT_EQ(look(Channel::sms, "delivery_failed", "9").error, "provider code 9");
    EXPECT_EQ(look(Channel::sms, "delivery_failed", "482913").error,
              "provider code delivery_failed");
    EXPECT_EQ(look(Channel::sms, "delivered", "null", 404).state, DeliveryState::pending);
}

TEST(MessageBirdLookup, StatesOfCalls) {
    EXPECT_EQ(look(Channel::voice, "calling").state, DeliveryState::pending);
    EXPECT_EQ(look(Channel::voice, "answered").state, DeliveryState::delivered);
    EXPECT_EQ(look(Channel::voice, "answered").error, "");
    EXPECT_EQ(look(Channel::voice, "answered", "null", 500).state, DeliveryState::pending);
    for (const std::string word : {"failed", "busy", "machine"}) {
        EXPECT_EQ(look(Channel::voice, word).state, DeliveryState::undelivered) << word;
        EXPECT_EQ(look(Channel::voice, word).error, "provider code " + word);
    }
}

TEST(MessageBirdLookup, Garbage) {
    for (const std::string_view text : {"", "<html>", "{}", R"({"recipients":[]})",
                                        R"({"recipients":{"items":[{"status":{}}]}})"})
        for (const Channel channel : {Channel::sms, Channel::voice})
            EXPECT_EQ(
                messagebird_provider.read_lookup(channel, {200, std::string(text), {}}, {}).state,
                DeliveryState::pending);
}

// --- memory

TEST(MessageBird, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    for (const std::string_view marker :
         {"482913", "4, 8, 2, 9, 1, 3", "4155550123", "live_KEY-0123456789abcdef"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
