// Mail, against aiosmtpd and against servers that misbehave (test/smtp/smtp.py). What each test fails
// without is said at it.
#include <algorithm>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "core/ascii.hpp"

#include "base64.hpp"
#include "core/providers/providers.hpp"
#include "core/transfer.hpp"
#include "core_helpers.hpp"
#include "peers.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using Result = Completion::Result;
using test::run;
using Clock = std::chrono::steady_clock;

class Smtp : public testing::Test {
  protected:
    static void SetUpTestSuite() { peer = std::make_unique<test::Peer>("smtp/smtp.py"); }
    static void TearDownTestSuite() { peer.reset(); }

    static OutboundMessage message() {
        OutboundMessage message = test::text_message();
        message.channel = Channel::email;
        message.recipient = "someone@example.org";
        message.sender = "codes@shop.example";
        return message;
    }
    static Options options(const std::string &server, const std::string &scheme = "smtp") {
        Options options;
        options.set("url", scheme + "://localhost:" + peer->port(server));
        options.set("sender", "codes@shop.example");
        return options;
    }
    static Options with_log_in(Options options, std::string_view password = "s3cr3t ñ/\\") {
        options.set("user", "mfa@example.com");
        options.set("password", password);
        return options;
    }
    static TransportOptions tls(const std::string &ca = "ca.pem") {
        TransportOptions options;
        options.ca_file = peer->file(ca);
        return options;
    }
    static TransportOptions within(std::chrono::milliseconds timeout) {
        TransportOptions options;
        options.timeout = timeout;
        return options;
    }
    static Completion send(const Options &options, const TransportOptions &how = {}) {
        return send(message(), options, how);
    }
    static Completion send(const OutboundMessage &message, const Options &options,
                           const TransportOptions &how = {}) {
        Transport transport;
        return run(transport, smtp_provider.build(message, options), how);
    }
    static Outcome outcome(const Completion &completion) {
        return completion.result == Result::response
                   ? smtp_provider.read(message(), {}, completion.response)
                   : outcome_without_response(completion);
    }
    static std::vector<nlohmann::json> mails() { return peer->records("mails.jsonl"); }

    static inline std::unique_ptr<test::Peer> peer;
};

TEST_F(Smtp, ArrivesAsItWasWritten) {
    for (const std::string_view text :
         {std::string_view("Your code is 482913"), test::hostile,
          std::string_view(".\n.. a line\n.\n\n trailing blank \n.\r\n.\r\nQUIT\r\nFrom x")}) {
        OutboundMessage one = message();
        one.text = text;
        one.locale = "de_AT";
        Options with = options("plain");
        with.set("from_name", "Müller \"& Söhne\" <x@y.z>");
        with.set("subject", "Ihr Code für den Laden, der einen recht langen Namen hat: 掌柜");
        const Completion completion = send(one, with);
        ASSERT_EQ(completion.result, Result::response) << completion.error;
        EXPECT_EQ(completion.response.status, 250);
        EXPECT_EQ(outcome(completion).verdict, Verdict::accepted);

        const nlohmann::json mail = mails().back();
        EXPECT_EQ(mail["from"], "codes@shop.example");
        EXPECT_EQ(mail["to"], nlohmann::json::array({"someone@example.org"}));
        EXPECT_TRUE(mail["defects"].empty()) << mail["defects"];
        EXPECT_EQ(mail["headers"]["Subject"], with.get("subject"));
        EXPECT_EQ(mail["headers"]["To"], "someone@example.org");
        EXPECT_EQ(mail["headers"]["From"],
                  "\"Müller \\\"& Söhne\\\" <x@y.z>\" <codes@shop.example>");
        EXPECT_EQ(mail["headers"]["Date"], "Fri, 15 Jan 2027 08:00:00 +0000");
        EXPECT_EQ(mail["headers"]["Message-ID"],
                  "<018f0000-0000-7000-8000-000000000001@shop.example>");
        EXPECT_EQ(mail["headers"]["Content-Language"], "de-AT");
        EXPECT_EQ(mail["headers"]["Auto-Submitted"], "auto-generated");
        EXPECT_EQ(mail["headers"].size(), 10U);

        std::string expected;
        for (const char c : text)
            expected.append(c == '\n' ? "\r\n" : c == '\r' ? "" : std::string(1, c));
        EXPECT_EQ(mail["text"].get<std::string>(), expected + "\r\n");
        const std::optional<Secret> raw = test::decode_base64(mail["raw"].get<std::string>());
        ASSERT_TRUE(raw.has_value());
        for (std::string_view rest = raw->view(); !rest.empty();) {
            const std::string_view line = cut(rest, '\n');
            ASSERT_TRUE(line.ends_with('\r'));
            EXPECT_LE(line.size(), 77U) << line;
            EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, is_printable)) << line;
        }
    }
}

// Fails without: STARTTLS, CURLOPT_CAINFO, PLAIN, LOGIN.
TEST_F(Smtp, TlsAndLogIn) {
    const auto arrives = [](const Options &with, const TransportOptions &how, bool tls,
                            const std::string &user) {
        const std::size_t before = mails().size();
        const Completion completion = send(with, how);
        ASSERT_EQ(completion.result, Result::response) << completion.error;
        ASSERT_EQ(completion.response.status, 250) << completion.response.body;
        ASSERT_EQ(mails().size(), before + 1);
        EXPECT_EQ(mails().back()["tls"], tls);
        EXPECT_EQ(mails().back()["user"], user);
    };
    arrives(options("starttls"), tls(), true, "");
    arrives(with_log_in(options("starttls_auth")), tls(), true, "mfa@example.com");
    arrives(with_log_in(options("starttls_login")), tls(), true, "mfa@example.com");
    arrives(with_log_in(options("smtps", "smtps")), tls(), true, "mfa@example.com");
    arrives(with_log_in(options("plain_auth")), {}, false, "mfa@example.com");
    // A local server's own certificate is not asked for.
    OutboundMessage refused = message();
    EXPECT_EQ(send(refused, options("starttls")).response.status, 530);
}

// Fails without: VERIFYPEER, VERIFYHOST, CURLUSESSL_ALL.
TEST_F(Smtp, NothingIsSentToWhomCannotBeVerified) {
    const std::size_t before = mails().size();
    for (const auto &[server, scheme, how] :
         {std::tuple{"starttls_auth", "smtp", tls("other_ca.pem")},
          std::tuple{"wrong_name", "smtp", tls()}, std::tuple{"plain_auth", "smtp", tls()},
          std::tuple{"smtps", "smtps", tls("other_ca.pem")},
          std::tuple{"smtps", "smtps", TransportOptions{}}}) {
        const Completion completion = send(with_log_in(options(server, scheme)), how);
        EXPECT_EQ(completion.result, Result::not_reached) << server;
        EXPECT_NE(completion.error, "");
        EXPECT_EQ(outcome(completion).verdict, Verdict::retry);
        EXPECT_EQ(completion.error.find("s3cr3t"), std::string::npos);
    }
    EXPECT_EQ(mails().size(), before);
}

TEST_F(Smtp, TlsButForLoopbackHosts) {
    TransportOptions plain;
    for (const char *url : {"smtp://localhost", "smtp://127.0.0.1:2525", "smtp://[::1]:25/name"})
        EXPECT_FALSE(mail_requires_tls(url, plain)) << url;
    for (const char *url : {"smtp://mail.example", "smtp://localhost.example:25", "smtp://10.0.0.1",
                            "smtp://[::2]", "smtp://127.0.0.1.example", "nonsense", ""})
        EXPECT_TRUE(mail_requires_tls(url, plain)) << url;
    plain.proxy = "http://127.0.0.1:3128";
    EXPECT_TRUE(mail_requires_tls("smtp://localhost", plain));
    EXPECT_TRUE(mail_requires_tls("smtp://localhost", tls()));
}

// Fails without: replies told from breaks (result_of_mail).
TEST_F(Smtp, RepliesThatRefuse) {
    const auto expect = [](const Completion &completion, Verdict verdict, std::string_view error,
                           Service service = Service::up) {
        ASSERT_EQ(completion.result, Result::response) << error << ": " << completion.error;
        const Outcome what = outcome(completion);
        EXPECT_EQ(what.verdict, verdict) << error;
        EXPECT_EQ(what.error, error);
        EXPECT_EQ(what.service, service) << error;
    };
    const std::size_t before = mails().size();
    expect(send(with_log_in(options("plain_auth"), "wrong")), Verdict::refused,
           "SMTP 535 5.7.8: user or password not valid");
    expect(send(options("plain_auth")), Verdict::refused, "SMTP 530 5.7.0: log-in or TLS wanted");
    OutboundMessage to = message();
    for (const auto &[code, verdict, error, service] :
         {std::tuple{"550", Verdict::refused,
                     "SMTP 550 5.1.1: mailbox not there, or refused by policy", Service::up},
          std::tuple{"553", Verdict::refused, "SMTP 553 5.1.1: address not allowed", Service::up},
          std::tuple{"599", Verdict::refused, "SMTP 599 5.1.1", Service::up},
          std::tuple{"450", Verdict::retry, "SMTP 450 4.1.1: mailbox busy, or put off by policy",
                     Service::up},
          std::tuple{"421", Verdict::retry, "SMTP 421 4.1.1: server is closing", Service::down}}) {
        const std::string recipient = std::string(code) + "@example.org";
        to.recipient = recipient;
        expect(send(to, options("plain")), verdict, error, service);
    }
    expect(send(options("greets_421")), Verdict::retry, "SMTP 421 4.3.2: server is closing",
           Service::down);
    // What answers to QUIT is no answer to the mail.
    expect(send(options("refuses_and_goes_on")), Verdict::refused,
           "SMTP 550 5.7.1: mailbox not there, or refused by policy");
    expect(send(options("greets_554")), Verdict::refused, "SMTP 554: refused by policy");
    expect(send(options("behind_dot_421")), Verdict::retry, "SMTP 421 4.3.0: server is closing",
           Service::down);
    expect(send(options("behind_dot_451")), Verdict::retry,
           "SMTP 451 4.3.0: temporary failure of the server");
    expect(send(options("behind_dot_554")), Verdict::refused, "SMTP 554 5.3.0: refused by policy");
    EXPECT_EQ(mails().size(), before);
}

// Fails without: not_reached where the end was not written, interrupted where it may have been.
TEST_F(Smtp, Breaks) {
    TransportOptions nowhere;
    Options closed = options("plain");
    closed.set("url", "smtp://127.0.0.1:1");
    EXPECT_EQ(send(closed, nowhere).result, Result::not_reached);
    for (const char *mode : {"breaks_at_mail", "breaks_at_data", "odd_auth"})
        EXPECT_EQ(send(with_log_in(options(mode))).result, Result::not_reached) << mode;
    for (const char *mode : {"breaks_behind_dot", "half_a_reply_behind_dot"})
        EXPECT_EQ(send(options(mode)).result, Result::interrupted) << mode;
    // Not all of this one has left libcurl when the other side goes.
    HttpRequest large = smtp_provider.build(message(), options("breaks_in_data"));
    std::string lines;
    for (int i = 0; i < 16 * 1024; i++)
        lines.append(1022, 'x').append("\r\n");
    large.body.append(lines);
    Transport transport;
    EXPECT_EQ(run(transport, std::move(large), {}).result, Result::not_reached);
    EXPECT_EQ(send(options("breaks_in_data")).result, Result::interrupted);
}

TEST_F(Smtp, AServerWithoutExtensions) { EXPECT_EQ(send(options("old")).response.status, 250); }

// Fails without: CURLOPT_TIMEOUT_MS. (libcurl 7.88 itself gives up a reply of more than 16 KiB, later
// ones do not: max_header_bytes.)
TEST_F(Smtp, RepliesAreBoundedAndWaitedForSoLong) {
    EXPECT_EQ(send(options("endless_reply")).result, Result::not_reached);
    EXPECT_EQ(send(options("endless_line"), within(2s)).result, Result::not_reached);
    EXPECT_EQ(send(options("endless_reply_behind_dot")).result, Result::interrupted);
    for (const auto &[mode, result] : {std::pair{"mute", Result::not_reached},
                                       std::pair{"mute_behind_dot", Result::interrupted}}) {
        const auto start = Clock::now();
        const Completion completion = send(options(mode), within(300ms));
        EXPECT_EQ(completion.result, result) << mode;
        EXPECT_EQ(completion.error, "Timeout was reached");
        EXPECT_LT(Clock::now() - start, 3s);
    }
}

// Fails without: on_sent; MailSockets::shut_down_all.
TEST_F(Smtp, NobodyWaitsForTheAnswerToQuit) {
    auto start = Clock::now();
    const Completion completion = send(options("refuses_and_hangs"));
    EXPECT_EQ(completion.response.status, 550);
    EXPECT_EQ(completion.response.body, "550 5.7.1 ever");
    EXPECT_LT(Clock::now() - start, 3s);
    start = Clock::now();
    EXPECT_EQ(send(options("hangs_at_quit")).response.status, 250);
    EXPECT_LT(Clock::now() - start, 3s);
}

// Fails without: shut_down_idle, set_busy.
TEST_F(Smtp, ConnectionsThatNobodyUsesEnd) {
    MailSockets sockets;
    const Easy easy(curl_easy_init());
    sockets.look_after(easy.get());
    curl_easy_setopt(easy.get(), CURLOPT_URL, ("http://127.0.0.1:" + peer->port("mute")).c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy.get(), CURLOPT_CONNECT_ONLY, 1L);
    ASSERT_EQ(curl_easy_perform(easy.get()), CURLE_OK);
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy.get(), CURLINFO_ACTIVESOCKET, &socket);
    const auto has_ended = [socket] {
        char c = 0;
        return ::recv(socket, &c, 1, MSG_DONTWAIT) == 0;
    };
    const auto now = Clock::now();
    sockets.shut_down_idle(now + 10min);
    EXPECT_FALSE(has_ended());
    sockets.set_idle(socket);
    sockets.shut_down_idle(now + 59s);
    EXPECT_FALSE(has_ended());
    sockets.set_busy(socket);
    sockets.shut_down_idle(now + 10min);
    EXPECT_FALSE(has_ended());
    sockets.set_idle(socket);
    sockets.shut_down_idle(now + 62s);
    EXPECT_TRUE(has_ended());
}

// The time that a mail may take begins with the mail, not with the connection.
TEST_F(Smtp, TwoMailsOverOneConnection) {
    Transport transport;
    for (const auto &[server, how] :
         {std::pair{"starttls_auth", tls()}, std::pair{"plain_auth", TransportOptions{}}}) {
        TransportOptions brief = how;
        brief.timeout = 700ms;
        const Options with = with_log_in(options(server));
        for (int i = 0; i < 2; i++) {
            const Completion completion =
                run(transport, smtp_provider.build(message(), with), brief);
            ASSERT_EQ(completion.result, Result::response) << completion.error;
            EXPECT_EQ(completion.response.status, 250);
            std::this_thread::sleep_for(i == 0 ? 1s : 0s);
        }
        const auto all = mails();
        EXPECT_EQ(all[all.size() - 1]["connection"], all[all.size() - 2]["connection"]);
    }
    // Nor does one who is another.
    EXPECT_EQ(run(transport,
                  smtp_provider.build(message(), with_log_in(options("plain_auth"), "wrong")), {})
                  .response.status,
              535);
}

// Fails without: the look for what idle sockets have received ("421", which belongs to no mail).
TEST_F(Smtp, GoodByeIsNoAnswerToTheNextMail) {
    Transport transport;
    for (int i = 0; i < 3; ++i) {
        const Completion completion =
            run(transport, smtp_provider.build(message(), options("leaves_when_idle")), {});
        ASSERT_EQ(completion.result, Result::response) << completion.error;
        EXPECT_EQ(completion.response.status, 250);
        std::this_thread::sleep_for(500ms);
    }
}

// Fails without: MailSockets::may_reuse. The second mail would go out in plain text.
TEST_F(Smtp, AKeptConnectionIsNoSaferThanItWas) {
    Transport transport;
    const Options with = options("plain");
    EXPECT_EQ(run(transport, smtp_provider.build(message(), with), {}).response.status, 250);
    const std::size_t before = mails().size();
    EXPECT_EQ(run(transport, smtp_provider.build(message(), with), tls()).result,
              Result::not_reached);
    EXPECT_EQ(mails().size(), before);
    EXPECT_EQ(run(transport, smtp_provider.build(message(), with), {}).response.status, 250);
}

// Fails without: is_mail_address in set_mail. (The provider refuses them before.)
TEST_F(Smtp, NoCommandCanBeSmuggledIn) {
    Transport transport;
    for (const std::string_view address :
         {"a@b.example>\r\nRCPT TO:<c@d.example", "a@b.example\r\nDATA", "a@b.example\n",
          "<a@b.example>", "a@b.example>", "a b@c.example", "a@b.example SIZE=1", "ü@b.example",
          "a@ü.example", "", "a", "@", "a@", "@b", "\"a\"@b.example", "a@[127.0.0.1]"}) {
        for (const bool sender : {true, false}) {
            HttpRequest request = smtp_provider.build(message(), options("plain"));
            (sender ? request.mail->from : request.mail->to) = Secret(address);
            const Error error = test::error_of(
                [&] { transport.submit(1, std::move(request), TransportOptions{}); });
            EXPECT_STREQ(error.sqlstate(), "22023") << address;
        }
    }
    EXPECT_EQ(transport.in_flight(), 0U);
}

TEST_F(Smtp, AMailSpeaksNothingButSmtp) {
    HttpRequest request = smtp_provider.build(message(), options("plain"));
    request.url = Secret("http://localhost:" + peer->port("mute"));
    Transport transport;
    const Completion completion = run(transport, std::move(request), within(1s));
    EXPECT_EQ(completion.result, Result::not_reached);
    EXPECT_EQ(completion.error, "Unsupported protocol");
}

TEST_F(Smtp, GreetsByTheNameInTheUrl) {
    Options with = options("plain");
    with.set("url", std::string(with.get("url")) + "/db1.shop.example");
    EXPECT_EQ(send(with).response.status, 250);
    EXPECT_EQ(mails().back()["greeted_as"], "db1.shop.example");
}

} // namespace
} // namespace mfa::core
