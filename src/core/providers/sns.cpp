// Amazon SNS: text messages by the action Publish of its Query API.
//
// Action, parameters, answer and the errors of the action: botocore, data/sns/2010-03-31,
// service-2.json. Codes of throttling: botocore, retries/standard.py. The other codes are of "Common
// Errors" in the SNS API reference. The names of the SMS attributes: "Publishing SMS messages" in the
// SNS developer guide. Unverified against the live service: all of it.
//
// SNS answers with a message id also where it will drop the message later, since the monthly spending
// limit is reached or the number is not verified in the sandbox; it tells CloudWatch only. It has no
// look-up of states, no time to live, and text messages alone.
#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/xml_text.hpp"

namespace mfa::core {

namespace {

constexpr std::array channels{Channel::sms};

// 'eu-central-1', 'us-gov-west-1': words of letters between hyphens, a number last.
void check_region(std::string_view name, std::string_view value) {
    constexpr std::size_t most = 32;
    std::string_view rest = value;
    std::size_t words = 0;
    bool good = value.size() <= most;
    while (good && rest.find('-') != std::string_view::npos) {
        const std::string_view word = cut(rest, '-');
        good = !word.empty() && std::all_of(word.begin(), word.end(), is_lower);
        words++;
    }
    if (!good || words < 2 || rest.empty() || !std::all_of(rest.begin(), rest.end(), is_digit))
        refuse_option(name, "must be the name of an AWS region", "For example eu-central-1.");
}

// Several hundred characters of base64, and no bound that AWS promises ("Temporary security
// credentials" in the IAM user guide).
void check_session_token(std::string_view name, std::string_view value) {
    constexpr std::size_t most = 8192;
    if (value.empty() || value.size() > most ||
        !std::all_of(value.begin(), value.end(), is_printable))
        refuse_option(name, "must be one line of 1 to " + std::to_string(most) +
                                " printable ASCII characters");
}

constexpr std::array sns_options{
    OptionSpec{"region", OptionPlace::server, true, check_region},
    OptionSpec{"base_url", OptionPlace::server, false, check_base_url},
    // India's regulator wants sender and text registered; these are the registrations' numbers.
    OptionSpec{"entity_id", OptionPlace::server, false, check_identifier},
    OptionSpec{"template_id", OptionPlace::server, false, check_identifier},
    OptionSpec{"access_key_id", OptionPlace::user_mapping, true, check_identifier},
    OptionSpec{"secret_access_key", OptionPlace::user_mapping, true, check_single_line},
    OptionSpec{"session_token", OptionPlace::user_mapping, false, check_session_token},
};

class Attributes {
  public:
    explicit Attributes(FormBody &form) : form_(form) {}

    void add(std::string_view name, std::string_view value) {
        if (value.empty())
            return;
        const std::string entry = "MessageAttributes.entry." + std::to_string(++count_);
        form_.add(entry + ".Name", name);
        form_.add(entry + ".Value.DataType", "String");
        form_.add(entry + ".Value.StringValue", value);
    }

  private:
    FormBody &form_;
    int count_ = 0;
};

// The regions in China have a domain of their own. So have some that only governments use, which
// base_url is for.
std::string default_base(std::string_view region) {
    std::string base = "https://sns." + std::string(region) + ".amazonaws.com";
    if (region.starts_with("cn-"))
        base.append(".cn");
    return base;
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    FormBody form;
    form.add("Action", "Publish").add("Version", "2010-03-31");
    form.add("PhoneNumber", message.recipient).add("Message", message.text);
    Attributes attributes(form);
    attributes.add("AWS.SNS.SMS.SMSType", "Transactional");
    // Without one, SNS takes a number of the account, or a shared one.
    const bool is_name = std::any_of(message.sender.begin(), message.sender.end(),
                                     [](char c) { return is_alpha(c); });
    attributes.add(is_name ? "AWS.SNS.SMS.SenderID" : "AWS.MM.SMS.OriginationNumber",
                   message.sender);
    attributes.add("AWS.MM.SMS.EntityId", options.get("entity_id"));
    attributes.add("AWS.MM.SMS.TemplateId", options.get("template_id"));

    const std::string_view region = options.get("region");
    HttpRequest request;
    request.url = provider_url(options, default_base(region), "/");
    // No "Accept: application/json": the form of answers that is documented is XML.
    request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    if (const std::string_view token = options.get("session_token"); !token.empty())
        request.headers.push_back(std::move(Secret("x-amz-security-token: ").append(token)));
    request.body = form.take();
    request.signing = AwsSigning{std::string(region), "sns", Secret(options.get("access_key_id")),
                                 Secret(options.get("secret_access_key"))};
    return request;
}

constexpr std::array known_codes{
    KnownCode{"Throttled", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"Throttling", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"ThrottledException", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"ThrottlingException", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"RequestThrottled", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"RequestThrottledException", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"RequestLimitExceeded", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"TooManyRequestsException", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"KMSThrottling", Verdict::retry, "too many requests", Service::throttled},
    KnownCode{"InternalError", Verdict::unknown, "error inside the provider", Service::down},
    KnownCode{"InternalFailure", Verdict::unknown, "error inside the provider", Service::down},
    KnownCode{"ServiceUnavailable", Verdict::retry, "temporary failure", Service::down},
    KnownCode{"InvalidParameter", Verdict::refused, "recipient, sender or text not valid"},
    KnownCode{"InvalidParameterValue", Verdict::refused, "recipient, sender or text not valid"},
    KnownCode{"ParameterValueInvalid", Verdict::refused, "recipient, sender or text not valid"},
    KnownCode{"ValidationError", Verdict::refused, "recipient, sender or text not valid"},
    KnownCode{"ValidationException", Verdict::refused, "recipient, sender or text not valid"},
    KnownCode{"OptedOut", Verdict::refused, "recipient opted out"},
    KnownCode{"AuthorizationError", Verdict::refused, "access key may not publish"},
    KnownCode{"AccessDenied", Verdict::refused, "access key may not publish"},
    KnownCode{"AccessDeniedException", Verdict::refused, "access key may not publish"},
    KnownCode{"NotAuthorized", Verdict::refused, "access key may not publish"},
    KnownCode{"OptInRequired", Verdict::refused, "account has no SNS"},
    KnownCode{"InvalidSecurity", Verdict::refused, "request not signed as wanted"},
    KnownCode{"IncompleteSignature", Verdict::refused, "request not signed as wanted"},
    KnownCode{"MissingAuthenticationToken", Verdict::refused, "request not signed as wanted"},
    KnownCode{"SignatureDoesNotMatch", Verdict::refused, "secret access key not valid"},
    KnownCode{"InvalidClientTokenId", Verdict::refused, "access key or session token not valid"},
    KnownCode{"UnrecognizedClientException", Verdict::refused,
              "access key or session token not valid"},
    KnownCode{"ExpiredToken", Verdict::refused, "session token expired"},
    KnownCode{"ExpiredTokenException", Verdict::refused, "session token expired"},
    KnownCode{"RequestExpired", Verdict::refused, "this machine's clock is wrong"},
};

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const Verdict verdict = classify_status(response.status);
    if (verdict != Verdict::accepted)
        return failed(message, response, verdict,
                      xml_text_at(response.body, {"ErrorResponse", "Error", "Code"}).value_or(""),
                      known_codes);
    return accepted_as(
        message, response,
        xml_text_at(response.body, {"PublishResponse", "PublishResult", "MessageId"}).value_or(""));
}

} // namespace

constinit const Provider sns_provider{
    .name = "mfa_sns",
    .channels = channels,
    .options = sns_options,
    .build = build,
    .read = read,
};

} // namespace mfa::core
