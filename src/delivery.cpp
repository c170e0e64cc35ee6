#include "delivery.hpp"

#include "breakers.hpp"
#include "core/compose.hpp"
#include "core/error.hpp"
#include "core/speech.hpp"
#include "guard.hpp"
#include "inbox.hpp"
#include "keys.hpp"
#include "lookups.hpp"
#include "pg_wall.hpp"
#include "sealed_data.hpp"
#include "settings.hpp"

namespace mfa {

namespace {

core::Outcome failed(core::Verdict verdict, const std::string &error) {
    core::Outcome outcome;
    outcome.verdict = verdict;
    outcome.error = error;
    return outcome;
}

core::Outcome refused(const std::string &error) { return failed(core::Verdict::refused, error); }
// For what an administrator can mend while the codes live.
core::Outcome put_off(const std::string &error) { return failed(core::Verdict::retry, error); }

std::chrono::seconds life_left(const outbox::Claimed &message) {
    const TimestampTz left = (message.expires_at - GetCurrentTimestamp()) / USECS_PER_SEC;
    return std::chrono::seconds(std::max<TimestampTz>(left, 1));
}

std::string message_name(const outbox::Claimed &message) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string name;
    for (const std::uint8_t byte : message.request) {
        name += digits[byte >> 4];
        name += digits[byte & 15];
    }
    return name + "." + std::to_string(message.n);
}

TimestampTz later(std::chrono::milliseconds delay) {
    return GetCurrentTimestamp() + static_cast<TimestampTz>(delay.count()) * 1000;
}

} // namespace

core::Lane &Delivery::lane(const std::string &provider) {
    const auto [found, is_new] = lanes_.try_emplace(provider);
    if (is_new)
        found->second.breaker() = pg::call([&] { return breakers::load(provider.c_str()); });
    return found->second;
}

void Delivery::judge(const std::string &provider, const core::Outcome &outcome) {
    constexpr std::chrono::seconds longest_pause{60};
    const core::Lane::Clock::time_point now = core::Lane::Clock::now();
    core::Lane &lane = this->lane(provider);
    core::Breaker &breaker = lane.breaker();
    const bool was_closed = breaker.is_closed();
    const bool was_kept = !breaker.has_nothing_to_keep(now);
    bool changed = false;
    switch (outcome.service) {
    case core::Service::up:
        changed = breaker.succeeded();
        break;
    case core::Service::throttled:
        // Not down, but everybody's pause: each message finding out for itself would make it worse.
        breaker.pause_until(
            now + std::min(outcome.retry_after.value_or(std::chrono::seconds(1)), longest_pause));
        break;
    case core::Service::down:
        changed = breaker.failed(now);
        break;
    }
    if (!was_kept && breaker.has_nothing_to_keep(now))
        return;
    pg::call([&] {
        breakers::save(provider.c_str(), breaker);
        if (changed && was_closed)
            ereport(LOG,
                    (errmsg("mfa puts provider \"%s\" aside: it does not answer", provider.c_str()),
                     errhint("Others are used meanwhile; it is tried again after 2 to 10 s.")));
        else if (changed)
            ereport(LOG, (errmsg("mfa uses provider \"%s\" again: it answers", provider.c_str())));
    });
}

std::vector<std::string> Delivery::put_aside() const {
    const core::Lane::Clock::time_point now = core::Lane::Clock::now();
    std::vector<std::string> names;
    for (const auto &[name, lane] : lanes_)
        if (lane.is_aside(now))
            names.push_back(name);
    return names;
}

core::OutboundMessage Delivery::InFlight::outbound() const {
    core::OutboundMessage message;
    message.channel = channel;
    message.id = id;
    message.sender = sender;
    message.recipient = secret.recipient.view();
    message.code = secret.code.view();
    message.text = text.view();
    return message;
}

void Delivery::prepare(const std::vector<outbox::Claimed> &claimed) {
    const core::Keyring *keys = nullptr;
    std::string keys_error;
    try {
        keys = &keys::current();
    } catch (const core::Error &error) {
        keys_error = error.message();
    }
    servers_.clear(); // options may have changed since
    has_prices_ = pg::call([] { return usage::has_prices(); });
    for (const outbox::Claimed &message : claimed) {
        std::optional<core::Outcome> failure;
        if (!keys) {
            failure = put_off(keys_error);
        } else if (!keys->find(message.key_id)) {
            failure = put_off("the key file does not have the key of this request");
        } else {
            // What can't be sent by this provider is refused by it, for the reason that is given.
            try {
                prepare_one(*keys, message);
            } catch (const servers::Unreadable &error) {
                failure = put_off(error.message());
            } catch (const core::Error &error) {
                failure = refused(error.message());
            }
        }
        if (failure)
            settle(message, *failure);
    }
    servers_.clear();
}

void Delivery::prepare_one(const core::Keyring &keys, const outbox::Claimed &message) {
    InFlight out;
    out.claimed = message;
    out.channel = core::parse_channel(message.channel);
    out.secret =
        open_sealed(keys, message.key_id, message.request, as_bytes(message.sealed_request));
    const auto is_held = [&] {
        return !guard::admit({std::string(out.secret.recipient.view()), message.created_at,
                              message.n == 1 && message.tries == 1},
                             keys);
    };
    std::exception_ptr unusable;
    try {
        out.server = servers_.find(message.provider, message.owner);
    } catch (const core::Error &) {
        unusable = std::current_exception();
    }
    // An inbox costs nothing. Also where the server can't be used: the next one's try is not the first any
    // more, and is not counted.
    if ((unusable || !core::keeps_messages(*out.server->provider)) && is_held()) {
        outbox::Claimed last = message;
        last.next_provider.clear(); // another provider would not make it honest
        settle(last, refused("held back by the fraud guard")).was_tried = false;
        return;
    }
    if (unusable)
        std::rethrow_exception(unusable);
    core::RequestData options =
        open_sealed(keys, message.key_id, message.request, as_bytes(message.sealed_message));
    // Digits in another voice are understood, a whole sentence is not.
    if (out.channel == core::Channel::voice && options.message.empty() &&
        !core::speaks(*out.server->provider, options.locale, out.server->options))
        options.locale = "en";
    const std::chrono::seconds life = life_left(message);
    out.text = core::compose(out.channel, options, out.secret.code.view(), life);

    out.claimed.segments =
        out.channel == core::Channel::sms
            ? static_cast<std::int64_t>(core::count_segments(out.text.view()).segments)
            : 1;
    if (has_prices_) {
        const std::string recipient(out.secret.recipient.view());
        pg::call([&] {
            usage::find_price(message.provider, message.channel, recipient, &out.claimed.price);
        });
    }
    out.id = message_name(message);
    out.sender = options.sender.empty() ? out.server->options.get("sender") : options.sender;
    core::OutboundMessage outbound = out.outbound();
    outbound.locale = options.locale;
    outbound.life = life;
    outbound.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());

    if (core::keeps_messages(*out.server->provider)) {
        inbox::put(message, outbound);
        settle(out.claimed, {core::Verdict::accepted, core::Service::up, {}, {}, {}});
        return;
    }
    ready_.push_back({{},
                      out.server->provider->build(outbound, out.server->options),
                      core::transport_options(out.server->options)});
    ready_.back().message = std::move(out);
}

void Delivery::start() {
    for (Ready &ready : ready_) {
        const std::uint64_t tag = wire_.next_tag++;
        core::Outcome failure;
        bool started = false;
        core::Lane &lane = this->lane(ready.message.claimed.provider);
        lane.set_limits(ready.transport.max_connections, ready.transport.max_rate);
        ready.message.started_at = core::Lane::Clock::now();
        lane.enter(ready.message.started_at);
        const InFlight &message = in_flight_.emplace(tag, std::move(ready.message)).first->second;
        try {
            wire_.transport.submit(tag, std::move(ready.request), ready.transport);
            started = true;
        } catch (const core::Error &error) {
            failure = refused(error.message());
        }
        if (!started) {
            lane.leave();
            settle(message.claimed, failure);
            in_flight_.erase(tag);
        }
    }
    ready_.clear();
}

void Delivery::put_aside(const std::string &provider, std::chrono::milliseconds pause) {
    lane(provider).pause_until(core::Lane::Clock::now() + pause);
}

int Delivery::room(const std::string &provider) {
    core::Lane &lane = this->lane(provider);
    const core::Lane::Clock::time_point now = core::Lane::Clock::now();
    const int room = lane.room(now);
    if (room == 0 && !lane.is_full(now))
        next_turn_ = std::min(next_turn_, lane.next_turn(now));
    return room;
}

TimestampTz Delivery::turn_of(const std::string &provider) {
    core::Lane &lane = this->lane(provider);
    const core::Lane::Clock::time_point now = core::Lane::Clock::now();
    return lane.room(now) > 0 || lane.is_full(now)
               ? GetCurrentTimestamp()
               : later(std::chrono::ceil<std::chrono::milliseconds>(lane.next_turn(now) - now));
}

bool Delivery::take(const core::Completion &completion) {
    auto found = in_flight_.find(completion.tag);
    if (found == in_flight_.end())
        return false;
    const InFlight done = std::move(found->second);
    in_flight_.erase(found);
    lane(done.claimed.provider).leave();
    const core::Provider &provider = *done.server->provider;
    core::Outcome outcome =
        completion.result == core::Completion::Result::response
            ? provider.read(done.outbound(), done.server->options, completion.response)
            : core::outcome_without_response(completion);
    outcome.message_id = core::stored_message_id(provider, outcome.message_id);
    outcome.price = core::priced_in(settings::currency, outcome.price, done.server->options);
    judge(done.claimed.provider, outcome);
    outbox::Record &record =
        settle(done.claimed, outcome, core::looks_up(provider, done.channel, done.server->options));
    if (completion.result == core::Completion::Result::response) {
        record.response_time = std::chrono::duration_cast<std::chrono::microseconds>(
                                   core::Lane::Clock::now() - done.started_at)
                                   .count();
        if (completion.response.date)
            record.clock_offset = *completion.response.date - std::time(nullptr);
    }
    return true;
}

void Delivery::abandon() {
    const core::Outcome outcome = failed(
        core::Verdict::unknown, "the delivery worker had to leave before the provider answered");
    for (const auto &[tag, message] : in_flight_)
        settle(message.claimed, outcome);
    in_flight_.clear();
    ready_.clear();
}

// The record stays as it is until the next one is added.
outbox::Record &Delivery::settle(const outbox::Claimed &message, const core::Outcome &outcome,
                                 bool looks_up) {
    outbox::Record record;
    record.request = message.request;
    record.n = message.n;
    record.tries = message.tries;
    record.row = message.row;
    record.provider = message.provider;
    record.tried = message.provider;
    record.segments = message.segments;
    record.price = message.price;
    record.unknowns = message.unknowns;
    record.message_id = outcome.message_id;
    record.error = outcome.error;
    record.channel = message.channel;
    if (outcome.price)
        record.reported = outcome.price->amount;

    // The next provider at once; behind the last one, the first again after a while.
    const auto try_next = [&] {
        record.provider = message.next_provider;
        record.due_at = later(std::chrono::milliseconds(0));
    };
    const auto retry_later = [&] {
        record.provider = message.first_provider;
        record.due_at =
            later(core::next_delay(message.tries, outcome.retry_after, core::system_random()));
        if (record.due_at < message.expires_at)
            return;
        record.state = "failed";
        record.error += "; the code expires before the next try";
    };
    switch (outcome.verdict) {
    case core::Verdict::accepted:
        record.answer = stats::Answer::accepted;
        record.state = "sent";
        if (!message.is_fallback)
            record.since_request = GetCurrentTimestamp() - message.created_at;
        if (looks_up && !outcome.message_id.empty()) {
            const TimestampTz now = GetCurrentTimestamp();
            record.due_at = lookups::next_look(now, message.expires_at, now);
        }
        break;
    case core::Verdict::retry:
        record.answer = stats::Answer::retry;
        if (message.next_provider.empty())
            retry_later();
        else
            try_next();
        break;
    case core::Verdict::unknown:
        record.answer = stats::Answer::unknown;
        ++record.unknowns;
        record.is_unknown = true;
        if (record.unknowns <= settings::unknown_retries)
            retry_later();
        else
            record.state = "failed";
        break;
    case core::Verdict::refused:
        record.answer = stats::Answer::refused;
        if (message.next_provider.empty())
            record.state = "failed";
        else
            try_next();
        break;
    }
    records_.push_back(std::move(record));
    return records_.back();
}

} // namespace mfa
