// The table mfa.test_recipient: whoever is in it gets a fixed code and no message. C++ zone.
#pragma once

#include <optional>
#include <string>

#include "core/secret.hpp"

namespace mfa::test_recipients {

// The fixed code of a normalised recipient, in its canonical form.
std::optional<core::Secret> find(const std::string &recipient);

} // namespace mfa::test_recipients
