// Reading recipients and request ids: idempotent, in the one form, never both, no text in an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/recipient.hpp"
#include "fuzz.hpp"

namespace {

using namespace mfa::core;

bool is_number(std::string_view text) {
    return text.size() >= 8 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
           std::all_of(text.begin() + 1, text.end(), is_digit);
}

bool is_address(std::string_view text) {
    const std::size_t at = text.find('@');
    return at != std::string_view::npos && at >= 1 && at <= 64 && text.size() - at - 1 >= 1 &&
           text.size() - at - 1 <= 255 && text.find('@', at + 1) == std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && c <= '~' && !(c >= 'A' && c <= 'Z') &&
                      std::string_view("\"\\<>()[],;:").find(c) == std::string_view::npos;
           });
}

std::optional<std::string> normalised(Channel channel, std::string_view text) {
    try {
        std::string once = normalise_recipient(channel, text);
        FUZZ_CHECK(normalise_recipient(channel, once) == once);
        return once;
    } catch (const Error &error) {
        FUZZ_CHECK(std::strcmp(error.sqlstate(), sqlstate::invalid_parameter_value) == 0);
        FUZZ_CHECK(!error.hint().empty());
        // Counts and bounds are shown, which have fewer digits than a number has.
        FUZZ_CHECK(std::count_if(text.begin(), text.end(), is_digit) < 7 ||
                   error.message().find(text) == std::string::npos);
        return std::nullopt;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    const auto number = normalised(Channel::sms, text);
    const auto address = normalised(Channel::email, text);
    const auto either = read_recipient(text);
    FUZZ_CHECK(normalised(Channel::voice, text) == number);
    FUZZ_CHECK(normalised(Channel::whatsapp, text) == number);
    FUZZ_CHECK(!number || is_number(*number));
    FUZZ_CHECK(!address || is_address(*address));
    FUZZ_CHECK(!(number && address));
    FUZZ_CHECK(either == (number ? number : address));
    if (either) {
        FUZZ_CHECK(!read_request_id(text));
        const std::string masked = mask_recipient(*either);
        FUZZ_CHECK(masked.find("***") != std::string::npos);
        FUZZ_CHECK(!number || std::count(masked.begin(), masked.end(), '*') >= 5);
    }
    mask_recipient(text);
    if (const auto id = read_request_id(text)) {
        FUZZ_CHECK(std::count_if(text.begin(), text.end(), [](char c) { return c != '-'; }) >= 32);
    }
    try {
        FUZZ_CHECK(channel_name(parse_channel(text)) == text);
    } catch (const Error &error) {
        FUZZ_CHECK(std::strcmp(error.sqlstate(), sqlstate::invalid_parameter_value) == 0);
    }
    return 0;
}
