// The text that is sent: template, substitution, and what it costs in segments.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/recipient.hpp"
#include "core/secret.hpp"

namespace mfa::core {

inline constexpr std::size_t max_voice_characters = 500;
inline constexpr std::size_t max_gsm7_units = 160; // one segment, 3GPP TS 23.038 default alphabet
inline constexpr std::size_t max_ucs2_units = 70;  // one segment, UTF-16 code units
inline constexpr std::size_t max_text_characters = 1600; // whatsapp and email; any template
inline constexpr std::size_t max_app_characters = 100;

// What a template's placeholders stand for.
struct MessageValues {
    std::string_view code;
    std::string_view app;
    std::chrono::seconds valid_for{};
    std::string_view webotp_domain{}; // '' = not set
    std::string_view app_hash{};      // '' = not set
};

// Replaces {code}, {minutes} (valid_for to the nearest minute, at least 1), {app}, and the two by which
// phones fill a code in: {webotp}, "@DOMAIN #CODE" as the last line (W3C/WICG "Origin-bound one-time
// codes delivered via SMS"), and {app_hash}, at the end (Android SMS Retriever: at most 140 bytes in
// all). Appends the code after a space where the template has no {code}. Values are not searched for
// placeholders. Braces around anything but letters, digits and '_' are text. core::Error 22023 for a
// placeholder it does not know or in the wrong place, for control characters other than newline, for
// invalid UTF-8, for a template that is empty or longer than max_text_characters, for an {app} longer
// than max_app_characters, and a text with {app_hash} longer than it may be; 55000 where {webotp} or
// {app_hash} has no value.
Secret render_message(std::string_view message_template, const MessageValues &values);

// The same checks without values.
void check_template(std::string_view message_template);

// How a text travels by SMS (3GPP TS 23.038, 23.040).
struct SegmentCount {
    bool gsm7;            // every character is in the GSM-7 alphabet or its extension table
    std::size_t units;    // septets (an extension character takes two), or UTF-16 code units
    std::size_t segments; // 160/153 septets or 70/67 code units each
};
SegmentCount count_segments(std::string_view utf8);

// core::Error 22023 when the text does not fit its channel: one segment for sms, 500 characters for
// voice (code points); whatsapp and email 1600 characters.
void check_message_fits(Channel channel, std::string_view rendered);

// The text for a call, at most max_voice_characters: the code as single characters with pauses, the
// whole sentence twice, or once where twice is too long. core::Error 22023 where once is.
Secret speak_message(std::string_view message_template, const MessageValues &values);

} // namespace mfa::core
