// Bandwidth: text messages by its Messaging API v2.
//
// Bandwidth's OpenAPI document: Bandwidth/python-sdk, bandwidth.yml. Errors: Bandwidth/api-docs,
// site/docs/messaging/errors.mdx.
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/utc_time.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::array channels{Channel::sms};

// An API user has a username and a password. Bandwidth's page "Credential Management" says that no
// new ones can be made since April 2026, and that all end in December 2026 in favour of OAuth 2.0,
// whose access tokens live for an hour or so: something else has to fetch them, and to write them to
// the file that access_token_file names.
constexpr std::array bandwidth_options{
    OptionSpec{"account_id", OptionPlace::server, true, check_identifier},
    OptionSpec{"application_id", OptionPlace::server, true, check_identifier},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    OptionSpec{"username", OptionPlace::user_mapping, false, check_user_name},
    OptionSpec{"password", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"access_token", OptionPlace::user_mapping, false, check_single_line},
};

void check(const Options &options) {
    const bool username = is_given(options, "username");
    const bool password = is_given(options, "password");
    const bool token = is_given(options, "access_token");
    if (token != username && username == password)
        return;
    if (token && (username || password))
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    "option \"access_token\" of the user mapping excludes \"username\" and "
                    "\"password\"",
                    "Use ALTER USER MAPPING ... OPTIONS (DROP ...).");
    const std::string missing = username ? "password" : "username";
    throw Error(sqlstate::object_not_in_prerequisite_state,
                "option \"" + missing + "\" of the user mapping is not set",
                "Give \"username\" and \"password\" of an API user, or \"access_token_file\".");
}

Secret messages_url(const Options &options) {
    Secret path("/api/v2/users/");
    append_percent_encoded(path, options.get("account_id"));
    path.append("/messages");
    return provider_url(options, "https://messaging.bandwidth.com", path.view());
}

Secret authorization(const Options &options) {
    const std::string_view token = options.get("access_token");
    return token.empty() ? basic_auth_header(options.get("username"), options.get("password"))
                         : authorization_header("Bearer", token);
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    JsonWriter json;
    json.open_object().string("applicationId", options.get("application_id"));
    json.open_array("to").element(message.recipient).close_array();
    json.string("from", require_sender(message)).string("text", message.text);
    json.string("tag", message.id).string("priority", "high");
    // A point in time that must be in the future: a minute is for clocks that differ from
    // Bandwidth's. No upper bound is documented.
    json.string("expiration", utc_timestamp(message.now + life_within(message, 60s, 604'800s)));
    json.close_object();
    HttpRequest request = json_request(messages_url(options), json.take());
    request.headers.push_back(authorization(options));
    return request;
}

HttpRequest build_lookup(const LookupTarget &target, const Options &options) {
    Secret url = messages_url(options);
    url.append("?messageId=");
    append_percent_encoded(url, target.message_id);
    HttpRequest request = get_request(std::move(url));
    request.headers.push_back(authorization(options));
    return request;
}

Receipt read_lookup(Channel /*channel*/, const HttpResponse &response, const Sent &sent) {
    return receipt_at(response, "/messages/0/messageStatus", "/messages/0/errorCode", sent);
}

constexpr std::array known_codes{
    KnownCode{"request-validation", Verdict::refused,
              "sender, recipient or another field not valid"},
    KnownCode{"unauthorized", Verdict::refused, "authentication failed"},
    KnownCode{"forbidden", Verdict::refused, "no access to the messaging API"},
    KnownCode{"unsupported-content-type", Verdict::refused, "not what the API wants"},
    KnownCode{"max-message-queue-size-exceeded", Verdict::retry, "account's queue is full",
              Service::throttled},
    KnownCode{"rate_limit_exceeded", Verdict::retry, "too many requests", Service::throttled},
};

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    Verdict verdict = classify_status(response.status);
    if (verdict == Verdict::accepted)
        return accepted(message, response, "/id");
    // Documented: a message is not sent if any 4xx or 5xx is answered. Believed of the API's own 500,
    // but not of 502 and 504, which come from what stands before it.
    if (response.status == 500)
        verdict = Verdict::retry;
    return failed(message, response, verdict, first_scalar_at(response.body, {"/type"}),
                  known_codes);
}

} // namespace

constinit const Provider bandwidth_provider{
    .name = "mfa_bandwidth",
    .channels = channels,
    .options = bandwidth_options,
    .check = check,
    .build = build,
    .read = read,
    .build_lookup = build_lookup,
    .read_lookup = read_lookup,
};

} // namespace mfa::core
