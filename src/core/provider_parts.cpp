#include "core/provider_parts.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/json.hpp"

namespace mfa::core {

namespace {

HttpRequest request_with(Secret url, Secret body, std::string_view content_type) {
    HttpRequest request;
    request.url = std::move(url);
    request.headers.emplace_back(content_type);
    request.headers.emplace_back("Accept: application/json");
    request.body = std::move(body);
    return request;
}

} // namespace

Secret provider_url(const Options &options, std::string_view default_base, std::string_view path) {
    std::string_view base = options.get("base_url", default_base);
    while (base.ends_with('/'))
        base.remove_suffix(1);
    Secret url(base);
    return std::move(url.append(path));
}

HttpRequest json_request(Secret url, Secret body) {
    return request_with(std::move(url), std::move(body), "Content-Type: application/json");
}

HttpRequest form_request(Secret url, Secret body) {
    return request_with(std::move(url), std::move(body),
                        "Content-Type: application/x-www-form-urlencoded");
}

HttpRequest get_request(Secret url) {
    HttpRequest request;
    request.method = "GET";
    request.may_repeat = true;
    request.url = std::move(url);
    request.headers.emplace_back("Accept: application/json");
    return request;
}

Secret authorization_header(std::string_view scheme, std::string_view credential) {
    Secret header("Authorization: ");
    return std::move(header.append(scheme).append(' ').append(credential));
}

void refuse_build(const char *what, const char *hint) {
    throw Error(sqlstate::object_not_in_prerequisite_state, what, hint);
}

void add_sender(FormBody &form, const OutboundMessage &message, const Options &options) {
    const std::string_view service = options.get("messaging_service");
    const bool from_server = message.sender.empty() || message.sender == options.get("sender");
    if (!service.empty() && from_server)
        form.add("MessagingServiceSid", service);
    else if (!message.sender.empty())
        form.add("From", message.sender);
    else
        refuse_build("no sender for a text message",
                     "Set option \"sender\" or \"messaging_service\" of the server.");
}

std::string_view require_sender(const OutboundMessage &message) {
    if (message.sender.empty())
        refuse_build("no sender for a message", "Set option \"sender\" of the server.");
    return message.sender;
}

std::string_view require_calling_number(const OutboundMessage &message) {
    if (!message.sender.starts_with('+'))
        refuse_build("no phone number to call from",
                     "Set option \"sender\" of the server to a number in E.164 form.");
    return message.sender;
}

std::string_view without_plus(std::string_view number) noexcept {
    return number.starts_with('+') ? number.substr(1) : number;
}

std::chrono::seconds life_within(const OutboundMessage &message, std::chrono::seconds least,
                                 std::chrono::seconds most) noexcept {
    return std::clamp(message.life, least, most);
}

std::string first_scalar_at(std::string_view body,
                            std::initializer_list<std::string_view> pointers) {
    for (std::optional<std::string> &scalar : json_scalars_at(body, pointers))
        if (scalar && !scalar->empty())
            return *std::move(scalar);
    return {};
}

Outcome failed(const OutboundMessage &message, const HttpResponse &response, Verdict verdict,
               std::string_view code, std::span<const KnownCode> known_codes) {
    const auto known =
        std::find_if(known_codes.begin(), known_codes.end(),
                     [code](const KnownCode &each) { return !code.empty() && each.code == code; });
    Outcome outcome;
    outcome.verdict = verdict;
    outcome.service = classify_service(response.status);
    outcome.error = "HTTP " + std::to_string(response.status);
    if (known != known_codes.end()) {
        outcome.verdict = known->verdict;
        outcome.service = known->service.value_or(outcome.service);
        outcome.error.append(", provider code ").append(code).append(": ").append(known->meaning);
    } else if (may_keep_provider_code(code, {message.recipient, message.code, message.text})) {
        outcome.error.append(", provider code ").append(code);
    }
    if (outcome.verdict != Verdict::refused)
        outcome.retry_after = response.retry_after;
    return outcome;
}

namespace {

// What an answer has at two pointers and where it says what a message costs, in one reading; "" where it
// has nothing there, or there is no such pointer.
struct Read {
    std::string scalar;
    std::string status;
    std::string amount;
    std::string currency;
    std::string count;
};

Read read_with_money(std::string_view body, std::string_view pointer, const MoneyAt &where,
                     std::string_view status_pointer = {}) {
    const std::array pointers{pointer, status_pointer, where.amount, where.currency, where.count};
    std::vector<std::optional<std::string>> found = json_scalars_at(body, pointers);
    const auto at = [&](std::size_t i) {
        return pointers[i].empty() ? std::string() : std::move(found[i]).value_or("");
    };
    return {at(0), at(1), at(2), at(3), at(4)};
}

std::optional<Money> money_of(const Read &read, const MoneyAt &where, const Sent &sent) {
    if (!may_keep_provider_code(read.amount, sent))
        return std::nullopt;
    std::optional<Money> price = parse_money(read.amount, read.currency);
    return !price || where.count.empty() ? price : multiply(*std::move(price), read.count);
}

Outcome accepted(const OutboundMessage &message, const HttpResponse &response, const Read &read,
                 const MoneyAt &price) {
    Outcome outcome = accepted_as(message, response, read.scalar);
    if (outcome.verdict == Verdict::accepted)
        outcome.price = money_of(read, price, {message.recipient, message.code, message.text});
    if (outcome.price && outcome.price->amount == 0)
        outcome.price.reset();
    return outcome;
}

} // namespace

Outcome accepted(const OutboundMessage &message, const HttpResponse &response,
                 std::string_view id_pointer, const MoneyAt &price) {
    return accepted(message, response, read_with_money(response.body, id_pointer, price), price);
}

std::optional<Outcome> accepted_unless_failed(const OutboundMessage &message,
                                              const HttpResponse &response,
                                              std::string_view id_pointer, const MoneyAt &price) {
    const Read read = read_with_money(response.body, id_pointer, price, "/status");
    if (read.status == "failed" || read.status == "undelivered" || read.status == "canceled")
        return std::nullopt;
    return accepted(message, response, read, price);
}

Outcome accepted_as(const OutboundMessage &message, const HttpResponse &response,
                    std::string_view id) {
    Outcome outcome;
    if (id.empty()) {
        outcome.verdict = Verdict::unknown;
        outcome.service = Service::down;
        outcome.error = "HTTP " + std::to_string(response.status) + ", without a message id";
        return outcome;
    }
    outcome.verdict = Verdict::accepted;
    if (may_keep_message_id(id, {message.recipient, message.code, message.text}))
        outcome.message_id = id;
    return outcome;
}

Receipt receipt_at(const HttpResponse &response, std::string_view state_pointer,
                   std::string_view error_pointer, const Sent &sent, const MoneyAt &price) {
    Receipt receipt;
    if (classify_status(response.status) != Verdict::accepted)
        return receipt;
    const Read read = read_with_money(response.body, state_pointer, price);
    const std::string &word = read.scalar;
    receipt.state = parse_delivery_state(word).value_or(DeliveryState::pending);
    receipt.price = money_of(read, price, sent);
    if (receipt.state == DeliveryState::pending && receipt.price && receipt.price->amount == 0)
        receipt.price.reset();
    if (receipt.state != DeliveryState::undelivered)
        return receipt;
    receipt.error = receipt_error(first_scalar_at(response.body, {error_pointer}), sent);
    if (receipt.error.empty())
        receipt.error = receipt_error(word, sent);
    return receipt;
}

} // namespace mfa::core
