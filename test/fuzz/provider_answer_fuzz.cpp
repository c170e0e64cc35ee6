// Whatever a provider answers, to a message or to a look-up: an outcome is made of it, without an
// exception, and nothing of what was sent gets into it.
#include <array>

#include "core/ascii.hpp"
#include "core/provider.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

constexpr std::string_view recipient = "+14155550123";
constexpr std::size_t longest_error = 160;
constexpr std::size_t longest_id = 200;

// By name, so that seeds stay theirs when the list grows; otherwise by the first byte.
const Provider &chosen_provider(std::string_view name) {
    if (const Provider *provider = find_provider("mfa_" + std::string(name)))
        return *provider;
    const std::size_t byte = name.empty() ? 0 : static_cast<unsigned char>(name.front());
    return *all_providers()[byte % all_providers().size()];
}

// "name=value", one each line; those that the provider takes are set.
Options chosen_options(const Provider &provider, std::string_view lines) {
    Options options;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        const std::size_t equals = std::min(line.find('='), line.size());
        const std::string_view name = line.substr(0, equals);
        const std::string_view value = line.substr(std::min(equals + 1, line.size()));
        for (const OptionPlace place : {OptionPlace::server, OptionPlace::user_mapping}) {
            try {
                check_option(provider, place, name, value);
                options.set(name, value);
            } catch (const Error &) {
            }
        }
    }
    return options;
}

bool holds_word(std::string_view text, std::string_view word) {
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
        const bool starts = at == 0 || !is_alnum(text[at - 1]);
        const std::size_t end = at + word.size();
        if (starts && (end == text.size() || !is_alnum(text[end])))
            return true;
    }
    return false;
}

// What gets into tables and logs.
void check_kept(std::string_view kept, const Sent &sent) {
    FUZZ_CHECK(std::all_of(kept.begin(), kept.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    FUZZ_CHECK(!fuzz::contains(kept, recipient.substr(1)));
    FUZZ_CHECK(!fuzz::contains(kept, sent.text));
    FUZZ_CHECK(!holds_word(kept, sent.code));
}

void check_price(const std::optional<Money> &price) {
    if (!price)
        return;
    FUZZ_CHECK(price->amount >= 0 && price->amount <= most_money);
    FUZZ_CHECK(price->currency.empty() || is_currency(price->currency));
}

void check_outcome(const Outcome &outcome, const HttpResponse &response, const Sent &sent) {
    const bool accepted = outcome.verdict == Verdict::accepted;
    FUZZ_CHECK(!accepted || (response.status >= 200 && response.status <= 299));
    FUZZ_CHECK(accepted == outcome.error.empty());
    FUZZ_CHECK(accepted || fuzz::contains(outcome.error, ' ' + std::to_string(response.status)));
    FUZZ_CHECK(outcome.error.size() <= longest_error);
    FUZZ_CHECK(accepted || outcome.message_id.empty());
    FUZZ_CHECK(outcome.message_id.empty() || may_keep_message_id(outcome.message_id, sent));
    FUZZ_CHECK(outcome.message_id.size() <= longest_id);
    FUZZ_CHECK(accepted || !outcome.price);
    check_price(outcome.price);
    check_kept(outcome.error, sent);
    check_kept(outcome.message_id, sent);
    FUZZ_CHECK(!outcome.retry_after || outcome.verdict == Verdict::retry ||
               outcome.verdict == Verdict::unknown);
    FUZZ_CHECK(!outcome.retry_after || outcome.retry_after == response.retry_after);
}

void check_receipt(const Receipt &receipt, const Sent &sent) {
    check_price(receipt.price);
    FUZZ_CHECK(receipt.error.empty() || receipt.state == DeliveryState::undelivered);
    FUZZ_CHECK(receipt.error.size() <= longest_error);
    check_kept(receipt.error, sent);
}

} // namespace

// provider, options, channel, status, Retry-After, body
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    const Provider &provider = chosen_provider(fields.next());
    if (keeps_messages(provider))
        return 0; // nobody answers
    const Options options = chosen_options(provider, fields.next());
    const Channel channel =
        provider.channels[static_cast<std::size_t>(fields.number()) % provider.channels.size()];
    HttpResponse response;
    response.status = fields.number() % 1000;
    const long wait = fields.number();
    if (wait % 2 == 1)
        response.retry_after = std::chrono::seconds{wait};
    response.body = fields.rest();

    struct Words {
        std::string_view code;
        std::string_view text;
    };
    for (const auto &[code, text] : {Words{"482913", "Your code is 482913"},
                                     Words{"K7X9P2", "Your code is: K, 7, X, 9, P, 2."}}) {
        OutboundMessage message;
        message.channel = channel;
        message.id = "018f0000-0000-7000-8000-000000000001";
        message.recipient = recipient;
        message.sender = "+15550100";
        message.text = text;
        message.code = code;
        message.life = std::chrono::seconds{600};
        message.now = std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}};
        const Sent sent{recipient, code, text};
        check_outcome(provider.read(message, options, response), response, sent);
        if (provider.read_lookup != nullptr)
            check_receipt(provider.read_lookup(channel, response, sent), sent);
    }
    return 0;
}
