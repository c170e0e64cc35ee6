// The transport's promises about HTTP, against servers that misbehave (web.py). What each test fails
// without is said at it.
#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>
#include <poll.h>

#include "core_helpers.hpp"
#include "peers.hpp"

namespace mfa::core {
namespace {

using Result = Completion::Result;
using test::error_of;
using test::run;

class Http : public testing::Test {
  protected:
    static void SetUpTestSuite() { peer = std::make_unique<test::Peer>("peers/web.py"); }
    static void TearDownTestSuite() { peer.reset(); }

    static HttpRequest request(const std::string &url, std::string_view body = {}) {
        HttpRequest request;
        request.url = Secret(url);
        request.body = Secret(body);
        return request;
    }
    static std::string url_of(const std::string &port) {
        return "http://127.0.0.1:" + peer->port(port) + "/";
    }
    static TransportOptions through(const std::string &proxy) {
        TransportOptions options;
        options.proxy = "http://127.0.0.1:" + peer->port(proxy);
        return options;
    }
    static std::size_t arrived() { return peer->records("requests.jsonl").size(); }

    static inline std::unique_ptr<test::Peer> peer;
};

// Fails without: on_try, for libcurl itself writes again what a kept connection broke under.
TEST_F(Http, AMessageIsSentOnceWhateverTheConnectionDoes) {
    for (const std::string_view body : {"", "{}"}) {
        Transport transport;
        const std::size_t before = arrived();
        for (const Result result : {Result::response, Result::interrupted})
            EXPECT_EQ(run(transport, request(url_of("answers_once"), body), {}).result, result);
        EXPECT_EQ(arrived() - before, 2U) << body;
    }
}

// Fails without: SocketWatch::is_waited_for. The owner would be woken all the time.
TEST_F(Http, AKeptConnectionThatIsClosedWakesOnce) {
    Transport transport;
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(run(transport, request(url_of("leaves"), "{}"), {}).result, Result::response);
        pollfd waiting{transport.poll_fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&waiting, 1, 10'000), 1);
        std::vector<Completion> ended;
        transport.turn(ended);
        EXPECT_EQ(::poll(&waiting, 1, 0), 0);
    }
}

// A question may be asked again, over a connection that is there.
TEST_F(Http, ALookUpMayUseAKeptConnection) {
    Transport transport;
    const std::size_t before = arrived();
    for (int i = 0; i < 2; ++i) {
        HttpRequest look = request(url_of("answers_once"));
        look.method = "GET";
        look.may_repeat = true;
        EXPECT_EQ(run(transport, std::move(look), {}).result, Result::response);
    }
    EXPECT_EQ(arrived() - before, 3U);
}

// Fails without: the look at whether on_try was called; CURLOPT_SUPPRESS_CONNECT_HEADERS.
TEST_F(Http, WhatOnlyAProxyHasReadWasNotSent) {
    Transport transport;
    for (const char *proxy : {"proxy", "refusing_proxy"}) {
        const Completion completion =
            run(transport, request("https://provider.example/", "{}"), through(proxy));
        EXPECT_EQ(completion.result, Result::not_reached) << proxy;
        EXPECT_FALSE(completion.response.retry_after.has_value()) << proxy;
    }
}

// Fails without: CURLOPT_NOPROXY.
TEST_F(Http, TheEnvironmentHasNoSayAboutTheProxy) {
    ::setenv("NO_PROXY", "*", 1);
    Transport transport;
    const std::size_t before = arrived();
    run(transport, request("https://provider.example/", "{}"), through("proxy"));
    ::unsetenv("NO_PROXY");
    ASSERT_EQ(arrived() - before, 1U);
    EXPECT_EQ(peer->records("requests.jsonl").back()["line"],
              "CONNECT provider.example:443 HTTP/1.1");
}

// Fails without: the proxy left out for loopback hosts. It would read the request in plain text.
TEST_F(Http, WhatIsForThisMachineStaysOnIt) {
    Transport transport;
    EXPECT_EQ(run(transport, request(url_of("answers_once"), "{}"), through("proxy")).result,
              Result::response);
    EXPECT_EQ(peer->records("requests.jsonl").back()["port"], "answers_once");
}

// Fails without: the look at each header line.
TEST_F(Http, NoHeaderBringsAnother) {
    Transport transport;
    HttpRequest smuggling = request(url_of("answers_once"), "{}");
    smuggling.headers.emplace_back("Authorization: Bearer a\r\nX-Other: b");
    const Error error =
        error_of([&] { transport.submit(1, std::move(smuggling), TransportOptions{}); });
    EXPECT_STREQ(error.sqlstate(), "22023");
}

} // namespace
} // namespace mfa::core
