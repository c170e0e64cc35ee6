#include <string>
#include <string_view>
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

OutboundMessage whatsapp_message() {
    OutboundMessage message = test::text_message();
    message.channel = Channel::whatsapp;
    message.locale = "de";
    return message;
}

Options options() {
    Options options;
    options.set("phone_number_id", "106540352242922");
    options.set("template", "login_code");
    options.set("access_token", "EAAJBtoken");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return whatsapp_provider.build(message, with);
}

std::string at(const OutboundMessage &message, const Options &with, std::string_view pointer) {
    return json_scalar_at(build(message, with).body.view(), pointer).value_or("(nothing)");
}

// --- options

TEST(WhatsAppOptions, WhatIsRequired) {
    check_complete(whatsapp_provider, options());
    Options with;
    for (const std::string_view name : {"phone_number_id", "template", "access_token"}) {
        const Error error = error_of([&] { check_complete(whatsapp_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.message().find(name), std::string::npos) << error.message();
        with.set(name, "1");
    }
    check_complete(whatsapp_provider, with);
    EXPECT_TRUE(serves(whatsapp_provider, Channel::whatsapp, {}));
    for (const Channel channel : {Channel::sms, Channel::voice, Channel::email})
        EXPECT_FALSE(serves(whatsapp_provider, channel, options()));
}

TEST(WhatsAppOptions, Values) {
    const auto set = [](std::string_view name, std::string_view value) {
        check_option(whatsapp_provider,
                     name == "access_token" ? OptionPlace::user_mapping : OptionPlace::server, name,
                     value);
    };
    const std::string long_name(512, 'a');
    for (const auto &[name, value] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"phone_number_id", "1"},
             {"phone_number_id", "12345678901234567890123456789012"},
             {"template", "login_code_2"},
             {"template", long_name},
             {"template_language", "de"},
             {"template_language", "zh_Hant_HK"},
             {"button", "url"},
             {"button", "none"},
             {"api_version", "v23.0"},
             {"api_version", "v9.12"},
             {"base_url", "http://127.0.0.1:8080"},
             {"access_token", "EAAJB|x"}})
        set(name, value);
    const std::string too_long(513, 'a');
    for (const auto &[name, value] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"phone_number_id", ""},
             {"phone_number_id", "+15550100"},
             {"phone_number_id", "123/messages"},
             {"phone_number_id", "123456789012345678901234567890123"},
             {"template", ""},
             {"template", "Login"},
             {"template", "log-in"},
             {"template", too_long},
             {"template_language", ""},
             {"template_language", "d"},
             {"template_language", "1e"},
             {"template_language", "de-DE"},
             {"template_language", "abcdefghijabcdefghijabcdefghijabcdef"},
             {"button", "copy_code"},
             {"button", ""},
             {"api_version", ""},
             {"api_version", "23.0"},
             {"api_version", "v23"},
             {"api_version", "v.0"},
             {"api_version", "v23."},
             {"api_version", "v23.0/.."},
             {"api_version", "v23.0.1"},
             {"api_version", "v123456.1234"},
             {"base_url", "http://example.com"},
             {"access_token", "two\nlines"}}) {
        const Error error = error_of([&] { set(name, value); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << name << " " << value;
        EXPECT_NE(error.message().find(name), std::string::npos);
    }
}

// --- requests

TEST(WhatsApp, Request) {
    const HttpRequest request = build(whatsapp_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://graph.facebook.com/v23.0/106540352242922/messages");
    EXPECT_EQ(headers_of(request), (std::vector<std::string>{"Content-Type: application/json",
                                                             "Accept: application/json",
                                                             "Authorization: Bearer EAAJBtoken"}));
    EXPECT_EQ(request.body.view(),
              R"({"messaging_product":"whatsapp","recipient_type":"individual","to":"14155550123",)"
              R"("type":"template","template":{"name":"login_code",)"
              R"("language":{"policy":"deterministic","code":"de"},"components":[)"
              R"({"type":"body","parameters":[{"type":"text","text":"482913"}]},)"
              R"({"type":"button","sub_type":"url","index":"0",)"
              R"("parameters":[{"type":"text","text":"482913"}]}]}})");
}

TEST(WhatsApp, TemplateWithoutAButton) {
    Options with = options();
    with.set("button", "none");
    EXPECT_EQ(build(whatsapp_message(), with).body.view(),
              R"({"messaging_product":"whatsapp","recipient_type":"individual","to":"14155550123",)"
              R"("type":"template","template":{"name":"login_code",)"
              R"("language":{"policy":"deterministic","code":"de"},"components":[)"
              R"({"type":"body","parameters":[{"type":"text","text":"482913"}]}]}})");
    with.set("button", "url");
    EXPECT_EQ(at(whatsapp_message(), with, "/template/components/1/sub_type"), "url");
}

TEST(WhatsApp, Address) {
    Options with = options();
    with.set("api_version", "v24.1");
    with.set("base_url", "http://127.0.0.1:8080/");
    EXPECT_EQ(build(whatsapp_message(), with).url.view(),
              "http://127.0.0.1:8080/v24.1/106540352242922/messages");
}

TEST(WhatsApp, Language) {
    OutboundMessage message = whatsapp_message();
    const auto language = [&](const Options &with) {
        return at(message, with, "/template/language/code");
    };
    message.locale = "";
    EXPECT_EQ(language(options()), "en");
    message.locale = "pt-BR";
    EXPECT_EQ(language(options()), "pt_BR");
    message.locale = "zh_Hant-HK";
    EXPECT_EQ(language(options()), "zh_Hant_HK");
    Options with = options();
    with.set("template_language", "en_US");
    EXPECT_EQ(language(with), "en_US");
}

TEST(WhatsApp, HostileFieldsStayStrings) {
    OutboundMessage message = whatsapp_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.code = hostile;
    message.locale = hostile;
    Options with = options();
    with.set("template", hostile);
    with.set("phone_number_id", hostile);
    with.set("api_version", hostile);
    const HttpRequest request = build(message, with);
    const std::string encoded(test::hostile_percent_encoded);
    EXPECT_EQ(request.url.view(),
              "https://graph.facebook.com/" + encoded + "/" + encoded + "/messages");
    const std::string_view body = request.body.view();
    ASSERT_TRUE(is_json(body)) << body;
    for (const std::string_view pointer :
         {"/to", "/template/name", "/template/language/code",
          "/template/components/0/parameters/0/text", "/template/components/1/parameters/0/text"})
        EXPECT_EQ(json_scalar_at(body, pointer), hostile) << pointer;
    message.code = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(build(message, with).body.view()));
}

// --- answers

Outcome read(long status, std::string_view text) {
    return whatsapp_provider.read(whatsapp_message(), options(), {status, std::string(text), 9s});
}

TEST(WhatsAppAnswer, AcceptedAndNothingKeptThatHoldsTheNumber) {
    // The base64 of the first is 1C 18 0B "14155550123" 15 02 00 ...; the second packs it as BCD.
    for (const std::string_view id :
         {"wamid.HBgLMTQxNTU1NTAxMjMVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA",
          "wamid.gBGGFBVVUBI/AgkO_KJ55r4w_ww", "14155550123", "482913"}) {
        const Outcome outcome =
            read(200, R"({"messaging_product":"whatsapp","contacts":[{"input":"14155550123",)"
                      R"("wa_id":"14155550123"}],"messages":[{"id":")" +
                          std::string(id) + R"(","message_status":"accepted"}]})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.service, Service::up);
        const std::string kept = stored_message_id(whatsapp_provider, outcome.message_id);
        EXPECT_TRUE(kept.empty() || kept.size() == 64) << kept;
        EXPECT_NE(kept, id);
        EXPECT_EQ(kept.empty(), !id.starts_with("wamid.")) << id;
        EXPECT_EQ(outcome.error, "");
        EXPECT_FALSE(outcome.retry_after.has_value());
    }
}

TEST(WhatsAppAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text :
         {"", "<html>Log in</html>", "{}", "[]", R"({"messages":[]})", R"({"messages":{"id":"x"}})",
          R"({"messages":[{"id":null}]})", R"({"messages":[{"id":""}]})",
          R"({"contacts":[{"wa_id":"14155550123"}]})", R"({"messages":[{"id":"x"}])"}) {
        const Outcome outcome = read(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
    }
}

TEST(WhatsAppAnswer, AnErrorWithinASuccess) {
    Outcome outcome = read(200, R"({"error":{"code":131026},"messages":[{"id":"x"}]})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error,
              "HTTP 200, provider code 131026: recipient can't be reached by WhatsApp");
    outcome = read(200, R"({"error":{"code":99999},"messages":[{"id":"x"}]})");
    EXPECT_EQ(outcome.verdict, Verdict::unknown);
    EXPECT_EQ(outcome.error, "HTTP 200, provider code 99999");
}

TEST(WhatsAppAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text :
         {"", "{}", "<html>", R"({"error":{"code":""}})", R"({"error":{"code":{}}})",
          R"({"error":"14155550123"})", R"({"code":131026})"}) {
        for (const long status :
             {302L, 400L, 401L, 403L, 404L, 408L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

void expect_code(const std::string &code, Verdict verdict, Service service) {
    const std::string body =
        R"({"error":{"message":"(#)" + code +
        R"() to 14155550123","type":"OAuthException","code":)" + code +
        R"(,"error_data":{"messaging_product":"whatsapp","details":"482913"},"fbtrace_id":"A4O"}})";
    const Outcome outcome = read(400, body);
    EXPECT_EQ(outcome.verdict, verdict) << code;
    EXPECT_EQ(outcome.service, service) << code;
    EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " + code + ": "))
        << outcome.error;
    EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
    EXPECT_EQ(outcome.error.find("14155550123"), std::string::npos);
    EXPECT_EQ(outcome.retry_after.has_value(), verdict != Verdict::refused);
    EXPECT_EQ(read(500, body).verdict, verdict) << code;
}

TEST(WhatsAppAnswer, EveryDocumentedCodeDecides) {
    for (const std::string_view code : {"4", "80007", "130429", "131048"})
        expect_code(std::string(code), Verdict::retry, Service::throttled);
    for (const std::string_view code : {"2", "131016", "131057"})
        expect_code(std::string(code), Verdict::retry, Service::down);
    for (const std::string_view code : {"131000", "131056"})
        expect_code(std::string(code), Verdict::retry, Service::up);
    expect_code("1", Verdict::unknown, Service::up);
    for (const std::string_view code :
         {"0",      "3",      "10",     "33",     "100",    "190",    "200",    "368",    "130497",
          "131005", "131008", "131009", "131021", "131026", "131031", "131037", "131042", "131045",
          "131050", "132000", "132001", "132005", "132007", "132012", "132015", "132016", "133010"})
        expect_code(std::string(code), Verdict::refused, Service::up);
    EXPECT_EQ(read(401, R"({"error":{"code":190}})").error,
              "HTTP 401, provider code 190: access token expired or not valid");
}

TEST(WhatsAppAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    EXPECT_EQ(read(400, R"({"error":{"code":555555}})").error, "HTTP 400, provider code 555555");
    for (const std::string_view code : {"482913", "14155550123", "+14155550123", "a b",
                                        "Your Personal Authorization Code is: 482913"}) {
        const Outcome outcome = read(400, R"({"error":{"code":")" + std::string(code) + R"("}})");
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_EQ(outcome.error, "HTTP 400") << code;
    }
}

TEST(WhatsApp, HasNoLookUp) {
    EXPECT_FALSE(looks_up(whatsapp_provider, Channel::whatsapp, options()));
    EXPECT_EQ(whatsapp_provider.signature_scheme, nullptr);
}

// --- memory

TEST(WhatsApp, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    for (const std::string_view marker : {"482913", "4155550123", "EAAJBtoken"}) {
        const test::FreedMemory freed(marker);
        build(whatsapp_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
