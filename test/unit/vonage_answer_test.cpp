#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "core/http.hpp"
#include "core/providers/providers.hpp"
#include "provider_helpers.hpp"
#include "vonage_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::account;
using test::call_id;
using test::call_message;
using test::everything;
using test::messages_by_account;
using test::text_message;

Outcome read(const OutboundMessage &message, const Options &with, long status,
             std::string_view text) {
    return vonage_provider.read(message, with, {status, std::string(text), 9s});
}

Outcome read_sms(long status, std::string_view text) {
    return read(text_message(), account(), status, text);
}

std::string sms_answer(std::string_view status, std::string_view id = "0A0000000123ABCD1") {
    return R"({"message-count":"1","messages":[{"to":"14155550123","message-id":")" +
           std::string(id) + R"(","status":")" + std::string(status) +
           R"(","error-text":"cannot send 482913","remaining-balance":"3.14"}]})";
}

TEST(VonageSmsAnswer, Accepted) {
    const Outcome outcome = read_sms(200, sms_answer("0"));
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "0A0000000123ABCD1");
    EXPECT_EQ(outcome.error, "");
    EXPECT_FALSE(outcome.retry_after.has_value());
    for (const std::string_view id : {"482913", "X-482913", "14155550123", "a b"}) {
        const Outcome echo = read_sms(200, sms_answer("0", id));
        EXPECT_EQ(echo.verdict, Verdict::accepted);
        EXPECT_EQ(echo.message_id, "") << id;
    }
    EXPECT_EQ(read_sms(200, sms_answer("0", "")).verdict, Verdict::unknown);
}

void expect_status(std::string_view status, Verdict verdict, Service service) {
    for (const std::string &text :
         {sms_answer(status),
          R"({"messages":[{"status":)" + std::string(status) + R"(,"error-text":"482913"}]})"}) {
        const Outcome outcome = read_sms(200, text);
        EXPECT_EQ(outcome.verdict, verdict) << status;
        EXPECT_EQ(outcome.service, service) << status;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 200, provider code " + std::string(status)))
            << outcome.error;
        EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        EXPECT_EQ(outcome.message_id, "");
        EXPECT_EQ(outcome.retry_after.has_value(), verdict != Verdict::refused);
    }
}

TEST(VonageSmsAnswer, TheStatusInTheBodyDecides) {
    for (const std::string_view status : {"1", "10"})
        expect_status(status, Verdict::retry, Service::throttled);
    expect_status("5", Verdict::retry, Service::down);
    for (const std::string_view status : {"2", "3", "4", "6", "7", "8", "9", "11", "12", "14", "15",
                                          "22", "23", "29", "32", "33", "99"})
        expect_status(status, Verdict::refused, Service::up);
    EXPECT_EQ(read_sms(200, sms_answer("4")).error,
              "HTTP 200, provider code 4: authentication failed");
    EXPECT_EQ(read_sms(200, sms_answer("99")).error, "HTTP 200, provider code 99");
    for (const std::string_view echo : {"482913", "14155550123", "a b"}) {
        EXPECT_EQ(read_sms(200, sms_answer(echo)).verdict, Verdict::refused);
        EXPECT_EQ(read_sms(200, sms_answer(echo)).error, "HTTP 200");
    }
}

TEST(VonageSmsAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", R"({"messages":[]})",
          R"({"messages":[{"message-id":"x"}]})", R"({"messages":[{"status":null}]})",
          R"({"messages":[{"status":{}}]})", R"({"message-id":"x","status":"0"})",
          R"({"messages":[{"status":"0","message-id":"x"}])"}) {
        const Outcome outcome = read_sms(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 200");
    }
    EXPECT_EQ(read_sms(200, R"({"messages":[{"status":"0"}]})").error,
              "HTTP 200, without a message id");
}

TEST(VonageSmsAnswer, OtherHttpStatuses) {
    for (const std::string &text : {std::string(), std::string("<html>"), sms_answer("0")}) {
        for (const long status : {302L, 401L, 404L, 408L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read_sms(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.message_id, "");
        }
    }
    EXPECT_EQ(read_sms(401, sms_answer("4")).error,
              "HTTP 401, provider code 4: authentication failed");
}

Outcome read_message(long status, std::string_view text) {
    return read(text_message(), messages_by_account(), status, text);
}

Outcome read_call(long status, std::string_view text) {
    return read(call_message(), everything(), status, text);
}

std::string problem(std::string_view code) {
    return R"({"type":"https://developer.vonage.com/api-errors/messages#)" + std::string(code) +
           R"(","title":"482913","detail":"to 14155550123","instance":"bf0ca0bf927b3b52e3cb"})";
}

TEST(VonageApiAnswer, Accepted) {
    Outcome outcome =
        read_message(202, R"({"message_uuid":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "aaaaaaaa-bbbb-cccc-dddd-0123456789ab");
    EXPECT_EQ(outcome.error, "");
    outcome = read_call(201, R"({"uuid":"63f61863-4a51-4f6b-86e1-46edebcf9356","status":"started",)"
                             R"("direction":"outbound","conversation_uuid":"CON-1"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, call_id);
    for (const std::string_view id : {"482913", "X-482913", "14155550123", "a b"}) {
        const std::string text(id);
        EXPECT_EQ(read_message(202, R"({"message_uuid":")" + text + R"("})").message_id, "");
        EXPECT_EQ(read_call(201, R"({"uuid":")" + text + R"("})").message_id, "");
        EXPECT_EQ(read_call(201, R"({"uuid":")" + text + R"("})").verdict, Verdict::accepted);
    }
}

TEST(VonageApiAnswer, ACallThatHasFailedAlready) {
    for (const std::string_view state :
         {"failed", "rejected", "busy", "cancelled", "timeout", "unanswered"}) {
        const Outcome outcome =
            read_call(201, R"({"uuid":"u","status":")" + std::string(state) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_EQ(outcome.error, "HTTP 201, provider code " + std::string(state));
    }
}

TEST(VonageApiAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", R"({"message_uuid":""})", R"({"uuid":null})",
          R"({"id":"x"})", R"({"messages":[{"status":"0","message-id":"x"}]})"}) {
        for (const Outcome &outcome : {read_message(202, text), read_call(201, text)}) {
            EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
            EXPECT_TRUE(outcome.error.ends_with(", without a message id"));
        }
    }
    EXPECT_EQ(read_message(202, R"({"uuid":"x"})").verdict, Verdict::unknown);
    EXPECT_EQ(read_call(201, R"({"message_uuid":"x"})").verdict, Verdict::unknown);
}

TEST(VonageApiAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text : {"", "{}", "<html>", R"({"type":""})", R"({"type":{}})",
                                        R"({"type":"https://developer.nexmo.com/api-errors"})"}) {
        for (const long status :
             {302L, 400L, 401L, 402L, 403L, 404L, 408L, 422L, 429L, 500L, 502L, 503L, 504L}) {
            for (const Outcome &outcome : {read_message(status, text), read_call(status, text)}) {
                EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
                EXPECT_EQ(outcome.service, classify_service(status)) << status;
                EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
                EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
            }
        }
    }
}

void expect_api_code(std::string_view code, Verdict verdict, Service service) {
    for (const Outcome &outcome :
         {read_message(422, problem(code)), read_call(400, problem(code))}) {
        EXPECT_EQ(outcome.verdict, verdict) << code;
        EXPECT_EQ(outcome.service, service) << code;
        EXPECT_NE(outcome.error.find(", provider code " + std::string(code) + ": "),
                  std::string::npos)
            << outcome.error;
        for (const std::string_view echo : {"482913", "14155550123"})
            EXPECT_EQ(outcome.error.find(echo), std::string::npos);
        EXPECT_EQ(outcome.retry_after.has_value(), verdict != Verdict::refused);
    }
}

TEST(VonageApiAnswer, EveryDocumentedCodeDecides) {
    expect_api_code("1000", Verdict::retry, Service::throttled);
    expect_api_code("1030", Verdict::retry, Service::down);
    for (const std::string_view code : {"1100", "1180", "1220", "1230", "1241"})
        expect_api_code(code, Verdict::retry, Service::up);
    expect_api_code("1330", Verdict::unknown, Service::up);
    for (const std::string_view code :
         {"unauthorized", "low-balance", "1010", "1020", "1040", "1050", "1060", "1070",
          "1080",         "1090",        "1110", "1120", "1130", "1140", "1160", "1170",
          "1190",         "1200",        "1210", "1240", "1250", "1260", "1280", "1290"})
        expect_api_code(code, Verdict::refused, Service::up);
    EXPECT_EQ(read_message(422, problem("1120")).error,
              "HTTP 422, provider code 1120: sender not usable");
}

TEST(VonageApiAnswer, TooManyRequestsWhateverTheTypeSays) {
    for (const Outcome &outcome :
         {read_message(429, problem("1010")), read_call(429, problem("throttled"))}) {
        EXPECT_EQ(outcome.verdict, Verdict::retry);
        EXPECT_EQ(outcome.service, Service::throttled);
        EXPECT_EQ(outcome.error, "HTTP 429");
        EXPECT_EQ(outcome.retry_after, 9s);
    }
}

TEST(VonageApiAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    EXPECT_EQ(read_call(403, problem("forbidden")).error, "HTTP 403, provider code forbidden");
    EXPECT_EQ(read_call(401, R"({"type":"UNAUTHORIZED"})").error,
              "HTTP 401, provider code UNAUTHORIZED");
    for (const std::string_view code : {"482913", "E-482913", "14155550123", "a b", "é", "",
                                        "Your Personal Authorization Code is: 482913"}) {
        const Outcome outcome = read_message(422, problem(code));
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_EQ(outcome.error, "HTTP 422") << code;
    }
}

// --- look-ups

Receipt look(long status, std::string_view text) {
    const OutboundMessage message = call_message();
    return vonage_provider.read_lookup(Channel::voice, {status, std::string(text), {}},
                                       {message.recipient, message.code, message.text});
}

TEST(VonageLookup, EveryState) {
    const auto state = [](std::string_view word) {
        return look(200, R"({"uuid":"u","to":{"number":"14155550123"},"status":")" +
                             std::string(word) + R"("})");
    };
    for (const std::string_view word : {"started", "ringing", "answered", "machine"}) {
        EXPECT_TRUE(parse_delivery_state(word).has_value()) << word;
        EXPECT_EQ(state(word).state, DeliveryState::pending) << word;
    }
    EXPECT_EQ(state("completed").state, DeliveryState::delivered);
    for (const std::string_view word :
         {"busy", "cancelled", "failed", "rejected", "timeout", "unanswered"}) {
        EXPECT_EQ(state(word).state, DeliveryState::undelivered) << word;
        EXPECT_EQ(state(word).error, "provider code " + std::string(word));
    }
    for (const std::string_view word : {"482913", "", "human"})
        EXPECT_EQ(state(word).state, DeliveryState::pending);
    for (const std::string_view text : {"", "<html>", "{}", R"({"status":{}})"})
        EXPECT_EQ(look(200, text).state, DeliveryState::pending);
    EXPECT_EQ(look(404, R"({"status":"failed"})").state, DeliveryState::pending);
}

} // namespace
} // namespace mfa::core
