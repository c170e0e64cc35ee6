// The text of one message: from the caller's template or the language's built-in one, as its channel
// needs it. Checked when a code is made, composed again when it is delivered.
#pragma once

#include "core/message.hpp"
#include "core/request_data.hpp"

namespace mfa::core {

// `remaining` is what is left of the code's life. core::Error 22023 where the text does not fit the
// channel.
Secret compose(Channel channel, const RequestData &data, std::string_view code,
               std::chrono::seconds remaining);

} // namespace mfa::core
