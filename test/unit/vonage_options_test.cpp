#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/providers/providers.hpp"
#include "core_helpers.hpp"
#include "vonage_helpers.hpp"

namespace mfa::core {
namespace {

using test::account;
using test::all_text;
using test::application_id;
using test::error_of;
using test::everything;
using test::messages_by_account;
using test::messages_by_application;

TEST(VonageOptions, Values) {
    const auto set = [](std::string_view name, std::string_view value) {
        const bool server = name != "api_key" && name != "api_secret" && name != "private_key";
        check_option(vonage_provider, server ? OptionPlace::server : OptionPlace::user_mapping,
                     name, value);
    };
    set("api", "sms");
    set("api", "messages");
    set("application_id", application_id);
    set("say_voice", "0");
    set("say_voice", "99");
    set("say_language", "de-AT");
    set("private_key", test::pem(test::rsa_key()));
    for (const auto &[name, value] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"api", "SMS"},
             {"api", ""},
             {"application_id", "a b"},
             {"say_voice", "Amy"},
             {"say_voice", "-1"},
             {"say_voice", "100"},
             {"say_language", "de DE"},
             {"base_url", "http://example.com"},
             {"api_key", "a&b"},
             {"api_secret", ""},
             {"private_key", "-----BEGIN PRIVATE KEY-----"}}) {
        const Error error = error_of([&] { set(name, value); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << name << " " << value;
        EXPECT_NE(error.message().find(name), std::string::npos);
    }
}

TEST(VonageOptions, WhatGoesTogether) {
    for (const Options &with :
         {account(), everything(), messages_by_account(), messages_by_application()})
        check_complete(vonage_provider, with);

    const auto missing = [](const std::vector<std::string_view> &given, std::string_view api) {
        Options with;
        for (const std::string_view name : given)
            with.set(name, "secret7");
        if (!api.empty())
            with.set("api", api);
        const Error error = error_of([&] { check_complete(vonage_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_FALSE(error.hint().empty());
        EXPECT_EQ(all_text(error).find("secret7"), std::string::npos);
        return error.message();
    };
    const std::string no_key = "option \"api_key\" of the user mapping is not set";
    const std::string no_secret = "option \"api_secret\" of the user mapping is not set";
    const std::string no_pem = "option \"private_key\" of the user mapping is not set";
    const std::string no_application = "option \"application_id\" of the server is not set";
    for (const std::string_view api : {"", "sms", "messages"}) {
        EXPECT_EQ(missing({}, api), no_key);
        EXPECT_EQ(missing({"api_key"}, api), no_secret);
        EXPECT_EQ(missing({"api_secret"}, api), no_key);
        EXPECT_EQ(missing({"api_key", "api_secret", "application_id"}, api), no_pem);
        EXPECT_EQ(missing({"api_key", "api_secret", "private_key"}, api), no_application);
    }
    EXPECT_EQ(missing({"application_id", "private_key"}, "sms"), no_key);
    EXPECT_EQ(missing({"application_id", "private_key"}, ""), no_key);
    EXPECT_EQ(missing({"application_id", "private_key", "api_key"}, "messages"), no_secret);
    EXPECT_EQ(missing({"application_id", "private_key", "api_secret"}, "messages"), no_key);
}

TEST(VonageOptions, SecretsMayBeInFiles) {
    Options with;
    with.set("api_key_file", "/etc/mfa/key");
    with.set("api_secret_file", "/etc/mfa/secret");
    check_complete(vonage_provider, with);
    with.set("application_id", application_id);
    with.set("private_key_file", "/etc/mfa/vonage.pem");
    check_complete(vonage_provider, with);
    with.set("private_key", ""); // as it was read
    EXPECT_STREQ(error_of([&] { check_complete(vonage_provider, with); }).sqlstate(), "55000");
}

TEST(VonageOptions, Channels) {
    EXPECT_TRUE(serves(vonage_provider, Channel::sms, account()));
    EXPECT_FALSE(serves(vonage_provider, Channel::voice, account()));
    EXPECT_FALSE(serves(vonage_provider, Channel::voice, messages_by_account()));
    Options of_the_server; // all that is known before a user mapping is looked for
    of_the_server.set("application_id", application_id);
    for (const Options &with : {everything(), messages_by_application(), of_the_server}) {
        EXPECT_TRUE(serves(vonage_provider, Channel::sms, with));
        EXPECT_TRUE(serves(vonage_provider, Channel::voice, with));
        EXPECT_FALSE(serves(vonage_provider, Channel::whatsapp, with));
        EXPECT_FALSE(serves(vonage_provider, Channel::email, with));
    }
}

} // namespace
} // namespace mfa::core
