// MessageBird (Bird): text messages by its SMS API, calls by its Voice Messaging API.
//
// SMS API: messagebird/openapi-specs, sms/openapi.yaml. Voice Messaging API: there is no published
// OpenAPI document; fields, words for states and the answer are from MessageBird's own client
// libraries (messagebird/php-rest-api, src/MessageBird/Objects/VoiceMessage.php and Recipient.php;
// messagebird/go-rest-api, voicemessage/testdata).
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/json_writer.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};

void check_voice(std::string_view name, std::string_view value) {
    if (value != "male" && value != "female")
        refuse_option(name, "must be male or female");
}

constexpr std::array messagebird_options{
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"say_voice", OptionPlace::server, false, check_voice},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"access_key", OptionPlace::user_mapping, true, check_single_line},
};

std::string_view path_of(Channel channel) {
    return channel == Channel::voice ? "/voicemessages" : "/messages";
}

Secret url_of(const Options &options, std::string_view path) {
    return provider_url(options, "https://rest.messagebird.com", path);
}

Secret authorization(const Options &options) {
    return authorization_header("AccessKey", options.get("access_key"));
}

// Recipients are MSISDNs: the documents have them without a plus sign. So are senders that are
// numbers.
void write_parties(JsonWriter &json, const OutboundMessage &message, std::string_view sender) {
    json.open_array("recipients").element(without_plus(message.recipient)).close_array();
    json.string("originator", without_plus(sender));
    json.string("reference", message.id);
}

Secret text_body(const OutboundMessage &message) {
    JsonWriter json;
    json.open_object();
    write_parties(json, message, require_sender(message));
    json.string("type", "sms").string("datacoding", "auto").string("body", message.text);
    // In seconds. The documents give no bounds; two days are what networks keep a text for.
    json.number("validity", life_within(message, 1s, 172'800s).count());
    json.close_object();
    return json.take();
}

// Of the attribute `language` in "Voice Messaging API" (developers.messagebird.com), which has them in
// lower case. The default is en-gb.
constexpr std::string_view languages =
    "cy-GB da-DK de-DE el-GR en-US en-GB es-ES es-MX fr-FR fr-CA id-ID is-IS it-IT ja-JP "
    "ko-KR ms-MY nb-NO nl-NL pl-PL pt-PT pt-BR ro-RO ru-RU sv-SE ta-IN th-TH tr-TR vi-VN "
    "zh-CN zh-HK";

Secret language_of(const OutboundMessage &message, const Options &options) {
    Secret language;
    for (const char c : say_language(message, options, languages))
        language.append(to_lower(c));
    return language;
}

Secret call_body(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object();
    write_parties(json, message, require_calling_number(message));
    // The voice takes what stands in angle brackets for instructions. They are not spoken anyway.
    json.string("body", speakable(message.text, "<>").view());
    if (const Secret language = language_of(message, options); !language.empty())
        json.string("language", language.view());
    if (const std::string_view voice = options.get("say_voice"); !voice.empty())
        json.string("voice", voice);
    // The text has its sentence twice already. "continue" is to speak without waiting to find out
    // who has answered.
    json.number("repeat", 1).string("ifMachine", "continue");
    json.close_object();
    return json.take();
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    Secret body =
        message.channel == Channel::voice ? call_body(message, options) : text_body(message);
    HttpRequest request = json_request(url_of(options, path_of(message.channel)), std::move(body));
    request.headers.push_back(authorization(options));
    return request;
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret path(path_of(target.channel));
    path.append('/');
    append_percent_encoded(path, target.message_id);
    HttpRequest request = get_request(url_of(options, path.view()));
    request.headers.push_back(authorization(options));
    return request;
}

// Of texts: what the message was billed with. MessageBird has announced it for answers and reports; its
// OpenAPI document has it in look-ups alone, there in TRC, which is no currency of ISO 4217.
constexpr MoneyAt text_price{.amount = "/recipients/items/0/price/amount",
                             .currency = "/recipients/items/0/price/currency"};

MoneyAt price_of(Channel channel) { return channel == Channel::voice ? MoneyAt{} : text_price; }

// Texts: scheduled, sent, buffered, delivered, expired, delivery_failed. Calls: calling, answered,
// failed, busy, machine; answered is their last state, and a machine is nobody who could use a code.
Receipt read_lookup(Channel channel, const HttpResponse &response, const Sent &sent) {
    constexpr std::string_view state = "/recipients/items/0/status";
    Receipt receipt =
        receipt_at(response, state, "/recipients/items/0/statusErrorCode", sent, price_of(channel));
    if (channel != Channel::voice || classify_status(response.status) != Verdict::accepted)
        return receipt;
    const std::string word = first_scalar_at(response.body, {state});
    if (word == "answered")
        receipt.state = DeliveryState::delivered;
    if (word == "machine")
        receipt = {DeliveryState::undelivered, receipt_error(word, sent)};
    return receipt;
}

// 2, 9 and 20 stand in the OpenAPI document, 10 and 25 in php-rest-api's ResponseError.php. 21, 98
// and 99 are from MessageBird's list of API errors, not verified against either.
constexpr std::array known_codes{
    KnownCode{"2", Verdict::refused, "request not allowed, or wrong access key"},
    KnownCode{"9", Verdict::refused, "no valid recipient, or a parameter is missing"},
    KnownCode{"10", Verdict::refused, "a parameter is not valid"},
    KnownCode{"20", Verdict::refused, "not found"},
    KnownCode{"21", Verdict::refused, "bad request"},
    KnownCode{"25", Verdict::refused, "not enough balance"},
    KnownCode{"98", Verdict::refused, "no such API"},
    KnownCode{"99", Verdict::unknown, "internal error", Service::down},
};

// A message is made for any recipient, and answered with 201: how many it went to says whether it was
// sent.
Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict,
                      first_scalar_at(response.body, {"/errors/0/code"}), known_codes);
    const std::string count = first_scalar_at(response.body, {"/recipients/totalSentCount"});
    if (!count.empty() && count[0] >= '1' && count[0] <= '9')
        return accepted(message, response, "/id", price_of(message.channel));
    // No recipient, or one who can't have it: it is not sent. One that still waits may get it.
    const std::string word = first_scalar_at(response.body, {"/recipients/items/0/status"});
    const bool final =
        count == "0" && (word.empty() || parse_delivery_state(word).value_or(
                                             DeliveryState::pending) == DeliveryState::undelivered);
    // What statusErrorCode means is not what the same number means in `errors`.
    return failed(message, response, final ? Verdict::refused : Verdict::unknown,
                  first_scalar_at(response.body, {"/recipients/items/0/statusErrorCode"}), {});
}

} // namespace

constinit const Provider messagebird_provider{
    .name = "mfa_messagebird",
    .channels = channels,
    .options = messagebird_options,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .spoken_languages = languages,
};

} // namespace mfa::core
