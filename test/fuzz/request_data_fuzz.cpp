// Request data: what decodes encodes to the same bytes, and what is encoded decodes to the same data.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/request_data.hpp"
#include "require.hpp"

namespace {

using namespace mfa::core;
using mfa::test::require;

// The text cut in six at its first five NULs.
RequestData split(std::string_view text) {
    std::array<std::string_view, 6> fields;
    for (std::string_view &field : fields) {
        const std::size_t end = &field == &fields.back() ? text.npos : text.find('\0');
        field = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return RequestData{Secret(fields[0]),      Secret(fields[1]),      std::string(fields[2]),
                       std::string(fields[3]), std::string(fields[4]), std::string(fields[5])};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (const auto decoded = decode(text)) {
        require(encode(*decoded).view() == text); // one form only
    }

    const RequestData made = split(text);
    const Secret bytes = encode(made);
    const auto back = decode(bytes.view());
    require(back.has_value());
    require(back->recipient.view() == made.recipient.view() &&
            back->code.view() == made.code.view());
    require(back->message == made.message && back->locale == made.locale);
    require(back->app == made.app && back->sender == made.sender);
    require(!decode(bytes.view().substr(0, bytes.size() - 1)));
    return 0;
}
