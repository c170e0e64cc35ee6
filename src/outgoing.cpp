#include "outgoing.hpp"

#include "core/error.hpp"
#include "message_store.hpp"
#include "pg_wall.hpp"
#include "recipient_history.hpp"
#include "send_limits.hpp"
#include "servers.hpp"
#include "wakeup.hpp"

namespace mfa {

namespace {

[[noreturn]] void refuse_destination(const routes::Route &route) {
    // A long prefix is nearly a number, and errors are logged.
    constexpr std::size_t longest_shown = 6;
    throw core::Error(core::sqlstate::destination_not_allowed,
                      route.prefix.size() > 1 && route.prefix.size() <= longest_shown
                          ? "messages to numbers under " + route.prefix + " are not allowed"
                          : "messages to this number are not allowed",
                      "An administrator allows destinations in the table mfa.route.");
}

} // namespace

void address(OutgoingMessage &message, const std::optional<std::string> &provider, Oid role) {
    if (message.channel != core::Channel::email) // routes are of numbers
        message.route = routes::find(message.recipient);
    if (message.route && !message.route->allow)
        refuse_destination(*message.route);
    message.providers = servers::choose(
        provider, message.route ? message.route->providers : std::vector<std::string>(),
        message.channel, role);
}

void take_turn(const OutgoingMessage &message, const std::vector<core::RecipientHash> &hashes) {
    const send_limits::Horizon horizon = send_limits::horizon();
    std::vector<TimestampTz> sends(static_cast<std::size_t>(horizon.count));
    const int count = pg::call([&] {
        store::lock_recipient(hashes.front());
        if (horizon.count == 0)
            return 0;
        Relation requests = store::open_requests(AccessShareLock);
        const int found = store::sends_since(
            requests, hashes.data(), static_cast<int>(hashes.size()),
            GetCurrentTimestamp() - horizon.microseconds, sends.data(), horizon.count);
        table_close(requests, NoLock);
        return found;
    });
    sends.resize(static_cast<std::size_t>(count));
    send_limits::check_recipient(sends, GetCurrentTimestamp());
    send_limits::count(message.recipient, message.route);
}

std::vector<std::uint8_t> seal_data(const core::Key &key, const core::RequestId &request,
                                    const core::RequestData &data) {
    return core::seal(key, request, core::encode(data).view(), core::system_random());
}

void queue(const OutgoingMessage &message, const core::RequestId &request, const core::Key &key,
           bool first) {
    const std::vector<std::uint8_t> sealed = seal_data(key, request, message.text);
    store::NewMessage row{};
    row.request = request;
    row.channel = message.channel;
    row.sealed = sealed.data();
    row.sealed_length = static_cast<int>(sealed.size());
    pg::call([&] {
        for (const std::string &name : message.providers)
            row.providers = lappend(row.providers, pstrdup(name.c_str()));
        store::insert_message(row, first);
        wakeup::arm();
    });
}

} // namespace mfa
