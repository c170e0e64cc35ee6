// Numbers and addresses that belong to nobody.
#pragma once

#include <string_view>

namespace mfa::core {

// True for a normalised recipient that is set aside for examples, plays and films, so that no person
// can be behind it: numbers that the national authorities keep for that (NANPA, Ofcom, ARCEP,
// Bundesnetzagentur, ACMA), all of +999, which is no country, and the domains of RFC 2606 and 6761.
bool is_reserved_recipient(std::string_view recipient) noexcept;

} // namespace mfa::core
