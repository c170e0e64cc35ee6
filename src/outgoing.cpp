#include "outgoing.hpp"

#include <memory>

#include "budgets.hpp"
#include "core/compose.hpp"
#include "core/country_code.hpp"
#include "core/error.hpp"
#include "core/fallback.hpp"
#include "guard.hpp"
#include "message_store.hpp"
#include "pg_wall.hpp"
#include "send_limits.hpp"
#include "servers.hpp"
#include "settings.hpp"
#include "templates.hpp"
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
    if (message.test_code)
        return;
    if (message.channel != core::Channel::email) // routes are of numbers
        message.route = routes::find(message.recipient);
    if (message.route && !message.route->allow)
        refuse_destination(*message.route);
    message.providers = servers::choose(
        provider, message.route ? message.route->providers : std::vector<std::string>(),
        message.channel, role);
}

std::string destination_of(const OutgoingMessage &message) {
    if (message.route)
        return message.route->prefix;
    return message.channel == core::Channel::email
               ? "@"
               : std::string(core::country_code(message.recipient));
}

void take_turn(const OutgoingMessage &message, const std::vector<core::RecipientHash> &hashes,
               store::Meant *meant) {
    const send_limits::Horizon horizon =
        message.test_code ? send_limits::Horizon{} : send_limits::horizon();
    // Room for many, of which nearly always few are written: it is not cleared.
    const auto room = static_cast<std::size_t>(horizon.count);
    const auto sends = std::make_unique_for_overwrite<TimestampTz[]>(room);
    const int count = pg::call([&] {
        store::lock_recipient(hashes.front());
        if (horizon.count == 0 && !meant)
            return 0;
        Relation requests = store::open_requests(RowExclusiveLock);
        const int found = store::sends_since(
            requests, hashes.data(), static_cast<int>(hashes.size()),
            GetCurrentTimestamp() - horizon.microseconds, sends.get(), horizon.count, meant);
        table_close(requests, NoLock);
        return found;
    });
    if (message.test_code)
        return;
    send_limits::check_recipient({sends.get(), static_cast<std::size_t>(count)},
                                 GetCurrentTimestamp());
    budgets::check(destination_of(message));
    guard::check(message.recipient, hashes, message.route);
    send_limits::count(message.recipient, message.route);
}

std::vector<std::uint8_t> seal_data(const core::Key &key, const core::RequestId &request,
                                    const core::RequestData &data) {
    return core::seal(key, request, core::encode(data).view(), core::system_random());
}

std::vector<Fallback> fallbacks_of(const OutgoingMessage &message, std::string_view code,
                                   std::chrono::seconds life, Oid role) {
    std::vector<Fallback> fallbacks;
    if (message.test_code)
        return fallbacks;
    const std::vector<core::FallbackStep> steps = core::parse_fallback(settings::fallback);
    for (const core::FallbackStep &step : core::steps_behind(steps, message.channel)) {
        if (step.wait >= life)
            break;
        Fallback fallback{message, step.wait};
        fallback.message.channel = step.channel;
        fallback.message.text.sender.clear();
        templates::choose(fallback.message.text, step.channel);
        core::compose(step.channel, fallback.message.text, code, life - step.wait);
        address(fallback.message, std::nullopt, role);
        fallbacks.push_back(std::move(fallback));
    }
    return fallbacks;
}

namespace {

int insert(const OutgoingMessage &message, const core::RequestId &request, const core::Key &key,
           bool first, const Fallback *as_fallback, int of) {
    const std::vector<std::uint8_t> sealed = seal_data(key, request, message.text);
    store::NewMessage row{};
    row.request = request;
    row.channel = message.channel;
    row.sealed = sealed.data();
    row.sealed_length = static_cast<int>(sealed.size());
    if (as_fallback)
        row.delay = as_fallback->delay.count() * USECS_PER_SEC;
    row.fallback_for = of;
    const std::string destination = destination_of(message);
    row.destination = destination.c_str();
    return pg::call([&] {
        for (const std::string &name : message.providers)
            row.providers = lappend(row.providers, pstrdup(name.c_str()));
        return store::insert_message(row, first);
    });
}

} // namespace

void queue(const OutgoingMessage &message, const std::vector<Fallback> &fallbacks,
           const core::RequestId &request, const core::Key &key, bool first) {
    if (!message.test_code) {
        const int n = insert(message, request, key, first, nullptr, 0);
        for (const Fallback &fallback : fallbacks)
            insert(fallback.message, request, key, false, &fallback, n);
    }
    pg::call([] { wakeup::arm(); });
}

} // namespace mfa
