// The parts of a mail's text: RFC 5322, with MIME (RFC 2045, 2047) for what is not ASCII.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/secret.hpp"

namespace mfa::core {

// 'Fri, 15 Jan 2027 08:00:00 +0000'.
std::string mail_date(std::chrono::sys_seconds when);

// A text of a header, behind its name and a space: as it is where that is safe and short, else as
// encoded-words, one a line.
void append_header_text(std::string &out, std::string_view text);
// The same for the name in front of an address, where text as it is has to be quoted.
void append_display_name(std::string &out, std::string_view name);

// Lines of at most 76 characters, CRLF behind each, none of which begins with a dot. Any bytes come
// out again, but that each line break, LF or CRLF, is CRLF.
void append_quoted_printable(Secret &out, std::string_view text);

} // namespace mfa::core
