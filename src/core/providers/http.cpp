// Any gateway that takes a message as one HTTP request: the request is a template in the options.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/option_checks.hpp"
#include "core/providers/providers.hpp"
#include "core/request_template.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

constexpr std::array channels{Channel::sms, Channel::voice, Channel::whatsapp, Channel::email};

constexpr std::string_view default_method = "POST";
constexpr std::string_view default_content_type = "application/json";
constexpr std::string_view default_channels = "sms";
constexpr std::size_t max_headers = 20;
constexpr std::size_t max_headers_bytes = 8192;
constexpr std::size_t max_body_bytes = 8192;
constexpr std::size_t max_pointer_bytes = 200;
constexpr std::size_t max_list_bytes = 500;

Place body_place(const Options &options) {
    return place_of_content_type(options.get("content_type", default_content_type))
        .value_or(Place::json);
}

// Calls `each(name, value)` for every header line; the lines have passed check_headers().
template <class Each> void for_each_header(std::string_view lines, Each each) {
    while (!lines.empty()) {
        std::string_view line = cut(lines, '\n');
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (trim(line).empty())
            continue;
        const std::string_view name = cut(line, ':');
        each(name, trim(line));
    }
}

// '200-299,302': calls `each(first, last)` for every range; false where the list is malformed.
template <class Each> bool for_each_range(std::string_view list, Each each) {
    constexpr int least = 100;
    constexpr int most = 599;
    const auto read = [](std::string_view text) {
        int status = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), status);
        return error == std::errc{} && stop == text.data() + text.size() ? status : 0;
    };
    if (list.empty() || list.size() > max_list_bytes || list.ends_with(','))
        return false;
    while (!list.empty()) {
        std::string_view range = trim(cut(list, ','));
        const bool single = range.find('-') == std::string_view::npos;
        const int first = read(trim(cut(range, '-')));
        const int last = single ? first : read(trim(range));
        if (first < least || last > most || first > last)
            return false;
        each(first, last);
    }
    return true;
}

bool lists(std::string_view list, long status) {
    bool found = false;
    for_each_range(list, [&](int first, int last) { found |= status >= first && status <= last; });
    return found;
}

void check_url(std::string_view name, std::string_view value) {
    check_provider_url(name, value);
    check_request_template(name, value, Place::url);
}

void check_method(std::string_view name, std::string_view value) {
    if (value != "GET" && value != "POST" && value != "PUT")
        refuse_option(name, "must be GET, POST or PUT");
}

void check_content_type(std::string_view name, std::string_view value) {
    check_single_line(name, value);
    if (!place_of_content_type(value))
        refuse_option(name, "must be a content type that mfa can escape values for",
                      "Valid are application/json, application/x-www-form-urlencoded, "
                      "application/xml, text/xml, text/plain and types that end in +json or +xml, "
                      "without parameters or with charset=utf-8.");
}

void check_headers(std::string_view name, std::string_view value) {
    constexpr std::array<std::string_view, 9> own{
        "connection", "content-length", "content-type",      "expect", "host",
        "te",         "trailer",        "transfer-encoding", "upgrade"};
    if (value.size() > max_headers_bytes)
        refuse_option(name, "is too long: at most " + std::to_string(max_headers_bytes) +
                                " bytes are allowed");
    std::size_t count = 0;
    for_each_header(value, [&](std::string_view header, std::string_view text) {
        const std::string where = "line " + std::to_string(++count) + " of the headers ";
        const bool token = !header.empty() && std::all_of(header.begin(), header.end(), [](char c) {
            return is_alnum(c) ||
                   std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
        });
        if (!token || text.empty() || !std::all_of(text.begin(), text.end(), is_printable))
            refuse_option(name, "must have a header in each line: " + where + "is none",
                          "The form is Name: value, in printable ASCII characters.");
        for (const std::string_view each : own)
            if (equal_ignoring_case(header, each))
                refuse_option(name, "must not set " + std::string(each),
                              each == "content-type" ? "Use option \"content_type\"."
                                                     : "This header is set by the transport.");
        check_request_template(name, text, Place::header);
    });
    if (count == 0 || count > max_headers)
        refuse_option(name, "must have 1 to " + std::to_string(max_headers) + " lines");
}

void check_body(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > max_body_bytes)
        refuse_option(name, "must have 1 to " + std::to_string(max_body_bytes) + " bytes");
    if (!is_utf8(value))
        refuse_option(name, "must be valid UTF-8");
    check_request_template(name, value, Place::json);
}

void check_pointer(std::string_view name, std::string_view value) {
    if (value.size() > max_pointer_bytes || !is_json_pointer(value))
        refuse_option(name,
                      "must be a JSON pointer of at most " + std::to_string(max_pointer_bytes) +
                          " bytes",
                      "For example /messages/0/id (RFC 6901).");
}

void check_statuses(std::string_view name, std::string_view value) {
    if (!for_each_range(value, [](int, int) {}))
        refuse_option(name, "must be a list of HTTP statuses from 100 to 599 and ranges of them",
                      "For example 200-299,302.");
}

bool lists_channel(std::string_view list, std::string_view name) {
    while (!list.empty())
        if (trim(cut(list, ',')) == name)
            return true;
    return false;
}

void check_channels(std::string_view name, std::string_view value) {
    std::string names;
    for (const Channel channel : channels)
        names.append(names.empty() ? "" : ", ").append(channel_name(channel));
    bool valid = !value.empty() && value.size() <= max_list_bytes && !value.ends_with(',');
    for (std::string_view list = value; valid && !list.empty();)
        valid = lists_channel(names, trim(cut(list, ',')));
    if (!valid)
        refuse_option(name, "must be a list of channels", "The channels are " + names + ".");
}

void check_signature(std::string_view name, std::string_view value) {
    if (value != "twilio" && value != "signalwire")
        refuse_option(name, "must be twilio or signalwire");
}

constexpr std::array http_options{
    OptionSpec{"url", OptionPlace::server, true, check_url},
    OptionSpec{"method", OptionPlace::server, false, check_method},
    OptionSpec{"content_type", OptionPlace::server, false, check_content_type},
    OptionSpec{"headers", OptionPlace::server, false, check_headers},
    OptionSpec{"body", OptionPlace::server, false, check_body},
    OptionSpec{"message_id", OptionPlace::server, false, check_pointer},
    OptionSpec{"success", OptionPlace::server, false, check_statuses},
    OptionSpec{"retry", OptionPlace::server, false, check_statuses},
    OptionSpec{"final", OptionPlace::server, false, check_statuses},
    OptionSpec{"channels", OptionPlace::server, false, check_channels},
    OptionSpec{"user", OptionPlace::user_mapping, false, check_user_name},
    OptionSpec{"password", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"token", OptionPlace::user_mapping, false, check_single_line},
    OptionSpec{"signature", OptionPlace::server, false, check_signature},
    OptionSpec{"signing_key", OptionPlace::user_mapping, false, check_single_line},
};

bool serves_channel(Channel channel, const Options &options) {
    return lists_channel(options.get("channels", default_channels), channel_name(channel));
}

[[noreturn]] void refuse(std::string message, std::string hint) {
    throw Error(sqlstate::object_not_in_prerequisite_state, std::move(message), std::move(hint));
}

// Whether the body is JSON whatever the values are. An x stands nowhere but inside a string and
// begins and ends no escape there, so neither can a value; [] stands where a whole value may, and
// so can the number {life}, which may also be inside a string.
bool makes_json(std::string_view body) {
    constexpr std::string_view life = "{life}";
    std::string tried(body);
    for (std::size_t at = 0; (at = tried.find(life, at)) != std::string::npos;)
        tried.replace(at, life.size(), "[]");
    Options options;
    options.set("token", "x");
    const OutboundMessage sample{Channel::sms, "x", "x", "x", "x", "x", "x", {}};
    Secret filled;
    fill_request_template(filled, tried, Place::json, sample, options);
    return is_json(filled.view());
}

void check(const Options &options) {
    const std::string_view url = options.get("url");
    const std::string_view body = options.get("body");
    const std::string_view headers = options.get("headers");

    if (!body.empty() && options.get("method", default_method) == "GET")
        refuse("options \"method\" and \"body\" do not go together: GET has no body",
               "Set option \"method\" to POST or PUT, or drop \"body\".");
    if (!has_placeholder(url, "text") && !has_placeholder(url, "code") &&
        !has_placeholder(body, "text") && !has_placeholder(body, "code"))
        refuse("the request would not hold the code",
               "Put {text} or {code} into option \"body\" or \"url\" of the server.");
    if (!is_given(options, "token") &&
        (has_placeholder(url, "token") || has_placeholder(body, "token") ||
         has_placeholder(headers, "token")))
        refuse("option \"token\" of the user mapping is not set, but the server's options use it",
               "Use CREATE USER MAPPING or ALTER USER MAPPING ... OPTIONS (ADD token '...').");
    if (!is_given(options, "user") && is_given(options, "password"))
        refuse("option \"user\" of the user mapping is not set, but \"password\" is",
               "Use ALTER USER MAPPING ... OPTIONS (ADD user '...').");
    for_each_header(headers, [&](std::string_view name, std::string_view /*value*/) {
        if (is_given(options, "user") && equal_ignoring_case(name, "authorization"))
            refuse("options \"user\" and \"headers\" both set Authorization", "Drop one of them.");
    });
    if (!body.empty() && body_place(options) == Place::json && !makes_json(body))
        refuse("option \"body\" of the server does not make valid JSON",
               "Every placeholder must stand inside double quotes, and in no escape; {life} may "
               "also be a whole value. For a body that is not JSON, set option \"content_type\".");
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    HttpRequest request;
    request.method = options.get("method", default_method);
    fill_request_template(request.url, options.get("url"), Place::url, message, options);
    if (const std::string_view body = options.get("body"); !body.empty()) {
        request.headers.emplace_back("Content-Type: ")
            .append(options.get("content_type", default_content_type));
        fill_request_template(request.body, body, body_place(options), message, options);
    }
    if (const std::string_view user = options.get("user"); !user.empty())
        request.headers.push_back(basic_auth_header(user, options.get("password")));
    for_each_header(options.get("headers"), [&](std::string_view name, std::string_view value) {
        Secret &header = request.headers.emplace_back(name);
        header.append(": ");
        fill_request_template(header, value, Place::header, message, options);
    });
    return request;
}

// What the options say goes first, in the order success, retry, final.
Verdict verdict_of(const Options &options, long status) {
    const auto listed = [&](std::string_view option) {
        return options.has(option) && lists(options.get(option), status);
    };
    if (listed("success"))
        return Verdict::accepted;
    if (listed("retry"))
        return Verdict::retry;
    if (listed("final"))
        return Verdict::refused;
    const Verdict verdict = classify_status(status);
    return verdict == Verdict::accepted && options.has("success") ? Verdict::refused : verdict;
}

// A status that the options list as an answer about the message says nothing against the gateway.
bool is_listed_answer(const Options &options, long status) {
    return (options.has("success") && lists(options.get("success"), status)) ||
           (options.has("final") && lists(options.get("final"), status));
}

Outcome read(const OutboundMessage &message, const Options &options, const HttpResponse &response) {
    Outcome outcome;
    outcome.verdict = verdict_of(options, response.status);
    outcome.service = is_listed_answer(options, response.status)
                          ? Service::up
                          : classify_service(response.status);
    if (outcome.verdict == Verdict::accepted) {
        const std::optional<std::string> id =
            options.has("message_id") ? json_scalar_at(response.body, options.get("message_id"))
                                      : std::nullopt;
        if (id && may_keep_message_id(*id, {message.recipient, message.code, message.text}))
            outcome.message_id = *id;
        return outcome;
    }
    outcome.error = "HTTP " + std::to_string(response.status);
    if (outcome.verdict != Verdict::refused)
        outcome.retry_after = response.retry_after;
    return outcome;
}

std::optional<SignatureScheme> signature_scheme(const Options &options) {
    if (!options.has("signature"))
        return std::nullopt;
    return options.get("signature") == "twilio" ? SignatureScheme::twilio
                                                : SignatureScheme::signalwire;
}

} // namespace

constinit const Provider http_provider{
    .name = "mfa_http",
    .channels = channels,
    .options = http_options,
    .serves = serves_channel,
    .check = check,
    .build = build,
    .read = read,
    .signature_scheme = signature_scheme,
};

} // namespace mfa::core
