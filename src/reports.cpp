#include "reports.hpp"

#include "announce.hpp"
#include "core/error.hpp"
#include "keys.hpp"
#include "message_store.hpp"
#include "pg_wall.hpp"
#include "request_store.hpp"
#include "sealed_data.hpp"
#include "servers.hpp"
#include "stats.hpp"
#include "wakeup.hpp"

namespace mfa {

namespace {

core::DeliveryState parse_status(const std::string &status) {
    const std::optional<core::DeliveryState> state = core::parse_delivery_state(status);
    if (!state)
        throw core::Error(core::sqlstate::invalid_parameter_value,
                          "status is no delivery state that mfa knows",
                          "Pass on the provider's word as it is, or one of delivered, undelivered "
                          "and sent.");
    return *state;
}

bool find(const std::string &provider, const std::string &message_id, store::Accepted *found) {
    return pg::call([&] {
        Relation messages = store::open_messages(AccessShareLock);
        const bool exists =
            store::find_accepted(messages, provider.c_str(), message_id.c_str(), found);
        table_close(messages, NoLock);
        return exists;
    });
}

// The reason as far as it may be kept: an error that repeats the number or the code is dropped.
std::string kept_error(const core::RequestId &id, const std::string &error) {
    bytea *sealed = nullptr;
    store::Request row{};
    const bool is_live = pg::call([&] {
        Relation requests = store::open_requests(AccessShareLock);
        const bool found = store::find_request(requests, id, store::any_purpose,
                                               BOOTSTRAP_SUPERUSERID, &row, &sealed);
        table_close(requests, NoLock);
        return found && sealed != nullptr;
    });
    core::RequestData secret;
    if (is_live)
        secret = open_sealed(keys::current(), row.key_id, id, bytes_of(sealed));
    return core::receipt_error(error, {secret.recipient.view(), secret.code.view(), {}});
}

// Ends the message; what stands in for one that did not arrive is sent when the transaction commits.
bool finish(const store::Accepted &message, const std::string &provider, const char *state,
            const char *error, bool arrived) {
    return pg::call([&] {
        Relation messages = store::open_messages(RowExclusiveLock);
        const bool done = store::finish_message(messages, message.request, message.n, state, error);
        if (done) {
            announce({message.request, message.n, state, message.channel, provider.c_str()});
            stats::note_delivery(provider.c_str(), message.channel, arrived,
                                 GetCurrentTimestamp() - message.sent_at);
            if (!arrived && store::hasten_fallback(messages, message.request, message.n))
                wakeup::arm();
        }
        table_close(messages, NoLock);
        return done;
    });
}

} // namespace

bool delivery_report(const std::string &provider, const std::string &message_id,
                     const std::string &status, const std::optional<std::string> &error) {
    const core::DeliveryState state = parse_status(status);
    const servers::Server server = servers::require(provider, GetUserId());
    const std::string stored_id = core::stored_message_id(*server.provider, message_id);
    store::Accepted message{};
    if (!find(provider, stored_id, &message))
        return false;
    if (state == core::DeliveryState::pending)
        return true;
    const bool arrived = state == core::DeliveryState::delivered;
    const char *name = arrived ? "delivered" : "undelivered";
    const std::string kept = arrived || !error ? "" : kept_error(message.request, *error);
    if (finish(message, provider, name, kept.empty() ? nullptr : kept.c_str(), arrived))
        return true;
    return find(provider, stored_id, &message) && std::strcmp(message.state, name) == 0;
}

bool is_signed(const std::string &provider, const std::string &signature, const std::string &url,
               const std::string &body) {
    const servers::Server server = servers::open(provider, GetUserId());
    const std::optional<core::SignatureScheme> scheme =
        server.provider->signature_scheme ? server.provider->signature_scheme(server.options)
                                          : std::nullopt;
    if (!scheme)
        throw core::Error(
            core::sqlstate::feature_not_supported, "signatures of this provider can't be checked",
            "Of a server of mfa_http, set option \"signature\" to twilio or signalwire.");
    if (server.options.get("signing_key").empty())
        throw core::Error(core::sqlstate::object_not_in_prerequisite_state,
                          "option \"signing_key\" of the user mapping is not set",
                          "Use ALTER USER MAPPING ... OPTIONS (ADD signing_key '...').");
    return core::signature_valid(*scheme, server.options.get("signing_key"), signature, url, body);
}

} // namespace mfa
