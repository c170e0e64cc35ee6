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
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

Options server_options() {
    Options options;
    options.set("account_id", "9900000");
    options.set("application_id", "93de2206-9669-4e07-948d-329f4b722ee2");
    return options;
}

Options options() {
    Options options = server_options();
    options.set("username", "jdoe");
    options.set("password", "correct-horse-battery");
    return options;
}

Options token_options() {
    Options options = server_options();
    options.set("access_token", "eyJ0eXAiOiJKV1QiLCJhbGc.tok-en");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return bandwidth_provider.build(message, with);
}

std::string body(const OutboundMessage &message) {
    return std::string(build(message, options()).body.view());
}

// --- requests

TEST(Bandwidth, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://messaging.bandwidth.com/api/v2/users/9900000/messages");
    EXPECT_EQ(
        headers_of(request),
        (std::vector<std::string>{"Content-Type: application/json", "Accept: application/json",
                                  "Authorization: Basic amRvZTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk="}));
    EXPECT_EQ(request.body.view(),
              R"({"applicationId":"93de2206-9669-4e07-948d-329f4b722ee2","to":["+14155550123"],)"
              R"("from":"+15550100","text":"Your Personal Authorization Code is: 482913",)"
              R"("tag":"018f0000-0000-7000-8000-000000000001","priority":"high",)"
              R"("expiration":"2027-01-15T08:10:00Z"})");
}

TEST(Bandwidth, AccessTokenInsteadOfAPassword) {
    EXPECT_EQ(headers_of(build(text_message(), token_options()))[2],
              "Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGc.tok-en");
    EXPECT_EQ(
        headers_of(bandwidth_provider.build_lookup({Channel::sms, "x", {}}, token_options()))[1],
        "Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGc.tok-en");
}

TEST(Bandwidth, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.id = hostile;
    const std::string text = body(message);
    ASSERT_TRUE(is_json(text)) << text;
    for (const std::string_view pointer : {"/to/0", "/from", "/text", "/tag"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile) << pointer;
    EXPECT_FALSE(json_scalar_at(text, "/to/1").has_value());
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message)));
}

TEST(Bandwidth, BaseUrl) {
    Options with = options();
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(text_message(), with).url.view(),
              "http://127.0.0.1:8080/api/v2/users/9900000/messages");
}

TEST(Bandwidth, ExpiresWithTheCode) {
    OutboundMessage message = text_message();
    const auto expiry = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message), "/expiration").value_or("");
    };
    EXPECT_EQ(expiry(-5s), "2027-01-15T08:01:00Z");
    EXPECT_EQ(expiry(59s), "2027-01-15T08:01:00Z");
    EXPECT_EQ(expiry(61s), "2027-01-15T08:01:01Z");
    EXPECT_EQ(expiry(604'800s), "2027-01-22T08:00:00Z");
    EXPECT_EQ(expiry(604'801s), "2027-01-22T08:00:00Z");
}

TEST(Bandwidth, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
    EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
}

TEST(Bandwidth, ServesTextsOnly) {
    EXPECT_TRUE(serves(bandwidth_provider, Channel::sms, options()));
    EXPECT_FALSE(serves(bandwidth_provider, Channel::voice, options()));
}

TEST(Bandwidth, OneKindOfCredentials) {
    const auto refused = [](std::initializer_list<std::string_view> names) {
        Options with = server_options();
        for (const std::string_view name : names)
            with.set(name, "hidden");
        const Error error = error_of([&] { check_complete(bandwidth_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_EQ(all_text(error).find("hidden"), std::string::npos);
        return std::string(error.what());
    };
    EXPECT_NO_THROW(check_complete(bandwidth_provider, options()));
    EXPECT_NO_THROW(check_complete(bandwidth_provider, token_options()));
    Options with = server_options();
    with.set("access_token_file", "/run/token");
    EXPECT_NO_THROW(check_complete(bandwidth_provider, with));
    EXPECT_NE(refused({}).find("\"username\""), std::string::npos);
    EXPECT_NE(refused({"username"}).find("\"password\""), std::string::npos);
    EXPECT_NE(refused({"password"}).find("\"username\""), std::string::npos);
    EXPECT_NE(refused({"password_file"}).find("\"username\""), std::string::npos);
    EXPECT_NE(refused({"access_token", "username"}).find("excludes"), std::string::npos);
    EXPECT_NE(refused({"access_token", "password"}).find("excludes"), std::string::npos);
    EXPECT_NE(refused({"access_token", "username", "password"}).find("excludes"),
              std::string::npos);
}

TEST(Bandwidth, Options) {
    for (const std::string_view missing : {"account_id", "application_id"}) {
        Options with;
        with.set("username", "jdoe");
        with.set("password", "x");
        with.set(missing == "account_id" ? "application_id" : "account_id", "x");
        EXPECT_STREQ(error_of([&] { check_complete(bandwidth_provider, with); }).sqlstate(),
                     "55000");
    }
    for (const std::string_view name : {"account_id", "application_id"})
        EXPECT_STREQ(error_of([&] {
                         check_option(bandwidth_provider, OptionPlace::server, name, "9/../8");
                     }).sqlstate(),
                     "HV024");
}

// --- answers

Outcome read(long status, std::string_view text) {
    return bandwidth_provider.read(text_message(), options(), {status, std::string(text), 9s});
}

TEST(BandwidthAnswer, Accepted) {
    const Outcome outcome =
        read(202, R"({"id":"1589228074636lm4k2je7j7jklbn2","text":"482913","to":["+1"]})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "1589228074636lm4k2je7j7jklbn2");
    EXPECT_EQ(outcome.error, "");
    EXPECT_FALSE(outcome.retry_after.has_value());
}

TEST(BandwidthAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "x-482913", "14155550123", "a b", "a\\u0000"}) {
        const Outcome outcome = read(202, R"({"id":")" + std::string(id) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(BandwidthAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text : {"", "<html>", "{}", "[]", R"({"id":""})", R"({"id":{}})",
                                        R"({"messageId":"x"})", "{\"id"}) {
        const Outcome outcome = read(202, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 202, without a message id");
    }
}

TEST(BandwidthAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text :
         {"", "{}", "<html>", R"({"type":""})", R"({"type":{}})", R"({"error":"Not Found"})"}) {
        for (const long status :
             {302L, 400L, 401L, 403L, 404L, 406L, 408L, 415L, 429L, 502L, 503L, 504L}) {
            const Outcome outcome = read(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
        // Documented: nothing was sent.
        EXPECT_EQ(read(500, text).verdict, Verdict::retry);
        EXPECT_EQ(read(500, text).service, Service::down);
    }
}

TEST(BandwidthAnswer, EveryDocumentedTypeDecides) {
    for (const std::string code :
         {"request-validation", "unauthorized", "forbidden", "unsupported-content-type"}) {
        const Outcome outcome = read(400, R"({"type":")" + code +
                                              R"(","description":"482913 to +14155550123",)"
                                              R"("fieldErrors":[{"fieldName":"to"}]})");
        EXPECT_EQ(outcome.verdict, Verdict::refused) << code;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + code + ": "))
            << outcome.error;
        EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
    for (const std::string code : {"max-message-queue-size-exceeded", "rate_limit_exceeded"}) {
        for (const long status : {403L, 429L}) {
            const Outcome outcome = read(status, R"({"type":")" + code + R"("})");
            EXPECT_EQ(outcome.verdict, Verdict::retry) << code;
            EXPECT_EQ(outcome.service, Service::throttled) << code;
            EXPECT_EQ(outcome.retry_after, 9s);
        }
    }
    EXPECT_EQ(read(429, R"({"type":"max-message-queue-size-exceeded"})").error,
              "HTTP 429, provider code max-message-queue-size-exceeded: account's queue is full");
}

TEST(BandwidthAnswer, OtherTypesAreNamedIfTheyAreCodes) {
    EXPECT_EQ(read(400, R"({"type":"validation"})").error, "HTTP 400, provider code validation");
    for (const std::string_view code : {"482913", "E-482913", "+14155550123", "a b", "<b>", "é"})
        EXPECT_EQ(read(400, R"({"type":")" + std::string(code) + R"("})").error, "HTTP 400")
            << code;
}

// --- look-ups

TEST(BandwidthLookup, Request) {
    HttpRequest request = bandwidth_provider.build_lookup({Channel::sms, "158lm4k", {}}, options());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(),
              "https://messaging.bandwidth.com/api/v2/users/9900000/messages?messageId=158lm4k");
    EXPECT_EQ(
        headers_of(request),
        (std::vector<std::string>{"Accept: application/json",
                                  "Authorization: Basic amRvZTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk="}));
    request = bandwidth_provider.build_lookup({Channel::sms, hostile, {}}, options());
    EXPECT_EQ(request.url.view(),
              "https://messaging.bandwidth.com/api/v2/users/9900000/messages?messageId=" +
                  std::string(test::hostile_percent_encoded));
}

Receipt look(const std::string &text, long status = 200) {
    return bandwidth_provider.read_lookup(Channel::sms, {status, text, {}},
                                          {"+14155550123", "482913", "text"});
}

std::string list(const std::string &state, const std::string &code) {
    return R"({"totalCount":1,"messages":[{"messageId":"x","messageStatus":")" + state +
           R"(","errorCode":)" + code + "}]}";
}

TEST(BandwidthLookup, States) {
    for (const std::string word : {"RECEIVED", "QUEUED", "SENDING", "SENT", "ACCEPTED", "OTHER"})
        EXPECT_EQ(look(list(word, "0")).state, DeliveryState::pending) << word;
    EXPECT_EQ(look(list("DELIVERED", "0")).state, DeliveryState::delivered);
    EXPECT_EQ(look(list("DELIVERED", "0")).error, "");
    EXPECT_EQ(look(list("DELIVERED", "0"), 429).state, DeliveryState::pending);
    for (const std::string word : {"FAILED", "UNDELIVERED"}) {
        EXPECT_EQ(look(list(word, "4720")).state, DeliveryState::undelivered) << word;
        EXPECT_EQ(look(list(word, "4720")).error, "provider code 4720");
        EXPECT_EQ(look(list(word, "482913")).error, "provider code " + word);
    }
    for (const std::string text :
         {"", "<html>", "{}", R"({"messages":[]})", R"({"messages":[{"messageStatus":{}}]})"})
        EXPECT_EQ(look(text).state, DeliveryState::pending) << text;
}

// --- memory

TEST(Bandwidth, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    const Options with_token = token_options();
    for (const std::string_view marker :
         {"482913", "4155550123", "correct-horse-battery",
          "amRvZTpjb3JyZWN0LWhvcnNlLWJhdHRlcnk=", "eyJ0eXAiOiJKV1QiLCJhbGc.tok-en"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(text_message(), with_token);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
