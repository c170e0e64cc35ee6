#include "send.hpp"

#include "core/code.hpp"
#include "core/compose.hpp"
#include "core/locale.hpp"
#include "core/provider.hpp"
#include "keys.hpp"
#include "message_store.hpp"
#include "pg_wall.hpp"
#include "servers.hpp"
#include "settings.hpp"
#include "wakeup.hpp"

namespace mfa {

namespace {

using core::sqlstate::invalid_parameter_value;

constexpr std::size_t max_purpose_bytes = 256;

// A call's arguments, checked, with the settings in place of what was not given.
struct Plan {
    core::Channel channel;
    std::string recipient;
    std::string purpose;
    core::RequestData text; // recipient and code are filled in where a code is made
    int code_length;
    bool allow_alphas;
    std::int64_t valid_for; // microseconds
    int max_attempts;
    std::vector<std::string> providers;
};

int within(const char *parameter, int value, int least, int most, const char *setting) {
    if (value >= least && value <= most)
        return value;
    throw core::Error(invalid_parameter_value,
                      std::string(parameter) + " is " + std::to_string(value) +
                          ", but must be between " + std::to_string(least) + " and " +
                          std::to_string(most),
                      std::string("The bound can be moved by the setting ") + setting +
                          " within the range of the default.");
}

std::int64_t check_valid_for(const std::optional<double> &asked) {
    if (!asked)
        return std::min(settings::valid_for, settings::valid_for_cap) * USECS_PER_SEC;
    if (*asked >= 1.0 && *asked <= settings::valid_for_cap)
        return static_cast<std::int64_t>(*asked * USECS_PER_SEC);
    char value[64];
    snprintf(value, sizeof(value), "%.6g", *asked);
    throw core::Error(invalid_parameter_value,
                      std::string("valid_for is ") + value + " s, but must be between 1 s and " +
                          std::to_string(settings::valid_for_cap) + " s",
                      "The upper bound is the setting mfa.valid_for_cap, at most 7 days.");
}

void check_purpose(const std::string &purpose) {
    if (purpose.size() > max_purpose_bytes)
        throw core::Error(invalid_parameter_value,
                          "purpose has " + std::to_string(purpose.size()) +
                              " bytes, but must have at most " + std::to_string(max_purpose_bytes),
                          "Use a short name and an identifier, such as 'payment:4711'.");
}

std::string app_name() {
    if (settings::app_name[0])
        return settings::app_name;
    return pg::call([] { return get_database_name(MyDatabaseId); });
}

Plan check(const SendCall &call, Oid role) {
    Plan plan;
    plan.channel = core::parse_channel(call.channel);
    plan.recipient = core::normalise_recipient(plan.channel, call.recipient);
    plan.purpose = call.purpose;
    check_purpose(plan.purpose);
    const int floor = settings::code_length_floor;
    plan.code_length = within("code_length", call.code_length.value_or(std::max(settings::code_length, floor)),
                              floor, core::max_code_length, "mfa.code_length_floor");
    plan.allow_alphas = call.allow_alphas.value_or(settings::allow_alphas);
    plan.valid_for = check_valid_for(call.valid_for);
    const int cap = settings::max_attempts_cap;
    plan.max_attempts = within("max_attempts", call.max_attempts.value_or(std::min(settings::max_attempts, cap)),
                               1, cap, "mfa.max_attempts_cap");
    plan.text.message = call.message.value_or(settings::message);
    plan.text.locale = call.locale.value_or(settings::locale);
    core::builtin_template(plan.text.locale, plan.channel); // 22023 for an unknown one
    plan.text.app = app_name();
    if (call.message && call.message->empty())
        core::check_template(*call.message); // asked for, and empty: its error says so
    if (call.sender) {
        core::check_sender("sender", *call.sender);
        plan.text.sender = *call.sender;
    }
    plan.providers = servers::choose(call.provider, plan.channel, role);
    return plan;
}

// Whether a live request serves this call as well: same kind of code, a third of its life left.
bool serves_again(const store::Request &live, const Plan &plan) {
    if (settings::resend != static_cast<int>(settings::Resend::same))
        return false;
    const TimestampTz left = live.expires_at - GetCurrentTimestamp();
    return live.code_length == plan.code_length && live.allow_alphas == plan.allow_alphas &&
           left >= (live.expires_at - live.created_at) / 3;
}

// Checks that the text fits with a code in it. Any code of that length takes the same room.
void check_text(const Plan &plan) {
    const std::string placeholder(static_cast<std::size_t>(plan.code_length), '0');
    core::compose(plan.channel, plan.text, placeholder,
                  std::chrono::seconds(plan.valid_for / USECS_PER_SEC));
}

std::vector<std::uint8_t> seal_data(const core::Key &key, const core::RequestId &id,
                                    const core::RequestData &data) {
    return core::seal(key, id, core::encode(data).view(), core::system_random());
}

store::NewMessage new_message(const core::RequestId &id, const Plan &plan,
                              const std::vector<std::uint8_t> &sealed) {
    store::NewMessage message{};
    message.request = id;
    message.channel = plan.channel;
    message.sealed = sealed.data();
    message.sealed_length = static_cast<int>(sealed.size());
    return message;
}

// PostgreSQL zone.
List *as_list(const std::vector<std::string> &names) {
    List *list = NIL;
    for (const std::string &name : names)
        list = lappend(list, pstrdup(name.c_str()));
    return list;
}

void queue_again(const store::Request &live, const Plan &plan, const core::Key &key) {
    const auto sealed = seal_data(key, live.id, plan.text);
    store::NewMessage message = new_message(live.id, plan, sealed);
    pg::call([&] {
        message.providers = as_list(plan.providers);
        store::insert_message(message, false);
        wakeup::arm();
    });
}

core::RequestId make_request(const store::Request *superseded, const Plan &plan,
                             const core::Key &key, const core::RecipientHash &recipient, Oid role) {
    core::RandomSource &random = core::system_random();
    const TimestampTz now = GetCurrentTimestamp();
    constexpr std::int64_t unix_epoch_offset =
        (static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE) - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

    store::NewRequest request{};
    store::Request &row = request.row;
    row.id = core::make_uuid(now / 1000 + unix_epoch_offset * 1000, random);
    row.max_attempts = plan.max_attempts;
    row.key_id = key.id();
    row.owner = role;
    row.created_at = now;
    row.expires_at = now + plan.valid_for;
    row.code_length = static_cast<int16>(plan.code_length);
    row.allow_alphas = plan.allow_alphas;
    row.recipient = recipient;

    core::RequestData secret;
    secret.recipient = core::Secret(plan.recipient);
    secret.code = core::generate_code(plan.code_length, plan.allow_alphas, random);
    row.code_hash = core::hash_code(key, row.id, recipient, plan.purpose, secret.code.view());
    const auto sealed_request = seal_data(key, row.id, secret);
    const auto sealed_message = seal_data(key, row.id, plan.text);

    request.purpose = {plan.purpose.data(), static_cast<int>(plan.purpose.size())};
    request.sealed = sealed_request.data();
    request.sealed_length = static_cast<int>(sealed_request.size());
    store::NewMessage message = new_message(row.id, plan, sealed_message);
    pg::call([&] {
        Relation requests = store::open_requests(RowExclusiveLock);
        if (superseded)
            store::finish_request(requests, *superseded, store::RequestState::superseded);
        store::insert_request(requests, request);
        table_close(requests, NoLock);
        message.providers = as_list(plan.providers);
        store::insert_message(message, true);
        wakeup::arm();
    });
    return row.id;
}

} // namespace

core::RequestId send(const SendCall &call) {
    const Oid role = GetUserId();
    const Plan plan = check(call, role);
    check_text(plan);

    const core::Keyring &keys = keys::current();
    std::vector<core::RecipientHash> hashes; // current key's first
    for (const core::Key &key : keys.keys())
        hashes.push_back(core::hash_recipient(key, plan.recipient));

    store::Request live;
    const bool is_live = pg::call([&] {
        store::lock_recipient(hashes.front());
        Relation requests = store::open_requests(RowExclusiveLock);
        const store::Text purpose{plan.purpose.data(), static_cast<int>(plan.purpose.size())};
        bool found = false;
        for (std::size_t i = 0; i < hashes.size() && !found; ++i)
            found = store::find_request(requests, hashes[i], purpose, role, store::Reach::own, &live) &&
                    live.state == store::RequestState::live;
        table_close(requests, NoLock);
        return found;
    });
    const core::Key *live_key = is_live ? keys.find(live.key_id) : nullptr;
    if (live_key && serves_again(live, plan)) {
        queue_again(live, plan, *live_key);
        return live.id;
    }
    return make_request(is_live ? &live : nullptr, plan, keys.current(), hashes.front(), role);
}

} // namespace mfa
