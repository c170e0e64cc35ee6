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
using test::call_message;
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

Options options() {
    Options options;
    options.set("space", "example");
    options.set("project_id", "11111111-2222-3333-4444-555555555555");
    options.set("api_token", "PTtoken");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return signalwire_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

// --- requests

TEST(SignalWireText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://example.signalwire.com/api/laml/2010-04-01/Accounts/"
                                  "11111111-2222-3333-4444-555555555555/Messages");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{
                  "Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
                  "Authorization: Basic "
                  "MTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1OlBUdG9rZW4="}));
    EXPECT_EQ(request.body.view(),
              "To=%2B14155550123&From=%2B15550100&"
              "Body=Your%20Personal%20Authorization%20Code%20is%3A%20482913&ValidityPeriod=600");
}

TEST(SignalWireText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    const std::string encoded(test::hostile_percent_encoded);
    EXPECT_EQ(body(message, options()),
              "To=" + encoded + "&From=" + encoded + "&Body=" + encoded + "&ValidityPeriod=600");
}

TEST(SignalWireText, BaseUrlStandsForTheSpace) {
    Options with = options();
    for (const std::string_view base : {"http://127.0.0.1:8080", "http://127.0.0.1:8080//"}) {
        with.set("base_url", base);
        EXPECT_EQ(build(text_message(), with).url.view(),
                  "http://127.0.0.1:8080/api/laml/2010-04-01/Accounts/"
                  "11111111-2222-3333-4444-555555555555/Messages");
    }
}

TEST(SignalWireText, ValidityPeriodIsTheRemainingLife) {
    OutboundMessage message = text_message();
    const auto validity = [&](std::chrono::seconds life) {
        message.life = life;
        const std::string text = body(message, options());
        return text.substr(text.rfind('=') + 1);
    };
    EXPECT_EQ(validity(-1s), "1");
    EXPECT_EQ(validity(0s), "1");
    EXPECT_EQ(validity(1s), "1");
    EXPECT_EQ(validity(172'799s), "172799");
    EXPECT_EQ(validity(172'800s), "172800");
    EXPECT_EQ(validity(172'801s), "172800");
    EXPECT_EQ(validity(604'800s), "172800");
}

TEST(SignalWireText, MessagingServiceUnlessTheCallNamesASender) {
    Options with = options();
    with.set("messaging_service", "MG01");
    OutboundMessage message = text_message();
    message.sender = "";
    EXPECT_NE(body(message, with).find("&MessagingServiceSid=MG01&"), std::string::npos);
    EXPECT_EQ(body(message, with).find("From="), std::string::npos);

    // The server's sender is there for calls.
    with.set("sender", "+15550100");
    message.sender = "+15550100";
    EXPECT_NE(body(message, with).find("&MessagingServiceSid=MG01&"), std::string::npos);
    EXPECT_EQ(body(message, with).find("From="), std::string::npos);

    message.sender = "+15550199";
    EXPECT_NE(body(message, with).find("&From=%2B15550199&"), std::string::npos);
    EXPECT_EQ(body(message, with).find("MessagingServiceSid"), std::string::npos);
}

TEST(SignalWireText, NeedsASender) {
    OutboundMessage message = text_message();
    message.sender = "";
    const Error error = error_of([&] { build(message, options()); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_NE(error.hint().find("\"sender\""), std::string::npos);
    EXPECT_EQ(all_text(error).find("482913"), std::string::npos);
}

TEST(SignalWireCall, Request) {
    const HttpRequest request = build(call_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://example.signalwire.com/api/calling/calls");
    EXPECT_EQ(headers_of(request)[0], "Content-Type: application/json");
    EXPECT_EQ(headers_of(request)[1], "Accept: application/json");
    EXPECT_TRUE(headers_of(request)[2].starts_with("Authorization: Basic "));
    EXPECT_EQ(request.body.view(),
              R"({"command":"dial","params":{"from":"+15550100","to":"+14155550123","timeout":30,)"
              R"("swml":{"version":"1.0.0","sections":{"main":[{"play":{"url":)"
              R"("say:Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3."}}]}}}})");
}

TEST(SignalWireCall, VoiceAndLanguage) {
    Options with = options();
    OutboundMessage message = call_message();
    message.locale = "de_AT";
    EXPECT_NE(body(message, with).find(R"(","say_language":"de-DE"}}]}}}})"), std::string::npos);
    with.set("say_voice", "Polly.Vicki");
    with.set("say_language", "de-AT");
    EXPECT_NE(
        body(message, with).find(R"(","say_voice":"Polly.Vicki","say_language":"de-AT"}}]}}}})"),
        std::string::npos);
    with = options();
    message.locale = "ar";
    EXPECT_NE(body(message, with).find(R"(","say_language":"arb"}}]}}}})"), std::string::npos);
    for (const std::string_view locale : {"tlh", "my"}) {
        message.locale = locale;
        EXPECT_EQ(body(message, with).find("say_language"), std::string::npos) << locale;
    }
}

TEST(SignalWireCall, HostileFieldsStayStringsAndBringNoExpression) {
    OutboundMessage message = call_message();
    const std::string number = "+1" + std::string(hostile);
    message.recipient = hostile;
    message.sender = number;
    message.text = hostile;
    const std::string text = body(message, options());
    ASSERT_TRUE(is_json(text)) << text;
    EXPECT_EQ(json_scalar_at(text, "/params/to"), hostile);
    EXPECT_EQ(json_scalar_at(text, "/params/from"), number);
    const std::string spoken =
        json_scalar_at(text, "/params/swml/sections/main/0/play/url").value_or("");
    EXPECT_EQ(spoken, "say:é😀&=+%\"<>'\\/\r\n\t  $ 1+1 % call.from #;?");
    message.text = "\xFF\xC0 broken";
    EXPECT_TRUE(is_json(body(message, options())));
}

TEST(SignalWireCall, RingsNoLongerThanTheCodeLives) {
    OutboundMessage message = call_message();
    const auto ringing = [&](std::chrono::seconds life) {
        message.life = life;
        return json_scalar_at(body(message, options()), "/params/timeout").value_or("");
    };
    EXPECT_EQ(ringing(0s), "1");
    EXPECT_EQ(ringing(12s), "12");
    EXPECT_EQ(ringing(30s), "30");
    EXPECT_EQ(ringing(31s), "30");
}

TEST(SignalWireCall, NeedsANumberToCallFrom) {
    OutboundMessage message = call_message();
    for (const std::string_view sender : {"", "MyShop"}) {
        message.sender = sender;
        EXPECT_STREQ(error_of([&] { build(message, options()); }).sqlstate(), "55000");
    }
}

// --- answers

Outcome read(const OutboundMessage &message, long status, std::string_view text) {
    return signalwire_provider.read(message, options(), {status, std::string(text), 9s});
}

Outcome read_text(long status, std::string_view text) { return read(text_message(), status, text); }

TEST(SignalWireAnswer, Accepted) {
    Outcome outcome = read_text(
        201, R"({"sid":"0d5e3b5c-1","status":"queued","error_code":null,"body":"... 482913"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "0d5e3b5c-1");
    EXPECT_EQ(outcome.error, "");
    EXPECT_FALSE(outcome.retry_after.has_value());
    EXPECT_EQ(read_text(200, R"({"sid":"a"})").verdict, Verdict::accepted);

    outcome = read(call_message(), 200, R"({"id":"c-1","status":"queued"})");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "c-1");
}

TEST(SignalWireAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "SM-482913", "14155550123", "a b", "a\\u0000"}) {
        const Outcome outcome = read_text(201, R"({"sid":")" + std::string(id) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::accepted);
        EXPECT_EQ(outcome.message_id, "") << id;
    }
    EXPECT_EQ(read_text(201, R"({"sid":")" + std::string(201, 'a') + R"("})").message_id, "");
}

TEST(SignalWireAnswer, SuccessOfSomebodyElse) {
    for (const std::string_view text : {"", "<html>Log in</html>", "{}", "[]", R"({"sid":""})",
                                        R"({"id":"x"})", R"({"sid":null})", R"({"sid":"x")"}) {
        const Outcome outcome = read_text(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
    }
    EXPECT_EQ(read(call_message(), 200, R"({"sid":"x"})").verdict, Verdict::unknown);
}

TEST(SignalWireAnswer, AMessageThatHasFailedAlready) {
    Outcome outcome = read_text(201, R"({"sid":"x","status":"failed","error_code":30007})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 201, provider code 30007: carrier took it for spam");
    outcome = read_text(201, R"({"sid":"x","status":"undelivered","error_code":"30008"})");
    EXPECT_EQ(outcome.verdict, Verdict::retry);
    outcome = read_text(201, R"({"sid":"x","status":"failed","error_code":null})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 201");
    EXPECT_EQ(read_text(201, R"({"sid":"x","status":"sent"})").verdict, Verdict::accepted);
}

TEST(SignalWireAnswer, StatusClassesWithoutACode) {
    for (const std::string_view text : {"", "{}", "<html>", R"({"code":""})", R"({"code":{}})"}) {
        for (const long status :
             {302L, 400L, 401L, 403L, 404L, 408L, 422L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read_text(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
            EXPECT_EQ(outcome.retry_after.has_value(), outcome.verdict != Verdict::refused);
        }
    }
}

TEST(SignalWireAnswer, EveryDocumentedCodeDecides) {
    const std::vector<std::string> retryable{"20429", "20504", "20001", "21611", "30008", "30022"};
    const std::vector<std::string> final{
        "10000", "20003", "21210", "21211", "21212", "21213", "21217", "21603", "21604", "21606",
        "21610", "21614", "21617", "30002", "30003", "30004", "30005", "30006", "30007", "30010"};
    for (const long status : {400L, 401L, 404L, 422L, 429L, 500L, 503L}) {
        for (const auto &[codes, verdict] :
             {std::pair{retryable, Verdict::retry}, std::pair{final, Verdict::refused}}) {
            for (const std::string &code : codes) {
                for (const std::string &text :
                     {R"({"code":)" + code + R"(,"message":"cannot send 482913","status":400})",
                      R"({"code":")" + code + R"("})",
                      R"({"errors":[{"type":"x","code":")" + code + R"(","message":"482913"}]})"}) {
                    const Outcome outcome = read_text(status, text);
                    EXPECT_EQ(outcome.verdict, verdict) << status << " " << code;
                    EXPECT_TRUE(outcome.error.starts_with("HTTP " + std::to_string(status) +
                                                          ", provider code " + code + ": "))
                        << outcome.error;
                    EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
                    EXPECT_EQ(outcome.retry_after.has_value(), verdict == Verdict::retry);
                }
            }
        }
    }
    EXPECT_EQ(read_text(400, R"({"code":21610})").error,
              "HTTP 400, provider code 21610: recipient opted out");
}

TEST(SignalWireAnswer, OtherCodesAreNamedIfTheyAreCodes) {
    Outcome outcome =
        read_text(422, R"({"errors":[{"code":"missing_required_parameter","attribute":"to"}]})");
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.error, "HTTP 422, provider code missing_required_parameter");
    EXPECT_EQ(read_text(500, R"({"code":99999})").verdict, Verdict::unknown);
    for (const std::string_view code :
         {"482913", "E-482913", "+14155550123", "14155550123", "a b", "<b>", "a\\nb", "é",
          "123456789012345678901234567890123", "Your Personal Authorization Code is: 482913"}) {
        outcome = read_text(400, R"({"code":")" + std::string(code) + R"("})");
        EXPECT_EQ(outcome.verdict, Verdict::refused);
        EXPECT_EQ(outcome.error, "HTTP 400") << code;
    }
    // A known code is a constant, not an echo, even where the one-time code happens to be the same.
    OutboundMessage message = text_message();
    message.code = "21610";
    EXPECT_EQ(read(message, 400, R"({"code":21610})").error,
              "HTTP 400, provider code 21610: recipient opted out");
}

// --- memory

TEST(SignalWire, LeavesNothingSecretInFreedMemory) {
    const Options with = options();
    const Secret credentials = base64("11111111-2222-3333-4444-555555555555:PTtoken");
    for (const std::string_view marker :
         {std::string_view("482913"), std::string_view("4, 8, 2, 9, 1, 3"),
          std::string_view("4155550123"), std::string_view("PTtoken"), credentials.view()}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        build(call_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
