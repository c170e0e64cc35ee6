// Infobip: text messages by its SMS API v3, calls by its voice messages (text to speech) API.
//
// Paths, fields and enumerations are from the sources of Infobip's own library, which are generated
// from its OpenAPI document (infobip/infobip-api-java-client, api/SmsApi.java, api/VoiceApi.java and
// model/), the codes from its page "Response status and error codes".
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};

constexpr std::array infobip_options{
    OptionSpec{"base", OptionPlace::server, false, check_host_label},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"say_voice", OptionPlace::server, false, check_single_line},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"api_key", OptionPlace::user_mapping, true, check_single_line},
};

// Each account has a host name of its own.
void check(const Options &options) {
    if (options.get("base").empty() && options.get("base_url").empty())
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    "option \"base\" of the server is not set",
                    "Use ALTER SERVER ... OPTIONS (ADD base 'abc123') for "
                    "https://abc123.api.infobip.com.");
}

Secret url_of(const Options &options, std::string_view path) {
    const std::string base = "https://" + std::string(options.get("base")) + ".api.infobip.com";
    return provider_url(options, base, path);
}

Secret authorization(const Options &options) {
    return authorization_header("App", options.get("api_key"));
}

Secret text_body(const OutboundMessage &message) {
    JsonWriter json;
    json.open_object().open_array("messages").open_object();
    json.string("sender", without_plus(require_sender(message)));
    json.open_array("destinations").open_object();
    // With an id of ours, a text that Infobip has already is refused as a duplicate.
    json.string("to", without_plus(message.recipient)).string("messageId", message.id);
    json.close_object().close_array();
    json.open_object("content").string("text", message.text).close_object();
    // Longer than 48 hours is taken for 48 hours.
    json.open_object("options").open_object("validityPeriod");
    json.number("amount", life_within(message, 1s, 172'800s).count()).string("timeUnit", "SECONDS");
    json.close_object().close_object().close_object().close_array().close_object();
    return json.take();
}

// Of the enumeration CallsLanguage. Its "false" is YAML's reading of "no": "Say text" on infobip.com
// has that. The default is en. That /tts/3/single knows all of them is unverified.
constexpr std::string_view languages =
    "ar-SA=ar bg-BG=bg bn-IN=bn ca-ES=ca cs-CZ=cs cy-GB=wls da-DK=da de-DE=de el-GR=el "
    "en-US=en en-GB=en-gb es-ES=es es-MX=es-mx fi-FI=fi fil-PH=fil-ph fr-FR=fr fr-CA=fr-ca "
    "gu-IN=gu he-IL=he hi-IN=hi hr-HR=hr hu-HU=hu id-ID=id is-IS=is it-IT=it ja-JP=ja "
    "kk-KZ=kk-kz kn-IN=kn ko-KR=ko ml-IN=ml mr-IN=mr-in ms-MY=ms nb-NO=no nl-NL=nl "
    "pl-PL=pl pt-PT=pt-pt pt-BR=pt-br ro-RO=ro ru-RU=ru sk-SK=sk sl-SI=sl sv-SE=sv "
    "sw-KE=sw-ke ta-IN=ta te-IN=te th-TH=th tr-TR=tr uk-UA=uk ur-PK=ur-pk uz-UZ=uz-uz "
    "vi-VN=vi zh-CN=zh-cn zh-TW=zh-tw";

Secret call_body(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object().string("from", without_plus(require_calling_number(message)));
    json.string("to", without_plus(message.recipient));
    // The text may be SSML. Angle brackets are not spoken anyway.
    json.string("text", speakable(message.text, "<>").view());
    if (const std::string_view language = say_language(message, options, languages);
        !language.empty())
        json.string("language", language);
    if (const std::string_view voice = options.get("say_voice"); !voice.empty())
        json.open_object("voice").string("name", voice).close_object();
    json.close_object();
    return json.take();
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    const bool call = message.channel == Channel::voice;
    Secret body = call ? call_body(message, options) : text_body(message);
    HttpRequest request =
        json_request(url_of(options, call ? "/tts/3/single" : "/sms/3/messages"), std::move(body));
    request.headers.push_back(authorization(options));
    return request;
}

// Logs, and not reports (/sms/3/reports, /voice/1/reports): a report is given out once only, so that
// to read it would take it away from whoever else reads them for this account. Logs reach back 48
// hours.
HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret path(target.channel == Channel::voice ? "/tts/3/logs" : "/sms/3/logs");
    path.append("?messageId=");
    append_percent_encoded(path, target.message_id);
    HttpRequest request = get_request(url_of(options, path.view()));
    request.headers.push_back(authorization(options));
    return request;
}

// Of texts (SmsLog.java, MessagePrice.java): "the price per individual message", and "the number of
// messages content was split to". Of calls, the price of a second alone is told.
constexpr MoneyAt text_price{.amount = "/results/0/price/pricePerMessage",
                             .currency = "/results/0/price/currency",
                             .count = "/results/0/messageCount"};

Receipt read_lookup(Channel channel, const HttpResponse &response, const Sent &sent) {
    // What was rejected before it got to a network has no error but a status.
    constexpr std::string_view error = "/results/0/error/name";
    const bool no_error = first_scalar_at(response.body, {error}) == "NO_ERROR";
    return receipt_at(response, "/results/0/status/groupName",
                      no_error ? "/results/0/status/name" : error, sent,
                      channel == Channel::voice ? MoneyAt{} : text_price);
}

// Ids of the status of a message that is undeliverable (group 2), expired (4) or rejected (5).
constexpr std::array known_codes{
    KnownCode{"4", Verdict::refused, "rejected by the network"},
    KnownCode{"6", Verdict::refused, "recipient's network is not available"},
    KnownCode{"8", Verdict::refused, "recipient not valid"},
    KnownCode{"9", Verdict::refused, "not delivered"},
    KnownCode{"10", Verdict::refused, "recipient is on a do-not-disturb list"},
    KnownCode{"11", Verdict::refused, "sender not registered"},
    KnownCode{"12", Verdict::refused, "not enough credits"},
    KnownCode{"13", Verdict::refused, "sender blocked"},
    KnownCode{"14", Verdict::refused, "recipient blocked"},
    KnownCode{"15", Verdict::refused, "expired"},
    KnownCode{"17", Verdict::refused, "prepaid package expired"},
    KnownCode{"18", Verdict::refused, "recipient not registered for trial"},
    KnownCode{"19", Verdict::refused, "no route to the recipient"},
    KnownCode{"20", Verdict::refused, "too many messages to the recipient"},
    KnownCode{"21", Verdict::retry, "error inside the provider", Service::down},
    // The try before this one was taken.
    KnownCode{"23", Verdict::unknown, "provider has this message already"},
    KnownCode{"25", Verdict::refused, "message too long"},
    KnownCode{"51", Verdict::refused, "recipient missing"},
    KnownCode{"52", Verdict::refused, "recipient not valid"},
};

// {"requestError": {"serviceException": {"messageId": ...}}} from the older endpoints, {"errorCode":
// ...} from the newer. Which words there are is not published; the HTTP status decides.
std::string error_code(const HttpResponse &response) {
    return first_scalar_at(response.body,
                           {"/requestError/serviceException/messageId", "/errorCode"});
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, error_code(response), {});
    // 200 says that the request was read; the status' group, what becomes of the message.
    const std::string group = first_scalar_at(response.body, {"/messages/0/status/groupId"});
    if (group == "0" || group == "1" || group == "3") // accepted, pending, delivered
        return accepted(message, response, "/messages/0/messageId");
    const bool rejected = group == "2" || group == "4" || group == "5";
    return rejected ? failed(message, response, Verdict::refused,
                             first_scalar_at(response.body, {"/messages/0/status/id"}), known_codes)
                    : failed(message, response, Verdict::unknown, {}, {});
}

} // namespace

constinit const Provider infobip_provider{
    .name = "mfa_infobip",
    .channels = channels,
    .options = infobip_options,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .spoken_languages = languages,
};

} // namespace mfa::core
