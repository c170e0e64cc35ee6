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
    options.set("service_plan_id", "plan01");
    options.set("api_token", "TOKEN-0123456789abcdef");
    options.set("application_key", "appkey");
    options.set("application_secret", "app/secret/0123456789==");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return sinch_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

// --- requests

TEST(SinchText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://us.sms.api.sinch.com/xms/v1/plan01/batches");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{
                                       "Content-Type: application/json", "Accept: application/json",
                                       "Authorization: Bearer TOKEN-0123456789abcdef"}));
    EXPECT_EQ(request.body.view(), R"({"from":"+15550100","to":["+14155550123"],)"
                                   R"("body":"Your Personal Authorization Code is: 482913",)"
                                   R"("expire_at":"2027-01-15T08:10:00Z","delivery_report":"none",)"
                                   R"("client_reference":"018f0000-0000-7000-8000-000000000001"})");
}

TEST(SinchText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.id = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    for (const std::string_view pointer : {"/from", "/to/0", "/body", "/client_reference"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile) << pointer;
    EXPECT_FALSE(json_scalar_at(text, "/to/1").has_value());
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, options())));
}

TEST(SinchText, RegionAndBaseUrl) {
    Options with = options();
    for (const std::string region : {"us", "eu", "au", "br", "ca"}) {
        with.set("region", region);
        EXPECT_EQ(build(text_message(), with).url.view(),
                  "https://" + region + ".sms.api.sinch.com/xms/v1/plan01/batches");
        EXPECT_EQ(build(call_message(), with).url.view(),
                  "https://calling.api.sinch.com/calling/v1/callouts");
    }
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(text_message(), with).url.view(),
              "http://127.0.0.1:8080/xms/v1/plan01/batches");
    EXPECT_EQ(build(call_message(), with).url.view(), "http://127.0.0.1:8080/calling/v1/callouts");
}

TEST(SinchText, ExpiresWithTheCode) {
    OutboundMessage message = text_message();
    const auto expiry = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, options()), "/expire_at").value_or("");
    };
    EXPECT_EQ(expiry(-5s), "2027-01-15T08:01:00Z");
    EXPECT_EQ(expiry(0s), "2027-01-15T08:01:00Z");
    EXPECT_EQ(expiry(60s), "2027-01-15T08:01:00Z");
    EXPECT_EQ(expiry(61s), "2027-01-15T08:01:01Z");
    EXPECT_EQ(expiry(255'600s), "2027-01-18T07:00:00Z");
    EXPECT_EQ(expiry(255'601s), "2027-01-18T07:00:00Z");
    EXPECT_EQ(expiry(604'800s), "2027-01-18T07:00:00Z");
}

TEST(SinchText, WithoutASenderTheServicePlanHasOne) {
    OutboundMessage message = text_message();
    message.sender = "";
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(text.find("\"from\""), std::string::npos);
    EXPECT_EQ(json_scalar_at(text, "/to/0"), "+14155550123");
}

TEST(SinchCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://calling.api.sinch.com/calling/v1/callouts");
    EXPECT_EQ(headers_of(request)[2],
              "Authorization: Basic YXBwa2V5OmFwcC9zZWNyZXQvMDEyMzQ1Njc4OT09");
    EXPECT_EQ(request.body.view(),
              R"({"method":"ttsCallout","ttsCallout":{"cli":"+15550100",)"
              R"("destination":{"type":"number","endpoint":"+14155550123"},)"
              R"("text":"Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3."}})");
}

TEST(SinchCall, Language) {
    Options with = options();
    OutboundMessage message = call_message();
    message.locale = "de_AT";
    EXPECT_EQ(json_scalar_at(body(message, with), "/ttsCallout/locale"), "de-DE");
    message.locale = "ar";
    EXPECT_EQ(json_scalar_at(body(message, with), "/ttsCallout/locale"), "arb");
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_FALSE(json_scalar_at(body(message, with), "/ttsCallout/locale").has_value())
            << locale;
    }
    with.set("say_language", "Vicki");
    EXPECT_EQ(json_scalar_at(body(message, with), "/ttsCallout/locale"), "Vicki");
}

TEST(SinchCall, HostileFields) {
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(json_scalar_at(text, "/ttsCallout/destination/endpoint"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/ttsCallout/destination/type"), "number");
    EXPECT_EQ(json_scalar_at(text, "/ttsCallout/cli"), number);
    EXPECT_EQ(json_scalar_at(text, "/ttsCallout/text"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/method"), "ttsCallout");
}

TEST(SinchCall, NeedsANumberToCallFrom) {
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        const Error error = error_of([&] { build(message, options()); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_EQ(all_text(error).find("4, 8"), std::string::npos);
    }
}

TEST(Sinch, ServesCallsWithAnApplication) {
    Options with;
    with.set("service_plan_id", "plan01");
    with.set("api_token", "TOKEN-0123456789abcdef");
    EXPECT_TRUE(serves(sinch_provider, Channel::sms, with));
    EXPECT_FALSE(serves(sinch_provider, Channel::voice, with));
    EXPECT_FALSE(serves(sinch_provider, Channel::whatsapp, options()));
    EXPECT_NO_THROW(check_complete(sinch_provider, with));
    with.set("application_key", "appkey");
    EXPECT_FALSE(serves(sinch_provider, Channel::voice, with));
    with.set("application_secret_file", "/run/secret");
    EXPECT_TRUE(serves(sinch_provider, Channel::voice, with));
    EXPECT_NO_THROW(check_complete(sinch_provider, with));
    EXPECT_TRUE(serves(sinch_provider, Channel::voice, options()));
}

TEST(Sinch, HalfAnApplicationIsRefused) {
    for (const auto &[given, missing] : {std::pair{"application_key", "application_secret"},
                                         std::pair{"application_secret", "application_key"}}) {
        Options with;
        with.set("service_plan_id", "plan01");
        with.set("api_token", "TOKEN-0123456789abcdef");
        with.set(given, "hidden");
        const Error error = error_of([&] { check_complete(sinch_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(std::string(error.what()).find(missing), std::string::npos) << error.what();
        EXPECT_EQ(all_text(error).find("hidden"), std::string::npos);
    }
}

TEST(Sinch, Options) {
    for (const std::string_view missing : {"service_plan_id", "api_token"}) {
        Options with;
        for (const std::string_view name : {"service_plan_id", "api_token"})
            if (name != missing)
                with.set(name, "x");
        EXPECT_STREQ(error_of([&] { check_complete(sinch_provider, with); }).sqlstate(), "55000");
    }
    EXPECT_NO_THROW(check_option(sinch_provider, OptionPlace::server, "region", "eu"));
    for (const std::string_view value : {"", "US", "de", "us.example.com"})
        EXPECT_STREQ(error_of([&] {
                         check_option(sinch_provider, OptionPlace::server, "region", value);
                     }).sqlstate(),
                     "HV024");
    EXPECT_STREQ(error_of([&] {
                     check_option(sinch_provider, OptionPlace::server, "service_plan_id", "a/b");
                 }).sqlstate(),
                 "HV024");
    EXPECT_STREQ(error_of([&] {
                     check_option(sinch_provider, OptionPlace::server, "api_token", "a");
                 }).sqlstate(),
                 "HV00D");
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return sinch_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

Outcome read_call(long status, std::string_view text) { return read(call_message(), status, text); }

TEST(SinchAnswer, Accepted) {
    Outcome outcome = read_text(
        201, R"({"id":"01FC66621XXXXX","to":["14155550123"],"canceled":false,"body":"482913"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "01FC66621XXXXX");
    EXPECT_EQ(outcome.error, "");
    outcome = read_call(200, R"({"callId":"1e7b-2a"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "1e7b-2a");
}

TEST(SinchAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "x-482913", "14155550123", "a b", "a\\u0000"}) {
        EXPECT_EQ(read_text(201, R"({"id":")" + std::string(id) + R"("})").message_id, "") << id;
        const Outcome outcome = read_call(200, R"({"callId":")" + std::string(id) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(SinchAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text : {"", "<html>", "{}", "[]", R"({"id":""})", R"({"id":{}})",
                                        R"({"callId":null})", "{\"id\""})
        for (const OutboundMessage &message : {text_message(), call_message()}) {
            const Outcome outcome = read(message, 200, text);
            EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
            EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
        }
    EXPECT_EQ(read_text(201, R"({"callId":"x"})").verdict, Verdict::unknown);
    EXPECT_EQ(read_call(200, R"({"id":"x"})").verdict, Verdict::unknown);
}

TEST(SinchAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text : {"", "{}", "<html>", R"({"code":{}})", R"({"text":"x"})"}) {
        for (const long status :
             {302L, 400L, 401L, 402L, 403L, 404L, 408L, 429L, 502L, 503L, 504L}) {
            for (const OutboundMessage &message : {text_message(), call_message()}) {
                const Outcome outcome = read(message, status, text);
                EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
                EXPECT_EQ(outcome.service, classify_service(status)) << status;
                EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
                EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
            }
        }
    }
    // The SMS API says that it did not process the request; the Voice API says nothing.
    EXPECT_EQ(read_text(500, "").verdict, Verdict::retry);
    EXPECT_EQ(read_text(500, "").service, Service::down);
    EXPECT_EQ(read_call(500, "").verdict, Verdict::unknown);
}

TEST(SinchAnswer, EveryDocumentedCodeIsRefused) {
    for (const std::string code :
         {"syntax_invalid_json", "syntax_invalid_parameter_format", "syntax_constraint_violation",
          "unknown_group", "unknown_campaign", "missing_callback_url"}) {
        const Outcome outcome =
            read_text(403, R"({"code":")" + code + R"(","text":"482913 to +14155550123"})");
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_TRUE(outcome.error.starts_with("HTTP 403, provider code " + code + ": "))
            << outcome.error;
        EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
    for (const std::string code : {"40001", "40002", "40003", "40004", "40005"}) {
        const Outcome outcome =
            read_call(400, R"({"errorCode":)" + code + R"(,"message":"4, 8, 2","reference":"r"})");
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + code + ": "))
            << outcome.error;
        EXPECT_EQ(outcome.error.find("4, 8"), std::string::npos);
    }
    EXPECT_EQ(read_text(400, R"({"code":"syntax_invalid_parameter_format"})").error,
              "HTTP 400, provider code syntax_invalid_parameter_format: sender or recipient is "
              "malformed");
}

TEST(SinchAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    EXPECT_EQ(read_text(403, R"({"code":"new_code"})").error, "HTTP 403, provider code new_code");
    EXPECT_EQ(read_call(401, R"({"errorCode":"40100"})").error, "HTTP 401, provider code 40100");
    for (const std::string_view code : {"482913", "E-482913", "+14155550123", "a b", "<b>", "é"}) {
        EXPECT_EQ(read_text(400, R"({"code":")" + std::string(code) + R"("})").error, "HTTP 400");
        EXPECT_EQ(read_call(400, R"({"errorCode":")" + std::string(code) + R"("})").error,
                  "HTTP 400");
    }
}

// --- look-ups

TEST(SinchLookup, Request) {
    HttpRequest request = sinch_provider.build_lookup({Channel::sms, "01FC", {}}, options());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://us.sms.api.sinch.com/xms/v1/plan01/batches/01FC/"
                                  "delivery_report?type=summary");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{"Accept: application/json",
                                        "Authorization: Bearer TOKEN-0123456789abcdef"}));
    request = sinch_provider.build_lookup({Channel::voice, "c-1", {}}, options());
    EXPECT_EQ(request.url.view(), "https://calling.api.sinch.com/calling/v1/calls/id/c-1");
    EXPECT_EQ(headers_of(request)[1],
              "Authorization: Basic YXBwa2V5OmFwcC9zZWNyZXQvMDEyMzQ1Njc4OT09");
    const std::string encoded(test::hostile_percent_encoded);
    request = sinch_provider.build_lookup({Channel::sms, hostile, {}}, options());
    EXPECT_EQ(request.url.view(), "https://us.sms.api.sinch.com/xms/v1/plan01/batches/" + encoded +
                                      "/delivery_report?type=summary");
    request = sinch_provider.build_lookup({Channel::voice, hostile, {}}, options());
    EXPECT_EQ(request.url.view(), "https://calling.api.sinch.com/calling/v1/calls/id/" + encoded);
}

Receipt look(Channel channel, std::string_view text, long status = 200) {
    return sinch_provider.read_lookup(channel, {status, std::string(text), {}},
                                      {"+14155550123", "482913", "text"});
}

std::string report(const std::string &state, const std::string &code) {
    return R"({"batch_id":"x","statuses":[{"code":)" + code + R"(,"count":1,"status":")" + state +
           R"("}],"total_message_count":1})";
}

TEST(SinchLookup, StatesOfTexts) {
    for (const std::string word : {"Queued", "Dispatched", "Unknown", "Other"})
        EXPECT_EQ(look(Channel::sms, report(word, "400")).state, DeliveryState::pending) << word;
    EXPECT_EQ(look(Channel::sms, report("Delivered", "0")).state, DeliveryState::delivered);
    EXPECT_EQ(look(Channel::sms, report("Delivered", "0"), 404).state, DeliveryState::pending);
    for (const std::string word :
         {"Aborted", "Cancelled", "Failed", "Expired", "Rejected", "Deleted"}) {
        EXPECT_EQ(look(Channel::sms, report(word, "402")).state, DeliveryState::undelivered)
            << word;
        EXPECT_EQ(look(Channel::sms, report(word, "402")).error, "provider code 402");
        EXPECT_EQ(look(Channel::sms, report(word, "482913")).error, "provider code " + word);
    }
}

std::string call(const std::string &status, const std::string &result, const std::string &reason) {
    return R"({"callId":"x","status":")" + status + R"(","result":")" + result + R"(","reason":")" +
           reason + R"("})";
}

TEST(SinchLookup, StatesOfCalls) {
    for (const std::string result : {"N/A", "ANSWERED", "BUSY", "NOANSWER", "FAILED"})
        EXPECT_EQ(look(Channel::voice, call("ONGOING", result, "N/A")).state,
                  DeliveryState::pending);
    EXPECT_EQ(look(Channel::voice, call("FINAL", "N/A", "N/A")).state, DeliveryState::pending);
    const Receipt answered = look(Channel::voice, call("FINAL", "ANSWERED", "CALLEEHANGUP"));
    EXPECT_EQ(answered.state, DeliveryState::delivered);
    EXPECT_EQ(answered.error, "");
    EXPECT_EQ(look(Channel::voice, call("FINAL", "ANSWERED", "N/A"), 500).state,
              DeliveryState::pending);
    for (const std::string result : {"BUSY", "NOANSWER", "FAILED"}) {
        const Receipt receipt = look(Channel::voice, call("FINAL", result, "N/A"));
        EXPECT_EQ(receipt.state, DeliveryState::undelivered) << result;
        EXPECT_EQ(receipt.error, "provider code " + result);
    }
    EXPECT_EQ(look(Channel::voice, call("FINAL", "FAILED", "NOCREDITPARTNER")).error,
              "provider code NOCREDITPARTNER");
}

TEST(SinchLookup, Garbage) {
    for (const std::string_view text :
         {"", "<html>", "{}", R"({"statuses":[]})", R"({"statuses":[{"status":{}}]})",
          R"({"status":"FINAL"})", R"({"status":"FINAL","result":[]})"})
        for (const Channel channel : {Channel::sms, Channel::voice})
            EXPECT_EQ(look(channel, text).state, DeliveryState::pending) << text;
}

// --- memory

TEST(Sinch, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    for (const std::string_view marker :
         {"482913", "4, 8, 2, 9, 1, 3", "4155550123", "TOKEN-0123456789abcdef",
          "app/secret/0123456789==", "YXBwa2V5OmFwcC9zZWNyZXQvMDEyMzQ1Njc4OT09"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
