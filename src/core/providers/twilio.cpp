// Twilio: text messages by its Messages API, calls by its Calls API with inline TwiML. Requests and
// answers are from Twilio's OpenAPI document (twilio/twilio-oai, twilio_api_v2010), the meanings of
// codes from its Error and Warning Dictionary.
#include <algorithm>
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};

void check_redact(std::string_view name, std::string_view value) {
    if (value != "on" && value != "off")
        refuse_option(name, "must be on or off");
}

// Webhooks are signed with the account's auth token. mfa reads the key of every provider from
// signing_key, so the token is given there too: a user mapping with an API key has no other.
constexpr std::array twilio_options{
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"messaging_service", OptionPlace::server, false, check_identifier},
    OptionSpec{"redact", OptionPlace::server, false, check_redact},
    OptionSpec{"say_voice", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"account_sid", OptionPlace::user_mapping, true, check_identifier},
    OptionSpec{"auth_token", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"api_key", OptionPlace::user_mapping, false, check_identifier},
    OptionSpec{"api_key_secret", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"signing_key", OptionPlace::user_mapping, false, check_single_line},
};

void check(const Options &options) {
    const bool has_key = is_given(options, "api_key");
    const bool has_secret = is_given(options, "api_key_secret");
    if (has_key != has_secret)
        throw Error(
            sqlstate::object_not_in_prerequisite_state,
            has_key ? "option \"api_key_secret\" of the user mapping is not set"
                    : "option \"api_key\" of the user mapping is not set",
            "An API key is used with both; ALTER USER MAPPING ... OPTIONS can add the other "
            "one.");
    if (!has_key && !is_given(options, "auth_token"))
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    "option \"auth_token\" of the user mapping is not set",
                    "Use ALTER USER MAPPING ... OPTIONS (ADD auth_token '...'), or give an API key "
                    "with api_key and api_key_secret.");
}

// ".../Accounts/{sid}" and what follows. The account's sid stands there also where an API key
// authenticates.
Secret account_url(const Options &options, std::string_view resource, std::string_view id = {}) {
    Secret path("/2010-04-01/Accounts/");
    append_percent_encoded(path, options.get("account_sid"));
    path.append(resource);
    if (!id.empty()) {
        path.append('/');
        append_percent_encoded(path, id);
    }
    path.append(".json");
    return provider_url(options, "https://api.twilio.com", path.view());
}

Secret authorization(const Options &options) {
    if (const std::string_view key = options.get("api_key"); !key.empty())
        return basic_auth_header(key, options.get("api_key_secret"));
    return basic_auth_header(options.get("account_sid"), options.get("auth_token"));
}

HttpRequest build_text(const OutboundMessage &message, const Options &options) {
    FormBody form;
    form.add("To", message.recipient);
    add_sender(form, message, options);
    form.add("Body", message.text);
    form.add("ValidityPeriod", std::to_string(life_within(message, 1s, 36'000s).count()));
    // Only where asked for: an account without the feature refuses such messages.
    if (options.get("redact") == "on")
        form.add("ContentRetention", "discard").add("AddressRetention", "obfuscate");
    return form_request(account_url(options, "/Messages"), form.take());
}

// Without a language, Twilio speaks en-US ("TwiML Voice: Say"). These are what the attribute takes
// (type SayLanguage of twilio/twilio-node); voices of Google that speak others, such as lt-LT, are not
// reached by it alone. That the default voice knows all of them is unverified, hence say_voice.
constexpr std::string_view languages =
    "af-ZA ar-SA=arb bg-BG bn-IN ca-ES cs-CZ cy-GB da-DK de-DE el-GR en-US en-GB es-ES "
    "es-MX fi-FI fil-PH fr-FR fr-CA gu-IN he-IL hi-IN hu-HU id-ID is-IS it-IT ja-JP kn-IN "
    "ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-NL pa-IN pl-PL pt-PT pt-BR ro-RO ru-RU sk-SK "
    "sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN zh-CN zh-HK zh-TW";

Secret twiml(const OutboundMessage &message, const Options &options) {
    return say_document({{"language", say_language(message, options, languages)},
                         {"voice", options.get("say_voice")}},
                        message.text);
}

// Of UTF-8 that is well-formed, as what append_xml_escaped writes is.
std::ptrdiff_t characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    constexpr std::ptrdiff_t most_characters = 4000;
    const Secret xml = twiml(message, options);
    if (characters(xml.view()) > most_characters)
        refuse_build("the text is too long for a call",
                     "Twilio takes at most 4000 characters, with those that stand for < and &.");
    FormBody form;
    form.add("To", message.recipient);
    form.add("From", require_calling_number(message));
    form.add("Twiml", xml.view());
    // No longer than the code lives, nor than a phone usually rings.
    form.add("Timeout", std::to_string(life_within(message, 1s, 30s).count()));
    return form_request(account_url(options, "/Calls"), form.take());
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request = message.channel == Channel::voice ? build_call(message, options)
                                                            : build_text(message, options);
    request.headers.push_back(authorization(options));
    return request;
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    const std::string_view resource = target.channel == Channel::voice ? "/Calls" : "/Messages";
    HttpRequest request = get_request(account_url(options, resource, target.message_id));
    request.headers.push_back(authorization(options));
    return request;
}

// Of texts and calls, as a negative amount. It comes "after the message has been sent", or the call is
// completed, and "may not be immediately available": null until then.
constexpr MoneyAt price{.amount = "/price", .currency = "/price_unit"};

// A call has no error_code; its status says why nobody heard it.
Receipt read_lookup(Channel /*channel*/, const HttpResponse &response, const Sent &sent) {
    return receipt_at(response, "/status", "/error_code", sent, price);
}

std::optional<SignatureScheme> signature_scheme(const Options & /*options*/) {
    return SignatureScheme::twilio;
}

// Codes of TwiML's own verbs (13xxx, 14xxx) are not here: they go to the account's log, not into an
// answer. A daily limit is final: no code lives until it is lifted. Unverified, as their pages of
// the dictionary were not at hand: 20005, 20404, 21215, 21216, 21219, 21265, 21267, 21268, 21603,
// 21604, 21661, 21703, 21705, 30023, 30032, 30034, 30450.
constexpr std::array known_codes{
    KnownCode{"10001", Verdict::refused, "account is not active"},
    KnownCode{"10004", Verdict::retry, "too many calls at a time", Service::throttled},
    KnownCode{"20003", Verdict::refused, "authentication failed"},
    KnownCode{"20005", Verdict::refused, "account is not active"},
    KnownCode{"20404", Verdict::refused, "account or resource not found"},
    KnownCode{"20429", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"20503", Verdict::retry, "service unavailable", Service::down},
    KnownCode{"21210", Verdict::refused, "sender not usable"},
    KnownCode{"21211", Verdict::refused, "recipient not valid"},
    KnownCode{"21212", Verdict::refused, "sender not usable"},
    KnownCode{"21213", Verdict::refused, "sender missing"},
    KnownCode{"21214", Verdict::refused, "recipient can't be reached"},
    KnownCode{"21215", Verdict::refused, "calls to this country are not enabled"},
    KnownCode{"21216", Verdict::refused, "account may not call this number"},
    KnownCode{"21217", Verdict::refused, "recipient not valid"},
    KnownCode{"21219", Verdict::refused, "trial account: recipient not verified"},
    KnownCode{"21265", Verdict::refused, "recipient is a short code"},
    KnownCode{"21266", Verdict::refused, "recipient and sender are the same"},
    KnownCode{"21267", Verdict::refused, "trial account: sender can't be a name"},
    KnownCode{"21268", Verdict::refused, "recipient is a premium number"},
    KnownCode{"21408", Verdict::refused, "messages to this country are not enabled"},
    KnownCode{"21601", Verdict::refused, "sender not usable"},
    KnownCode{"21603", Verdict::refused, "sender missing"},
    KnownCode{"21604", Verdict::refused, "recipient missing"},
    KnownCode{"21606", Verdict::refused, "sender not usable"},
    KnownCode{"21608", Verdict::refused, "trial account: recipient not verified"},
    KnownCode{"21610", Verdict::refused, "recipient opted out"},
    KnownCode{"21611", Verdict::retry, "sender's backlog is full", Service::throttled},
    KnownCode{"21612", Verdict::refused, "recipient can't be reached from this sender"},
    KnownCode{"21614", Verdict::refused, "not a mobile number"},
    KnownCode{"21616", Verdict::refused, "sender is ambiguous"},
    KnownCode{"21617", Verdict::refused, "message too long"},
    KnownCode{"21635", Verdict::refused, "recipient is a landline"},
    KnownCode{"21659", Verdict::refused, "sender not usable"},
    KnownCode{"21660", Verdict::refused, "sender is of another account"},
    KnownCode{"21661", Verdict::refused, "sender not usable"},
    KnownCode{"21703", Verdict::refused, "messaging service has no number"},
    KnownCode{"21705", Verdict::refused, "messaging service not valid"},
    KnownCode{"21730", Verdict::retry, "under maintenance", Service::down},
    KnownCode{"30001", Verdict::retry, "queue overflow", Service::throttled},
    KnownCode{"30002", Verdict::refused, "account suspended"},
    KnownCode{"30003", Verdict::refused, "recipient's phone is unreachable"},
    KnownCode{"30004", Verdict::refused, "message blocked"},
    KnownCode{"30005", Verdict::refused, "recipient's phone is unknown"},
    KnownCode{"30006", Verdict::refused, "landline or unreachable carrier"},
    KnownCode{"30007", Verdict::refused, "filtered as spam"},
    KnownCode{"30008", Verdict::retry, "unknown error at the carrier"},
    KnownCode{"30010", Verdict::refused, "dearer than the price limit"},
    KnownCode{"30022", Verdict::retry, "carrier's rate limit reached", Service::throttled},
    KnownCode{"30023", Verdict::refused, "carrier's daily limit reached"},
    KnownCode{"30032", Verdict::refused, "toll-free sender not verified"},
    KnownCode{"30034", Verdict::refused, "sender not registered with carriers"},
    KnownCode{"30450", Verdict::refused, "blocked by protection against SMS pumping"},
    KnownCode{"63017", Verdict::retry, "account's rate limit reached", Service::throttled},
    KnownCode{"63038", Verdict::refused, "account's daily limit reached"},
};

// {"code": ...} of an error; a message that has failed already carries an error_code.
std::string provider_code(const HttpResponse &response) {
    return first_scalar_at(response.body, {"/code", "/error_code"});
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, provider_code(response), known_codes);
    if (const auto outcome = accepted_unless_failed(message, response, "/sid", price))
        return *outcome;
    return failed(message, response, Verdict::refused, provider_code(response), known_codes);
}

} // namespace

constinit const Provider twilio_provider{
    .name = "mfa_twilio",
    .channels = channels,
    .options = twilio_options,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .signature_scheme = signature_scheme,
    .spoken_languages = languages,
};

} // namespace mfa::core
