#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/http.hpp"
#include "core/json.hpp"
#include "core/providers/providers.hpp"
#include "core/request_template.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::error_of;

constexpr std::string_view hostile = "é&=+%\"<>\r\n{}'\\/?#{to}";

constexpr std::string_view json_body =
    R"({"to":"{to}","from":"{from}","text":"{text}","life":{life}})";

Options options(std::initializer_list<std::pair<std::string_view, std::string_view>> more = {}) {
    Options options;
    options.set("url", "https://gw.example/send");
    options.set("body", json_body);
    for (const auto &[name, value] : more)
        options.set(name, value);
    return options;
}

OutboundMessage message() {
    OutboundMessage message;
    message.channel = Channel::sms;
    message.id = "018f0000-0000-7000-8000-000000000001";
    message.recipient = "+14155550123";
    message.sender = "MyShop";
    message.text = "Code: 482913";
    message.code = "482913";
    message.locale = "de-AT";
    message.life = 600s;
    return message;
}

OutboundMessage hostile_message() {
    OutboundMessage message;
    message.channel = Channel::voice;
    message.id = hostile;
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    message.code = hostile;
    message.locale = hostile;
    message.life = 1s;
    return message;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return http_provider.build(message, with);
}

std::vector<std::string> headers(const HttpRequest &request) {
    std::vector<std::string> lines;
    for (const Secret &header : request.headers)
        lines.emplace_back(header.view());
    return lines;
}

void set_server(std::string_view name, std::string_view value) {
    check_option(http_provider, OptionPlace::server, name, value);
}

void expect_values(std::string_view name, std::initializer_list<std::string_view> good,
                   std::initializer_list<std::string_view> bad) {
    for (const std::string_view value : good)
        EXPECT_NO_THROW(set_server(name, value)) << name << " = " << value;
    for (const std::string_view value : bad) {
        const Error error = error_of([&] { set_server(name, value); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << name << " = " << value;
        EXPECT_TRUE(error.message().starts_with("option \"" + std::string(name) + "\" "))
            << error.message();
    }
}

// --- requests

TEST(HttpProvider, JsonRequest) {
    const Options with = options();
    EXPECT_NO_THROW(check_complete(http_provider, with));
    const HttpRequest request = build(message(), with);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://gw.example/send");
    EXPECT_EQ(headers(request), (std::vector<std::string>{"Content-Type: application/json"}));
    EXPECT_EQ(request.body.view(),
              R"({"to":"+14155550123","from":"MyShop","text":"Code: 482913","life":600})");
}

TEST(HttpProvider, EveryPlaceholder) {
    const Options with = options(
        {{"token", "t0ken"},
         {"content_type", "text/plain; charset=utf-8"},
         {"body", "{to}|{from}|{text}|{code}|{channel}|{locale}|{id}|{life}|{token}|{no}|{ to}"}});
    EXPECT_EQ(build(message(), with).body.view(),
              "+14155550123|MyShop|Code: 482913|482913|sms|de-AT|"
              "018f0000-0000-7000-8000-000000000001|600|t0ken|t0ken|{ to}");
    // {no} has passed no check: what check_option() refuses is never built.
    EXPECT_THROW(set_server("body", "{no}"), Error);
}

TEST(HttpProvider, GetRequest) {
    const Options with =
        options({{"url", "https://gw.example/{channel}/send?to={to}&text={text}&k={token}"},
                 {"method", "GET"},
                 {"body", ""},
                 {"token", "a/b c"}});
    EXPECT_NO_THROW(check_complete(http_provider, with));
    const HttpRequest request = build(message(), with);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url.view(), "https://gw.example/sms/send?to=%2B14155550123&"
                                  "text=Code%3A%20482913&k=a%2Fb%20c");
    EXPECT_TRUE(request.headers.empty());
    EXPECT_TRUE(request.body.empty());
}

TEST(HttpProvider, HostileValuesInEveryPlace) {
    const std::string percent = "%C3%A9%26%3D%2B%25%22%3C%3E%0D%0A%7B%7D%27%5C%2F%3F%23%7Bto%7D";
    Options with = options({{"url", "https://gw.example/{to}?a={text}"}});
    EXPECT_EQ(build(hostile_message(), with).url.view(),
              "https://gw.example/" + percent + "?a=" + percent);

    const std::string text(build(hostile_message(), with).body.view());
    for (const std::string_view pointer : {"/to", "/from", "/text"})
        EXPECT_EQ(json_scalar_at(text, pointer), hostile);
    EXPECT_EQ(json_scalar_at(text, "/life"), "1");

    with = options(
        {{"content_type", "application/x-www-form-urlencoded"}, {"body", "to={to}&t={text}"}});
    EXPECT_EQ(build(hostile_message(), with).body.view(), "to=" + percent + "&t=" + percent);

    with = options({{"content_type", "text/xml"}, {"body", "<m to=\"{to}\">{text}</m>"}});
    const std::string xml = "é&amp;=+%&quot;&lt;&gt;&#13;&#10;{}&#39;\\/?#{to}";
    EXPECT_EQ(build(hostile_message(), with).body.view(), "<m to=\"" + xml + "\">" + xml + "</m>");

    with = options({{"content_type", "text/plain"}, {"body", "{text}"}});
    EXPECT_EQ(build(hostile_message(), with).body.view(), hostile);
}

TEST(HttpProvider, ContentTypesAndTheirEscaping) {
    const std::array<std::pair<std::string_view, std::string_view>, 10> cases{{
        {"application/json", R"(\"&<)"},
        {"APPLICATION/JSON", R"(\"&<)"},
        {"application/vnd.api+json", R"(\"&<)"},
        {"application/json;charset=UTF-8", R"(\"&<)"},
        {"application/xml", "&quot;&amp;&lt;"},
        {"text/xml ; charset=utf-8", "&quot;&amp;&lt;"},
        {"application/soap+xml", "&quot;&amp;&lt;"},
        {"application/x-www-form-urlencoded", "%22%26%3C"},
        {"text/plain", "\"&<"},
        {"text/plain; charset=utf-8", "\"&<"},
    }};
    OutboundMessage sent = message();
    sent.text = "\"&<";
    for (const auto &[type, expected] : cases) {
        EXPECT_NO_THROW(set_server("content_type", type)) << type;
        const HttpRequest request =
            build(sent, options({{"content_type", type}, {"body", "{text}"}}));
        EXPECT_EQ(request.body.view(), expected) << type;
        EXPECT_EQ(headers(request)[0], "Content-Type: " + std::string(type));
    }
    expect_values("content_type", {},
                  {"", "json", "text/html", "+json", "+xml", "application/json; charset=latin1",
                   "application/json; boundary=x", "application/json\r\nX: y",
                   "multipart/form-data", "application/json;charset=utf-8;charset=utf-8"});
}

TEST(HttpProvider, HeadersAndCredentials) {
    const Options with =
        options({{"headers", "X-Id: {id}\r\nAuthorization: Bearer {token}\n\nX-Kind:{channel} {x"},
                 {"token", "t0k=en"}});
    EXPECT_NO_THROW(set_server("headers", with.get("headers")));
    EXPECT_NO_THROW(check_complete(http_provider, with));
    EXPECT_EQ(headers(build(message(), with)),
              (std::vector<std::string>{"Content-Type: application/json",
                                        "X-Id: 018f0000-0000-7000-8000-000000000001",
                                        "Authorization: Bearer t0k=en", "X-Kind: sms {x"}));
    EXPECT_EQ(
        headers(build(message(), options({{"user", "Aladdin"}, {"password", "open sesame"}}))),
        (std::vector<std::string>{"Content-Type: application/json",
                                  "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}));
    EXPECT_EQ(headers(build(message(), options({{"user", "u"}})))[1], "Authorization: Basic dTo=");
}

TEST(HttpProvider, NoValueBreaksOutOfAHeader) {
    for (const std::string_view token : {"a\r\nX: y", "a\nb", "a\rb", "a\x7F", "\x01", "é"}) {
        const Options with = options({{"headers", "X: {token}"}, {"token", token}});
        const Error error = error_of([&] { build(message(), with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_EQ(all_text(error).find("X: y"), std::string::npos);
    }
    EXPECT_THROW(build(hostile_message(), options({{"headers", "X: {id}"}})), Error);
}

// --- options one by one

TEST(HttpProviderOptions, Url) {
    expect_values(
        "url",
        {"https://gw.example/a?to={to}&t={token}&{code}{life}", "http://127.0.0.1:8080/{id}"},
        {"", "http://gw.example/", "https://{to}.example/", "https://gw.example:{life}/",
         "https://{to}", "https://gw.example/{phone}", "https://gw.example/{To}",
         "https://gw.example/{", "https://gw.example/}", "https://gw.example/{}",
         "https://gw.example/{{to}}", "https://u:p@gw.example/", "https://gw.example/#{to}"});
    const Error error = error_of([] { set_server("url", "https://gw.example/{phone}"); });
    EXPECT_EQ(error.message(), "option \"url\" has an unknown placeholder");
    EXPECT_EQ(error.hint(), "Valid placeholders here are {to}, {from}, {text}, {code}, {channel}, "
                            "{locale}, {id}, {life}, {token}.");
}

TEST(HttpProviderOptions, Headers) {
    std::string twenty;
    for (int i = 0; i < 20; i++)
        twenty += "X-" + std::to_string(i) + ": y\n";
    expect_values("headers", {"X: y", "X:y", "a!#$%&'*+-.^_`|~9: \"x\"; {id}", twenty},
                  {"",
                   "\n",
                   "X",
                   "X:",
                   "X: ",
                   ": y",
                   " X: y",
                   "X : y",
                   "X: y\nbad",
                   "X: \x01",
                   "X: a\rb",
                   "X: é",
                   "Hé: y",
                   "X: {to}",
                   "X: {text}",
                   "X: {code}",
                   "X: {from}",
                   "X: {locale}",
                   "X: {life}",
                   "X: {unknown}",
                   "Content-Type: text/plain",
                   "host: x",
                   "CONTENT-LENGTH: 5",
                   "Transfer-Encoding: chunked",
                   "Expect: x",
                   "Connection: close",
                   twenty + "X-20: y"});
    EXPECT_EQ(error_of([] { set_server("headers", "X: {to}"); }).hint(),
              "Valid placeholders here are {id}, {channel}, {token}.");
    EXPECT_EQ(error_of([] { set_server("headers", "A: b\nAuthorization s3cret"); }).message(),
              "option \"headers\" must have a header in each line: line 2 of the headers is none");
    EXPECT_THROW(set_server("headers", "X: " + std::string(8190, 'a')), Error);
}

TEST(HttpProviderOptions, Others) {
    expect_values("method", {"GET", "POST", "PUT"}, {"", "get", "DELETE", "POST ", "PATCH"});
    expect_values("body", {"{text}", "{\"a\":{life}}", "{ } {To} {é}", "x\ny"},
                  {"", "{tex}", "{text} {_}", "\xFF"});
    EXPECT_NO_THROW(set_server("body", std::string(8192, 'a')));
    EXPECT_THROW(set_server("body", std::string(8193, 'a')), Error);
    expect_values("message_id", {"", "/id", "/messages/0/id", "/a~1b"}, {"id", "/~", "$.id"});
    EXPECT_NO_THROW(set_server("message_id", "/" + std::string(199, 'a')));
    EXPECT_THROW(set_server("message_id", "/" + std::string(200, 'a')), Error);
    for (const std::string_view name : {"success", "retry", "final"})
        expect_values(name, {"200", "200-299", "200-299,302", " 200 , 300 - 399 ", "100,599"},
                      {"", ",", "200,", ",200", "200,,201", "99", "600", "200-", "-200", "299-200",
                       "2xx", "200-299-300", "200.5", "+200", "0xC8", "200 201"});
    EXPECT_THROW(set_server("success", std::string(500, '1')), Error);
    expect_values("channels", {"sms", "voice", "sms,voice", "sms, voice ,whatsapp,email"},
                  {"", ",", "sms,", ",sms", "SMS", "fax", "sms;voice", "sms voice"});
    EXPECT_STREQ(error_of([] { set_server("base_url", "https://x"); }).sqlstate(), "HV00D");
    EXPECT_NO_THROW(check_option(http_provider, OptionPlace::user_mapping, "user", "u"));
    EXPECT_THROW(check_option(http_provider, OptionPlace::user_mapping, "user", "u:v"), Error);
    EXPECT_NO_THROW(check_option(http_provider, OptionPlace::user_mapping, "password", "p:w"));
    EXPECT_NO_THROW(check_option(http_provider, OptionPlace::user_mapping, "token_file", "/t"));
}

TEST(HttpProviderOptions, ChannelsSayWhatIsServed) {
    EXPECT_TRUE(serves(http_provider, Channel::sms, options()));
    EXPECT_FALSE(serves(http_provider, Channel::voice, options()));
    const Options both = options({{"channels", "voice, email"}});
    EXPECT_FALSE(serves(http_provider, Channel::sms, both));
    EXPECT_TRUE(serves(http_provider, Channel::voice, both));
    EXPECT_TRUE(serves(http_provider, Channel::email, both));
    EXPECT_FALSE(serves(http_provider, Channel::whatsapp, both));
}

// --- options together

void expect_incomplete(const Options &with, std::string_view part) {
    const Error error = error_of([&] { check_complete(http_provider, with); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.message().find(part), std::string::npos) << error.message();
    EXPECT_FALSE(error.hint().empty());
    EXPECT_EQ(all_text(error).find("s3cret"), std::string::npos);
}

TEST(HttpProviderComplete, WhatGoesTogether) {
    expect_incomplete(options({{"method", "GET"}}), "\"body\" do not go together");
    expect_incomplete(options({{"body", R"({"to":"{to}"})"}}), "would not hold the code");
    expect_incomplete(options({{"body", ""}}), "would not hold the code");
    expect_incomplete(options({{"headers", "X: {token}"}}), "\"token\"");
    expect_incomplete(options({{"url", "https://gw.example/{token}"}}), "\"token\"");
    expect_incomplete(options({{"password", "s3cret"}}), "\"user\"");
    expect_incomplete(options({{"user", "s3cret"}, {"headers", "authorization: x"}}),
                      "Authorization");
    EXPECT_NO_THROW(check_complete(http_provider, options({{"user", "u"}, {"headers", "X: y"}})));
    EXPECT_NO_THROW(
        check_complete(http_provider, options({{"token_file", "/t"}, {"headers", "X: {token}"}})));
    EXPECT_NO_THROW(
        check_complete(http_provider, options({{"user_file", "/u"}, {"password_file", "/p"}})));
    expect_incomplete(options({{"password_file", "/p"}}), "\"user\"");
    EXPECT_NO_THROW(check_complete(
        http_provider, options({{"body", ""}, {"url", "https://gw.example/?t={code}"}})));
    EXPECT_NO_THROW(check_complete(http_provider,
                                   options({{"body", "{text}"}, {"content_type", "text/plain"}})));
}

TEST(HttpProviderComplete, AJsonBodyHasItsValuesInStrings) {
    for (const std::string_view bad : {"{text}",
                                       R"({"a":{text}})",
                                       R"({"a":"{text}",})",
                                       R"({"a":"{text}","b":{to}})",
                                       R"({"a":"{text}","b":{code}})",
                                       R"({"a":"{text}","b":{from}})",
                                       R"({"a":"{text}","b":{channel}})",
                                       R"({"a":"{text}","b":{locale}})",
                                       R"({"a":"{text}","b":{id}})",
                                       R"({"a":"\{text}"})",
                                       R"({"a":"\u{text}"})",
                                       R"({"a":"{text}","b":"\{id}"})",
                                       "to={to}&text={text}",
                                       R"({"a":"{text}","b":0{life}})",
                                       R"({"a":"{text}","b":9e30{life}})",
                                       R"({"a":"{text}","b":1.{life}e308})",
                                       R"({"a":"{text}","b":"\ud{life}aa"})",
                                       R"({"a":"{text}","b":"\u00{life}1"})",
                                       R"({"a":"{text}","b":"\{life}"})",
                                       R"({"a":"\u000{text}"})",
                                       R"({"a":"{text}","b":"\u000{code}"})",
                                       R"({"a":"{text}","b":1e{to}})"})
        expect_incomplete(options({{"body", bad}}), "valid JSON");
    expect_incomplete(options({{"body", R"({"a":"{text}","b":{token}})"}, {"token", "1"}}),
                      "valid JSON");
    for (const std::string_view good :
         {R"({"a":"{text}","b":{life}})", R"(["{to}","{code}","x {text} y"])", R"("{text}")"})
        EXPECT_NO_THROW(check_complete(http_provider, options({{"body", good}}))) << good;
}

// --- answers

Outcome read(const Options &with, long status, std::string_view body = "") {
    return http_provider.read(message(), with, {status, std::string(body), 9s});
}

TEST(HttpProviderAnswer, DefaultsGoByTheStatus) {
    for (const long status : {199L, 200L, 204L, 302L, 400L, 404L, 408L, 429L, 500L, 503L, 504L}) {
        const Outcome outcome = read(options(), status, "482913 +14155550123");
        EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
        EXPECT_EQ(outcome.error,
                  outcome.verdict == Verdict::accepted ? "" : "HTTP " + std::to_string(status));
        EXPECT_EQ(outcome.retry_after.has_value(),
                  outcome.verdict == Verdict::retry || outcome.verdict == Verdict::unknown);
        EXPECT_EQ(outcome.message_id, "");
    }
}

TEST(HttpProviderAnswer, ListsDecideInOrder) {
    const Options with = options(
        {{"success", "200,202-203,429"}, {"retry", "202,404,500-502"}, {"final", "404,503,204"}});
    EXPECT_EQ(read(with, 200).verdict, Verdict::accepted);
    EXPECT_EQ(read(with, 202).verdict, Verdict::accepted);
    EXPECT_EQ(read(with, 429).verdict, Verdict::accepted);
    EXPECT_EQ(read(with, 201).verdict, Verdict::refused); // a success that is not on the list
    EXPECT_EQ(read(with, 204).verdict, Verdict::refused);
    EXPECT_EQ(read(with, 404).verdict, Verdict::retry);
    EXPECT_EQ(read(with, 501).verdict, Verdict::retry);
    EXPECT_EQ(read(with, 503).verdict, Verdict::refused);
    EXPECT_EQ(read(with, 504).verdict, Verdict::unknown);
    EXPECT_EQ(read(with, 400).verdict, Verdict::refused);
    EXPECT_EQ(read(options({{"retry", "202"}}), 202).verdict, Verdict::retry);
    EXPECT_EQ(read(options({{"retry", "202"}}), 200).verdict, Verdict::accepted);
}

TEST(HttpProviderAnswer, MessageId) {
    const Options with = options({{"message_id", "/messages/0/id"}});
    EXPECT_EQ(read(with, 200, R"({"messages":[{"id":"abc-1"}]})").message_id, "abc-1");
    EXPECT_EQ(read(with, 200, R"({"messages":[{"id":12345678901234567890}]})").message_id,
              "12345678901234567890");
    for (const std::string_view body :
         {"", "OK", "{}", R"({"messages":[]})", R"({"messages":[{"id":null}]})",
          R"({"messages":[{"id":"482913"}]})", R"({"messages":[{"id":"to-14155550123"}]})",
          R"({"messages":[{"id":"Code: 482913"}]})", R"({"messages":[{"id":"a\nb"}]})"}) {
        const Outcome outcome = read(with, 200, body);
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << body;
    }
    EXPECT_EQ(read(options({{"message_id", ""}}), 200, "\"id-1\"").message_id, "id-1");
    EXPECT_EQ(read(with, 400, R"({"messages":[{"id":"abc-1"}]})").message_id, "");
}

// --- memory

TEST(HttpProvider, LeavesNothingSecretInFreedMemory) {
    const Options with = options({{"url", "https://gw.example/{token}?t={text}&to={to}"},
                                  {"headers", "X-Token: {token}"},
                                  {"user", "someone"},
                                  {"password", "pa55word"},
                                  {"token", "t0ken-s3cret"}});
    for (const std::string_view marker : {"482913", "4155550123", "pa55word", "t0ken-s3cret"}) {
        const test::FreedMemory freed(marker);
        check_complete(http_provider, with);
        build(message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

TEST(HttpAnswer, WhatTheOptionsListIsNoFaultOfTheGateway) {
    Options with = options();
    const auto service = [&](long status) {
        return http_provider.read(message(), with, {status, "", {}}).service;
    };
    EXPECT_EQ(service(500), Service::down);
    EXPECT_EQ(service(429), Service::throttled);
    with.set("final", "500");
    EXPECT_EQ(service(500), Service::up);
    EXPECT_EQ(service(502), Service::down);
    with.set("success", "429");
    EXPECT_EQ(service(429), Service::up);
    with.set("retry", "503");
    EXPECT_EQ(service(503), Service::down);
}

} // namespace
} // namespace mfa::core
