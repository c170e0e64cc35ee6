#include "core/http.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <openssl/evp.h>

#include "core/ascii.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

constexpr std::string_view replacement_utf8 = "\xEF\xBF\xBD";
constexpr std::string_view upper_hex = "0123456789ABCDEF";
constexpr std::string_view lower_hex = "0123456789abcdef";

// Appends with `escape_one`, which says whether it has written the code point itself.
template <class EscapeOne>
void append_escaped(Secret &out, std::string_view text, EscapeOne escape_one) {
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        if (!c.valid)
            out.append(replacement_utf8);
        else if (!escape_one(c.value))
            out.append(text.substr(0, c.bytes));
        text.remove_prefix(c.bytes);
    }
}

// XML 1.0, production 2.
constexpr bool is_xml_character(char32_t c) noexcept {
    return c == U'\t' || c == U'\n' || c == U'\r' ||
           (c >= 0x20 && c != 0xFFFE && c != 0xFFFF && (c < 0xD800 || c > 0xDFFF));
}

} // namespace

void append_percent_encoded(Secret &out, std::string_view text) {
    for (const char c : text) {
        if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out.append(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append('%').append(upper_hex[byte >> 4]).append(upper_hex[byte & 15U]);
        }
    }
}

void append_json_escaped(Secret &out, std::string_view text) {
    append_escaped(out, text, [&out](char32_t c) {
        if (c == U'"' || c == U'\\') {
            out.append('\\').append(static_cast<char>(c));
        } else if (c == U'\n') {
            out.append("\\n");
        } else if (c == U'\r') {
            out.append("\\r");
        } else if (c == U'\t') {
            out.append("\\t");
        } else if (c < 0x20) {
            out.append("\\u00").append(lower_hex[c >> 4]).append(lower_hex[c & 15U]);
        } else {
            return false;
        }
        return true;
    });
}

void append_xml_escaped(Secret &out, std::string_view text) {
    append_escaped(out, text, [&out](char32_t c) {
        // Line breaks and tabs as references, or an attribute would turn them into spaces.
        constexpr std::array<std::pair<char32_t, std::string_view>, 8> references{{
            {U'&', "&amp;"},
            {U'<', "&lt;"},
            {U'>', "&gt;"},
            {U'"', "&quot;"},
            {U'\'', "&#39;"},
            {U'\t', "&#9;"},
            {U'\n', "&#10;"},
            {U'\r', "&#13;"},
        }};
        for (const auto &[character, reference] : references) {
            if (c == character) {
                out.append(reference);
                return true;
            }
        }
        if (is_xml_character(c))
            return false;
        out.append(replacement_utf8);
        return true;
    });
}

FormBody &FormBody::add(std::string_view name, std::string_view value) {
    if (!body_.empty())
        body_.append('&');
    append_percent_encoded(body_, name);
    body_.append('=');
    append_percent_encoded(body_, value);
    return *this;
}

Secret base64(std::string_view bytes) {
    constexpr std::size_t block = 3; // so that only the last one is padded
    Secret out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    std::array<unsigned char, block> in{};
    std::array<unsigned char, 5> encoded{};
    while (!bytes.empty()) {
        const std::size_t n = std::min(block, bytes.size());
        std::copy_n(bytes.begin(), n, in.begin());
        const int length = EVP_EncodeBlock(encoded.data(), in.data(), static_cast<int>(n));
        for (int i = 0; i < length; i++)
            out.append(static_cast<char>(encoded[static_cast<std::size_t>(i)]));
        bytes.remove_prefix(n);
    }
    OPENSSL_cleanse(in.data(), in.size());
    OPENSSL_cleanse(encoded.data(), encoded.size());
    return out;
}

Secret basic_auth_header(std::string_view user, std::string_view password) {
    Secret pair;
    pair.reserve(user.size() + 1 + password.size());
    pair.append(user).append(':').append(password);
    Secret header("Authorization: Basic ");
    header.append(base64(pair.view()).view());
    return header;
}

namespace {

constexpr std::chrono::seconds longest_retry_after = std::chrono::hours{24 * 7};

std::optional<int> read_number(std::string_view text, std::size_t least_digits,
                               std::size_t most_digits) {
    if (text.size() < least_digits || text.size() > most_digits ||
        !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::optional<int> read_month(std::string_view text) {
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (std::size_t i = 0; i < months.size(); i++)
        if (months[i] == text)
            return static_cast<int>(i) + 1;
    return std::nullopt;
}

// The three forms of RFC 9110, 5.6.7, told apart by their words:
//   Sun, 06 Nov 1994 08:49:37 GMT  |  Sunday, 06-Nov-94 08:49:37 GMT  |  Sun Nov  6 08:49:37 1994
std::optional<std::time_t> read_http_date(std::string_view text, std::time_t now) {
    std::array<std::string_view, 6> words{};
    std::size_t n = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" ,-"), text.size());
        if (end > 0) {
            if (n == words.size())
                return std::nullopt;
            words[n++] = text.substr(0, end);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    const bool asctime = n == 5;
    if (!asctime && (n != 6 || words[5] != "GMT"))
        return std::nullopt;
    const auto month = read_month(words[asctime ? 1 : 2]);
    const auto day = read_number(words[asctime ? 2 : 1], 1, 2);
    std::string_view clock = words[asctime ? 3 : 4];
    const std::string_view year_text = words[asctime ? 4 : 3];
    auto year = read_number(year_text, year_text.size() == 2 ? 2 : 4, 4);
    const auto hour = read_number(cut(clock, ':'), 2, 2);
    const auto minute = read_number(cut(clock, ':'), 2, 2);
    const auto second = read_number(clock, 2, 2);
    if (!month || !day || !year || !hour || !minute || !second || *hour > 23 || *minute > 59 ||
        *second > 60)
        return std::nullopt;

    using namespace std::chrono;
    if (year_text.size() == 2) {
        // At most 50 years ahead, or else in the past (RFC 9110 again).
        const year_month_day today{floor<days>(sys_seconds{seconds{now}})};
        const int this_year = static_cast<int>(today.year());
        *year += this_year / 100 * 100;
        if (*year > this_year + 50)
            *year -= 100;
        else if (*year + 50 <= this_year)
            *year += 100;
    }
    const year_month_day date{std::chrono::year{*year} / *month / *day};
    if (!date.ok())
        return std::nullopt;
    const sys_seconds when = sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
    return static_cast<std::time_t>(when.time_since_epoch().count());
}

constexpr std::size_t longest_value = 64; // of a header that is read

} // namespace

std::optional<std::time_t> parse_http_date(std::string_view value, std::time_t now) {
    value = trim(value);
    return value.size() > longest_value ? std::nullopt : read_http_date(value, now);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::time_t now) {
    value = trim(value);
    if (value.empty() || value.size() > longest_value)
        return std::nullopt;
    std::int64_t seconds = 0;
    if (std::all_of(value.begin(), value.end(), is_digit)) {
        const auto [stop, error] =
            std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (error != std::errc{})
            seconds = std::numeric_limits<std::int64_t>::max();
    } else {
        const auto when = read_http_date(value, now);
        if (!when)
            return std::nullopt;
        seconds = static_cast<std::int64_t>(*when) - static_cast<std::int64_t>(now);
    }
    return std::chrono::seconds{std::clamp<std::int64_t>(seconds, 0, longest_retry_after.count())};
}

} // namespace mfa::core
