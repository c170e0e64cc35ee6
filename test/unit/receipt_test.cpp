#include "core/receipt.hpp"

#include <gtest/gtest.h>

#include "core/provider.hpp"

using namespace mfa::core;

namespace {

Receipt look(const std::string &body, long status = 200) {
    const Provider *provider = find_provider("mfa_signalwire");
    return provider->read_lookup(Channel::sms, {status, body, {}},
                                 {"+14155550123", "482913", "text"});
}

} // namespace

TEST(Receipt, KnowsTheWordsInAnyCase) {
    EXPECT_EQ(parse_delivery_state("delivered"), DeliveryState::delivered);
    EXPECT_EQ(parse_delivery_state("DELIVERED"), DeliveryState::delivered);
    EXPECT_EQ(parse_delivery_state("completed"), DeliveryState::delivered);
    EXPECT_EQ(parse_delivery_state("no-answer"), DeliveryState::undelivered);
    EXPECT_EQ(parse_delivery_state("delivery_failed"), DeliveryState::undelivered);
    EXPECT_EQ(parse_delivery_state("queued"), DeliveryState::pending);
    EXPECT_EQ(parse_delivery_state("unknown"), DeliveryState::pending);
    for (const char *word : {"", "deliver", "delivered ", "DELIVERED\n", "constructor"})
        EXPECT_FALSE(parse_delivery_state(word)) << word;
}

TEST(Receipt, KeepsAReasonThatTellsNothing) {
    const Sent sent{"+14155550123", "482913", "text"};
    EXPECT_EQ(receipt_error("30003", sent), "provider code 30003");
    EXPECT_EQ(receipt_error("482913", sent), "");
    EXPECT_EQ(receipt_error("x-14155550123", sent), "");
    EXPECT_EQ(receipt_error("Unreachable handset", sent), "");
    EXPECT_EQ(receipt_error("", sent), "");
    EXPECT_EQ(receipt_error(std::string(33, '1'), sent), "");
}

TEST(Receipt, ALookUpIsReadAsTheProviderMeansIt) {
    EXPECT_EQ(look(R"({"status":"delivered"})").state, DeliveryState::delivered);
    EXPECT_EQ(look(R"({"status":"sent"})").state, DeliveryState::pending);
    const Receipt failed = look(R"({"status":"undelivered","error_code":30003})");
    EXPECT_EQ(failed.state, DeliveryState::undelivered);
    EXPECT_EQ(failed.error, "provider code 30003");
    EXPECT_EQ(look(R"({"status":"busy","error_code":null})").error, "provider code busy");
    EXPECT_EQ(look(R"({"status":"failed","error_code":"482913"})").error, "provider code failed");
}

TEST(Receipt, WhatIsNoAnswerSaysNothing) {
    for (const char *body : {"", "{", "[]", "{}", R"({"status":null})", R"({"status":"new word"})"})
        EXPECT_EQ(look(body).state, DeliveryState::pending) << body;
    for (const long status : {301L, 404L, 429L, 500L})
        EXPECT_EQ(look(R"({"status":"delivered"})", status).state, DeliveryState::pending)
            << status;
}

TEST(Receipt, OnlyWhoCanAndMayIsAsked) {
    Options options;
    EXPECT_TRUE(looks_up(*find_provider("mfa_signalwire"), Channel::sms, options));
    EXPECT_FALSE(looks_up(*find_provider("mfa_http"), Channel::sms, options));
    EXPECT_FALSE(looks_up(*find_provider("mfa_vonage"), Channel::sms, options));
    EXPECT_TRUE(looks_up(*find_provider("mfa_vonage"), Channel::voice, options));
    options.set("state_lookup", "off");
    EXPECT_FALSE(looks_up(*find_provider("mfa_signalwire"), Channel::sms, options));
}

TEST(Receipt, SignalWireIsAskedByTheIdAlone) {
    Options options;
    options.set("space", "example");
    options.set("project_id", "p");
    options.set("api_token", "t");
    const Provider *provider = find_provider("mfa_signalwire");
    const HttpRequest text = provider->build_lookup({Channel::sms, "SM/../1?x", {}}, options);
    EXPECT_EQ(text.method, "GET");
    EXPECT_EQ(
        text.url.view(),
        "https://example.signalwire.com/api/laml/2010-04-01/Accounts/p/Messages/SM%2F..%2F1%3Fx");
    EXPECT_TRUE(text.body.empty());
    ASSERT_EQ(text.headers.size(), 2U);
    EXPECT_EQ(text.headers[1].view(), "Authorization: Basic cDp0");
    EXPECT_EQ(provider->build_lookup({Channel::voice, "c1", {}}, options).url.view(),
              "https://example.signalwire.com/api/laml/2010-04-01/Accounts/p/Calls/c1");
}
