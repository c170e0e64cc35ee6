#include "core/mail_text.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/http.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t max_line = 76;       // RFC 2045, 6.7; RFC 2047, 2
constexpr std::size_t max_plain_text = 60; // leaves room for a header's name
// 52 characters of base64 in 64 of an encoded-word: with "Subject: " in front still one line.
constexpr std::size_t max_word_bytes = 39;

// A text with "=?" could be read as an encoded-word.
bool is_plain(std::string_view text) {
    return text.size() <= max_plain_text && std::all_of(text.begin(), text.end(), is_printable) &&
           text.find("=?") == std::string_view::npos;
}

// No character is cut in two: each word is decoded by itself (RFC 2047, 5).
void append_encoded_words(std::string &out, std::string_view text) {
    while (!text.empty()) {
        std::size_t length = 0;
        while (length < text.size()) {
            const std::size_t more = first_code_point(text.substr(length)).bytes;
            if (length + more > max_word_bytes)
                break;
            length += more;
        }
        out.append("=?UTF-8?B?").append(base64(text.substr(0, length)).view()).append("?=");
        text.remove_prefix(length);
        if (!text.empty())
            out.append("\r\n "); // dropped between two words when they are read
    }
}

void append_two_digits(std::string &out, unsigned number) {
    out += static_cast<char>('0' + number / 10 % 10);
    out += static_cast<char>('0' + number % 10);
}

} // namespace

std::string mail_date(std::chrono::sys_seconds when) {
    using namespace std::chrono;
    constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const sys_days day = floor<days>(when);
    const year_month_day date{day};
    const hh_mm_ss clock{when - day};
    std::string text(weekdays[weekday{day}.c_encoding()]);
    text.append(", ").append(std::to_string(static_cast<unsigned>(date.day()))).append(" ");
    text.append(months[static_cast<unsigned>(date.month()) - 1]).append(" ");
    text.append(std::to_string(static_cast<int>(date.year()))).append(" ");
    append_two_digits(text, static_cast<unsigned>(clock.hours().count()));
    text += ':';
    append_two_digits(text, static_cast<unsigned>(clock.minutes().count()));
    text += ':';
    append_two_digits(text, static_cast<unsigned>(clock.seconds().count()));
    return text.append(" +0000");
}

void append_header_text(std::string &out, std::string_view text) {
    if (is_plain(text))
        out.append(text);
    else
        append_encoded_words(out, text);
}

void append_display_name(std::string &out, std::string_view name) {
    if (!is_plain(name)) {
        append_encoded_words(out, name);
        return;
    }
    out += '"';
    for (const char c : name) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    out += '"';
}

void append_quoted_printable(Secret &out, std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::size_t column = 0;
    const auto put = [&](std::string_view piece) {
        if (column + piece.size() > max_line - 1) { // a place for the '=' that breaks the line
            out.append("=\r\n");
            column = 0;
        }
        out.append(piece);
        column += piece.size();
    };
    const auto put_encoded = [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        const std::array<char, 3> triple{'=', digits[byte >> 4], digits[byte & 15U]};
        put({triple.data(), triple.size()});
    };
    while (!text.empty()) {
        const char c = text.front();
        if (text.starts_with('\n') || text.starts_with("\r\n")) {
            out.append("\r\n");
            column = 0;
            text.remove_prefix(c == '\n' ? 1 : 2);
            continue;
        }
        text.remove_prefix(1);
        const bool ends_line = text.empty() || text.front() == '\n' || text.starts_with("\r\n");
        const bool begins_line = column == 0 || column == max_line - 1;
        // Blanks at the end of a line get lost; a dot at its beginning means something to SMTP.
        if (!is_printable(c) || c == '=' || (c == ' ' && ends_line) || (c == '.' && begins_line))
            put_encoded(c);
        else
            put({&c, 1});
    }
    out.append("\r\n");
}

} // namespace mfa::core
