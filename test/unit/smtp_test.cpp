#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/providers/providers.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using test::all_text;
using test::error_of;
using test::hostile;

OutboundMessage mail_message() {
    OutboundMessage message = test::text_message();
    message.channel = Channel::email;
    message.recipient = "someone.else@example.org";
    message.sender = "Codes@shop.example";
    return message;
}

Options options() {
    Options options;
    options.set("url", "smtp://mail.shop.example:587");
    options.set("sender", "Codes@shop.example");
    return options;
}

HttpRequest build(const OutboundMessage &message, const Options &with) {
    return smtp_provider.build(message, with);
}

std::string body(const OutboundMessage &message, const Options &with) {
    return std::string(build(message, with).body.view());
}

// --- requests

TEST(SmtpMail, Request) {
    Options with = options();
    with.set("user", "mfa@shop.example");
    with.set("password", "s3cr3t ñ");
    const HttpRequest request = build(mail_message(), with);
    EXPECT_EQ(request.url.view(), "smtp://mail.shop.example:587");
    EXPECT_TRUE(request.headers.empty());
    ASSERT_TRUE(request.mail.has_value());
    EXPECT_EQ(request.mail->from.view(), "Codes@shop.example");
    EXPECT_EQ(request.mail->to.view(), "someone.else@example.org");
    EXPECT_EQ(request.mail->user.view(), "mfa@shop.example");
    EXPECT_EQ(request.mail->password.view(), "s3cr3t ñ");
    EXPECT_FALSE(request.signing.has_value());
    EXPECT_EQ(request.body.view(), "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
                                   "From: <Codes@shop.example>\r\n"
                                   "To: <someone.else@example.org>\r\n"
                                   "Subject: Your code\r\n"
                                   "Message-ID: <018f0000-0000-7000-8000-000000000001@shop.example>"
                                   "\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "\r\n"
                                   "Your Personal Authorization Code is: 482913\r\n");
}

TEST(SmtpMail, NameSubjectAndLanguage) {
    Options with = options();
    with.set("from_name", "My \"Shop\"");
    with.set("subject", "Größe");
    OutboundMessage message = mail_message();
    message.locale = "pt_BR";
    EXPECT_EQ(body(message, with), "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
                                   "From: \"My \\\"Shop\\\"\"\r\n <Codes@shop.example>\r\n"
                                   "To: <someone.else@example.org>\r\n"
                                   "Subject: =?UTF-8?B?R3LDtsOfZQ==?=\r\n"
                                   "Message-ID: <018f0000-0000-7000-8000-000000000001@shop.example>"
                                   "\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "Content-Language: pt-BR\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "\r\n"
                                   "Your Personal Authorization Code is: 482913\r\n");
}

TEST(SmtpMail, HostileTextStaysText) {
    OutboundMessage message = mail_message();
    message.text = "é😀&=+%\r\n.\r\nQUIT\n";
    const std::string mail = body(message, options());
    EXPECT_TRUE(mail.ends_with("\r\n\r\n=C3=A9=F0=9F=98=80&=3D+%\r\n=2E\r\nQUIT\r\n\r\n")) << mail;
    message.text = hostile;
    message.locale = hostile;
    message.id = hostile;
    const std::string headers = body(message, options());
    EXPECT_EQ(headers.find("Content-Language"), std::string::npos);
    EXPECT_EQ(headers.find("Message-ID"), std::string::npos);
}

TEST(SmtpMail, AddressesThatAreNone) {
    for (const std::string_view address :
         {hostile, std::string_view(), std::string_view("MyShop"), std::string_view("+14155550123"),
          std::string_view("a@b.example\r\nBcc: c@d.example"),
          std::string_view("a@b.example>, <c@d.example"), std::string_view("ü@b.example"),
          std::string_view("a@ü.example"), std::string_view("a@b.example ")}) {
        for (const bool sender : {true, false}) {
            OutboundMessage message = mail_message();
            (sender ? message.sender : message.recipient) = address;
            const Error error = error_of([&] { build(message, options()); });
            EXPECT_STREQ(error.sqlstate(), "55000") << address;
            EXPECT_EQ(error.message().starts_with(sender ? "the sender" : "the recipient"), true);
            EXPECT_FALSE(error.hint().empty());
            if (address.size() > 2) {
                EXPECT_EQ(all_text(error).find(address), std::string::npos);
            }
        }
    }
}

TEST(SmtpMail, MessageIds) {
    OutboundMessage message = mail_message();
    const auto id = [&](std::string_view name) {
        message.id = name;
        const std::string mail = body(message, options());
        const std::size_t at = mail.find("Message-ID: ");
        return at == std::string::npos ? "" : mail.substr(at + 12, mail.find('\r', at) - at - 12);
    };
    EXPECT_EQ(id("0a1b.12"), "<0a1b.12@shop.example>");
    for (const std::string_view none : {"", ".a", "a.", "a..b", "a>b", "a b", "a@b", "a\r\n"})
        EXPECT_EQ(id(none), "") << none;
}

TEST(SmtpMail, Languages) {
    OutboundMessage message = mail_message();
    const auto says = [&](std::string_view locale) {
        message.locale = locale;
        return body(message, options()).find("Content-Language: ") != std::string::npos;
    };
    EXPECT_TRUE(says("de"));
    EXPECT_TRUE(says(std::string(35, 'a')));
    EXPECT_FALSE(says(std::string(36, 'a')));
    EXPECT_FALSE(says("de\r\nX: y"));
    EXPECT_FALSE(says("de,fr"));
}

// --- options

void set_server(std::string_view name, std::string_view value) {
    check_option(smtp_provider, OptionPlace::server, name, value);
}

TEST(SmtpOptions, Names) {
    const Error error = error_of([] { set_server("subjekt", "x"); });
    EXPECT_EQ(error.hint(),
              "Valid options of a server of mfa_smtp are: url, sender, from_name, subject, "
              "timeout, connect_timeout, max_connections, max_rate, ca_file, proxy, state_lookup.");
    EXPECT_TRUE(serves(smtp_provider, Channel::email, options()));
    EXPECT_FALSE(serves(smtp_provider, Channel::sms, options()));
    EXPECT_FALSE(looks_up(smtp_provider, Channel::email, options()));
}

TEST(SmtpOptions, TheSenderIsAnAddress) {
    EXPECT_NO_THROW(set_server("sender", "Codes+x@shop.example"));
    for (const std::string_view bad :
         {"", "MyShop", "+14155550123", "Shop <a@b.example>", "a@b.example, c@d.example",
          "ü@b.example", " a@b.example", "a@b.example\n", "a@b@c.example", "a@b..example"})
        EXPECT_STREQ(error_of([&] { set_server("sender", bad); }).sqlstate(), "HV024") << bad;
}

TEST(SmtpOptions, Texts) {
    for (const std::string_view name : {"subject", "from_name"}) {
        EXPECT_NO_THROW(set_server(name, "Größe 😀"));
        EXPECT_NO_THROW(set_server(name, std::string(200, 'x')));
        for (const std::string &bad :
             {std::string(), std::string(201, 'x'), std::string("a\r\nb"), std::string("a\0b", 3),
              std::string("\xC2\x85"), std::string("\xFF"), std::string("a\tb")})
            EXPECT_STREQ(error_of([&] { set_server(name, bad); }).sqlstate(), "HV024") << bad;
    }
    for (const std::string_view bad : {"Your code {code}", "{", "}", "{app}"})
        EXPECT_STREQ(error_of([&] { set_server("subject", bad); }).sqlstate(), "HV024") << bad;
}

TEST(SmtpOptions, RequiredAndTogether) {
    EXPECT_NO_THROW(check_complete(smtp_provider, options()));
    for (const std::string_view missing : {"url", "sender"}) {
        Options with;
        with.set(missing == "url" ? "sender" : "url", "x");
        const Error error = error_of([&] { check_complete(smtp_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.message().find("\"" + std::string(missing) + "\""), std::string::npos);
    }
    for (const auto &[given, missing] :
         {std::pair{"user", "password"}, std::pair{"password", "user"},
          std::pair{"password_file", "user"}}) {
        Options with = options();
        with.set(given, "s3cr3t");
        const Error error = error_of([&] { check_complete(smtp_provider, with); });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_NE(error.message().find("\"" + std::string(missing) + "\""), std::string::npos);
        EXPECT_EQ(all_text(error).find("s3cr3t"), std::string::npos);
    }
    Options with = options();
    with.set("user", "u");
    with.set("password_file", "/etc/mfa/password");
    EXPECT_NO_THROW(check_complete(smtp_provider, with));
}

// --- answers

Outcome read(long status, std::string_view line) {
    return smtp_provider.read(mail_message(), options(), {status, std::string(line), {}});
}

TEST(SmtpAnswer, Accepted) {
    Outcome outcome = read(250, "250 2.0.0 Ok: queued as 4F2A1");
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "018f0000-0000-7000-8000-000000000001@shop.example");
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.service, Service::up);
    // An id that has the code in it says what the code is.
    OutboundMessage message = mail_message();
    message.id = "a.482913";
    outcome = smtp_provider.read(message, options(), {250, "250 ok", {}});
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    EXPECT_EQ(outcome.message_id, "");
}

TEST(SmtpAnswer, EveryDocumentedReplyDecides) {
    struct Expected {
        long code;
        const char *error;
        Service service = Service::up;
    };
    for (const Expected &expected : {
             Expected{421, "SMTP 421: server is closing", Service::down},
             Expected{432, "SMTP 432: password has to be changed"},
             Expected{450, "SMTP 450: mailbox busy, or put off by policy"},
             Expected{451, "SMTP 451: temporary failure of the server"},
             Expected{452, "SMTP 452: server is out of storage"},
             Expected{454, "SMTP 454: temporary failure of log-in or TLS", Service::down},
             Expected{455, "SMTP 455: temporary failure of the server"},
             Expected{499, "SMTP 499"},
             Expected{500, "SMTP 500"},
             Expected{521, "SMTP 521: host takes no mail"},
             Expected{530, "SMTP 530: log-in or TLS wanted"},
             Expected{534, "SMTP 534: log-in of another kind wanted"},
             Expected{535, "SMTP 535: user or password not valid"},
             Expected{538, "SMTP 538: log-in without TLS not allowed"},
             Expected{550, "SMTP 550: mailbox not there, or refused by policy"},
             Expected{551, "SMTP 551: recipient is not here"},
             Expected{552, "SMTP 552: mailbox full, or message too large"},
             Expected{553, "SMTP 553: address not allowed"},
             Expected{554, "SMTP 554: refused by policy"},
             Expected{556, "SMTP 556: recipient's domain takes no mail"},
             Expected{599, "SMTP 599"},
         }) {
        const Outcome outcome =
            read(expected.code, std::to_string(expected.code) + " no 482913 for someone.else@x");
        EXPECT_EQ(outcome.verdict, expected.code < 500 ? Verdict::retry : Verdict::refused);
        EXPECT_EQ(outcome.error, expected.error);
        EXPECT_EQ(outcome.service, expected.service) << expected.code;
        EXPECT_EQ(outcome.message_id, "");
    }
    for (const long other : {0L, 150L, 354L, 600L, 999L})
        EXPECT_EQ(read(other, "").verdict, Verdict::unknown) << other;
}

TEST(SmtpAnswer, EnhancedCodes) {
    EXPECT_EQ(read(550, "550 5.1.1 <a@b> unknown").error,
              "SMTP 550 5.1.1: mailbox not there, or refused by policy");
    EXPECT_EQ(read(550, "550 5.7.511").error,
              "SMTP 550 5.7.511: mailbox not there, or refused by policy");
    for (const std::string_view line :
         {"", "550", "550 ", "550 5", "550 5.1", "550 5.1.1.1 x", "550 4.1.1 x", "550 5.1.1. x",
          "550 5..1 x", "550 5.1234.1 x", "550 5.a.1 x", "550-5.1.1 x", "551 5.1.1 x", "5.1.1",
          "550 55.1.1x", "550 482913", "550 .5.1.1"})
        EXPECT_EQ(read(550, line).error, "SMTP 550: mailbox not there, or refused by policy")
            << line;
}

// --- memory

TEST(Smtp, LeavesNothingSecretInFreedMemory) {
    Options with = options();
    with.set("user", "mfa@shop.example");
    with.set("password", "s3cr3t password");
    for (const std::string_view marker : {"482913", "someone.else", "s3cr3t"}) {
        const test::FreedMemory freed(marker);
        build(mail_message(), with);
        EXPECT_GT(freed.blocks(), 1U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U) << marker;
    }
}

} // namespace
} // namespace mfa::core
