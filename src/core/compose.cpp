#include "core/compose.hpp"

#include "core/autofill.hpp"
#include "core/locale.hpp"

namespace mfa::core {

Secret compose(Channel channel, const RequestData &data, std::string_view code,
               std::chrono::seconds remaining) {
    const std::string_view message_template =
        data.message.empty() ? builtin_template(data.locale, channel) : data.message;
    const MessageValues values{code, data.app, remaining, data.webotp_domain, data.app_hash};
    if (channel == Channel::voice)
        return speak_message(message_template, values);
    Secret text = render_message(
        channel == Channel::sms ? message_template : without_autofill(message_template), values);
    check_message_fits(channel, text.view());
    return text;
}

} // namespace mfa::core
