// The table mfa.template: texts by purpose, language and channel. C++ zone.
#pragma once

#include "core/recipient.hpp"
#include "core/request_data.hpp"

namespace mfa::templates {

// Sets what a message over `channel` is worded by, unless the call has given its own message: the row of
// mfa.template that fits the text's purpose and locale best, or else mfa.message. core::Error 22023 where
// there is none of them, and no built-in text for the locale either.
void choose(core::RequestData &text, core::Channel channel);

} // namespace mfa::templates
