// Telnyx: text messages by its Messaging API, calls by its TeXML REST API with inline TeXML.
// Requests and answers are from the SDK that Telnyx generates from its OpenAPI document
// (team-telnyx/telnyx-node), the meanings of codes from "API error codes" and "Configurable Spend
// Limits" of developers.telnyx.com and "Telnyx Messaging Error Codes" of support.telnyx.com. No field
// takes the time that a text is good for.
#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};

// account_sid is the organization_id that GET /v2/whoami answers; application_sid is the id of a
// TeXML application, which has the profile for outbound calls.
constexpr std::array telnyx_options{
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"messaging_profile_id", OptionPlace::server, false, check_identifier},
    OptionSpec{"account_sid", OptionPlace::server, false, check_identifier},
    OptionSpec{"application_sid", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_voice", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"api_key", OptionPlace::user_mapping, true, check_single_line},
};

void check(const Options &options) {
    const bool has_account = is_given(options, "account_sid");
    if (has_account != is_given(options, "application_sid"))
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    has_account ? "option \"application_sid\" of the server is not set"
                                : "option \"account_sid\" of the server is not set",
                    "Calls need both; use ALTER SERVER ... OPTIONS to add or drop one.");
}

// check() has seen that there are both or none.
bool serves(Channel channel, const Options &options) {
    return channel == Channel::sms || is_given(options, "application_sid");
}

Secret url_of(const Options &options, std::string_view path) {
    return provider_url(options, "https://api.telnyx.com", path);
}

Secret calls_path(const Options &options) {
    Secret path("/v2/texml/Accounts/");
    append_percent_encoded(path, options.get("account_sid"));
    path.append("/Calls");
    return path;
}

bool is_name(std::string_view sender) {
    return std::any_of(sender.begin(), sender.end(), is_alpha);
}

HttpRequest build_text(const OutboundMessage &message, const Options &options) {
    const std::string_view profile = options.get("messaging_profile_id");
    if (profile.empty() && is_name(message.sender))
        refuse_build("a sender that is a name needs a messaging profile",
                     "Set option \"messaging_profile_id\" of the server.");
    if (profile.empty() && message.sender.empty())
        refuse_build("no sender for a text message",
                     "Set option \"sender\" or \"messaging_profile_id\" of the server.");
    JsonWriter json;
    json.open_object();
    // Without a sender, the profile's number pool picks one.
    if (!message.sender.empty())
        json.string("from", message.sender);
    if (!profile.empty())
        json.string("messaging_profile_id", profile);
    json.string("to", message.recipient).string("text", message.text).close_object();
    return json_request(url_of(options, "/v2/messages"), json.take());
}

// The default voice speaks nothing but en-US, alice takes a language ("TeXML verbs: Say"). Which ones,
// is published of the command that speaks in the Call Control API alone (ActionSpeakParams,
// team-telnyx/telnyx-node). That alice knows the same is unverified, hence say_voice.
constexpr std::string_view languages =
    "ar-SA=arb cy-GB da-DK de-DE en-US en-GB es-ES es-MX fr-FR fr-CA hi-IN is-IS it-IT "
    "ja-JP ko-KR nb-NO nl-NL pl-PL pt-PT pt-BR ro-RO ru-RU sv-SE tr-TR zh-CN=cmn-CN";

Secret texml(const OutboundMessage &message, const Options &options) {
    // TeXML fills in {{...}}, also with the account's secrets ("Create a TeXML secret"). Braces are
    // not spoken anyway.
    return say_document({{"voice", options.get("say_voice", "alice")},
                         {"language", say_language(message, options, languages)}},
                        speakable(message.text, "{}").view());
}

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    const Secret xml = texml(message, options);
    JsonWriter json;
    json.open_object().string("ApplicationSid", options.get("application_sid"));
    json.string("From", require_calling_number(message)).string("To", message.recipient);
    json.string("Texml", xml.view());
    // No longer than the code lives, nor than a phone usually rings; 5 s is the API's least.
    json.number("Timeout", life_within(message, 5s, 30s).count()).close_object();
    return json_request(url_of(options, calls_path(options).view()), json.take());
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request = message.channel == Channel::voice ? build_call(message, options)
                                                            : build_text(message, options);
    request.headers.push_back(authorization_header("Bearer", options.get("api_key")));
    return request;
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret path = target.channel == Channel::voice ? calls_path(options) : Secret("/v2/messages");
    path.append('/');
    append_percent_encoded(path, target.message_id);
    HttpRequest request = get_request(url_of(options, path.view()));
    request.headers.push_back(authorization_header("Bearer", options.get("api_key")));
    return request;
}

// Of texts: "the amount deducted from your account" (OutboundMessagePayload).
constexpr MoneyAt price{.amount = "/data/cost/amount", .currency = "/data/cost/currency"};

// A call has no error code; its status says why nobody heard it.
Receipt read_lookup(Channel channel, const HttpResponse &response, const Sent &sent) {
    if (channel == Channel::voice)
        return receipt_at(response, "/status", "/error_code", sent);
    return receipt_at(response, "/data/to/0/status", "/data/errors/0/code", sent, price);
}

// 400xx come with a message that has failed, the others with a request. A daily limit is final: no
// code lives until it is lifted. Unverified: 10027.
constexpr std::array known_codes{
    KnownCode{"10002", Verdict::refused, "phone number not valid"},
    KnownCode{"10004", Verdict::refused, "parameter missing"},
    KnownCode{"10005", Verdict::refused, "account or resource not found"},
    KnownCode{"10007", Verdict::unknown, "unexpected error", Service::down},
    KnownCode{"10008", Verdict::unknown, "timeout inside the provider", Service::down},
    KnownCode{"10009", Verdict::refused, "authentication failed"},
    KnownCode{"10010", Verdict::refused, "not authorized"},
    KnownCode{"10011", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"10015", Verdict::refused, "request not valid"},
    KnownCode{"10016", Verdict::refused, "phone number not valid"},
    KnownCode{"10027", Verdict::refused, "request not valid"},
    KnownCode{"10039", Verdict::refused, "not in the account's level"},
    KnownCode{"20002", Verdict::refused, "API key revoked"},
    KnownCode{"20012", Verdict::refused, "account is not active"},
    KnownCode{"20013", Verdict::refused, "account blocked"},
    KnownCode{"20014", Verdict::refused, "account not verified"},
    KnownCode{"20100", Verdict::refused, "out of balance"},
    KnownCode{"40001", Verdict::refused, "landline or not routable"},
    KnownCode{"40002", Verdict::refused, "filtered as spam"},
    KnownCode{"40003", Verdict::refused, "sender blocked as spam"},
    KnownCode{"40004", Verdict::refused, "rejected by the recipient's carrier"},
    KnownCode{"40005", Verdict::refused, "expired on its way"},
    KnownCode{"40006", Verdict::retry, "recipient's carrier is down"},
    KnownCode{"40008", Verdict::refused, "undeliverable"},
    KnownCode{"40009", Verdict::refused, "text not valid"},
    KnownCode{"40010", Verdict::refused, "sender not registered with carriers"},
    KnownCode{"40011", Verdict::retry, "carrier's rate limit reached", Service::throttled},
    KnownCode{"40012", Verdict::refused, "recipient not valid"},
    KnownCode{"40013", Verdict::refused, "sender not usable"},
    KnownCode{"40014", Verdict::refused, "expired in the queue"},
    KnownCode{"40015", Verdict::refused, "filtered as spam"},
    KnownCode{"40016", Verdict::refused, "carrier's daily limit reached"},
    KnownCode{"40017", Verdict::refused, "filtered as spam"},
    KnownCode{"40018", Verdict::retry, "carrier's rate limit reached", Service::throttled},
    KnownCode{"40100", Verdict::refused, "sender not enabled for messages"},
    KnownCode{"40150", Verdict::refused, "toll-free sender not in the registry"},
    KnownCode{"40151", Verdict::refused, "sender not enabled for messages yet"},
    KnownCode{"40300", Verdict::refused, "recipient opted out"},
    KnownCode{"40301", Verdict::refused, "recipient takes no such message"},
    KnownCode{"40302", Verdict::refused, "message too long"},
    KnownCode{"40305", Verdict::refused, "sender not usable"},
    KnownCode{"40306", Verdict::refused, "sender's name not set up"},
    KnownCode{"40309", Verdict::refused, "messages to this country are not enabled"},
    KnownCode{"40310", Verdict::refused, "recipient not valid"},
    KnownCode{"40312", Verdict::refused, "messaging profile is disabled"},
    KnownCode{"40314", Verdict::refused, "messages are disabled for the account"},
    KnownCode{"40315", Verdict::refused, "sender delivers badly"},
    KnownCode{"40316", Verdict::refused, "no text"},
    KnownCode{"40318", Verdict::retry, "queue is full", Service::throttled},
    KnownCode{"40319", Verdict::refused, "recipient takes no such message"},
    KnownCode{"40320", Verdict::refused, "sender not usable yet"},
    KnownCode{"40321", Verdict::refused, "messaging profile has no usable number"},
    KnownCode{"40322", Verdict::refused, "blocked for its content"},
    KnownCode{"40328", Verdict::refused, "message too long"},
    KnownCode{"40329", Verdict::refused, "toll-free sender not verified"},
    KnownCode{"40333", Verdict::refused, "messaging profile's daily limit reached"},
};

std::string provider_code(const HttpResponse &response) {
    return first_scalar_at(response.body, {"/errors/0/code", "/data/errors/0/code"});
}

// Documented of the answer are from, to and status (InitiateCallResponse); the live API adds
// call_sid (team-telnyx/telnyx-node, issue 459). Without it, the call can't be looked up.
Outcome accepted_call(const OutboundMessage &message, const HttpResponse &response) {
    if (!first_scalar_at(response.body, {"/call_sid"}).empty())
        return accepted(message, response, "/call_sid");
    Outcome outcome = accepted(message, response, "/status");
    outcome.message_id.clear();
    return outcome;
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, provider_code(response), known_codes);
    const std::string status = first_scalar_at(response.body, {"/data/to/0/status", "/status"});
    if (parse_delivery_state(status) == DeliveryState::undelivered)
        return failed(message, response, Verdict::refused, provider_code(response), known_codes);
    return message.channel == Channel::voice ? accepted_call(message, response)
                                             : accepted(message, response, "/data/id", price);
}

} // namespace

// Its webhooks are signed with Ed25519 over the body, which mfa can't check.
constinit const Provider telnyx_provider{
    .name = "mfa_telnyx",
    .channels = channels,
    .options = telnyx_options,
    .serves = serves,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .spoken_languages = languages,
};

} // namespace mfa::core
