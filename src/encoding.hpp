// Texts on their way out of PostgreSQL: everything in core is UTF-8. C++ zone.
#pragma once

#include <string>
#include <string_view>

namespace mfa {

// A text in the database's encoding, in UTF-8. In a SQL_ASCII database, whose texts are bytes of any kind,
// and where all is ASCII, as it is.
std::string to_utf8(std::string_view text);

// The other way, for what a person may look at: in a database of another encoding than UTF-8, what is not
// ASCII becomes '?'.
std::string from_utf8(std::string_view text);

} // namespace mfa
