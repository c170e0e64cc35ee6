// SNS, against a double that computes the signature itself. Fails without: the payload's hash as a
// header, an empty "Expect:" left out of what is signed, the session token among it.
#include <memory>

#include <gtest/gtest.h>

#include "core/providers/providers.hpp"
#include "peers.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using test::run;

class Sns : public testing::Test {
  protected:
    static void SetUpTestSuite() { peer = std::make_unique<test::Peer>("peers/sns.py"); }
    static void TearDownTestSuite() { peer.reset(); }

    static Options options() {
        Options options;
        options.set("base_url", "http://127.0.0.1:" + peer->port("sns"));
        options.set("region", "eu-central-1");
        options.set("access_key_id", "AKIAEXAMPLE");
        options.set("secret_access_key", "wJalr/XUtn+FEMI=K7");
        return options;
    }
    static Outcome send(Transport &transport, const OutboundMessage &message,
                        const Options &options) {
        const Completion completion = run(transport, sns_provider.build(message, options), {});
        EXPECT_EQ(completion.result, Completion::Result::response) << completion.error;
        return sns_provider.read(message, options, completion.response);
    }
    static nlohmann::json last() { return peer->records("requests.jsonl").back(); }

    static inline std::unique_ptr<test::Peer> peer;
};

TEST_F(Sns, TakesWhatIsSigned) {
    Transport transport;
    OutboundMessage message = test::text_message();
    for (const std::string_view text : {std::string_view("Your code is 482913"), test::hostile}) {
        message.text = text;
        const Outcome outcome = send(transport, message, options());
        EXPECT_EQ(outcome.verdict, Verdict::accepted) << outcome.error;
        EXPECT_EQ(outcome.message_id, "94f20ce6-13c5-43a0-9a9e-ca52d816e90b");
        EXPECT_EQ(last()["form"]["Message"], text);
        EXPECT_EQ(last()["form"]["PhoneNumber"], "+14155550123");
        EXPECT_TRUE(last()["twice"].empty());
    }
    const auto requests = peer->records("requests.jsonl");
    EXPECT_EQ(requests[0]["connection"], requests[1]["connection"]);
}

TEST_F(Sns, TakesATemporaryKeyWithItsToken) {
    Transport transport;
    Options with = options();
    with.set("access_key_id", "ASIAEXAMPLE");
    with.set("secret_access_key", "temporary/Secret+");
    EXPECT_EQ(
        send(transport, test::text_message(), with).error,
        "HTTP 403, provider code InvalidClientTokenId: access key or session token not valid");
    with.set("session_token", "tok/en+==");
    EXPECT_EQ(send(transport, test::text_message(), with).verdict, Verdict::accepted);
}

TEST_F(Sns, SeesWhatIsSignedWrongly) {
    Transport transport;
    Options with = options();
    with.set("secret_access_key", "another");
    EXPECT_EQ(send(transport, test::text_message(), with).error,
              "HTTP 403, provider code SignatureDoesNotMatch: secret access key not valid");
    with = options();
    with.set("region", "us-east-1");
    EXPECT_EQ(send(transport, test::text_message(), with).verdict, Verdict::refused);
}

TEST_F(Sns, Errors) {
    Transport transport;
    OutboundMessage message = test::text_message();
    for (const auto &[recipient, verdict] :
         {std::pair{"+14155550400", Verdict::refused}, std::pair{"+14155550403", Verdict::refused},
          std::pair{"+14155550429", Verdict::retry}, std::pair{"+14155550500", Verdict::unknown}}) {
        message.recipient = recipient;
        EXPECT_EQ(send(transport, message, options()).verdict, verdict) << recipient;
        EXPECT_TRUE(last()["flaw"].is_null());
    }
}

// A signed request speaks HTTP only, whatever the URL says.
TEST_F(Sns, SpeaksNothingButHttp) {
    Transport transport;
    HttpRequest request = sns_provider.build(test::text_message(), options());
    request.url = Secret("smtp://127.0.0.1:" + peer->port("sns"));
    const Completion completion = run(transport, std::move(request), {});
    EXPECT_EQ(completion.result, Completion::Result::not_reached);
    EXPECT_EQ(completion.error, "Unsupported protocol");
}

} // namespace
} // namespace mfa::core
