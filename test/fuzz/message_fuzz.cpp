// Any template with any application name: rendered, spoken and counted, or refused in silence.
#include "core/message.hpp"

#include "core/locale.hpp"
#include "core/utf8.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

void count(std::string_view text) {
    const SegmentCount count = count_segments(text);
    FUZZ_CHECK(count.segments >= 1);
    const std::size_t single = count.gsm7 ? max_gsm7_units : max_ucs2_units;
    const std::size_t part = count.gsm7 ? 153 : 67;
    FUZZ_CHECK((count.segments == 1) == (count.units <= single));
    if (count.segments > 1) {
        // At most one unit of each part is lost to a pair that would not be split.
        FUZZ_CHECK(count.segments * part >= count.units);
        FUZZ_CHECK((count.segments - 1) * (part - 1) < count.units);
    }
    FUZZ_CHECK(count.units >= count_code_points(text));
    FUZZ_CHECK(count.units <= 2 * count_code_points(text));
    for (const Channel channel : {Channel::sms, Channel::voice, Channel::email}) {
        bool fits = true;
        try {
            check_message_fits(channel, text);
        } catch (const Error &error) {
            fits = false;
            FUZZ_CHECK(error.sqlstate() == std::string_view("22023"));
        }
        FUZZ_CHECK(channel != Channel::sms || fits == (count.segments == 1));
        FUZZ_CHECK(channel != Channel::voice ||
                   fits == (count_code_points(text) <= max_voice_characters));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    constexpr std::string_view code = "K7X9P2";
    fuzz::Fields fields(data, size);
    const std::chrono::seconds valid_for{fields.number()};
    const std::string_view app = fields.next();
    const std::string_view locale = fields.next();
    const std::string_view text = fields.rest();
    const MessageValues values{code, app, valid_for, "shop.example", "FA+9qCX9VSu"};

    count(text);
    for (const bool voice : {false, true}) {
        try {
            const Secret result =
                voice ? speak_message(text, values) : render_message(text, values);
            FUZZ_CHECK(is_utf8(result.view()));
            FUZZ_CHECK(fuzz::contains(result.view(), voice ? "K, 7, X, 9, P, 2" : code));
            FUZZ_CHECK(!voice || count_code_points(result.view()) <= max_voice_characters);
            count(result.view());
            check_template(text);
        } catch (const Error &error) {
            FUZZ_CHECK(error.sqlstate() == std::string_view("22023"));
            FUZZ_CHECK(fuzz::is_silent_about(error, code));
        }
    }
    try {
        FUZZ_CHECK(fuzz::contains(builtin_template(locale, Channel::sms), "{code}"));
        FUZZ_CHECK(!speech_locale(locale).empty());
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view("22023"));
        FUZZ_CHECK(speech_locale(locale).empty());
    }
    return 0;
}
