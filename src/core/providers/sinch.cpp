// Sinch: text messages by its SMS API (batches), calls by the text-to-speech callout of its Voice API.
//
// Sinch publishes no OpenAPI document that could be read; fields, enumerations and paths are from the
// sources of its own library, which are generated from one (sinch/sinch-sdk-java, openapi-contracts),
// from sinch/skills (sinch-voice-api), and the error codes from Sinch's pages on both APIs.
#include <algorithm>
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/speech.hpp"
#include "core/utc_time.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms, Channel::voice};
constexpr std::array<std::string_view, 5> regions{"us", "eu", "au", "br", "ca"};

void check_region(std::string_view name, std::string_view value) {
    if (std::find(regions.begin(), regions.end(), value) == regions.end())
        refuse_option(name, "must be us, eu, au, br or ca");
}

constexpr std::array sinch_options{
    OptionSpec{"service_plan_id", OptionPlace::server, true, check_identifier},
    OptionSpec{"region", OptionPlace::server, false, check_region},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"api_token", OptionPlace::user_mapping, true, check_single_line},
    OptionSpec{"application_key", OptionPlace::user_mapping, false, check_identifier},
    OptionSpec{"application_secret", OptionPlace::user_mapping, false, check_single_line},
};

// The Voice API has applications with a key and a secret of their own.
bool serves_channel(Channel channel, const Options &options) {
    return channel != Channel::voice ||
           (is_given(options, "application_key") && is_given(options, "application_secret"));
}

void check(const Options &options) {
    const bool key = is_given(options, "application_key");
    if (key == is_given(options, "application_secret"))
        return;
    const std::string missing = key ? "application_secret" : "application_key";
    throw Error(sqlstate::object_not_in_prerequisite_state,
                "option \"" + missing + "\" of the user mapping is not set",
                "Calls need both \"application_key\" and \"application_secret\"; for text messages "
                "alone, drop both.");
}

Secret batches_url(const Options &options) {
    const std::string base =
        "https://" + std::string(options.get("region", "us")) + ".sms.api.sinch.com";
    Secret path("/xms/v1/");
    append_percent_encoded(path, options.get("service_plan_id"));
    path.append("/batches");
    return provider_url(options, base, path.view());
}

Secret calling_url(const Options &options, std::string_view path) {
    return provider_url(options, "https://calling.api.sinch.com", path);
}

Secret authorization(Channel channel, const Options &options) {
    return channel == Channel::voice ? basic_auth_header(options.get("application_key"),
                                                         options.get("application_secret"))
                                     : authorization_header("Bearer", options.get("api_token"));
}

HttpRequest build_text(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object();
    // Without a sender, the service plan's automatic default originator is used.
    if (!message.sender.empty())
        json.string("from", message.sender);
    json.open_array("to").element(message.recipient).close_array();
    json.string("body", message.text);
    // A point in time, in the future and at most three days away. A minute and an hour are for clocks
    // that differ from Sinch's.
    json.string("expire_at", utc_timestamp(message.now + life_within(message, 60s, 255'600s)));
    // About callbacks only: reports can be looked up anyway, and asking for callbacks without having
    // a URL for them is an error (missing_callback_url).
    json.string("delivery_report", "none").string("client_reference", message.id);
    json.close_object();
    return json_request(batches_url(options), json.take());
}

// Those of the type TtsVoice in sinch/sinch-sdk-node, which has the voices of each. The default is
// en-US (sinch/skills, sinch-voice-api). Sinch's page of locales may have more.
constexpr std::string_view languages =
    "ar-SA=arb az-AZ ca-ES cs-CZ cy-GB da-DK de-DE el-GR en-US en-GB es-ES es-MX et-EE "
    "fi-FI fil-PH fr-FR fr-CA hi-IN hr-HR hu-HU id-ID is-IS it-IT ja-JP ka-GE ko-KR lt-LT "
    "lv-LV ms-MY nb-NO nl-NL pl-PL pt-PT pt-BR ro-RO ru-RU sk-SK sl-SI sv-SE th-TH tr-TR "
    "uk-UA uz-UZ vi-VN zh-CN=cmn-CN zh-HK";

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object().string("method", "ttsCallout").open_object("ttsCallout");
    json.string("cli", require_calling_number(message));
    json.open_object("destination").string("type", "number");
    json.string("endpoint", message.recipient).close_object();
    // A locale, or the name of a voice.
    if (const std::string_view language = say_language(message, options, languages);
        !language.empty())
        json.string("locale", language);
    // Plain text, unlike `prompts`, and by default no more than 600 characters.
    json.string("text", message.text).close_object().close_object();
    return json_request(calling_url(options, "/calling/v1/callouts"), json.take());
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request = message.channel == Channel::voice ? build_call(message, options)
                                                            : build_text(message, options);
    request.headers.push_back(authorization(message.channel, options));
    return request;
}

// A summary says all that is to know of a batch with one recipient, and does not have the number in
// it as a full report has.
HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret url;
    if (target.channel == Channel::voice) {
        url = calling_url(options, "/calling/v1/calls/id/");
        append_percent_encoded(url, target.message_id);
    } else {
        url = batches_url(options);
        url.append('/');
        append_percent_encoded(url, target.message_id);
        url.append("/delivery_report?type=summary");
    }
    HttpRequest request = get_request(std::move(url));
    request.headers.push_back(authorization(target.channel, options));
    return request;
}

// Of calls: "the total amount charged for the call" (CallInformation). The SMS API tells no price.
constexpr MoneyAt call_price{.amount = "/debit/amount", .currency = "/debit/currencyId"};

Receipt read_lookup(Channel channel, const HttpResponse &response, const Sent &sent) {
    if (channel != Channel::voice)
        return receipt_at(response, "/statuses/0/status", "/statuses/0/code", sent);
    // A call is ONGOING or FINAL; only then its result (N/A, ANSWERED, BUSY, NOANSWER, FAILED) and the
    // reason for its end say something.
    if (first_scalar_at(response.body, {"/status"}) != "FINAL")
        return {};
    Receipt receipt = receipt_at(response, "/result", "/reason", sent, call_price);
    if (first_scalar_at(response.body, {"/result"}) == "ANSWERED" &&
        classify_status(response.status) == Verdict::accepted)
        receipt.state = DeliveryState::delivered;
    return receipt;
}

// The words are those of the SMS API, the numbers those of the Voice API.
constexpr std::array known_codes{
    KnownCode{"syntax_invalid_json", Verdict::refused, "not what the API wants"},
    KnownCode{"syntax_invalid_parameter_format", Verdict::refused,
              "sender or recipient is malformed"},
    KnownCode{"syntax_constraint_violation", Verdict::refused,
              "a field is missing or out of bounds"},
    KnownCode{"unknown_group", Verdict::refused, "recipient not valid"},
    KnownCode{"unknown_campaign", Verdict::refused, "campaign does not match the sender"},
    KnownCode{"missing_callback_url", Verdict::refused, "callbacks are on, but have no URL"},
    KnownCode{"40001", Verdict::refused, "a parameter is not valid"},
    KnownCode{"40002", Verdict::refused, "a parameter is missing"},
    KnownCode{"40003", Verdict::refused, "request not valid"},
    KnownCode{"40004", Verdict::refused, "application key not valid"},
    KnownCode{"40005", Verdict::refused, "number without a plus sign"},
};

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const bool call = message.channel == Channel::voice;
    Verdict verdict = classify_status(response.status);
    if (verdict == Verdict::accepted)
        return accepted(message, response, call ? "/callId" : "/id");
    // The SMS API documents 500 as an error inside, with a request that was not processed.
    if (response.status == 500 && !call)
        verdict = Verdict::retry;
    return failed(message, response, verdict,
                  first_scalar_at(response.body, {call ? "/errorCode" : "/code"}), known_codes);
}

} // namespace

constinit const Provider sinch_provider{
    .name = "mfa_sinch",
    .channels = channels,
    .options = sinch_options,
    .serves = serves_channel,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .spoken_languages = languages,
};

} // namespace mfa::core
