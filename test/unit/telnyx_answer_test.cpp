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
    options.set("api_key", "KEY0123");
    options.set("account_sid", "61bf923e-5e4d-4595-a110-56190ea18a1b");
    options.set("application_sid", "1494404757140276705");
    return options;
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return telnyx_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

TEST(TelnyxAnswer, AcceptedText) {
    const Outcome outcome = read_text(
        200, R"({"data":{"id":"b0c7e8cb-6227","to":[{"status":"queued","phone_number":"+1"}],)"
             R"("errors":[],"text":"482913"}})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.service, Service::up);
    EXPECT_EQ(outcome.message_id, "b0c7e8cb-6227");
    EXPECT_EQ(outcome.error, "");
    EXPECT_FALSE(outcome.retry_after.has_value());
    EXPECT_EQ(read_text(200, R"({"data":{"id":"a"}})").message_id, "a");
}

TEST(TelnyxAnswer, AcceptedCallWithAndWithoutAnId) {
    Outcome outcome = read(call_message(), 200,
                           R"({"call_sid":"v3:KBnL-_0Z","from":"+1","to":"+1","status":"queued"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "v3:KBnL-_0Z");
    outcome = read(call_message(), 200, R"({"from":"+1","to":"+1","status":"queued"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "");
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(read(call_message(), 200, R"({"call_sid":"v3:1"})").message_id, "v3:1");
}

TEST(TelnyxAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "SM-482913", "14155550123", "a b", "a\\u0000"}) {
        Outcome outcome = read_text(200, R"({"data":{"id":")" + std::string(id) + R"("}})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
        outcome = read(call_message(), 200, R"({"call_sid":")" + std::string(id) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(TelnyxAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", "null", R"({"data":{"id":""}})",
          R"({"data":{"id":{}}})", R"({"data":[{"id":"x"}]})", R"({"id":"x"})",
          R"({"data":{"id":"x"})"}) {
        for (const OutboundMessage &message : {text_message(), call_message()}) {
            const Outcome outcome = read(message, 200, text);
            EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
            EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
        }
    }
    EXPECT_EQ(read_text(200, R"({"call_sid":"x","status":"queued"})").verdict, Verdict::unknown);
    EXPECT_EQ(read(call_message(), 200, R"({"data":{"id":"x"}})").verdict, Verdict::unknown);
}

TEST(TelnyxAnswer, WhatHasFailedAlready) {
    Outcome outcome = read_text(200, R"({"data":{"id":"x","to":[{"status":"sending_failed"}],)"
                                     R"("errors":[{"code":"40001","detail":"482913"}]}})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 200, provider code 40001: landline or not routable");
    EXPECT_EQ(outcome.message_id, "");
    outcome = read_text(200, R"({"data":{"id":"x","to":[{"status":"delivery_failed"}]}})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 200");
    outcome = read(call_message(), 200, R"({"call_sid":"x","status":"failed"})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
}

TEST(TelnyxAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text :
         {"", "{}", "<html>", R"({"errors":[]})", R"({"errors":[{"code":""}]})",
          R"({"errors":{"code":"x"}})", R"({"errors":[{"code":{}}]})"}) {
        for (const long status :
             {302L, 400L, 401L, 403L, 404L, 408L, 409L, 422L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read_text(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

TEST(TelnyxAnswer, EveryDocumentedCodeDecides) {
    using Class = std::tuple<Verdict, Service, std::vector<std::string>>;
    for (const auto &[verdict, service, codes] :
         {Class{Verdict::refused,
                Service::up,
                {"10002", "10004", "10005", "10009", "10010", "10015", "10016", "10027", "10039",
                 "20002", "20012", "20013", "20014", "20100", "40001", "40002", "40003", "40004",
                 "40005", "40008", "40009", "40010", "40012", "40013", "40014", "40015", "40016",
                 "40017", "40100", "40150", "40151", "40300", "40301", "40302", "40305", "40306",
                 "40309", "40310", "40312", "40314", "40315", "40316", "40319", "40320", "40321",
                 "40322", "40328", "40329", "40333"}},
          Class{Verdict::unknown, Service::down, {"10007", "10008"}},
          Class{Verdict::retry, Service::up, {"40006"}},
          Class{Verdict::retry, Service::throttled, {"10011", "40011", "40018", "40318"}}}) {
        for (const std::string &code : codes) {
            for (const std::string &text :
                 {R"({"errors":[{"code":")" + code + R"(","title":"x","detail":"482913"}]})",
                  R"({"errors":[{"code":)" + code + R"(},{"code":"40310"}]})"}) {
                const Outcome outcome = read_text(400, text);
                EXPECT_EQ(outcome.verdict, verdict) << code;
                EXPECT_EQ(outcome.service, service) << code;
                EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + code + ": "))
                    << outcome.error;
                EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
                EXPECT_EQ(outcome.retry_after.has_value(), verdict != Verdict::refused);
            }
        }
    }
    EXPECT_EQ(read_text(429, R"({"errors":[{"code":"40333"}]})").verdict, Verdict::refused);
    EXPECT_EQ(read_text(409, R"({"errors":[{"code":"40300"}]})").error,
              "HTTP 409, provider code 40300: recipient opted out");
    EXPECT_EQ(read(call_message(), 404, R"({"errors":[{"code":"10005"}]})").error,
              "HTTP 404, provider code 10005: account or resource not found");
}

TEST(TelnyxAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    Outcome outcome = read_text(422, R"({"errors":[{"code":"99999"}]})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 422, provider code 99999");
    EXPECT_EQ(read_text(500, R"({"errors":[{"code":"99999"}]})").verdict, Verdict::unknown);
    for (const std::string_view code :
         {"482913", "E-482913", "+14155550123", "14155550123", "a b", "<b>", "a\\nb", "é",
          "123456789012345678901234567890123", "Your Personal Authorization Code is: 482913"}) {
        outcome = read_text(400, R"({"errors":[{"code":")" + std::string(code) + R"("}]})");
        EXPECT_EQ(outcome.error, "HTTP 400") << code;
    }
}

// --- look-ups

TEST(TelnyxLookup, Requests) {
    const HttpRequest text =
        telnyx_provider.build_lookup({Channel::sms, "b0/../1 ?", {}}, options());
    EXPECT_EQ(text.method, "GET");
    EXPECT_EQ(text.url.view(), "https://api.telnyx.com/v2/messages/b0%2F..%2F1%20%3F");
    EXPECT_EQ(headers_of(text), (std::vector<std::string>{"Accept: application/json",
                                                          "Authorization: Bearer KEY0123"}));
    EXPECT_TRUE(text.body.empty());
    EXPECT_EQ(telnyx_provider.build_lookup({Channel::voice, "v3:a", {}}, options()).url.view(),
              "https://api.telnyx.com/v2/texml/Accounts/61bf923e-5e4d-4595-a110-56190ea18a1b/"
              "Calls/v3%3Aa");
}

Receipt look(Channel channel, long status, const std::string &text) {
    const OutboundMessage message = text_message();
    return telnyx_provider.read_lookup(channel, {status, text, {}},
                                       {message.recipient, message.code, message.text});
}

TEST(TelnyxLookup, EveryState) {
    const auto state = [](const std::string &word) {
        return look(Channel::sms, 200, R"({"data":{"to":[{"status":")" + word + R"("}]}})").state;
    };
    for (const std::string word :
         {"queued", "sending", "sent", "delivery_unconfirmed", "webhook_delivered", "x", ""})
        EXPECT_EQ(state(word), DeliveryState::pending) << word;
    EXPECT_EQ(state("delivered"), DeliveryState::delivered);
    for (const std::string word : {"sending_failed", "delivery_failed", "expired"})
        EXPECT_EQ(state(word), DeliveryState::undelivered) << word;

    const auto call = [](const std::string &word) {
        return look(Channel::voice, 200, R"({"sid":"v3:a","status":")" + word + R"("})").state;
    };
    for (const std::string word : {"queued", "initiated", "ringing", "in-progress", "x", ""})
        EXPECT_EQ(call(word), DeliveryState::pending) << word;
    EXPECT_EQ(call("completed"), DeliveryState::delivered);
    for (const std::string word : {"canceled", "failed", "busy", "no-answer"})
        EXPECT_EQ(call(word), DeliveryState::undelivered) << word;
}

TEST(TelnyxLookup, SaysWhy) {
    EXPECT_EQ(look(Channel::sms, 200,
                   R"({"data":{"to":[{"status":"delivery_failed"}],"errors":[{"code":"40008"}]}})")
                  .error,
              "provider code 40008");
    EXPECT_EQ(look(Channel::sms, 200, R"({"data":{"to":[{"status":"sending_failed"}]}})").error,
              "provider code sending_failed");
    EXPECT_EQ(look(Channel::sms, 200,
                   R"({"data":{"to":[{"status":"expired"}],"errors":[{"code":"482913"}]}})")
                  .error,
              "provider code expired");
    EXPECT_EQ(look(Channel::voice, 200, R"({"status":"busy"})").error, "provider code busy");
}

TEST(TelnyxLookup, WhatIsNoAnswerSaysNothing) {
    for (const Channel channel : {Channel::sms, Channel::voice}) {
        for (const std::string text : {"", "<html>", "[]", "{}", R"({"data":"failed"})",
                                       R"({"data":{"to":{"status":"expired"}}})"})
            EXPECT_EQ(look(channel, 200, text).state, DeliveryState::pending);
        for (const long status : {302L, 401L, 404L, 429L, 500L})
            EXPECT_EQ(
                look(channel, status, R"({"status":"failed","data":{"to":[{"status":"expired"}]}})")
                    .state,
                DeliveryState::pending);
    }
    EXPECT_EQ(look(Channel::sms, 200, R"({"status":"failed"})").state, DeliveryState::pending);
}

} // namespace
} // namespace mfa::core
