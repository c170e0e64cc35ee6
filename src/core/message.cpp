#include "core/message.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/autofill.hpp"
#include "core/error.hpp"
#include "core/gsm7.hpp"
#include "core/placeholder.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

constexpr std::array<std::string_view, 5> placeholder_names{"code", "minutes", "app", "webotp",
                                                            "app_hash"};
constexpr const char *placeholder_hint =
    "Valid placeholders are {code}, {minutes}, {app}, {webotp} and {app_hash}.";

// Wider than the names there are, so that {Code} or {token1} is a mistake to report, not a text to
// send.
constexpr bool is_name_character(char c) noexcept { return is_alnum(c) || c == '_'; }

[[noreturn]] void refuse(std::string message, std::string hint = {}) {
    throw Error(sqlstate::invalid_parameter_value, std::move(message), std::move(hint));
}

// `what` names the text; the text itself is in no error.
void check_text(std::string_view text, const std::string &what, bool allow_newline,
                std::size_t max_characters) {
    std::size_t position = 0;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        position++;
        if (!c.valid)
            refuse(what + " is not valid UTF-8 at character " + std::to_string(position));
        if (is_control(c.value) && !(allow_newline && c.value == U'\n'))
            refuse(what + " has a control character at character " + std::to_string(position),
                   allow_newline ? "Of the control characters only newline may be sent."
                                 : "Leave control characters out.");
        text.remove_prefix(c.bytes);
    }
    if (position > max_characters)
        refuse(what + " is " + std::to_string(position) + " characters long, at most " +
               std::to_string(max_characters) + " are allowed");
}

// To the nearest: a message leaves some moments after its code was made, and "9 minutes" would puzzle
// whoever asked for ten.
std::string whole_minutes(std::chrono::seconds valid_for) {
    return std::to_string(std::max<std::chrono::seconds::rep>((valid_for.count() + 30) / 60, 1));
}

[[noreturn]] void refuse_unset(const char *placeholder, const char *setting) {
    throw Error(sqlstate::object_not_in_prerequisite_state,
                std::string("message template has ") + placeholder + ", but " + setting +
                    " is not set",
                std::string("Use ALTER DATABASE ... SET ") + setting + " = '...'.");
}

// The template, checked already, with its values. `put_text` and `put_code` append to the result.
template <class PutText, class PutCode>
void fill(std::string_view message_template, const MessageValues &values, PutText put_text,
          PutCode put_code) {
    bool has_code = false;
    while (!message_template.empty()) {
        const TemplatePiece piece = next_piece(message_template, is_name_character);
        if (!piece.placeholder) {
            put_text(piece.text);
        } else if (piece.text == "code") {
            put_code();
            has_code = true;
        } else if (piece.text == "app") {
            check_text(values.app, "the value of {app}", false, max_app_characters);
            put_text(values.app);
        } else if (piece.text == "webotp") {
            if (values.webotp_domain.empty())
                refuse_unset("{webotp}", "mfa.webotp_domain");
            put_text("@");
            put_text(values.webotp_domain);
            put_text(" #");
            put_code();
        } else if (piece.text == "app_hash") {
            if (values.app_hash.empty())
                refuse_unset("{app_hash}", "mfa.app_hash");
            put_text(values.app_hash);
        } else {
            put_text(whole_minutes(values.valid_for));
        }
    }
    if (!has_code) {
        put_text(" ");
        put_code();
    }
}

bool ends_sentence(std::string_view text) noexcept {
    for (const std::string_view end : {".", "!", "?", "…", "。", "！", "？", "।", "؟", "։"})
        if (text.ends_with(end))
            return true;
    return false;
}

} // namespace

void check_template(std::string_view message_template) {
    const std::string what = "message template";
    if (message_template.find_first_not_of(" \n") == std::string_view::npos)
        refuse(what + " is empty",
               "Leave the message out to send the built-in text, or write one with {code} in it.");
    check_text(message_template, what, true, max_text_characters);
    for (std::string_view rest = message_template; !rest.empty();) {
        const std::size_t offset = message_template.size() - rest.size();
        const TemplatePiece piece = next_piece(rest, is_name_character);
        if (piece.placeholder && std::find(placeholder_names.begin(), placeholder_names.end(),
                                           piece.text) == placeholder_names.end())
            refuse(what + " has an unknown placeholder at character " +
                       std::to_string(count_code_points(message_template.substr(0, offset)) + 1),
                   placeholder_hint);
    }
    check_autofill(message_template);
}

Secret render_message(std::string_view message_template, const MessageValues &values) {
    check_template(message_template);
    Secret rendered;
    rendered.reserve(message_template.size() + values.code.size() + values.app.size() + 16);
    fill(
        message_template, values, [&](std::string_view text) { rendered.append(text); },
        [&] { rendered.append(values.code); });
    if (message_template.ends_with(app_hash_placeholder) && rendered.size() > max_app_hash_bytes)
        refuse("message with its code is " + std::to_string(rendered.size()) +
                   " bytes long, at most " + std::to_string(max_app_hash_bytes) +
                   " are allowed with {app_hash}",
               "Shorten the message.");
    return rendered;
}

SegmentCount count_segments(std::string_view utf8) {
    bool gsm7 = true;
    for (std::string_view rest = utf8; gsm7 && !rest.empty();) {
        const CodePoint c = first_code_point(rest);
        gsm7 = gsm7_septets(c.value) != 0;
        rest.remove_prefix(c.bytes);
    }

    // One segment holds more than each of several, whose header takes room; and neither an escape
    // pair nor a surrogate pair is split between two.
    const std::size_t single = gsm7 ? max_gsm7_units : max_ucs2_units;
    const std::size_t part = gsm7 ? 153 : 67;
    std::size_t units = 0;
    std::size_t segments = 1;
    std::size_t used = 0;
    for (std::string_view rest = utf8; !rest.empty();) {
        const CodePoint c = first_code_point(rest);
        const std::size_t width =
            gsm7 ? static_cast<std::size_t>(gsm7_septets(c.value)) : (c.value > 0xFFFF ? 2U : 1U);
        units += width;
        if (used + width > part) {
            segments++;
            used = 0;
        }
        used += width;
        rest.remove_prefix(c.bytes);
    }
    return {gsm7, units, units <= single ? 1 : segments};
}

void check_message_fits(Channel channel, std::string_view rendered) {
    if (channel == Channel::sms) {
        const SegmentCount count = count_segments(rendered);
        if (count.segments == 1)
            return;
        const std::string start = "message with its code is " + std::to_string(count.units) +
                                  " characters long, at most ";
        if (count.gsm7)
            refuse(start + std::to_string(max_gsm7_units) + " fit in one text message",
                   "Shorten the message. The characters ^ { } \\ [ ] ~ | and the euro sign count "
                   "twice.");
        refuse(start + std::to_string(max_ucs2_units) +
                   " fit in one text message when some are outside the GSM-7 alphabet",
               "Shorten the message, or leave out letters and signs outside the GSM-7 alphabet: "
               "without them " +
                   std::to_string(max_gsm7_units) + " fit.");
    }
    const bool voice = channel == Channel::voice;
    const std::size_t most = voice ? max_voice_characters : max_text_characters;
    const std::size_t characters = count_code_points(rendered);
    if (characters > most)
        refuse("message with its code is " + std::to_string(characters) +
                   " characters long, at most " + std::to_string(most) +
                   " are allowed on channel " + std::string(channel_name(channel)),
               "Shorten the message.");
}

Secret speak_message(std::string_view message_template, const MessageValues &values) {
    check_template(message_template);
    message_template = without_autofill(message_template);
    Secret once;
    once.reserve(2 * (message_template.size() + 3 * values.code.size() + values.app.size()) + 16);
    fill(
        message_template, values,
        [&](std::string_view text) {
            for (const char c : text)
                once.append(c == '\n' ? ' ' : c);
        },
        [&] {
            // A comma is a pause to every speech engine, whatever its language; and without one
            // "482913" is read as a number.
            for (std::size_t i = 0; i < values.code.size(); i++)
                once.append(i == 0 ? "" : ", ").append(values.code[i]);
        });
    if (!ends_sentence(once.view()))
        once.append('.');

    const std::size_t characters = count_code_points(once.view());
    check_message_fits(Channel::voice, once.view());
    if (2 * characters + 1 > max_voice_characters)
        return once;
    Secret twice;
    twice.reserve(2 * once.size() + 1);
    return std::move(twice.append(once.view()).append(' ').append(once.view()));
}

} // namespace mfa::core
