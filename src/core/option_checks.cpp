#include "core/option_checks.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/http.hpp"
#include "core/provider.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t max_line_bytes = 500;
constexpr std::size_t max_identifier_bytes = 100;
constexpr std::size_t max_path_bytes = 1024;
constexpr std::size_t max_label_bytes = 63;       // RFC 1035, 2.3.4
constexpr std::size_t max_sender_characters = 11; // 3GPP TS 23.040, 9.1.2.5: alphanumeric address

template <class Predicate> bool all_of(std::string_view text, Predicate predicate) {
    return std::all_of(text.begin(), text.end(), predicate);
}

std::string show(std::chrono::milliseconds time) {
    return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                    : std::to_string(time.count()) + " ms";
}

// Bounds as short as they were written.
std::string show(double number) {
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
        text.pop_back();
    return text;
}

bool is_e164(std::string_view text) {
    return text.size() >= 8 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
           all_of(text.substr(1), is_digit);
}

} // namespace

void refuse_option(std::string_view name, std::string_view what, std::string hint) {
    throw Error(sqlstate::fdw_invalid_attribute_value,
                "option \"" + std::string(name) + "\" " + std::string(what), std::move(hint));
}

int read_int_option(std::string_view name, std::string_view value, int least, int most) {
    int number = 0;
    const char *end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || stop != end || number < least || number > most)
        refuse_option(name, "must be a whole number from " + std::to_string(least) + " to " +
                                std::to_string(most));
    return number;
}

double read_number_option(std::string_view name, std::string_view value, double least,
                          double most) {
    double number = 0;
    const char *end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number, std::chars_format::fixed);
    if (error != std::errc{} || stop != end || !std::isfinite(number) || number < least ||
        number > most)
        refuse_option(name, "must be a number from " + show(least) + " to " + show(most));
    return number;
}

std::chrono::milliseconds read_time_option(std::string_view name, std::string_view value,
                                           std::chrono::milliseconds least,
                                           std::chrono::milliseconds most) {
    std::optional<std::chrono::milliseconds> time;
    int number = 0;
    const char *end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error == std::errc{} && number >= 0) {
        const std::string_view unit = trim({stop, static_cast<std::size_t>(end - stop)});
        if (unit.empty() || unit == "ms")
            time = std::chrono::milliseconds{number};
        else if (unit == "s")
            time = std::chrono::seconds{number};
        else if (unit == "min")
            time = std::chrono::minutes{number};
    }
    if (!time || *time < least || *time > most)
        refuse_option(name, "must be a time from " + show(least) + " to " + show(most),
                      "Write a whole number and a unit: ms, s or min. Without a unit it is ms.");
    return *time;
}

void check_single_line(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > max_line_bytes || !all_of(value, is_printable))
        refuse_option(name, "must be one line of 1 to " + std::to_string(max_line_bytes) +
                                " printable ASCII characters");
}

void check_user_name(std::string_view name, std::string_view value) {
    check_single_line(name, value);
    if (value.find(':') != std::string_view::npos)
        refuse_option(name, "must not have a colon",
                      "Basic authentication has no way to send one.");
}

bool is_sender(std::string_view value) noexcept {
    const bool named = !value.empty() && value.size() <= max_sender_characters &&
                       value.front() != ' ' && value.back() != ' ' &&
                       all_of(value, [](char c) { return is_alnum(c) || c == ' '; });
    return named || is_e164(value);
}

void check_sender(std::string_view name, std::string_view value) {
    if (!is_sender(value))
        refuse_option(name,
                      "must be a phone number in E.164 form or 1 to " +
                          std::to_string(max_sender_characters) + " letters, digits and spaces",
                      "For example +14155550123, or the name of a shop where the country allows "
                      "names.");
}

void check_host_label(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > max_label_bytes || value.front() == '-' ||
        value.back() == '-' || !all_of(value, [](char c) { return is_alnum(c) || c == '-'; }))
        refuse_option(name,
                      "must be 1 to " + std::to_string(max_label_bytes) +
                          " letters, digits and inner hyphens",
                      "Give only the first part of the host name, without dots.");
}

void check_currency(std::string_view name, std::string_view value) {
    if (!is_currency(value))
        refuse_option(name, "must be a currency of ISO 4217", "For example EUR, in capitals.");
}

void check_identifier(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > max_identifier_bytes ||
        !all_of(value, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; }))
        refuse_option(name, "must be 1 to " + std::to_string(max_identifier_bytes) +
                                " letters, digits, '_', '.' and '-'");
}

void check_base_url(std::string_view name, std::string_view value) {
    check_provider_url(name, value);
    if (value.find_first_of("?{}") != std::string_view::npos)
        refuse_option(name, "must have no query and no placeholder",
                      "The path of each request is put behind it.");
}

void check_path(std::string_view name, std::string_view value) {
    if (value.size() < 2 || value.front() != '/' || value.size() > max_path_bytes ||
        !all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }))
        refuse_option(name, "must be an absolute path of at most " +
                                std::to_string(max_path_bytes) + " bytes");
}

} // namespace mfa::core
