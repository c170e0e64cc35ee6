#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "core/http.hpp"
#include "core/providers/providers.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::call_message;
using test::headers_of;
using test::text_message;

Options options() {
    Options options;
    options.set("account_sid", "AC0123456789abcdef0123456789abcdef");
    options.set("auth_token", "0a1b2c3d4e");
    return options;
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return twilio_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

TEST(TwilioAnswer, Accepted) {
    for (const OutboundMessage &message : {text_message(), call_message()}) {
        const Outcome outcome = read(
            message, 201, R"({"sid":"SM1","status":"queued","error_code":null,"body":"482913"})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.service, Service::up);
        EXPECT_EQ(outcome.message_id, "SM1");
        EXPECT_EQ(outcome.error, "");
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
    for (const std::string status : {"accepted", "scheduled", "sending", "sent", "delivered"})
        EXPECT_EQ(read_text(201, R"({"sid":"SM1","status":")" + status + R"("})").message_id,
                  "SM1");
}

TEST(TwilioAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "SM-482913", "14155550123", "a b", "a\\u0000",
                                      "Your Personal Authorization Code is: 482913"}) {
        const Outcome outcome = read_text(201, R"({"sid":")" + std::string(id) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(TwilioAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", "null", R"({"sid":""})", R"({"sid":{}})",
          R"({"sid":["x"]})", R"({"id":"x"})", R"({"sid":null})", R"({"sid":"x")"}) {
        const Outcome outcome = read_text(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
    }
}

TEST(TwilioAnswer, AMessageThatHasFailedAlready) {
    Outcome outcome = read_text(201, R"({"sid":"x","status":"failed","error_code":30007})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 201, provider code 30007: filtered as spam");
    EXPECT_EQ(outcome.message_id, "");
    outcome = read_text(201, R"({"sid":"x","status":"undelivered","error_code":"30008"})");
    EXPECT_EQ(outcome.verdict, Verdict::retry);
    for (const std::string status : {"failed", "undelivered", "canceled"}) {
        outcome = read_text(201, R"({"sid":"x","error_code":null,"status":")" + status + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::refused) << status;
        EXPECT_EQ(outcome.error, "HTTP 201");
    }
}

TEST(TwilioAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text : {"", "{}", "<html>", R"({"code":""})", R"({"code":{}})"}) {
        for (const long status :
             {302L, 400L, 401L, 403L, 404L, 408L, 422L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read_text(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

TEST(TwilioAnswer, EveryDocumentedCodeDecides) {
    using Class = std::tuple<Verdict, Service, std::vector<std::string>>;
    for (const auto &[verdict, service, codes] :
         {Class{Verdict::refused,
                Service::up,
                {"10001", "20003", "20005", "20404", "21210", "21211", "21212", "21213",
                 "21214", "21215", "21216", "21217", "21219", "21265", "21266", "21267",
                 "21268", "21408", "21601", "21603", "21604", "21606", "21608", "21610",
                 "21612", "21614", "21616", "21617", "21635", "21659", "21660", "21661",
                 "21703", "21705", "30002", "30003", "30004", "30005", "30006", "30007",
                 "30010", "30023", "30032", "30034", "30450", "63038"}},
          Class{Verdict::retry, Service::up, {"30008"}},
          Class{Verdict::retry, Service::down, {"20503", "21730"}},
          Class{Verdict::retry,
                Service::throttled,
                {"10004", "20429", "21611", "30001", "30022", "63017"}}}) {
        for (const std::string &code : codes) {
            for (const std::string &text :
                 {R"({"code":)" + code + R"(,"message":"cannot send 482913","status":400})",
                  R"({"code":")" + code + R"("})"}) {
                const Outcome outcome = read_text(400, text);
                EXPECT_EQ(outcome.verdict, verdict) << code;
                EXPECT_EQ(outcome.service, service) << code;
                EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + code + ": "))
                    << outcome.error;
                EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
                EXPECT_EQ(outcome.retry_after.has_value(), verdict == Verdict::retry);
            }
        }
    }
    EXPECT_EQ(read_text(429, R"({"code":63038})").verdict, Verdict::refused);
    EXPECT_EQ(read_text(500, R"({"code":21211})").verdict, Verdict::refused);
    EXPECT_EQ(read_text(400, R"({"code":21610})").error,
              "HTTP 400, provider code 21610: recipient opted out");
}

TEST(TwilioAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    Outcome outcome = read_text(400, R"({"code":99999})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 400, provider code 99999");
    EXPECT_EQ(read_text(500, R"({"code":99999})").verdict, Verdict::unknown);
    for (const std::string_view code :
         {"482913", "E-482913", "+14155550123", "14155550123", "a b", "<b>", "a\\nb", "é",
          "123456789012345678901234567890123", "Your Personal Authorization Code is: 482913"}) {
        outcome = read_text(400, R"({"code":")" + std::string(code) + R"("})");
        EXPECT_EQ(outcome.error, "HTTP 400") << code;
    }
}

// --- look-ups

TEST(TwilioLookup, Requests) {
    const HttpRequest text =
        twilio_provider.build_lookup({Channel::sms, "SM/../1 ?", {}}, options());
    EXPECT_EQ(text.method, "GET");
    EXPECT_EQ(text.url.view(),
              "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/"
              "Messages/SM%2F..%2F1%20%3F.json");
    EXPECT_EQ(headers_of(text)[0], "Accept: application/json");
    EXPECT_TRUE(headers_of(text)[1].starts_with("Authorization: Basic QUMw"));
    EXPECT_TRUE(text.body.empty());
    EXPECT_EQ(twilio_provider.build_lookup({Channel::voice, "CA1", {}}, options()).url.view(),
              "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/"
              "Calls/CA1.json");
}

Receipt look(Channel channel, long status, const std::string &text) {
    const OutboundMessage message = text_message();
    return twilio_provider.read_lookup(channel, {status, text, {}},
                                       {message.recipient, message.code, message.text});
}

TEST(TwilioLookup, EveryState) {
    const auto state = [](const std::string &word) {
        return look(Channel::sms, 200, R"({"sid":"SM1","status":")" + word + R"("})").state;
    };
    for (const std::string word :
         {"accepted", "scheduled", "queued", "sending", "sent", "receiving", "received",
          "partially_delivered", "ringing", "in-progress", "nonsense", ""})
        EXPECT_EQ(state(word), DeliveryState::pending) << word;
    for (const std::string word : {"delivered", "read", "completed"})
        EXPECT_EQ(state(word), DeliveryState::delivered) << word;
    for (const std::string word : {"undelivered", "failed", "canceled", "busy", "no-answer"})
        EXPECT_EQ(state(word), DeliveryState::undelivered) << word;
}

TEST(TwilioLookup, SaysWhy) {
    EXPECT_EQ(look(Channel::sms, 200, R"({"status":"undelivered","error_code":30003})").error,
              "provider code 30003");
    EXPECT_EQ(look(Channel::sms, 200, R"({"status":"failed","error_code":null})").error,
              "provider code failed");
    EXPECT_EQ(look(Channel::voice, 200, R"({"status":"no-answer"})").error,
              "provider code no-answer");
    EXPECT_EQ(look(Channel::sms, 200, R"({"status":"failed","error_code":"482913"})").error,
              "provider code failed");
    EXPECT_EQ(look(Channel::sms, 200, R"({"status":"delivered","error_code":30003})").error, "");
}

TEST(TwilioLookup, WhatIsNoAnswerSaysNothing) {
    for (const std::string text : {"", "<html>", "[]", "{}", R"({"status":["failed"]})"})
        EXPECT_EQ(look(Channel::sms, 200, text).state, DeliveryState::pending);
    for (const long status : {302L, 401L, 404L, 429L, 500L})
        EXPECT_EQ(look(Channel::sms, status, R"({"status":"failed"})").state,
                  DeliveryState::pending);
}

} // namespace
} // namespace mfa::core
