#include "manage.hpp"

#include <chrono>

#include "core/compose.hpp"
#include "core/error.hpp"
#include "encoding.hpp"
#include "keys.hpp"
#include "message_store.hpp"
#include "outgoing.hpp"
#include "pg_wall.hpp"
#include "request_store.hpp"
#include "sealed_data.hpp"
#include "settings.hpp"
#include "templates.hpp"
#include "test_recipients.hpp"

namespace mfa {

namespace {

// A request with its last message, as they are now.
struct Found {
    bool exists = false;
    store::Request row{};
    bytea *sealed = nullptr;
    int sends = 0;
    store::Message last{};
};

// Of visit_messages, the last one comes first.
void see_message(const store::Message &message, void *context) {
    Found &found = *static_cast<Found *>(context);
    if (message.is_reserve)
        return;
    if (found.sends++ == 0)
        found.last = message;
}

Found look(const core::RequestId &id) {
    return pg::call([&] {
        Found found;
        Relation requests = store::open_requests(AccessShareLock);
        found.exists = store::find_request(requests, id, store::any_purpose, GetUserId(),
                                           &found.row, &found.sealed);
        if (found.exists) {
            Relation messages = store::open_messages(AccessShareLock);
            store::visit_messages(messages, id, see_message, &found);
            table_close(messages, NoLock);
        }
        table_close(requests, NoLock);
        return found;
    });
}

// What the request's own messages were given, if they still have it.
core::RequestData text_options(const core::Keyring &keys, const Found &found) {
    if (!found.last.sealed)
        return {};
    return open_sealed(keys, found.row.key_id, found.row.id, bytes_of(found.last.sealed));
}

// A message over another channel than the last one has words of its own; the same channel, those that it
// had. What they need may have been set since.
void reword(OutgoingMessage &message, const Found &found) {
    core::RequestData &text = message.text;
    const auto use = [](std::string &value, const char *setting) {
        if (value.empty())
            value = to_utf8(setting);
    };
    use(text.webotp_domain, settings::webotp_domain);
    use(text.app_hash, settings::app_hash);
    if (!found.last.sealed || core::channel_name(message.channel) != found.last.channel)
        templates::choose(text, message.channel);
}

void require_live(const Found &found) {
    if (!found.exists)
        throw core::Error(
            core::sqlstate::undefined_object, "request does not exist",
            "Requests are kept for mfa.retention after they expire; mfa_send makes one.");
    if (found.row.state != store::RequestState::live)
        throw core::Error(core::sqlstate::object_not_in_prerequisite_state,
                          std::string("request is not live: it is ") +
                              store::state_name(found.row.state),
                          "Make a new one by mfa_send.");
}

} // namespace

void resend(const core::RequestId &id, const std::optional<std::string> &channel) {
    const Found found = look(id);
    require_live(found);
    const core::Keyring &keys = keys::current();
    const core::RequestData secret =
        open_sealed(keys, found.row.key_id, id, bytes_of(found.sealed));

    OutgoingMessage message;
    message.channel =
        core::parse_channel(channel.value_or(found.sends > 0 ? found.last.channel : "sms"));
    message.recipient = core::normalise_recipient(
        message.channel, secret.recipient.view()); // a number gets no e-mail
    message.test_code = test_recipients::find(message.recipient);
    const std::chrono::seconds life((found.row.expires_at - GetCurrentTimestamp()) / USECS_PER_SEC);
    if (!message.test_code) {
        if (found.sends == 0)
            throw core::Error(core::sqlstate::object_not_in_prerequisite_state,
                              "request has a fixed code: its recipient was one for tests",
                              "Make a new one by mfa_send.");
        message.text = text_options(keys, found);
        reword(message, found);
        core::compose(message.channel, message.text, secret.code.view(), life);
        address(message, std::nullopt, GetUserId());
    }
    const std::vector<Fallback> fallbacks =
        fallbacks_of(message, secret.code.view(), life, GetUserId());
    take_turn(message, keys::hashes_of(keys, message.recipient), nullptr);

    require_live(look(id)); // it may have ended while its turn was waited for
    queue(message, fallbacks, id, *keys.find(found.row.key_id), false);
}

bool cancel(const core::RequestId &id) {
    return pg::call([&] {
        Relation requests = store::open_requests(RowExclusiveLock);
        store::Request row;
        const bool canceled =
            store::find_request(requests, id, store::any_purpose, GetUserId(), &row, nullptr) &&
            row.state == store::RequestState::live &&
            store::finish_request(requests, row, store::RequestState::canceled);
        table_close(requests, NoLock);
        return canceled;
    });
}

std::optional<Status> status(const core::RequestId &id) {
    const Found found = look(id);
    if (!found.exists)
        return std::nullopt;
    Status status;
    if (found.sealed) {
        const core::RequestData secret =
            open_sealed(keys::current(), found.row.key_id, id, bytes_of(found.sealed));
        status.recipient = core::mask_recipient(secret.recipient.view());
    }
    status.state = store::state_name(found.row.state);
    status.channel = found.last.channel;
    status.provider = found.last.provider;
    status.delivery = found.last.state;
    status.error = found.last.error;
    status.attempts_left = std::max(0, found.row.max_attempts - found.row.attempts);
    status.sends = found.sends;
    status.created_at = found.row.created_at;
    status.expires_at = found.row.expires_at;
    status.ended_at = found.row.ended_at;
    return status;
}

} // namespace mfa
