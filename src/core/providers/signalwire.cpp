// SignalWire: text messages by its LaML Messages API, calls by its Calling API with inline SWML.
#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/locale.hpp"
#include "core/providers/providers.hpp"

namespace mfa::core {

namespace {

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
    Secret url;
    std::string_view base = options.get("base_url");
    if (base.empty()) {
        url.append("https://").append(options.get("space")).append(".signalwire.com");
    } else {
        while (base.ends_with('/'))
            base.remove_suffix(1);
        url.append(base);
    }
    return std::move(url.append(path));
}

[[noreturn]] void refuse_sender(const char *what, const char *hint) {
    throw Error(sqlstate::object_not_in_prerequisite_state, what, hint);
}

Secret messages_path(const Options &options) {
    Secret path("/api/laml/2010-04-01/Accounts/");
    append_percent_encoded(path, options.get("project_id"));
    path.append("/Messages");
    return path;
}

void add_authorization(HttpRequest &request, const Options &options) {
    request.headers.emplace_back("Accept: application/json");
    request.headers.push_back(
        basic_auth_header(options.get("project_id"), options.get("api_token")));
}

HttpRequest build_text(const OutboundMessage &message, const Options &options) {
    FormBody form;
    form.add("To", message.recipient);
    // The service picks the number, unless the call has named one.
    const std::string_view service = options.get("messaging_service");
    const bool from_server = message.sender.empty() || message.sender == options.get("sender");
    if (!service.empty() && from_server)
        form.add("MessagingServiceSid", service);
    else if (!message.sender.empty())
        form.add("From", message.sender);
    else
        refuse_sender("no sender for a text message",
                      "Set option \"sender\" or \"messaging_service\" of the server.");
    form.add("Body", message.text);
    constexpr std::chrono::seconds::rep least_validity = 1;
    constexpr std::chrono::seconds::rep most_validity = 172'800;
    form.add("ValidityPeriod",
             std::to_string(std::clamp(message.life.count(), least_validity, most_validity)));

    HttpRequest request;
    request.url = url_of(options, messages_path(options).view());
    request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    request.body = form.take();
    return request;
}

// The language of the voice: as set, or else what the message is in. The documentation has en-US as
// the default; that the default voice speaks other languages is unverified, hence say_voice.
std::string_view say_language(const OutboundMessage &message, const Options &options) {
    const std::string_view set = options.get("say_language");
    return set.empty() && !message.locale.empty() ? speech_locale(message.locale) : set;
}

HttpRequest build_call(const OutboundMessage &message, const Options &options) {
    if (!message.sender.starts_with('+'))
        refuse_sender("no phone number to call from",
                      "Set option \"sender\" of the server to a number in E.164 form.");

    // No longer than the code lives, nor than a phone usually rings.
    constexpr std::chrono::seconds::rep longest_ringing = 30;
    const auto ringing =
        std::clamp<std::chrono::seconds::rep>(message.life.count(), 1, longest_ringing);

    // SWML runs ${...} and %{...} in a text as code of its own. Braces are not spoken anyway.
    Secret spoken;
    spoken.reserve(message.text.size());
    for (const char c : message.text)
        spoken.append(c == '{' || c == '}' ? ' ' : c);

    HttpRequest request;
    request.url = url_of(options, "/api/calling/calls");
    request.headers.emplace_back("Content-Type: application/json");
    Secret &body = request.body;
    const auto add_string = [&body](std::string_view before, std::string_view value) {
        body.append(before).append('"');
        append_json_escaped(body, value);
        body.append('"');
    };
    body.reserve(512 + 2 * spoken.size());
    add_string(R"({"command":"dial","params":{"from":)", message.sender);
    add_string(R"(,"to":)", message.recipient);
    body.append(R"(,"timeout":)").append(std::to_string(ringing));
    body.append(R"(,"swml":{"version":"1.0.0","sections":{"main":[{"play":{"url":"say:)");
    append_json_escaped(body, spoken.view());
    body.append('"');
    if (const std::string_view voice = options.get("say_voice"); !voice.empty())
        add_string(R"(,"say_voice":)", voice);
    if (const std::string_view language = say_language(message, options); !language.empty())
        add_string(R"(,"say_language":)", language);
    body.append("}}]}}}}");
    return request;
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request = message.channel == Channel::voice ? build_call(message, options)
                                                            : build_text(message, options);
    add_authorization(request, options);
    return request;
}

// GET .../Messages/{sid} answers status and error_code. That the Calling API answers GET
// .../calls/{id} with a status is unverified; where it does not, the call stays "sent".
HttpRequest build_lookup(Channel channel, std::string_view message_id, const Options &options) {
    Secret path = channel == Channel::voice ? Secret("/api/calling/calls") : messages_path(options);
    path.append('/');
    append_percent_encoded(path, message_id);
    HttpRequest request;
    request.method = "GET";
    request.url = url_of(options, path.view());
    add_authorization(request, options);
    return request;
}

std::optional<SignatureScheme> signature_scheme(const Options & /*options*/) {
    return SignatureScheme::signalwire;
}

// What the documented codes mean, in our words. They say more than the HTTP status, so they decide.
struct KnownCode {
    std::string_view code;
    Verdict verdict;
    std::string_view meaning;
};

constexpr std::array known_codes{
    KnownCode{"10000", Verdict::refused, "invalid argument"},
    KnownCode{"20001", Verdict::retry, "temporary failure"},
    KnownCode{"20003", Verdict::refused, "authentication failed"},
    KnownCode{"20429", Verdict::retry, "too many requests"},
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
    KnownCode{"21611", Verdict::retry, "sender's backlog is full"},
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

const KnownCode *find_code(std::string_view code) noexcept {
    for (const KnownCode &known : known_codes)
        if (known.code == code)
            return &known;
    return nullptr;
}

// {"code": ...} from LaML, {"errors": [{"code": ...}]} from the newer APIs, and a message resource
// that has failed already carries an error_code.
std::string provider_code(std::string_view body) {
    for (const std::string_view pointer : {"/code", "/errors/0/code", "/error_code"})
        if (auto code = json_scalar_at(body, pointer); code && !code->empty())
            return *std::move(code);
    return {};
}

Outcome failed(const OutboundMessage &message, const HttpResponse &response, Verdict verdict) {
    const std::string code = provider_code(response.body);
    const KnownCode *known = find_code(code);
    Outcome outcome;
    outcome.verdict = known == nullptr ? verdict : known->verdict;
    outcome.error = "HTTP " + std::to_string(response.status);
    if (known != nullptr)
        outcome.error.append(", provider code ").append(code).append(": ").append(known->meaning);
    else if (may_keep_provider_code(code, {message.recipient, message.code, message.text}))
        outcome.error.append(", provider code ").append(code);
    if (outcome.verdict != Verdict::refused)
        outcome.retry_after = response.retry_after;
    return outcome;
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    Outcome outcome = outcome_from_status(response);
    if (outcome.verdict != Verdict::accepted)
        return failed(message, response, outcome.verdict);

    const std::string status = json_scalar_at(response.body, "/status").value_or("");
    if (status == "failed" || status == "undelivered" || status == "canceled")
        return failed(message, response, Verdict::refused);
    const auto id =
        json_scalar_at(response.body, message.channel == Channel::voice ? "/id" : "/sid");
    if (!id || id->empty()) {
        // Not SignalWire's answer: a portal, or a base_url that leads somewhere else.
        outcome.verdict = Verdict::unknown;
        outcome.error = "HTTP " + std::to_string(response.status) + ", without a message id";
        return outcome;
    }
    if (may_keep_message_id(*id, {message.recipient, message.code, message.text}))
        outcome.message_id = *id;
    return outcome;
}

} // namespace

constinit const Provider signalwire_provider{
    "mfa_signalwire", channels,  signalwire_options, nullptr,          check, build, read,
    build_lookup,     "/status", "/error_code",      signature_scheme,
};

} // namespace mfa::core
