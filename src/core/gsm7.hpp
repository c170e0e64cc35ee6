// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1).
#pragma once

namespace mfa::core {

// The septets that a character takes: 1 in the alphabet, 2 in the extension table, 0 in neither.
int gsm7_septets(char32_t character) noexcept;

} // namespace mfa::core
