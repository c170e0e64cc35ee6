#include "core/autofill.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"

namespace mfa::core {

namespace {

constexpr std::array placeholders{webotp_placeholder, app_hash_placeholder};
constexpr std::size_t app_hash_length = 11;
constexpr std::size_t max_domain_bytes = 253; // RFC 1035, without the final dot
constexpr std::size_t max_label_bytes = 63;

[[noreturn]] void refuse(std::string message, std::string hint) {
    throw Error(sqlstate::invalid_parameter_value, std::move(message), std::move(hint));
}

bool is_label(std::string_view label) noexcept {
    return !label.empty() && label.size() <= max_label_bytes && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               return is_lower(c) || is_digit(c) || c == '-';
           });
}

} // namespace

void check_autofill(std::string_view message_template) {
    for (const std::string_view placeholder : placeholders) {
        const std::size_t at = message_template.find(placeholder);
        if (at == std::string_view::npos)
            continue;
        const bool is_webotp = placeholder == webotp_placeholder;
        const bool is_last = at + placeholder.size() == message_template.size();
        const char before = at == 0 ? '\0' : message_template[at - 1];
        if (!is_last || (before != '\n' && (is_webotp || before != ' ')))
            refuse(
                "message template has " + std::string(placeholder) +
                    (is_webotp ? " elsewhere than in its last line" : " elsewhere than at its end"),
                is_webotp ? "Phones look for it in a last line of its own: E'{code} is your "
                            "code.\\n\\n{webotp}'."
                          : "Phones look for it in the last word: '{code} is your code. "
                            "{app_hash}'.");
        if (message_template.find("{code}") == std::string_view::npos)
            refuse("message template has " + std::string(placeholder) + ", but no {code}",
                   "A person has to find the code as well.");
    }
}

std::string_view without_autofill(std::string_view message_template) noexcept {
    for (const std::string_view placeholder : placeholders) {
        if (!message_template.ends_with(placeholder))
            continue;
        message_template.remove_suffix(placeholder.size());
        while (message_template.ends_with(' ') || message_template.ends_with('\n'))
            message_template.remove_suffix(1);
    }
    return message_template;
}

void check_webotp_domain(std::string_view value) {
    bool valid = !value.empty() && value.size() <= max_domain_bytes && !value.ends_with('.');
    for (std::string_view rest = value; valid && !rest.empty();)
        valid = is_label(cut(rest, '.'));
    if (!valid)
        refuse("the domain of {webotp} must be a host name in lower case",
               "For example example.com, without https:// and without a path.");
}

void check_app_hash(std::string_view value) {
    if (value.size() != app_hash_length || !std::all_of(value.begin(), value.end(), [](char c) {
            return is_alnum(c) || c == '+' || c == '/';
        }))
        refuse("the app's hash must be 11 characters of A-Z, a-z, 0-9, + and /",
               "The Android build computes it from the app's package name and its certificate.");
}

} // namespace mfa::core
