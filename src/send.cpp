#include "send.hpp"

#include "core/code.hpp"
#include "core/compose.hpp"
#include "core/locale.hpp"
#include "core/provider.hpp"
#include "core/recipient_locale.hpp"
#include "encoding.hpp"
#include "keys.hpp"
#include "message_store.hpp"
#include "outgoing.hpp"
#include "pg_wall.hpp"
#include "request_store.hpp"
#include "settings.hpp"
#include "templates.hpp"
#include "test_recipients.hpp"

namespace mfa {

namespace {

using core::sqlstate::invalid_parameter_value;

constexpr std::size_t max_purpose_bytes = 256;

// A call's arguments, checked, with the settings in place of what was not given.
struct Plan {
    OutgoingMessage message;
    std::vector<Fallback> fallbacks;
    std::string purpose;
    int code_length;
    bool allow_alphas;
    std::int64_t valid_for; // microseconds
    int max_attempts;
};

int within(const char *parameter, int value, int least, int most, const char *setting) {
    if (value >= least && value <= most)
        return value;
    throw core::Error(
        invalid_parameter_value,
        std::string(parameter) + " is " + std::to_string(value) + ", but must be between " +
            std::to_string(least) + " and " + std::to_string(most),
        std::string("Choose a value in that range; an administrator narrows or widens it "
                    "by the setting ") +
            setting + ".");
}

std::int64_t check_valid_for(const std::optional<double> &asked) {
    if (!asked)
        return std::min(settings::valid_for, settings::valid_for_cap) * USECS_PER_SEC;
    if (*asked >= 1.0 && *asked <= settings::valid_for_cap)
        return static_cast<std::int64_t>(*asked * USECS_PER_SEC);
    char value[64];
    snprintf(value, sizeof(value), "%.6f", *asked);
    char *end = value + std::strlen(value);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        end[-1] = '\0';
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

void check_sender(core::Channel channel, const std::string &sender) {
    if (channel == core::Channel::email) {
        if (!core::is_mail_address(sender))
            throw core::Error(invalid_parameter_value, "sender of a mail must be a mail address",
                              "For example login@example.com, in ASCII characters.");
    } else if (!core::is_sender(sender)) {
        throw core::Error(
            invalid_parameter_value,
            "sender must be a phone number in E.164 form or 1 to 11 letters, digits and "
            "spaces",
            "For example +14155550123, or the name of a shop where the country allows "
            "names.");
    }
}

store::Text text_of(const std::string &text) {
    return {text.data(), static_cast<int>(text.size())};
}

std::string app_name() {
    if (settings::app_name[0])
        return to_utf8(settings::app_name);
    return to_utf8(pg::call([] { return get_database_name(MyDatabaseId); }));
}

// In which words: by the call, the settings, the templates and the recipient's country.
void word(OutgoingMessage &message, const SendCall &call) {
    core::RequestData &text = message.text;
    if (call.message && call.message->empty())
        core::check_template(*call.message); // asked for, and empty: its error says so
    text.own_message = call.message.has_value();
    text.message = call.message.value_or("");
    text.purpose = call.purpose; // as it is stored, for templates are looked for by it
    if (call.locale)
        text.locale = *call.locale;
    else
        text.locale = settings::locale[0] ? std::string_view(settings::locale)
                                          : core::recipient_locale(message.recipient);
    core::check_locale_tag(text.locale);
    text.app = app_name();
    text.webotp_domain = settings::webotp_domain;
    text.app_hash = settings::app_hash;
    templates::choose(text, message.channel);
}

Plan check(const SendCall &call, Oid role) {
    Plan plan;
    OutgoingMessage &message = plan.message;
    message.channel = core::parse_channel(call.channel);
    message.recipient = core::normalise_recipient(message.channel, call.recipient);
    message.test_code = test_recipients::find(message.recipient);
    plan.purpose = call.purpose;
    check_purpose(plan.purpose);
    const int floor = settings::code_length_floor;
    plan.code_length =
        within("code_length", call.code_length.value_or(std::max(settings::code_length, floor)),
               floor, core::max_code_length, "mfa.code_length_floor");
    plan.allow_alphas = call.allow_alphas.value_or(settings::allow_alphas);
    plan.valid_for = check_valid_for(call.valid_for);
    const int cap = settings::max_attempts_cap;
    plan.max_attempts =
        within("max_attempts", call.max_attempts.value_or(std::min(settings::max_attempts, cap)), 1,
               cap, "mfa.max_attempts_cap");
    word(message, call);
    if (call.sender) {
        check_sender(message.channel, *call.sender);
        message.text.sender = *call.sender;
    }
    // That the text fits with a code in it: any code of that length takes the same room.
    if (message.test_code)
        plan.code_length = static_cast<int>(message.test_code->size());
    const std::string code(static_cast<std::size_t>(plan.code_length), '0');
    const std::chrono::seconds life(plan.valid_for / USECS_PER_SEC);
    core::compose(message.channel, message.text, code, life);
    address(message, call.provider, role);
    plan.fallbacks = fallbacks_of(message, code, life, role);
    return plan;
}

// Whether a live request serves this call as well: no other kind of code was asked for, and a third of its
// life is left.
bool serves_again(const store::Request &live, const SendCall &call, const Plan &plan,
                  const core::Key &key) {
    if (settings::resend != static_cast<int>(settings::Resend::same))
        return false;
    const TimestampTz left = live.expires_at - GetCurrentTimestamp();
    if (left < (live.expires_at - live.created_at) / 3)
        return false;
    // The recipient may have become one for tests since, or have another code now; or it was one.
    if (plan.message.test_code)
        return core::hash_code(key, live.id, live.recipient, plan.purpose,
                               plan.message.test_code->view()) == live.code_hash;
    if (!pg::call([&] { return store::has_message(live.id); }))
        return false;
    return call.code_length.value_or(live.code_length) == live.code_length &&
           call.allow_alphas.value_or(live.allow_alphas) == live.allow_alphas;
}

core::RequestId make_request(const store::Request *superseded, const Plan &plan,
                             const core::Key &key, const core::RecipientHash &recipient, Oid role) {
    core::RandomSource &random = core::system_random();
    const TimestampTz now = GetCurrentTimestamp();
    constexpr std::int64_t unix_epoch_offset =
        (static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE) - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

    store::NewRequest request{};
    store::Request &row = request.row;
    row.id = core::make_uuid(now / 1000 + unix_epoch_offset * 1000, random,
                             settings::shard < 0 ? std::nullopt : std::optional(settings::shard));
    row.max_attempts = plan.max_attempts;
    row.key_id = key.id();
    row.owner = role;
    row.created_at = now;
    row.expires_at = now + plan.valid_for;
    row.code_length = static_cast<int16>(plan.code_length);
    row.allow_alphas = plan.allow_alphas;
    row.recipient = recipient;

    core::RequestData secret;
    secret.recipient = core::Secret(plan.message.recipient);
    secret.code = plan.message.test_code
                      ? *plan.message.test_code
                      : core::generate_code(plan.code_length, plan.allow_alphas, random);
    row.code_hash = core::hash_code(key, row.id, recipient, plan.purpose, secret.code.view());
    const std::vector<std::uint8_t> sealed = seal_data(key, row.id, secret);
    request.purpose = text_of(plan.purpose);
    request.sealed = sealed.data();
    request.sealed_length = static_cast<int>(sealed.size());
    pg::call([&] {
        Relation requests = store::open_requests(RowExclusiveLock);
        if (superseded)
            store::finish_request(requests, *superseded, store::RequestState::superseded);
        store::insert_request(requests, request);
        table_close(requests, NoLock);
    });
    return row.id;
}

} // namespace

core::RequestId send(const SendCall &call) {
    const Oid role = GetUserId();
    const Plan plan = check(call, role);
    const core::Keyring &keys = keys::current();
    const std::vector<core::RecipientHash> hashes = keys::hashes_of(keys, plan.message.recipient);
    store::Meant meant{text_of(plan.purpose), role, true};
    take_turn(plan.message, hashes, &meant);

    const store::Request *live = meant.is_found && meant.request.state == store::RequestState::live
                                     ? &meant.request
                                     : nullptr;
    const core::Key *live_key = live ? keys.find(live->key_id) : nullptr;
    if (live_key && serves_again(*live, call, plan, *live_key)) {
        queue(plan.message, plan.fallbacks, live->id, *live_key, false);
        return live->id;
    }
    const core::RequestId id = make_request(live, plan, keys.current(), hashes.front(), role);
    queue(plan.message, plan.fallbacks, id, keys.current(), true);
    return id;
}

} // namespace mfa
