// SignalWire: text messages by its LaML Messages API, calls by its Calling API with inline SWML.
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

constexpr std::array signalwire_options{
    OptionSpec{"space", OptionPlace::server, false, check_host_label},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"messaging_service", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_voice", OptionPlace::server, false, check_identifier},
    OptionSpec{"say_language", OptionPlace::server, false, check_identifier},
    OptionSpec{"project_id", OptionPlace::user_mapping, true, check_identifier},
    OptionSpec{"api_token", OptionPlace::user_mapping, true, check_single_line},
    OptionSpec{"signing_key", OptionPlace::user_mapping, false, check_single_line},
};

void check(const Options &options) {
    if (options.get("space").empty() && options.get("base_url").empty())
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    "option \"space\" of the server is not set",
                    "Use ALTER SERVER ... OPTIONS (ADD space 'example') for "
                    "https://example.signalwire.com.");
}

Secret url_of(const Options &options, std::string_view path) {
    const std::string space_base =
        "https://" + std::string(options.get("space")) + ".signalwire.com";
    return provider_url(options, space_base, path);
}

Secret laml_path(const Options &options, std::string_view resource) {
    Secret path("/api/laml/2010-04-01/Accounts/");
    append_percent_encoded(path, options.get("project_id"));
    return std::move(path.append(resource));
}

Secret authorization(const Options &options) {
    return basic_auth_header(options.get("project_id"), options.get("api_token"));
}

HttpRequest build_text(const OutboundMessage &message, const Options &options) {
    FormBody form;
    form.add("To", message.recipient);
    add_sender(form, message, options);
    form.add("Body", message.text);
    form.add("ValidityPeriod", std::to_string(life_within(message, 1s, 172'800s).count()));
    return form_request(url_of(options, laml_path(options, "/Messages").view()), form.take());
}

// SignalWire lists none. The default of say_language is en-US, of say_voice Polly.Salli (SWML schema,
// signalwire/docs): a standard voice of Amazon Polly, so these are the languages of Polly's standard
// voices ("Standard voices", docs.aws.amazon.com). That another voice comes with another language is
// unverified, hence say_voice.
constexpr std::string_view languages =
    "ar-SA=arb cy-GB da-DK de-DE en-US en-GB es-ES es-MX fr-FR fr-CA hi-IN is-IS it-IT "
    "ja-JP ko-KR nb-NO nl-NL pl-PL pt-PT pt-BR ro-RO ru-RU sv-SE tr-TR zh-CN=cmn-CN";

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    // SWML runs ${...} and %{...} in a text as code of its own. Braces are not spoken anyway.
    Secret say("say:");
    say.append(speakable(message.text, "{}").view());

    JsonWriter json;
    json.open_object().string("command", "dial").open_object("params");
    json.string("from", require_calling_number(message)).string("to", message.recipient);
    // No longer than the code lives, nor than a phone usually rings.
    json.number("timeout", life_within(message, 1s, 30s).count());
    json.open_object("swml").string("version", "1.0.0").open_object("sections");
    json.open_array("main").open_object().open_object("play").string("url", say.view());
    if (const std::string_view voice = options.get("say_voice"); !voice.empty())
        json.string("say_voice", voice);
    if (const std::string_view language = say_language(message, options, languages);
        !language.empty())
        json.string("say_language", language);
    json.close_object().close_object().close_array();
    json.close_object().close_object().close_object().close_object();
    return json_request(url_of(options, "/api/calling/calls"), json.take());
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request = message.channel == Channel::voice ? build_call(message, options)
                                                            : build_text(message, options);
    request.headers.push_back(authorization(options));
    return request;
}

// LaML tells the state of both. That the id which the Calling API gives a call is LaML's Sid of it is
// unverified; where it is not, the call stays "sent".
HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret path = laml_path(options, target.channel == Channel::voice ? "/Calls" : "/Messages");
    path.append('/');
    append_percent_encoded(path, target.message_id);
    HttpRequest request = get_request(url_of(options, path.view()));
    request.headers.push_back(authorization(options));
    return request;
}

// Of LaML's texts and calls: "null if not yet calculated" (specs/compatibility-api, signalwire/docs).
constexpr MoneyAt price{.amount = "/price", .currency = "/price_unit"};

Receipt read_lookup(Channel /*channel*/, const HttpResponse &response, const Sent &sent) {
    return receipt_at(response, "/status", "/error_code", sent, price);
}

std::optional<SignatureScheme> signature_scheme(const Options & /*options*/) {
    return SignatureScheme::signalwire;
}

constexpr std::array known_codes{
    KnownCode{"10000", Verdict::refused, "invalid argument"},
    KnownCode{"20001", Verdict::retry, "temporary failure"},
    KnownCode{"20003", Verdict::refused, "authentication failed"},
    KnownCode{"20429", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"20504", Verdict::retry, "timeout inside the provider"},
    KnownCode{"21210", Verdict::refused, "sender not usable"},
    KnownCode{"21211", Verdict::refused, "recipient not valid"},
    KnownCode{"21212", Verdict::refused, "sender not usable"},
    KnownCode{"21213", Verdict::refused, "sender not usable"},
    KnownCode{"21217", Verdict::refused, "recipient not valid"},
    KnownCode{"21603", Verdict::refused, "sender missing or malformed"},
    KnownCode{"21604", Verdict::refused, "recipient not valid"},
    KnownCode{"21606", Verdict::refused, "not a mobile number"},
    KnownCode{"21610", Verdict::refused, "recipient opted out"},
    KnownCode{"21611", Verdict::retry, "sender's backlog is full", Service::throttled},
    KnownCode{"21614", Verdict::refused, "not a mobile number"},
    KnownCode{"21617", Verdict::refused, "message too long"},
    KnownCode{"30002", Verdict::refused, "account suspended or out of balance"},
    KnownCode{"30003", Verdict::refused, "recipient's phone is unreachable"},
    KnownCode{"30004", Verdict::refused, "carrier says undeliverable, or opted out"},
    KnownCode{"30005", Verdict::refused, "recipient's phone is unknown"},
    KnownCode{"30006", Verdict::refused, "landline or unreachable carrier"},
    KnownCode{"30007", Verdict::refused, "carrier took it for spam"},
    KnownCode{"30008", Verdict::retry, "unknown error at the carrier"},
    KnownCode{"30010", Verdict::refused, "dearer than the price limit"},
    KnownCode{"30022", Verdict::retry, "carrier's rate limit reached"},
};

// {"code": ...} from LaML, {"errors": [{"code": ...}]} from the newer APIs, and a message resource
// that has failed already carries an error_code.
std::string provider_code(const HttpResponse &response) {
    return first_scalar_at(response.body, {"/code", "/errors/0/code", "/error_code"});
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, provider_code(response), known_codes);
    const auto outcome = message.channel == Channel::voice
                             ? accepted_unless_failed(message, response, "/id")
                             : accepted_unless_failed(message, response, "/sid", price);
    return outcome
               ? *outcome
               : failed(message, response, Verdict::refused, provider_code(response), known_codes);
}

} // namespace

constinit const Provider signalwire_provider{
    .name = "mfa_signalwire",
    .channels = channels,
    .options = signalwire_options,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
    .signature_scheme = signature_scheme,
    .spoken_languages = languages,
};

} // namespace mfa::core
