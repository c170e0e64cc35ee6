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
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

Options options() {
    Options options;
    options.set("auth_id", "MAXXXXXXXXXXXXXXXXXX");
    options.set("auth_token", "T0ken");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return plivo_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

std::string field(const std::string &json, std::string_view pointer) {
    return json_scalar_at(json, pointer).value_or("(none)");
}

// --- requests

TEST(PlivoText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.plivo.com/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/");
    EXPECT_EQ(
        headers_of(request),
        (std::vector<std::string>{"Content-Type: application/json", "Accept: application/json",
                                  "Authorization: Basic TUFYWFhYWFhYWFhYWFhYWFhYWFg6VDBrZW4="}));
    EXPECT_EQ(request.body.view(),
              R"({"src":"15550100","dst":"14155550123",)"
              R"("text":"Your Personal Authorization Code is: 482913","log":false,)"
              R"("message_expiry":600})");
}

TEST(PlivoText, HostileFieldsStayStrings) {
    Options with = options();
    with.set("auth_id", hostile);
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    HttpRequest request = build(message, with);
    EXPECT_EQ(request.url.view(), "https://api.plivo.com/v1/Account/" +
                                      std::string(test::hostile_percent_encoded) + "/Message/");
    std::string json(request.body.view());
    ASSERT_TRUE(is_json(json)) << json;
    EXPECT_EQ(field(json, "/src"), hostile);
    EXPECT_EQ(field(json, "/dst"), hostile);
    EXPECT_EQ(field(json, "/text"), hostile);

    with.set("powerpack_uuid", hostile);
    message.sender = "";
    message.text = "\xFF\xC0 broken";
    json = body(message, with);
    ASSERT_TRUE(is_json(json)) << json;
    EXPECT_EQ(field(json, "/powerpack_uuid"), hostile);
}

TEST(PlivoText, BaseUrlStandsForTheHost) {
    Options with = options();
    with.set("base_url", "http://127.0.0.1:8080//");
    EXPECT_EQ(build(text_message(), with).url.view(),
              "http://127.0.0.1:8080/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/");
}

TEST(PlivoText, ExpiresWithTheCode) {
    OutboundMessage message = text_message();
    const auto expiry = [&](std::chrono::seconds life) {
        message.life = life;
        return field(body(message, options()), "/message_expiry");
    };
    EXPECT_EQ(expiry(-1s), "5");
    EXPECT_EQ(expiry(5s), "5");
    EXPECT_EQ(expiry(6s), "6");
    EXPECT_EQ(expiry(10'799s), "10799");
    EXPECT_EQ(expiry(10'800s), "10799");
    EXPECT_EQ(expiry(604'800s), "10799");
}

TEST(PlivoText, PowerpackUnlessTheCallNamesASender) {
    Options with = options();
    with.set("powerpack_uuid", "86bbb125");
    OutboundMessage message = text_message();
    message.sender = "";
    EXPECT_TRUE(body(message, with).starts_with(R"({"powerpack_uuid":"86bbb125","dst":)"));
    with.set("sender", "+15550100");
    message.sender = "+15550100";
    EXPECT_TRUE(body(message, with).starts_with(R"({"powerpack_uuid":"86bbb125","dst":)"));
    message.sender = "MyShop";
    EXPECT_TRUE(body(message, with).starts_with(R"({"src":"MyShop","dst":)"));
}

TEST(PlivoText, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"powerpack_uuid\""), std::string::npos);
    for (const char *secret : {"482913", "4155550123", "T0ken"})
        EXPECT_EQ(all_text(error).find(secret), std::string::npos);
}

TEST(PlivoOptions, AreChecked) {
    const auto refused = [](OptionPlace place, std::string_view name, std::string_view value) {
        return error_of([&] { check_option(plivo_provider, place, name, value); }).sqlstate();
    };
    EXPECT_STREQ(refused(OptionPlace::server, "powerpack_uuid", "a/b"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "auth_id", "MA/.."), "HV024");
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "auth_token", "a\nb"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::server, "auth_token", "x"), "HV00D");
    EXPECT_STREQ(refused(OptionPlace::server, "base_url", "http://example.com"), "HV024");
    for (const std::string_view missing : {"auth_id", "auth_token"}) {
        Options with;
        with.set(missing == "auth_id" ? "auth_token" : "auth_id", "VALUE");
        const Error error = error_of([&] { check_complete(plivo_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(std::string_view(error.what()).find(missing), std::string_view::npos);
    }
    check_complete(plivo_provider, options());
    EXPECT_TRUE(serves(plivo_provider, Channel::sms, options()));
    EXPECT_FALSE(serves(plivo_provider, Channel::voice, options()));
    EXPECT_EQ(plivo_provider.signature_scheme, nullptr);
    EXPECT_EQ(find_provider("mfa_plivo"), &plivo_provider);
}

// --- answers

Outcome read(long status, std::string_view text) {
    return plivo_provider.read(text_message(), options(), {status, std::string(text), 9s});
}

TEST(PlivoAnswer, Accepted) {
    for (const std::string_view text :
         {R"({"api_id":"a","message":"message(s) queued","message_uuid":["5b40a428-bfc7"]})",
          R"({"message_uuid":["5b40a428-bfc7"],"invalid_number":[]})"}) {
        const Outcome outcome = read(202, text);
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.service, Service::up);
        EXPECT_EQ(outcome.message_id, "5b40a428-bfc7");
        EXPECT_EQ(outcome.error, "");
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
}

TEST(PlivoAnswer, ARecipientThatIsRefused) {
    for (const std::string_view text :
         {R"({"message_uuid":[],"invalid_number":["14155550123"]})",
          R"({"message_uuid":["x"],"invalid_number":["14155550123"]})"}) {
        const Outcome outcome = read(202, text);
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_EQ(outcome.error, "HTTP 202, provider code invalid_number: recipient not valid");
        EXPECT_EQ(outcome.message_id, "");
    }
}

TEST(PlivoAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "SM-482913", "14155550123", "a b", "a\\u0000"}) {
        const Outcome outcome = read(202, R"({"message_uuid":[")" + std::string(id) + R"("]})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
}

TEST(PlivoAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", "null", R"({"message_uuid":[]})",
          R"({"message_uuid":"x"})", R"({"message_uuid":[""]})", R"({"message_uuid":[{}]})",
          R"({"message_uuid":["x"])", R"({"api_id":"x"})"}) {
        const Outcome outcome = read(202, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 202, without a message id");
    }
}

TEST(PlivoAnswer, StatusClassesAndProse) {
    for (const std::string_view text :
         {"", "{}", "<html>", R"({"error":""})", R"({"error":{"dst":"not valid"}})",
          R"({"api_id":"a","error":"dst 14155550123 not valid: 482913"})", R"({"error":"482913"})",
          R"({"error":"14155550123"})", R"({"error":"E-482913"})",
          R"({"error":"Your Personal Authorization Code is: 482913"})"}) {
        for (const long status :
             {302L, 400L, 401L, 402L, 403L, 404L, 405L, 408L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

TEST(PlivoAnswer, DocumentedWordsDecide) {
    const auto outcome_of = [](const std::string &word) {
        return read(400, R"({"error":")" + word + R"("})");
    };
    for (const std::string word : {"authentication_failed", "invalid_parameter", "not_found"}) {
        const Outcome outcome = outcome_of(word);
        EXPECT_EQ(outcome.verdict, Verdict::refused) << word;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + word + ": "));
    }
    const Outcome limited = outcome_of("rate_limit_exceeded");
    EXPECT_EQ(limited.verdict, Verdict::retry);
    EXPECT_EQ(limited.service, Service::throttled);
    EXPECT_EQ(limited.error, "HTTP 400, provider code rate_limit_exceeded: too many requests");
    EXPECT_EQ(limited.retry_after, 9s);
    EXPECT_EQ(outcome_of("other_word").error, "HTTP 400, provider code other_word");
    EXPECT_EQ(outcome_of("other_word").verdict, Verdict::refused);
}

// --- look-ups

TEST(PlivoLookup, Request) {
    const HttpRequest request =
        plivo_provider.build_lookup({Channel::sms, "5b/../1 ?", {}}, options());
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://api.plivo.com/v1/Account/MAXXXXXXXXXXXXXXXXXX/"
                                  "Message/5b%2F..%2F1%20%3F/");
    EXPECT_EQ(
        headers_of(request),
        (std::vector<std::string>{"Accept: application/json",
                                  "Authorization: Basic TUFYWFhYWFhYWFhYWFhYWFhYWFg6VDBrZW4="}));
    EXPECT_TRUE(request.body.empty());
}

Receipt look(long status, const std::string &text) {
    const OutboundMessage message = text_message();
    return plivo_provider.read_lookup(Channel::sms, {status, text, {}},
                                      {message.recipient, message.code, message.text});
}

TEST(PlivoLookup, EveryState) {
    const auto state = [](const std::string &word) {
        return look(200, R"({"message_state":")" + word + R"(","error_code":"000"})").state;
    };
    for (const std::string word : {"queued", "sent", "x", ""})
        EXPECT_EQ(state(word), DeliveryState::pending) << word;
    for (const std::string word : {"delivered", "read"})
        EXPECT_EQ(state(word), DeliveryState::delivered) << word;
    for (const std::string word : {"failed", "undelivered", "rejected"})
        EXPECT_EQ(state(word), DeliveryState::undelivered) << word;
}

TEST(PlivoLookup, SaysWhy) {
    EXPECT_EQ(look(200, R"({"message_state":"undelivered","error_code":"50"})").error,
              "provider code 50");
    EXPECT_EQ(look(200, R"({"message_state":"failed","error_code":null})").error,
              "provider code failed");
    EXPECT_EQ(look(200, R"({"message_state":"failed","error_code":"482913"})").error,
              "provider code failed");
    EXPECT_EQ(look(200, R"({"message_state":"delivered","error_code":"000"})").error, "");
}

TEST(PlivoLookup, WhatIsNoAnswerSaysNothing) {
    for (const std::string text : {"", "<html>", "[]", "{}", R"({"message_state":["failed"]})"})
        EXPECT_EQ(look(200, text).state, DeliveryState::pending);
    for (const long status : {302L, 401L, 404L, 429L, 500L})
        EXPECT_EQ(look(status, R"({"message_state":"failed"})").state, DeliveryState::pending);
}

// --- memory

TEST(Plivo, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    const Secret credentials = base64("MAXXXXXXXXXXXXXXXXXX:T0ken");
    for (const std::string_view marker :
         {std::string_view("482913"), std::string_view("4155550123"), std::string_view("T0ken"),
          credentials.view()}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
