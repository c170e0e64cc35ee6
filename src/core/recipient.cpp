#include "core/recipient.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <openssl/crypto.h>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/typed_text.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

struct ChannelName {
    Channel channel;
    std::string_view name;
};
constexpr std::array<ChannelName, 4> channel_names{{
    {Channel::sms, "sms"},
    {Channel::voice, "voice"},
    {Channel::whatsapp, "whatsapp"},
    {Channel::email, "email"},
}};

constexpr std::size_t min_digits = 7; // ITU-T E.164
constexpr std::size_t max_digits = 15;
constexpr std::size_t max_number_bytes = 128; // as typed
constexpr std::size_t max_local_bytes = 64;   // RFC 5321
constexpr std::size_t max_domain_bytes = 255;
constexpr std::size_t max_label_bytes = 63;

constexpr const char *number_hint = "Give the number in international form, such as +14155550123.";
constexpr const char *address_hint = "Give an address such as someone@example.com.";

// A recipient in its one form, or what is wrong with it. Never both.
struct Reading {
    std::string value;
    std::string problem;
    const char *hint = "";
};

// What was read so far goes: it is part of somebody's number.
void reject(Reading &reading, std::string problem, const char *hint) {
    OPENSSL_cleanse(reading.value.data(), reading.value.size());
    reading.value.clear();
    reading.problem = std::move(problem);
    reading.hint = hint;
}

Reading read_number(std::string_view text) {
    Reading reading;
    if (text.size() > max_number_bytes) {
        reject(reading,
               "recipient has " + std::to_string(text.size()) + " bytes, but is read up to " +
                   std::to_string(max_number_bytes),
               number_hint);
        return reading;
    }
    std::array<char, max_number_bytes> digits; // not initialised: only what is written is read
    std::size_t count = 0;
    struct Wipe {
        std::array<char, max_number_bytes> &bytes;
        std::size_t &used;
        ~Wipe() { OPENSSL_cleanse(bytes.data(), used); }
    } const wipe{digits, count};

    bool plus = false;
    std::size_t opened_at = 0; // digits in front of the last '('
    for (std::size_t position = 1; !text.empty(); ++position) {
        const CodePoint next = first_code_point(text);
        text.remove_prefix(next.bytes);
        const char c = typed_ascii(next.value).value_or('\0');
        if (is_digit(c)) {
            digits[count++] = c;
        } else if (c == '+' && !plus && count == 0) {
            plus = true;
        } else if (c == '(') {
            opened_at = count;
        } else if (c == ')') {
            // '+44 (0)20 …' is dialled with the 0 at home and without it from abroad. Dropping only
            // the parentheses would make it somebody else's number.
            if (opened_at > 0 && count == opened_at + 1 && digits[opened_at] == '0') {
                reject(reading,
                       "recipient has a national prefix (0) inside an international number",
                       "Leave out the (0) and give the number in international form, such as "
                       "+14155550123.");
                return reading;
            }
        } else if (c == '@') {
            reject(
                reading, "recipient is not a phone number, but has an \"@\"",
                "Give the number in international form, such as +14155550123, or use the channel "
                "\"email\" for an address.");
            return reading;
        } else if (c != ' ' && c != '-' && c != '.') {
            reject(reading,
                   "recipient has a character that no phone number has, at position " +
                       std::to_string(position),
                   number_hint);
            return reading;
        }
    }

    std::string_view number(digits.data(), count);
    if (number.empty()) {
        reject(reading, "recipient has no digit", number_hint);
        return reading;
    }
    if (!plus && number.substr(0, 2) == "00") {
        number.remove_prefix(2);
        plus = true;
    }
    if (!plus) {
        reject(reading, "recipient has no country code: it begins with neither \"+\" nor \"00\"",
               number_hint);
    } else if (number.size() < min_digits || number.size() > max_digits) {
        reject(reading,
               "recipient has " + std::to_string(number.size()) +
                   (number.size() == 1 ? " digit" : " digits") + ", but a phone number has " +
                   std::to_string(min_digits) + " to " + std::to_string(max_digits),
               number_hint);
    } else if (number.front() == '0') {
        reject(reading, "recipient has a country code that begins with 0", number_hint);
    } else {
        reading.value.reserve(1 + max_digits);
        reading.value.append(1, '+').append(number);
    }
    return reading;
}

// A "dot-string" of RFC 5321: runs of atom characters between single dots.
bool is_local_part(std::string_view text) noexcept {
    char previous = '.';
    for (const char c : text) {
        const bool atom = is_alnum(c) ||
                          std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
        if (!atom && (c != '.' || previous == '.')) {
            return false;
        }
        previous = c;
    }
    return previous != '.';
}

// Labels of letters, digits and inner hyphens between single dots.
bool is_domain(std::string_view text) noexcept {
    while (true) {
        const std::string_view label = text.substr(0, text.find('.'));
        if (label.empty() || label.size() > max_label_bytes || label.front() == '-' ||
            label.back() == '-' || !std::all_of(label.begin(), label.end(), [](char c) {
                return is_alnum(c) || c == '-';
            })) {
            return false;
        }
        if (label.size() == text.size()) {
            return true;
        }
        text.remove_prefix(label.size() + 1);
    }
}

Reading read_address(std::string_view text) {
    Reading reading;
    text = trim(text);
    const std::size_t at = text.find('@');
    const auto bounded = [&](std::string_view part, const char *name, std::size_t most) {
        if (part.empty() || part.size() > most) {
            reject(reading,
                   "recipient has " + std::to_string(part.size()) + " bytes " + name +
                       " the \"@\", but an address has 1 to " + std::to_string(most),
                   address_hint);
            return false;
        }
        return true;
    };
    if (at == std::string_view::npos) {
        reject(reading, "recipient is not an e-mail address: it has no \"@\"", address_hint);
    } else if (text.find('@', at + 1) != std::string_view::npos) {
        reject(reading, "recipient is not an e-mail address: it has more than one \"@\"",
               address_hint);
    } else if (!bounded(text.substr(0, at), "before", max_local_bytes) ||
               !bounded(text.substr(at + 1), "behind", max_domain_bytes)) {
        return reading;
    } else if (!is_local_part(text.substr(0, at))) {
        reject(reading, "recipient has a character before the \"@\" that no address has there",
               address_hint);
    } else if (!is_domain(text.substr(at + 1))) {
        reject(reading, "recipient has no valid domain name behind the \"@\"", address_hint);
    } else {
        reading.value.reserve(text.size()); // once, so that growing leaves no copy behind
        for (const char c : text) {
            reading.value.push_back(to_lower(c));
        }
    }
    return reading;
}

int hex_value(char c) noexcept {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

} // namespace

std::string_view channel_name(Channel channel) noexcept {
    for (const ChannelName &known : channel_names) {
        if (known.channel == channel) {
            return known.name;
        }
    }
    return {};
}

Channel parse_channel(std::string_view name) {
    for (const ChannelName &known : channel_names) {
        if (known.name == name) {
            return known.channel;
        }
    }
    // Arguments get swapped, and then this one is a number or an address: only a word is shown.
    const bool is_word =
        !name.empty() && name.size() <= 20 && std::all_of(name.begin(), name.end(), is_alpha);
    throw Error(sqlstate::invalid_parameter_value,
                is_word ? "unknown channel \"" + std::string(name) + "\"" : "unknown channel",
                "The channels are sms, voice, whatsapp and email.");
}

std::string normalise_recipient(Channel channel, std::string_view text) {
    Reading reading = channel == Channel::email ? read_address(text) : read_number(text);
    if (!reading.problem.empty()) {
        throw Error(sqlstate::invalid_parameter_value, std::move(reading.problem), reading.hint);
    }
    return std::move(reading.value);
}

std::optional<std::string> read_recipient(std::string_view text) {
    const bool address = text.find('@') != std::string_view::npos;
    Reading reading = address ? read_address(text) : read_number(text);
    if (!reading.problem.empty()) {
        return std::nullopt;
    }
    return std::move(reading.value);
}

bool is_mail_address(std::string_view text) noexcept {
    const std::size_t at = text.find('@');
    return at <= max_local_bytes && // npos is more
           text.size() - at - 1 <= max_domain_bytes && is_local_part(text.substr(0, at)) &&
           is_domain(text.substr(at + 1));
}

// As PostgreSQL reads it: 32 hexadecimal digits, a dash allowed behind each group of four but the
// last, optional braces around it all.
std::optional<RequestId> read_request_id(std::string_view text) {
    if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
        text = text.substr(1, text.size() - 2);
    }
    RequestId id{};
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (text.size() < 2) {
            return std::nullopt;
        }
        const int high = hex_value(text[0]);
        const int low = hex_value(text[1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        id[i] = static_cast<std::uint8_t>(high << 4 | low);
        text.remove_prefix(2);
        if (i % 2 == 1 && i + 1 < id.size() && !text.empty() && text.front() == '-') {
            text.remove_prefix(1);
        }
    }
    if (!text.empty()) {
        return std::nullopt;
    }
    return id;
}

std::string mask_recipient(std::string_view normalised) {
    const std::size_t at = normalised.find('@');
    if (at != std::string_view::npos) {
        std::string masked(
            normalised.substr(0, at > 1 ? 1 : 0)); // one character would be all of it
        return masked.append("***").append(normalised.substr(at));
    }
    if (normalised.size() < 1 + min_digits || normalised.front() != '+') {
        return "***";
    }
    // At least five digits stay hidden, also of a short number.
    constexpr std::size_t hidden = 5;
    constexpr std::size_t last = 2;
    const std::size_t digits = normalised.size() - 1;
    const std::size_t first = std::min<std::size_t>(4, digits - hidden - last);
    return std::string(normalised.substr(0, 1 + first))
        .append(digits - first - last, '*')
        .append(normalised.substr(normalised.size() - last));
}

} // namespace mfa::core
