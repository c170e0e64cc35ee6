// Vonage: text messages by its SMS API or its Messages API, calls by its Voice API.
//
// Sources: definitions/sms.yml and voice.yml of github.com/Nexmo/api-specification; Messages API v1 as
// Vonage's SDKs speak it (vonage-java-sdk, vonage-python-sdk: package messages), for its published
// document is of version 0.1; status and error codes from developer.vonage.com/api-errors.
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/jwt.hpp"
#include "core/message.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};
constexpr std::array lookup_channels{Channel::voice}; // of texts, webhooks alone tell the state
constexpr std::string_view sms_host = "https://rest.nexmo.com";
constexpr std::string_view api_host = "https://api.nexmo.com";
constexpr std::string_view calls_path = "/v1/calls";
constexpr std::chrono::seconds token_life = 5min; // of a token that is used at once
constexpr int most_style = 99;

void check_api(std::string_view name, std::string_view value) {
    if (value != "sms" && value != "messages")
        refuse_option(name, "must be sms or messages");
}

// Voices are numbered within a language: "style" in the documentation of the talk action.
int read_style(std::string_view name, std::string_view value) {
    return read_int_option(name, value, 0, most_style);
}

void check_style(std::string_view name, std::string_view value) {
    static_cast<void>(read_style(name, value));
}

constexpr std::array vonage_options{
    OptionSpec{"api", OptionPlace::server, false, check_api},
    OptionSpec{"application_id", OptionPlace::server, false, check_identifier},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"currency", OptionPlace::server, false, check_currency},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_voice", OptionPlace::server, false, check_style},
    OptionSpec{"api_key", OptionPlace::user_mapping, false, check_identifier},
    OptionSpec{"api_secret", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"private_key", OptionPlace::user_mapping, false, check_rsa_private_key},
};

bool uses_messages_api(const Options &options) { return options.get("api") == "messages"; }

// Calls need an application. It is looked for before anybody's user mapping is: so it is an option of
// the server, and check() sees that its key is there.
bool serves(Channel channel, const Options &options) {
    return channel != Channel::voice || is_given(options, "application_id");
}

[[noreturn]] void refuse_options(std::string_view name, std::string_view place, const char *hint) {
    throw Error(sqlstate::object_not_in_prerequisite_state,
                "option \"" + std::string(name) + "\" of the " + std::string(place) + " is not set",
                hint);
}

// The SMS API knows the account's key and secret alone, the Voice API an application's key alone, the
// Messages API takes either.
void check(const Options &options) {
    constexpr std::string_view mapping = "user mapping";
    const bool application = is_given(options, "application_id");
    if (application && !is_given(options, "private_key"))
        refuse_options(
            "private_key", mapping,
            "The application that application_id names has a private key. Use ALTER USER "
            "MAPPING ... OPTIONS (ADD private_key '...'), or private_key_file; or drop "
            "application_id, without which there are no calls.");
    if (!application && is_given(options, "private_key"))
        refuse_options(
            "application_id", "server",
            "It says whose private_key that of the user mapping is. Use ALTER SERVER ... "
            "OPTIONS (ADD application_id '...').");
    const bool key = is_given(options, "api_key");
    const bool secret = is_given(options, "api_secret");
    if (key != secret)
        refuse_options(key ? "api_secret" : "api_key", mapping,
                       "api_key and api_secret go together.");
    if (!key && !(application && uses_messages_api(options)))
        refuse_options(
            "api_key", mapping,
            "Set api_key and api_secret; or set api 'messages' and application_id for the "
            "server and private_key for the user mapping.");
}

// A token for one request, which `id` makes unique (RFC 7519, 4.1.7).
Secret application_token(const Options &options, std::string_view id,
                         std::chrono::sys_seconds now) {
    const std::int64_t issued = now.time_since_epoch().count();
    std::string unique(id);
    unique.append(".").append(std::to_string(issued));
    JsonWriter claims;
    claims.open_object().string("application_id", options.get("application_id"));
    claims.number("iat", issued).number("exp", issued + token_life.count());
    claims.string("jti", unique).close_object();
    const Secret token = sign_rs256_jwt(claims.take().view(), options.get("private_key"));
    return authorization_header("Bearer", token.view());
}

// definitions/sms.yml: ttl is in milliseconds, 20,000 to 604,800,000; client-ref has 40 characters at
// most. A text that is not GSM-7 has to be sent as unicode, or arrives with question marks.
HttpRequest build_sms(const OutboundMessage &message, const Options &options) {
    FormBody form;
    form.add("api_key", options.get("api_key")).add("api_secret", options.get("api_secret"));
    form.add("from", without_plus(require_sender(message)));
    form.add("to", without_plus(message.recipient)).add("text", message.text);
    if (!count_segments(message.text).gsm7)
        form.add("type", "unicode");
    const std::chrono::milliseconds life = life_within(message, 20s, 604'800s);
    form.add("ttl", std::to_string(life.count())).add("client-ref", message.id);
    return form_request(provider_url(options, sms_host, "/sms/json"), form.take());
}

// The Messages API finds the encoding itself. Its ttl: vonage-python-sdk has seconds for text
// messages, all SDKs have seconds for multimedia ones; the comment in vonage-java-sdk's base class
// says milliseconds. The bounds are those of the SMS API and its default of 72 h. Both unverified.
HttpRequest build_message(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object().string("message_type", "text").string("channel", "sms");
    json.string("to", without_plus(message.recipient));
    json.string("from", without_plus(require_sender(message))).string("text", message.text);
    json.number("ttl", life_within(message, 20s, 259'200s).count());
    json.string("client_ref", message.id).close_object();
    HttpRequest request =
        json_request(provider_url(options, api_host, "/v1/messages"), json.take());
    request.headers.push_back(
        is_given(options, "application_id")
            ? application_token(options, message.id, message.now)
            : basic_auth_header(options.get("api_key"), options.get("api_secret")));
    return request;
}

// Of the Text to Speech guide, which has en-US as the default, as vonage-java-sdk lists them
// (TextToSpeechLanguage).
constexpr std::string_view languages =
    "af-ZA ar-SA=ar bg-BG bn-IN ca-ES cs-CZ cy-GB da-DK de-DE el-GR en-US en-GB es-ES "
    "es-MX eu-ES fi-FI fil-PH fr-FR fr-CA gl-ES gu-IN he-IL hi-IN hu-HU id-ID is-IS it-IT "
    "ja-JP kn-IN ko-KR lt-LT lv-LV ml-IN mr-IN ms-MY nb-NO nl-NL pa-IN pl-PL pt-PT pt-BR "
    "ro-RO ru-RU sk-SK sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN zh-CN=cmn-CN "
    "zh-HK=yue-CN zh-TW=cmn-TW";

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    // A text in <speak> is taken for SSML, which can do more than talk.
    const Secret spoken = speakable(message.text, "<>");
    const std::string_view from = without_plus(require_calling_number(message));
    JsonWriter json;
    json.open_object().open_array("to").open_object().string("type", "phone");
    json.string("number", without_plus(message.recipient)).close_object().close_array();
    json.open_object("from").string("type", "phone").string("number", from).close_object();
    json.open_array("ncco").open_object().string("action", "talk").string("text", spoken.view());
    if (const std::string_view language = say_language(message, options, languages);
        !language.empty())
        json.string("language", language);
    if (const std::string_view voice = options.get("say_voice"); !voice.empty())
        json.number("style", read_style("say_voice", voice));
    json.close_object().close_array();
    // 1 to 120 s; no longer than the code lives, nor than a phone usually rings.
    json.number("ringing_timer", life_within(message, 1s, 30s).count()).close_object();
    HttpRequest request = json_request(provider_url(options, api_host, calls_path), json.take());
    request.headers.push_back(application_token(options, message.id, message.now));
    return request;
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    if (message.channel == Channel::voice)
        return build_call(message, options);
    return uses_messages_api(options) ? build_message(message, options)
                                      : build_sms(message, options);
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret path(calls_path);
    path.append('/');
    append_percent_encoded(path, target.message_id);
    HttpRequest request = get_request(provider_url(options, api_host, path.view()));
    request.headers.push_back(application_token(options, target.message_id, target.now));
    return request;
}

// Prices of the SMS API and the Voice API come without their currency: the account's, "by default
// Euros", which "can change in the Dashboard to US Dollars" (definitions/pricing.yml). So option
// currency has no default. A text that mfa sends has one part. A call's price is "only sent if status
// is completed".
constexpr MoneyAt sms_price{.amount = "/messages/0/message-price"};
constexpr MoneyAt call_price{.amount = "/price"};

Receipt read_lookup(Channel /*channel*/, const HttpResponse &response, const Sent &sent) {
    return receipt_at(response, "/status", "/detail", sent, call_price);
}

// messages[0].status of the SMS API. 13 and 16 to 20 are no longer used.
constexpr std::array sms_codes{
    KnownCode{"1", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"2", Verdict::refused, "missing parameter"},
    KnownCode{"3", Verdict::refused, "invalid parameter"},
    KnownCode{"4", Verdict::refused, "authentication failed"},
    KnownCode{"5", Verdict::retry, "error inside the provider", Service::down},
    KnownCode{"6", Verdict::refused, "recipient not valid"},
    KnownCode{"7", Verdict::refused, "recipient is barred"},
    KnownCode{"8", Verdict::refused, "account suspended"},
    KnownCode{"9", Verdict::refused, "account out of balance"},
    KnownCode{"10", Verdict::retry, "too many connections", Service::throttled},
    KnownCode{"11", Verdict::refused, "account has no SMS API"},
    KnownCode{"12", Verdict::refused, "message too long"},
    KnownCode{"14", Verdict::refused, "signature not valid"},
    KnownCode{"15", Verdict::refused, "sender not usable"},
    KnownCode{"22", Verdict::refused, "network code not valid"},
    KnownCode{"23", Verdict::refused, "callback not valid"},
    KnownCode{"29", Verdict::refused, "recipient not on the account's list"},
    KnownCode{"32", Verdict::refused, "account wants signed requests"},
    KnownCode{"33", Verdict::refused, "sender is deactivated"},
};

// The fragment of "type" in answers of the Messages and the Voice API, such as
// "https://developer.vonage.com/api-errors/messages#1120".
constexpr std::array api_codes{
    KnownCode{"unauthorized", Verdict::refused, "authentication failed"},
    KnownCode{"low-balance", Verdict::refused, "account out of balance"},
    KnownCode{"1000", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"1010", Verdict::refused, "missing parameter"},
    KnownCode{"1020", Verdict::refused, "invalid parameter"},
    KnownCode{"1030", Verdict::retry, "error inside the provider", Service::down},
    KnownCode{"1040", Verdict::refused, "recipient not valid"},
    KnownCode{"1050", Verdict::refused, "recipient is barred"},
    KnownCode{"1060", Verdict::refused, "account suspended"},
    KnownCode{"1070", Verdict::refused, "account out of balance"},
    KnownCode{"1080", Verdict::refused, "account has no such API"},
    KnownCode{"1090", Verdict::refused, "message too long"},
    KnownCode{"1100", Verdict::retry, "not submitted, temporarily"},
    KnownCode{"1110", Verdict::refused, "signature not valid"},
    KnownCode{"1120", Verdict::refused, "sender not usable"},
    KnownCode{"1130", Verdict::refused, "life of the message not valid"},
    KnownCode{"1140", Verdict::refused, "not enabled for the account"},
    KnownCode{"1160", Verdict::refused, "recipient not on the account's list"},
    KnownCode{"1170", Verdict::refused, "recipient not valid"},
    KnownCode{"1180", Verdict::retry, "recipient's phone is off for now"},
    KnownCode{"1190", Verdict::refused, "recipient's phone is unknown"},
    KnownCode{"1200", Verdict::refused, "recipient has changed the carrier"},
    KnownCode{"1210", Verdict::refused, "carrier took it for spam"},
    KnownCode{"1220", Verdict::retry, "recipient's phone is busy"},
    KnownCode{"1230", Verdict::retry, "network failure"},
    KnownCode{"1240", Verdict::refused, "recipient opted out"},
    KnownCode{"1241", Verdict::retry, "too many messages to this recipient"},
    KnownCode{"1250", Verdict::refused, "no route to the recipient"},
    KnownCode{"1260", Verdict::refused, "recipient unreachable"},
    KnownCode{"1280", Verdict::refused, "recipient blocked by the carrier"},
    KnownCode{"1290", Verdict::refused, "recipient out of balance"},
    KnownCode{"1330", Verdict::unknown, "unknown error at the carrier"},
};

// Always HTTP 200: the status in the body decides. Other HTTP statuses come from what stands in front.
Outcome read_sms(const OutboundMessage &message, const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    const std::string status = first_scalar_at(response.body, {"/messages/0/status"});
    if (status.empty())
        return failed(message, response, verdict == Verdict::accepted ? Verdict::unknown : verdict,
                      {}, sms_codes);
    if (status != "0")
        return failed(message, response, Verdict::refused, status, sms_codes);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, {}, sms_codes);
    return accepted(message, response, "/messages/0/message-id", sms_price);
}

std::string api_code(const HttpResponse &response) {
    // vonage-java-sdk's MessagesClientTest has a 429 whose type ends in the code of a missing
    // parameter: the status is surer there.
    if (response.status == 429)
        return {};
    const std::string type = first_scalar_at(response.body, {"/type"});
    const std::size_t hash = type.rfind('#');
    return hash == std::string::npos ? type : type.substr(hash + 1);
}

Outcome read(const OutboundMessage &message, const Options &options, const HttpResponse &response) {
    const bool call = message.channel == Channel::voice;
    if (!call && !uses_messages_api(options))
        return read_sms(message, response);
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, api_code(response), api_codes);
    if (!call)
        return accepted(message, response, "/message_uuid");
    const std::string state = first_scalar_at(response.body, {"/status"});
    if (parse_delivery_state(state) == DeliveryState::undelivered)
        return failed(message, response, Verdict::refused, state, {});
    return accepted(message, response, "/uuid");
}

} // namespace

constinit const Provider vonage_provider{
    .name = "mfa_vonage",
    .channels = channels,
    .options = vonage_options,
    .serves = serves,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .lookup_channels = lookup_channels,
    .spoken_languages = languages,
};

} // namespace mfa::core
