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
using test::error_of;
using test::headers_of;
using test::hostile;
using test::text_message;

Options options() {
    Options options;
    options.set("region", "eu-central-1");
    options.set("access_key_id", "AKIAEXAMPLE");
    options.set("secret_access_key", "s3cr3t/key+");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return sns_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

constexpr std::string_view start = "Action=Publish&Version=2010-03-31&PhoneNumber=%2B14155550123&"
                                   "Message=Your%20Personal%20Authorization%20Code%20is%3A%20482913"
                                   "&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType"
                                   "&MessageAttributes.entry.1.Value.DataType=String"
                                   "&MessageAttributes.entry.1.Value.StringValue=Transactional";

std::string attribute(int n, std::string_view name, std::string_view value) {
    const std::string entry = "&MessageAttributes.entry." + std::to_string(n);
    return entry + ".Name=" + std::string(name) + entry + ".Value.DataType=String" + entry +
           ".Value.StringValue=" + std::string(value);
}

// --- requests

TEST(SnsText, Request) {
    const HttpRequest request = build(text_message(), options());
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url.view(), "https://sns.eu-central-1.amazonaws.com/");
    EXPECT_EQ(headers_of(request),
              (std::vector<std::string>{"Content-Type: application/x-www-form-urlencoded"}));
    EXPECT_EQ(request.body.view(),
              std::string(start) + attribute(2, "AWS.MM.SMS.OriginationNumber", "%2B15550100"));
    ASSERT_TRUE(request.signing.has_value());
    EXPECT_EQ(request.signing->region, "eu-central-1");
    EXPECT_EQ(request.signing->service, "sns");
    EXPECT_EQ(request.signing->access_key_id.view(), "AKIAEXAMPLE");
    EXPECT_EQ(request.signing->secret_access_key.view(), "s3cr3t/key+");
    EXPECT_FALSE(request.mail.has_value());
}

TEST(SnsText, Senders) {
    OutboundMessage message = text_message();
    message.sender = "MyShop";
    EXPECT_EQ(body(message, options()),
              std::string(start) + attribute(2, "AWS.SNS.SMS.SenderID", "MyShop"));
    message.sender = "";
    EXPECT_EQ(body(message, options()), start);
}

TEST(SnsText, RegistrationInIndia) {
    Options with = options();
    with.set("template_id", "1107");
    EXPECT_EQ(body(text_message(), with),
              std::string(start) + attribute(2, "AWS.MM.SMS.OriginationNumber", "%2B15550100") +
                  attribute(3, "AWS.MM.SMS.TemplateId", "1107"));
    with.set("entity_id", "1101");
    EXPECT_EQ(body(text_message(), with),
              std::string(start) + attribute(2, "AWS.MM.SMS.OriginationNumber", "%2B15550100") +
                  attribute(3, "AWS.MM.SMS.EntityId", "1101") +
                  attribute(4, "AWS.MM.SMS.TemplateId", "1107"));
}

TEST(SnsText, SessionToken) {
    Options with = options();
    with.set("session_token", "IQoJ/b3==");
    EXPECT_EQ(headers_of(build(text_message(), with)),
              (std::vector<std::string>{"Content-Type: application/x-www-form-urlencoded",
                                        "x-amz-security-token: IQoJ/b3=="}));
}

TEST(SnsText, Hosts) {
    Options with = options();
    with.set("region", "cn-north-1");
    EXPECT_EQ(build(text_message(), with).url.view(), "https://sns.cn-north-1.amazonaws.com.cn/");
    with.set("region", "us-gov-west-1");
    EXPECT_EQ(build(text_message(), with).url.view(), "https://sns.us-gov-west-1.amazonaws.com/");
    for (const std::string_view base : {"http://127.0.0.1:8080", "http://127.0.0.1:8080//"}) {
        with.set("base_url", base);
        EXPECT_EQ(build(text_message(), with).url.view(), "http://127.0.0.1:8080/");
    }
}

TEST(SnsText, HostileFields) {
    OutboundMessage message = text_message();
    message.recipient = hostile;
    message.sender = hostile;
    message.text = hostile;
    const std::string encoded(test::hostile_percent_encoded);
    EXPECT_EQ(body(message, options()), "Action=Publish&Version=2010-03-31&PhoneNumber=" + encoded +
                                            "&Message=" + encoded +
                                            attribute(1, "AWS.SNS.SMS.SMSType", "Transactional") +
                                            attribute(2, "AWS.SNS.SMS.SenderID", encoded));
}

// --- options

TEST(SnsOptions, Region) {
    for (const std::string_view good :
         {"us-east-1", "eu-central-1", "ap-southeast-12", "us-gov-west-1", "cn-northwest-1"})
        EXPECT_NO_THROW(check_option(sns_provider, OptionPlace::server, "region", good)) << good;
    for (const std::string_view bad :
         {"", "us", "us-1", "us-east", "us-east-", "us-east-a", "-east-1", "us--1", "US-east-1",
          "us-east-1.evil.example/", "us-east-1\n", "us-east-1:sns", "us_east_1", "1-east-1",
          "us-east-1-", "a-verylongnameofaregionthatisnone-1"}) {
        const Error error =
            error_of([&] { check_option(sns_provider, OptionPlace::server, "region", bad); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << bad;
    }
}

TEST(SnsOptions, Credentials) {
    const auto check_user = [](std::string_view name, std::string_view value) {
        check_option(sns_provider, OptionPlace::user_mapping, name, value);
    };
    EXPECT_NO_THROW(check_user("access_key_id", "AKIAIOSFODNN7EXAMPLE"));
    EXPECT_NO_THROW(check_user("secret_access_key", "wJalr/XUtn+FEMI"));
    EXPECT_NO_THROW(check_user("session_token", std::string(8192, 'x')));
    for (const auto &[name, value] :
         {std::pair{"access_key_id", "a/b"}, std::pair{"secret_access_key", "s3cr3t\n"},
          std::pair{"session_token", "s3cr3t\r\nX: y"}, std::pair{"session_token", ""}}) {
        const Error error = error_of([&, name = name, value = value] { check_user(name, value); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << name;
        EXPECT_EQ(test::all_text(error).find("s3cr3t"), std::string::npos);
    }
    EXPECT_THROW(check_user("session_token", std::string(8193, 'x')), Error);
}

TEST(SnsOptions, Required) {
    EXPECT_NO_THROW(check_complete(sns_provider, options()));
    Options with;
    for (const char *name : {"region", "access_key_id", "secret_access_key"}) {
        const Error error = error_of([&] { check_complete(sns_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.message().find(name), std::string::npos) << error.message();
        with.set(name, options().get(name));
    }
    EXPECT_TRUE(serves(sns_provider, Channel::sms, with));
    EXPECT_FALSE(serves(sns_provider, Channel::voice, with));
    EXPECT_FALSE(looks_up(sns_provider, Channel::sms, with));
}

// --- answers

Outcome read(long status, std::string_view text) {
    return sns_provider.read(text_message(), options(), {status, std::string(text), 9s});
}

std::string published(std::string_view id) {
    return R"(<?xml version="1.0"?><PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
  <PublishResult><MessageId>)" +
           std::string(id) +
           R"(</MessageId></PublishResult><ResponseMetadata><RequestId>f187</RequestId>
  </ResponseMetadata></PublishResponse>)";
}

std::string error(std::string_view code) {
    return R"(<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>
  <Code>)" +
           std::string(code) +
           "</Code><Message>can't send 482913 to +14155550123</Message></Error>"
           "<RequestId>9dd0</RequestId></ErrorResponse>";
}

TEST(SnsAnswer, Accepted) {
    const Outcome outcome = read(200, published("94f20ce6-13c5-43a0-9a9e-ca52d816e90b"));
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "94f20ce6-13c5-43a0-9a9e-ca52d816e90b");
    EXPECT_EQ(outcome.error, "");
    EXPECT_FALSE(outcome.retry_after.has_value());
}

TEST(SnsAnswer, AnIdThatEchoesTheMessageIsNotKept) {
    for (const std::string_view id : {"482913", "x-482913", "14155550123", "a b", "&#10;a", "é"}) {
        const Outcome outcome = read(200, published(id));
        EXPECT_EQ(outcome.verdict, Verdict::accepted) << id;
        EXPECT_EQ(outcome.message_id, "") << id;
    }
    EXPECT_EQ(read(200, published(std::string(201, 'a'))).message_id, "");
}

TEST(SnsAnswer, SuccessOfSomebodyElse) {
    for (const std::string &text :
         {std::string(), std::string("<html>Log in</html>"), std::string("{}"), published(""),
          published("x").substr(0, 150), error("Throttling"),
          std::string("<MessageId>x</MessageId>"), published("<b>x</b>"),
          "<!DOCTYPE x [<!ENTITY y 'z'>]>" + published("&y;"),
          std::string(R"({"PublishResponse":{"PublishResult":{"MessageId":"x"}}})")}) {
        const Outcome outcome = read(200, text);
        EXPECT_EQ(outcome.verdict, Verdict::unknown) << text;
        EXPECT_EQ(outcome.error, "HTTP 200, without a message id");
    }
}

TEST(SnsAnswer, EveryDocumentedCodeDecides) {
    struct Expected {
        const char *code;
        Verdict verdict;
        Service service = Service::up;
    };
    for (const Expected &expected : {
             Expected{"Throttled", Verdict::retry, Service::throttled},
             Expected{"Throttling", Verdict::retry, Service::throttled},
             Expected{"ThrottledException", Verdict::retry, Service::throttled},
             Expected{"ThrottlingException", Verdict::retry, Service::throttled},
             Expected{"RequestThrottled", Verdict::retry, Service::throttled},
             Expected{"RequestThrottledException", Verdict::retry, Service::throttled},
             Expected{"RequestLimitExceeded", Verdict::retry, Service::throttled},
             Expected{"TooManyRequestsException", Verdict::retry, Service::throttled},
             Expected{"KMSThrottling", Verdict::retry, Service::throttled},
             Expected{"InternalError", Verdict::unknown, Service::down},
             Expected{"InternalFailure", Verdict::unknown, Service::down},
             Expected{"ServiceUnavailable", Verdict::retry, Service::down},
             Expected{"InvalidParameter", Verdict::refused},
             Expected{"InvalidParameterValue", Verdict::refused},
             Expected{"ParameterValueInvalid", Verdict::refused},
             Expected{"ValidationError", Verdict::refused},
             Expected{"ValidationException", Verdict::refused},
             Expected{"OptedOut", Verdict::refused},
             Expected{"AuthorizationError", Verdict::refused},
             Expected{"AccessDenied", Verdict::refused},
             Expected{"AccessDeniedException", Verdict::refused},
             Expected{"NotAuthorized", Verdict::refused},
             Expected{"OptInRequired", Verdict::refused},
             Expected{"InvalidSecurity", Verdict::refused},
             Expected{"IncompleteSignature", Verdict::refused},
             Expected{"MissingAuthenticationToken", Verdict::refused},
             Expected{"SignatureDoesNotMatch", Verdict::refused},
             Expected{"InvalidClientTokenId", Verdict::refused},
             Expected{"UnrecognizedClientException", Verdict::refused},
             Expected{"ExpiredToken", Verdict::refused},
             Expected{"ExpiredTokenException", Verdict::refused},
             Expected{"RequestExpired", Verdict::refused},
         }) {
        const Outcome outcome = read(400, error(expected.code));
        EXPECT_EQ(outcome.verdict, expected.verdict) << expected.code;
        EXPECT_EQ(outcome.service, expected.service) << expected.code;
        EXPECT_TRUE(outcome.error.starts_with("HTTP 400, provider code " +
                                              std::string(expected.code) + ": "))
            << outcome.error;
        EXPECT_EQ(outcome.error.find("482913"), std::string::npos);
        EXPECT_EQ(outcome.retry_after.has_value(), expected.verdict != Verdict::refused);
    }
}

TEST(SnsAnswer, StatusClassesWithoutACode) {
    for (const std::string &text : {std::string(), std::string("<html>"), error(""), error("a b"),
                                    error("482913"), error("+14155550123"), error("<x/>")}) {
        for (const long status : {302L, 400L, 403L, 404L, 413L, 429L, 500L, 502L, 503L, 504L}) {
            const Outcome outcome = read(status, text);
            EXPECT_EQ(outcome.verdict, classify_status(status)) << status;
            EXPECT_EQ(outcome.service, classify_service(status)) << status;
            EXPECT_EQ(outcome.error, "HTTP " + std::to_string(status));
        }
    }
    EXPECT_EQ(read(400, error("SomethingNew")).error, "HTTP 400, provider code SomethingNew");
}

// --- memory

TEST(Sns, LeavesNothingSecretInFreedMemory) {
    Options with = options();
    with.set("session_token", "tokenvalue");
    for (const std::string_view marker : {"482913", "4155550123", "s3cr3t/key+", "tokenvalue"}) {
        const test::FreedMemory freed(marker);
        build(text_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
