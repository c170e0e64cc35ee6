// Recipients and channels: the one form in which a number or an address is used.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/digest.hpp"

namespace mfa::core {

enum class Channel { sms, voice, whatsapp, email };

std::string_view channel_name(Channel channel) noexcept;

// The channel of that name; core::Error 22023 that lists the channels otherwise.
Channel parse_channel(std::string_view name);

// The recipient in its one form, or core::Error 22023 that says what is wrong and shows the form.
// Numbers (sms, voice, whatsapp): spaces, '-', '.', '(', ')' dropped, also in the forms that
// Unicode has for them, leading 00 read as '+'; then '+' and 7-15 digits, the first not 0 (ITU-T
// E.164). A '(0)' behind the country code is refused: with the 0 kept it would be another number. E-mail
// (channel email): one '@', a local part of 1-64 bytes that needs no quotes (RFC 5321, Dot-string),
// and a domain name of 1-255, all ASCII, in lower case; spaces around it are dropped. The error
// says lengths, positions and what is wrong, never the text itself.
std::string normalise_recipient(Channel channel, std::string_view text);

// The same for either form, without the error: nothing where the text is no recipient.
std::optional<std::string> read_recipient(std::string_view text);

// Whether a text is such an e-mail address already, but for the case of its letters: one that can
// stand between the angle brackets of SMTP as it is.
bool is_mail_address(std::string_view text) noexcept;

// A request id in any of the forms PostgreSQL's uuid type reads most (hex with or without dashes,
// either case, optional braces); nothing otherwise.
std::optional<RequestId> read_request_id(std::string_view text);

// '+14155550123' as '+1415*****23', 'someone@example.com' as 's***@example.com': enough for the
// person who knows it, too little for one who does not.
std::string mask_recipient(std::string_view normalised);

} // namespace mfa::core
