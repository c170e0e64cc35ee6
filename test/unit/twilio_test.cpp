#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/http.hpp"
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

constexpr std::string_view hostile_xml =
    "é😀&amp;=+%&quot;&lt;&gt;&#39;\\/&#13;&#10;&#9;{}${1+1}%{call.from}#;?";

Options options() {
    Options options;
    options.set("account_sid", "AC0123456789abcdef0123456789abcdef");
    options.set("auth_token", "0a1b2c3d4e");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return twilio_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

std::string encoded(std::string_view text) {
    Secret out;
    append_percent_encoded(out, text);
    return std::string(out.view());
}

std::string field(const std::string &form, const std::string &name) {
    const std::size_t begin = ("&" + form).find("&" + name + "=");
    if (begin == std::string::npos)
        return "(none)";
    const std::size_t value = begin + name.size() + 1;
    return form.substr(value, form.find('&', value) - value);
}

// --- text messages

TEST(TwilioText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.twilio.com/2010-04-01/Accounts/"
                                  "AC0123456789abcdef0123456789abcdef/Messages.json");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{
                  "Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
                  "Authorization: Basic "
                  "QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjowYTFiMmMzZDRl"}));
    EXPECT_EQ(request.body.view(),
              "To=%2B14155550123&From=%2B15550100&"
              "Body=Your%20Personal%20Authorization%20Code%20is%3A%20482913&ValidityPeriod=600");
}

TEST(TwilioText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    const std::string encoded(test::hostile_percent_encoded);
    EXPECT_EQ(body(message, options()),
              "To=" + encoded + "&From=" + encoded + "&Body=" + encoded + "&ValidityPeriod=600");

    Options with = options();
    with.set("messaging_service", hostile);
    with.set("account_sid", hostile);
    message.sender = "";
    EXPECT_EQ(field(body(message, with), "MessagingServiceSid"), encoded);
    EXPECT_EQ(build(message, with).url.view(),
              "https://api.twilio.com/2010-04-01/Accounts/" + encoded + "/Messages.json");
}

TEST(TwilioText, BaseUrlStandsForTheHost) {
    Options with = options();
    with.set("base_url", "https://api.dublin.ie1.twilio.com/");
    EXPECT_EQ(build(text_message(), with).url.view(),
              "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/"
              "AC0123456789abcdef0123456789abcdef/Messages.json");
}

TEST(TwilioText, AnApiKeyAuthenticatesInsteadOfTheToken) {
    Options with = options();
    with.set("api_key", "SK01");
    with.set("api_key_secret", "s3cret");
    for (const OutboundMessage &message : {text_message(), call_message()}) {
        const HttpRequest request = build(message, with);
        EXPECT_EQ(headers_of(request)[2], "Authorization: Basic U0swMTpzM2NyZXQ=");
        EXPECT_NE(request.url.view().find("/AC0123456789abcdef0123456789abcdef/"),
                  std::string_view::npos);
    }
    EXPECT_EQ(headers_of(twilio_provider.build_lookup({Channel::sms, "SM1", {}}, with))[1],
              "Authorization: Basic U0swMTpzM2NyZXQ=");
}

TEST(TwilioText, ValidityPeriodIsTheRemainingLife) {
    OutboundMessage message = text_message();
    const auto validity = [&](std::chrono::seconds life) {
        message.life = life;
        return field(body(message, options()), "ValidityPeriod");
    };
    EXPECT_EQ(validity(-1s), "1");
    EXPECT_EQ(validity(0s), "1");
    EXPECT_EQ(validity(1s), "1");
    EXPECT_EQ(validity(2s), "2");
    EXPECT_EQ(validity(36'000s), "36000");
    EXPECT_EQ(validity(36'001s), "36000");
    EXPECT_EQ(validity(604'800s), "36000");
}

TEST(TwilioText, MessagingServiceUnlessTheCallNamesASender) {
    Options with = options();
    with.set("messaging_service", "MG01");
    OutboundMessage message = text_message();
    message.sender = "";
    EXPECT_EQ(field(body(message, with), "MessagingServiceSid"), "MG01");
    EXPECT_EQ(field(body(message, with), "From"), "(none)");

    // The server's sender is there for calls.
    with.set("sender", "+15550100");
    message.sender = "+15550100";
    EXPECT_EQ(field(body(message, with), "MessagingServiceSid"), "MG01");
    EXPECT_EQ(field(body(message, with), "From"), "(none)");

    message.sender = "+15550199";
    EXPECT_EQ(field(body(message, with), "From"), "%2B15550199");
    EXPECT_EQ(field(body(message, with), "MessagingServiceSid"), "(none)");
}

TEST(TwilioText, RedactsOnlyWhereAskedTo) {
    Options with = options();
    for (const std::string_view off : {"", "off"}) {
        with.set("redact", off);
        EXPECT_EQ(body(text_message(), with).find("Retention"), std::string::npos);
    }
    with.set("redact", "on");
    EXPECT_TRUE(body(text_message(), with)
                    .ends_with("&ValidityPeriod=600&ContentRetention=discard"
                               "&AddressRetention=obfuscate"));
    EXPECT_EQ(body(call_message(), with).find("Retention"), std::string::npos);
}

TEST(TwilioText, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"messaging_service\""), std::string::npos);
    for (const char *secret : {"482913", "4155550123", "0a1b2c3d4e"})
        EXPECT_EQ(all_text(error).find(secret), std::string::npos);
}

// --- calls

TEST(TwilioCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://api.twilio.com/2010-04-01/Accounts/"
                                  "AC0123456789abcdef0123456789abcdef/Calls.json");
    EXPECT_EQ(headers_of(request)[0], "Content-Type: application/x-www-form-urlencoded");
    EXPECT_EQ(headers_of(request)[1], "Accept: application/json");
    EXPECT_TRUE(headers_of(request)[2].starts_with("Authorization: Basic QUMw"));
    EXPECT_EQ(request.body.view(),
              "To=%2B14155550123&From=%2B15550100&Twiml=%3CResponse%3E%3CSay%3EYour%20code%20is%3A%"
              "204%2C%208%2C%202%2C%209%2C%201%2C%203.%20Your%20code%20is%3A%204%2C%208%2C%202%2C%"
              "209%2C%201%2C%203.%3C%2FSay%3E%3C%2FResponse%3E&Timeout=30");
}

std::string twiml(const OutboundMessage &message, const Options &with) {
    return field(body(message, with), "Twiml");
}

TEST(TwilioCall, VoiceAndLanguage) {
    Options with = options();
    OutboundMessage message = call_message();
    message.text = "x";
    message.locale = "de_AT";
    EXPECT_EQ(twiml(message, with),
              encoded("<Response><Say language=\"de-DE\">x</Say></Response>"));
    with.set("say_voice", "Polly.Vicki");
    with.set("say_language", "de-AT");
    EXPECT_EQ(
        twiml(message, with),
        encoded("<Response><Say language=\"de-AT\" voice=\"Polly.Vicki\">x</Say></Response>"));
    message.locale = "ar";
    EXPECT_EQ(twiml(message, options()),
              encoded("<Response><Say language=\"arb\">x</Say></Response>"));
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(twiml(message, options()), encoded("<Response><Say>x</Say></Response>"))
            << locale;
    }
}

TEST(TwilioCall, HostileFieldsStayText) {
    Options with = options();
    with.set("say_voice", hostile);
    with.set("say_language", hostile);
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const std::string form = body(message, with);
    EXPECT_EQ(field(form, "To"), test::hostile_percent_encoded);
    EXPECT_EQ(field(form, "From"), "%2B1" + std::string(test::hostile_percent_encoded));
    const std::string xml(hostile_xml);
    EXPECT_EQ(field(form, "Twiml"), encoded("<Response><Say language=\"" + xml + "\" voice=\"" +
                                            xml + "\">" + xml + "</Say></Response>"));
    message.text = "\xFF\x01 broken";
    EXPECT_EQ(twiml(message, options()),
              encoded("<Response><Say>\uFFFD\uFFFD broken</Say></Response>"));
}

TEST(TwilioCall, RingsNoLongerThanTheCodeLives) {
    OutboundMessage message = call_message();
    const auto ringing = [&](std::chrono::seconds life) {
        message.life = life;
        return field(body(message, options()), "Timeout");
    };
    EXPECT_EQ(ringing(0s), "1");
    EXPECT_EQ(ringing(12s), "12");
    EXPECT_EQ(ringing(30s), "30");
    EXPECT_EQ(ringing(31s), "30");
}

TEST(TwilioCall, NoMoreThan4000Characters) {
    constexpr std::size_t room = 4000 - std::string_view("<Response><Say></Say></Response>").size();
    OutboundMessage message = call_message();
    std::string text;
    for (std::size_t i = 0; i < room; i++)
        text += "é";
    message.text = text;
    EXPECT_EQ(twiml(message, options()), encoded("<Response><Say>" + text + "</Say></Response>"));
    text += "é";
    message.text = text;
    EXPECT_STREQ(error_of([&] { build(message, options()); }).sqlstate(), "55000");
    text.assign(room / 5, '&'); // "&amp;"
    message.text = text;
    EXPECT_NE(twiml(message, options()), "");
    text.append(1, '&');
    message.text = text;
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_EQ(all_text(error).find("&&"), std::string::npos);
}

TEST(TwilioCall, NeedsANumberToCallFrom) {
    Options with = options();
    with.set("messaging_service", "MG01");
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, with); }).sqlstate(), "55000");
    }
}

// --- options

TEST(TwilioOptions, EitherATokenOrAWholeKey) {
    const auto complete = [](std::initializer_list<std::string_view> names) {
        Options with;
        with.set("account_sid", "AC01");
        for (const std::string_view name : names)
            with.set(name, "VALUE");
        check_complete(twilio_provider, with);
    };
    complete({"auth_token"});
    complete({"auth_token_file"});
    complete({"api_key", "api_key_secret"});
    complete({"api_key_file", "api_key_secret_file"});
    complete({"auth_token", "api_key", "api_key_secret"});
    using Names = std::initializer_list<std::string_view>;
    for (const auto &[names, missing] : {std::pair<Names, std::string_view>{Names{}, "auth_token"},
                                         {Names{"signing_key"}, "auth_token"},
                                         {Names{"api_key"}, "api_key_secret"},
                                         {Names{"auth_token", "api_key"}, "api_key_secret"},
                                         {Names{"auth_token", "api_key_secret"}, "api_key"}}) {
        const Error error = error_of([&, &given = names] { complete(given); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_EQ(std::string_view(error.what()),
                  "option \"" + std::string(missing) + "\" of the user mapping is not set");
        EXPECT_EQ(all_text(error).find("VALUE"), std::string::npos);
    }
    Options without_account;
    without_account.set("auth_token", "x");
    EXPECT_STREQ(error_of([&] { check_complete(twilio_provider, without_account); }).sqlstate(),
                 "55000");
}

TEST(TwilioOptions, AreChecked) {
    const auto refused = [](OptionPlace place, std::string_view name, std::string_view value) {
        return error_of([&] { check_option(twilio_provider, place, name, value); }).sqlstate();
    };
    for (const std::string_view value : {"on", "off"})
        check_option(twilio_provider, OptionPlace::server, "redact", value);
    for (const std::string_view value : {"", "true", "On", "on "})
        EXPECT_STREQ(refused(OptionPlace::server, "redact", value), "HV024");
    EXPECT_STREQ(refused(OptionPlace::server, "messaging_service", "MG 01"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "account_sid", "AC/.."), "HV024");
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "auth_token", "a\nb"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::user_mapping, "api_key", "SK:01"), "HV024");
    EXPECT_STREQ(refused(OptionPlace::server, "auth_token", "x"), "HV00D");
    EXPECT_STREQ(refused(OptionPlace::server, "base_url", "http://example.com"), "HV024");
}

TEST(TwilioOptions, BothChannelsAndTwiliosSignature) {
    EXPECT_TRUE(serves(twilio_provider, Channel::sms, options()));
    EXPECT_TRUE(serves(twilio_provider, Channel::voice, options()));
    EXPECT_EQ(twilio_provider.signature_scheme(options()), SignatureScheme::twilio);
    EXPECT_EQ(find_provider("mfa_twilio"), &twilio_provider);
}

// --- memory

TEST(Twilio, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    const Secret credentials = base64("AC0123456789abcdef0123456789abcdef:0a1b2c3d4e");
    for (const std::string_view marker :
         {std::string_view("482913"), std::string_view("4, 8, 2, 9, 1, 3"),
          std::string_view("4155550123"), std::string_view("0a1b2c3d4e"), credentials.view()}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
