// Request data: what decodes encodes to the same bytes, what is encoded decodes to the same data.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/request_data.hpp"
#include "fuzz.hpp"

namespace {

using namespace mfa::core;

// The text cut in ten at its first nine NULs.
RequestData split(std::string_view text) {
    std::array<std::string_view, 10> fields;
    for (std::string_view &field : fields) {
        const std::size_t end = &field == &fields.back() ? text.npos : text.find('\0');
        field = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return RequestData{Secret(fields[0]),      Secret(fields[1]),      std::string(fields[2]),
                       std::string(fields[3]), std::string(fields[4]), std::string(fields[5]),
                       std::string(fields[6]), std::string(fields[7]), std::string(fields[8]),
                       !fields[9].empty()};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (const auto decoded = decode(text)) {
        FUZZ_CHECK(encode(*decoded).view() == text); // one form only
    }

    const RequestData made = split(text);
    const Secret bytes = encode(made);
    const auto back = decode(bytes.view());
    FUZZ_CHECK(back.has_value());
    FUZZ_CHECK(back->recipient.view() == made.recipient.view() &&
               back->code.view() == made.code.view());
    FUZZ_CHECK(back->message == made.message && back->locale == made.locale);
    FUZZ_CHECK(back->app == made.app && back->sender == made.sender);
    FUZZ_CHECK(back->purpose == made.purpose && back->webotp_domain == made.webotp_domain);
    FUZZ_CHECK(back->app_hash == made.app_hash && back->own_message == made.own_message);
    FUZZ_CHECK(!decode(bytes.view().substr(0, bytes.size() - 1)));
    return 0;
}
