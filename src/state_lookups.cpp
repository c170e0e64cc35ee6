#include "state_lookups.hpp"

#include "core/error.hpp"
#include "keys.hpp"
#include "sealed_data.hpp"
#include "settings.hpp"

namespace mfa {

std::size_t StateLookups::of_provider(const std::string &name) const {
    return static_cast<std::size_t>(
        std::count_if(ready_.begin(), ready_.end(),
                      [&](const Ready &ready) { return ready.look.claimed.provider == name; }) +
        std::count_if(in_flight_.begin(), in_flight_.end(),
                      [&](const auto &entry) { return entry.second.claimed.provider == name; }));
}

void StateLookups::prepare(std::vector<lookups::Claimed> claimed,
                           const std::vector<std::string> &put_aside) {
    servers_.clear();
    for (lookups::Claimed &message : claimed) {
        const bool may_go =
            std::find(put_aside.begin(), put_aside.end(), message.provider) == put_aside.end() &&
            of_provider(message.provider) < most / 2;
        bool prepared = false;
        if (may_go) {
            // A server that is gone or not complete any more may be mended.
            try {
                prepared = prepare_one(message);
            } catch (const core::Error &) {
                prepared = false;
            }
        }
        if (!prepared)
            settle(message, {});
    }
    servers_.clear();
}

bool StateLookups::prepare_one(lookups::Claimed &message) {
    InFlight look;
    look.server = servers_.find(message.provider, message.owner);
    look.channel = core::parse_channel(message.channel);
    if (!core::looks_up(*look.server->provider, look.channel, look.server->options)) {
        message.expires_at = DT_NOBEGIN; // switched off since: no further look
        return false;
    }
    if (!message.sealed_request.empty())
        look.secret = open_sealed(keys::current(), message.key_id, message.request,
                                  as_bytes(message.sealed_request));
    core::HttpRequest request = look.server->provider->build_lookup(
        {look.channel, message.message_id,
         std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())},
        look.server->options);
    const core::TransportOptions transport = core::transport_options(look.server->options);
    look.claimed = message;
    ready_.push_back({std::move(look), std::move(request), transport});
    return true;
}

void StateLookups::start() {
    for (Ready &ready : ready_) {
        const std::uint64_t tag = wire_.next_tag++;
        bool started = false;
        try {
            wire_.transport.submit(tag, std::move(ready.request), ready.transport);
            started = true;
        } catch (const core::Error &) {
            started = false;
        }
        if (started)
            in_flight_.emplace(tag, std::move(ready.look));
        else
            settle(ready.look.claimed, {});
    }
    ready_.clear();
}

bool StateLookups::take(const core::Completion &completion) {
    auto entry = in_flight_.find(completion.tag);
    if (entry == in_flight_.end())
        return false;
    const InFlight done = std::move(entry->second);
    in_flight_.erase(entry);
    core::Receipt receipt;
    if (completion.result == core::Completion::Result::response)
        receipt = done.server->provider->read_lookup(
            done.channel, completion.response,
            {done.secret.recipient.view(), done.secret.code.view(), {}});
    receipt.price = core::priced_in(settings::currency, receipt.price, done.server->options);
    settle(done.claimed, receipt);
    return true;
}

void StateLookups::settle(const lookups::Claimed &message, const core::Receipt &receipt) {
    lookups::Found found;
    found.request = message.request;
    found.n = message.n;
    found.error = receipt.error;
    if (receipt.price)
        found.reported = receipt.price->amount;
    switch (receipt.state) {
    case core::DeliveryState::pending:
        found.due_at =
            lookups::next_look(message.sent_at, message.expires_at, GetCurrentTimestamp());
        break;
    case core::DeliveryState::delivered:
        found.state = "delivered";
        break;
    case core::DeliveryState::undelivered:
        found.state = "undelivered";
        break;
    }
    found_.push_back(std::move(found));
}

} // namespace mfa
