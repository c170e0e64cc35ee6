// WhatsApp Cloud API: codes in an authentication template that Meta has approved; it has no free text.
//
// Sources: business-messaging-api_v23.0.yaml of github.com/facebook/openapi; what an authentication
// template wants from "Copy code authentication templates", error codes from "Error codes", both in
// the WhatsApp documentation at developers.facebook.com.
#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/json_writer.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"

namespace mfa::core {

namespace {

constexpr std::array channels{Channel::whatsapp};
constexpr std::size_t most_template_characters = 512;

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

void check_phone_number_id(std::string_view name, std::string_view value) {
    if (!is_number(value) || value.size() > 32)
        refuse_option(name, "must be 1 to 32 digits",
                      "It is the id that WhatsApp Manager shows with the sender's number, not the "
                      "number itself.");
}

void check_template_name(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > most_template_characters ||
        !std::all_of(value.begin(), value.end(),
                     [](char c) { return (is_alnum(c) && to_lower(c) == c) || c == '_'; }))
        refuse_option(name, "must be 1 to 512 lower-case letters, digits and '_'");
}

// "de", "pt_BR", "zh_Hant_HK".
void check_language(std::string_view name, std::string_view value) {
    if (value.size() < 2 || value.size() > 35 || !is_alpha(value.front()) ||
        !std::all_of(value.begin(), value.end(), [](char c) { return is_alnum(c) || c == '_'; }))
        refuse_option(name, "must be a language code such as de or pt_BR");
}

void check_api_version(std::string_view name, std::string_view value) {
    const std::size_t dot = value.find('.');
    if (value.empty() || value.size() > 10 || value.front() != 'v' ||
        dot == std::string_view::npos || !is_number(value.substr(1, dot - 1)) ||
        !is_number(value.substr(dot + 1)))
        refuse_option(name, "must have the form v23.0");
}

void check_button(std::string_view name, std::string_view value) {
    if (value != "url" && value != "none")
        refuse_option(name, "must be url or none",
                      "All authentication templates with a button take its code as url: copy code, "
                      "one-tap and zero-tap.");
}

constexpr std::array whatsapp_options{
    OptionSpec{"phone_number_id", OptionPlace::server, true, check_phone_number_id},
    OptionSpec{"template", OptionPlace::server, true, check_template_name},
    OptionSpec{"template_language", OptionPlace::server, false, check_language},
    OptionSpec{"button", OptionPlace::server, false, check_button},
    OptionSpec{"api_version", OptionPlace::server, false, check_api_version},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"access_token", OptionPlace::user_mapping, true, check_single_line},
};

// As the template was approved for; what it was not is refused as code 132001. BCP 47 with '_'.
std::string template_language(const OutboundMessage &message, const Options &options) {
    std::string language(options.get("template_language", message.locale));
    std::replace(language.begin(), language.end(), '-', '_');
    return language.empty() ? "en" : language;
}

void add_code(JsonWriter &json, std::string_view code) {
    json.open_array("parameters").open_object().string("type", "text").string("text", code);
    json.close_object().close_array().close_object();
}

// The code stands in the template's body, and again in its button. The document requires
// language.policy, which has one value; the guides leave it out.
HttpRequest build(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object().string("messaging_product", "whatsapp");
    json.string("recipient_type", "individual").string("to", without_plus(message.recipient));
    json.string("type", "template").open_object("template");
    json.string("name", options.get("template")).open_object("language");
    json.string("policy", "deterministic").string("code", template_language(message, options));
    json.close_object().open_array("components");
    add_code(json.open_object().string("type", "body"), message.code);
    if (options.get("button") != "none")
        add_code(json.open_object()
                     .string("type", "button")
                     .string("sub_type", "url")
                     .string("index", "0"),
                 message.code);
    json.close_array().close_object().close_object();

    Secret path("/");
    append_percent_encoded(path, options.get("api_version", "v23.0"));
    append_percent_encoded(path.append('/'), options.get("phone_number_id"));
    path.append("/messages");
    HttpRequest request =
        json_request(provider_url(options, "https://graph.facebook.com", path.view()), json.take());
    request.headers.push_back(authorization_header("Bearer", options.get("access_token")));
    return request;
}

// error.code. 131056 is the limit of one sender and one recipient: others need not wait for it.
constexpr std::array known_codes{
    KnownCode{"0", Verdict::refused, "authentication failed"},
    KnownCode{"1", Verdict::unknown, "unknown error"},
    KnownCode{"2", Verdict::retry, "provider overloaded or down", Service::down},
    KnownCode{"3", Verdict::refused, "permission missing"},
    KnownCode{"4", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"10", Verdict::refused, "permission missing"},
    KnownCode{"33", Verdict::refused, "sender does not exist"},
    KnownCode{"100", Verdict::refused, "invalid parameter"},
    KnownCode{"190", Verdict::refused, "access token expired or not valid"},
    KnownCode{"200", Verdict::refused, "permission missing"},
    KnownCode{"368", Verdict::refused, "account blocked for a violation of policies"},
    KnownCode{"80007", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"130429", Verdict::retry, "too many messages", Service::throttled},
    KnownCode{"130497", Verdict::refused, "account may not send to this country"},
    KnownCode{"131000", Verdict::retry, "temporary failure"},
    KnownCode{"131005", Verdict::refused, "permission missing"},
    KnownCode{"131008", Verdict::refused, "missing parameter"},
    KnownCode{"131009", Verdict::refused, "invalid parameter"},
    KnownCode{"131016", Verdict::retry, "provider overloaded or down", Service::down},
    KnownCode{"131021", Verdict::refused, "recipient is the sender"},
    KnownCode{"131026", Verdict::refused, "recipient can't be reached by WhatsApp"},
    KnownCode{"131031", Verdict::refused, "account locked"},
    KnownCode{"131037", Verdict::refused, "sender's display name is not approved"},
    KnownCode{"131042", Verdict::refused, "account has no valid payment method"},
    KnownCode{"131045", Verdict::refused, "sender is not registered"},
    KnownCode{"131048", Verdict::retry, "sender limited for spam", Service::throttled},
    KnownCode{"131050", Verdict::refused, "recipient opted out"},
    KnownCode{"131056", Verdict::retry, "too many messages to this recipient", Service::up},
    KnownCode{"131057", Verdict::retry, "account in maintenance", Service::down},
    KnownCode{"132000", Verdict::refused, "template has another number of parameters"},
    KnownCode{"132001", Verdict::refused, "no such template in this language"},
    KnownCode{"132005", Verdict::refused, "message too long"},
    KnownCode{"132007", Verdict::refused, "template violates a policy"},
    KnownCode{"132012", Verdict::refused, "template has other parameters"},
    KnownCode{"132015", Verdict::refused, "template is paused"},
    KnownCode{"132016", Verdict::refused, "template is disabled"},
    KnownCode{"133010", Verdict::refused, "sender is not registered"},
};

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    const std::string code = first_scalar_at(response.body, {"/error/code"});
    if (verdict != Verdict::accepted || !code.empty())
        return failed(message, response, verdict == Verdict::accepted ? Verdict::unknown : verdict,
                      code, known_codes);
    return accepted(message, response, "/messages/0/id");
}

} // namespace

constinit const Provider whatsapp_provider{
    .name = "mfa_whatsapp",
    .channels = channels,
    .options = whatsapp_options,
    .build = build,
    .read = read,
    .hides_message_ids = true, // a "wamid." is base64 that spells out the recipient's number
};

} // namespace mfa::core
