// Plivo: text messages by its Message API. Requests and answers are from its SDK (plivo/plivo-go,
// messages.go and fixtures) and the pages "Send a Message" and "API Response" of docs.plivo.com.
#include <array>
#include <string>

#include "core/json_writer.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms};

constexpr std::array plivo_options{
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"currency", OptionPlace::server, false, check_currency},
    OptionSpec{"powerpack_uuid", OptionPlace::server, false, check_identifier},
    OptionSpec{"auth_id", OptionPlace::user_mapping, true, check_identifier},
    OptionSpec{"auth_token", OptionPlace::user_mapping, true, check_single_line},
};

// ".../Message/", or ".../Message/{id}/": Plivo's paths end in a slash.
Secret messages_url(const Options &options, std::string_view id = {}) {
    Secret path("/v1/Account/");
    append_percent_encoded(path, options.get("auth_id"));
    path.append("/Message/");
    if (!id.empty()) {
        append_percent_encoded(path, id);
        path.append('/');
    }
    return provider_url(options, "https://api.plivo.com", path.view());
}

Secret authorization(const Options &options) {
    return basic_auth_header(options.get("auth_id"), options.get("auth_token"));
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object();
    // Either of the two: the powerpack picks the number, unless the call has named one.
    const std::string_view powerpack = options.get("powerpack_uuid");
    const bool from_server = message.sender.empty() || message.sender == options.get("sender");
    if (!powerpack.empty() && from_server)
        json.string("powerpack_uuid", powerpack);
    else if (!message.sender.empty())
        json.string("src", without_plus(message.sender));
    else
        refuse_build("no sender for a text message",
                     "Set option \"sender\" or \"powerpack_uuid\" of the server.");
    json.string("dst", without_plus(message.recipient)).string("text", message.text);
    // Plivo keeps neither the text nor the whole number then ("How to control your data logging
    // preference").
    json.boolean("log", false);
    // 5 to 10799 s ("Message Expiry"); three hours without it.
    json.number("message_expiry", life_within(message, 5s, 10'799s).count()).close_object();

    HttpRequest request = json_request(messages_url(options), json.take());
    request.headers.push_back(authorization(options));
    return request;
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    HttpRequest request = get_request(messages_url(options, target.message_id));
    request.headers.push_back(authorization(options));
    return request;
}

// "The total amount charged for this message" ("The Message object"), in a currency that is not said.
// Its examples have carrier_fees apart from it, and larger; that they are charged on top is unverified.
constexpr MoneyAt price{.amount = "/total_amount"};

Receipt read_lookup(Channel /*channel*/, const HttpResponse &response, const Sent &sent) {
    return receipt_at(response, "/message_state", "/error_code", sent, price);
}

// An error is a sentence, or one of these words; the numbers of "Error Codes" come with a message's
// state only. "invalid_number" is no word of Plivo's but the name of the field that says it.
constexpr std::array known_codes{
    KnownCode{"authentication_failed", Verdict::refused, "authentication failed"},
    KnownCode{"invalid_number", Verdict::refused, "recipient not valid"},
    KnownCode{"invalid_parameter", Verdict::refused, "parameter missing or not valid"},
    KnownCode{"not_found", Verdict::refused, "account or resource not found"},
    KnownCode{"rate_limit_exceeded", Verdict::retry, "too many requests", Service::throttled},
};

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict, first_scalar_at(response.body, {"/error"}),
                      known_codes);
    // Recipients that it won't send to are listed there (plivo/plivo-node, MessageResponse).
    if (!first_scalar_at(response.body, {"/invalid_number/0"}).empty())
        return failed(message, response, Verdict::refused, "invalid_number", known_codes);
    return accepted(message, response, "/message_uuid/0");
}

} // namespace

// Its webhooks are signed with HMAC-SHA256 over URL and nonce, which mfa can't check.
constinit const Provider plivo_provider{
    .name = "mfa_plivo",
    .channels = channels,
    .options = plivo_options,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
};

} // namespace mfa::core
