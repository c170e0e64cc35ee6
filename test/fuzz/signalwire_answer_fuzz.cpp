// Whatever is answered, an outcome is made of it, and nothing of what was sent gets into it.
#include "core/providers/providers.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    constexpr std::string_view code = "482913";
    constexpr std::string_view recipient = "+14155550123";
    fuzz::Fields fields(data, size);
    HttpResponse response;
    response.status = fields.number() % 1000;
    const long wait = fields.number();
    if (wait % 2 == 1)
        response.retry_after = std::chrono::seconds{wait};
    response.body = fields.rest();

    OutboundMessage message;
    message.recipient = recipient;
    message.code = code;
    message.text = "Your code is 482913";
    for (const Channel channel : {Channel::sms, Channel::voice}) {
        message.channel = channel;
        const Outcome outcome = signalwire_provider.read(message, {}, response);
        const bool accepted = outcome.verdict == Verdict::accepted;
        FUZZ_CHECK(!accepted || (response.status >= 200 && response.status <= 299));
        FUZZ_CHECK(accepted == outcome.error.empty());
        FUZZ_CHECK(accepted ||
                   outcome.error.starts_with("HTTP " + std::to_string(response.status)));
        FUZZ_CHECK(outcome.error.size() <= 120);
        FUZZ_CHECK(accepted || outcome.message_id.empty());
        FUZZ_CHECK(outcome.message_id.size() <= 200);
        for (const std::string_view kept :
             {std::string_view(outcome.error), std::string_view(outcome.message_id)}) {
            FUZZ_CHECK(
                std::all_of(kept.begin(), kept.end(), [](char c) { return c >= ' ' && c <= '~'; }));
            FUZZ_CHECK(!fuzz::contains(kept, recipient.substr(1)));
            FUZZ_CHECK(!fuzz::contains(kept, " 482913") && kept != code);
        }
        FUZZ_CHECK(!outcome.retry_after || outcome.verdict == Verdict::retry ||
                   outcome.verdict == Verdict::unknown);
    }
    return 0;
}
