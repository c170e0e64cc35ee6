// Options that pass their checks make requests in which no value leaves its place.
#include "core/http.hpp"
#include "core/json.hpp"
#include "core/providers/providers.hpp"
#include "core/request_template.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

constexpr std::string_view code = "K7X9P2";
constexpr std::string_view recipient = "+14155550123";

std::string_view authority(std::string_view url) {
    const std::size_t start = url.find("://") + 3;
    return url.substr(0, std::min(url.find_first_of("/?", start), url.size()));
}

void check_request(const HttpRequest &request, const Options &options) {
    FUZZ_CHECK(authority(request.url.view()) == authority(options.get("url")));
    FUZZ_CHECK(std::all_of(request.url.view().begin(), request.url.view().end(),
                           [](char c) { return c > ' ' && c <= '~' && c != '{' && c != '}'; }));
    for (const Secret &header : request.headers) {
        FUZZ_CHECK(fuzz::contains(header.view(), ": "));
        FUZZ_CHECK(std::all_of(header.view().begin(), header.view().end(),
                               [](char c) { return c >= ' ' && c <= '~'; }));
    }
    const auto place = place_of_content_type(options.get("content_type", "application/json"));
    FUZZ_CHECK(place);
    FUZZ_CHECK(request.body.empty() || place != Place::json || is_json(request.body.view()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    Options options;
    for (const std::string_view name :
         {"url", "method", "content_type", "headers", "body", "message_id", "success", "retry",
          "final", "channels", "user", "password", "token"}) {
        const std::string_view value = fields.next();
        if (value.empty())
            continue;
        const bool secret = name == "user" || name == "password" || name == "token";
        try {
            check_option(http_provider, secret ? OptionPlace::user_mapping : OptionPlace::server,
                         name, value);
            options.set(name, value);
        } catch (const Error &error) {
            FUZZ_CHECK(error.sqlstate() == std::string_view("HV024"));
        }
    }
    OutboundMessage message;
    message.id = "018f0000-0000-7000-8000-000000000001";
    message.recipient = recipient;
    message.code = code;
    message.life = std::chrono::seconds{1 + fields.number() % 604'800};
    message.sender = fields.next();
    message.locale = fields.next();
    message.text = fields.next();
    HttpResponse response;
    response.status = fields.number() % 1000;
    response.body = fields.rest();

    for (const Channel channel : {Channel::sms, Channel::voice, Channel::whatsapp, Channel::email})
        serves(http_provider, channel, options);
    try {
        check_complete(http_provider, options);
        check_request(http_provider.build(message, options), options);
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view("55000"));
        FUZZ_CHECK(fuzz::is_silent_about(error, code));
    }

    const Outcome outcome = http_provider.read(message, options, response);
    FUZZ_CHECK(outcome.error.empty() == (outcome.verdict == Verdict::accepted));
    FUZZ_CHECK(outcome.error.empty() || outcome.error == "HTTP " + std::to_string(response.status));
    FUZZ_CHECK(outcome.message_id.empty() ||
               (outcome.verdict == Verdict::accepted && outcome.message_id.size() <= 200 &&
                outcome.message_id != code &&
                !fuzz::contains(outcome.message_id, recipient.substr(1))));
    return 0;
}
