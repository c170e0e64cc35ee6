#include "core/request_data.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mfa::core {

namespace {

constexpr char format_version = 1;
constexpr std::size_t length_bytes = 4; // big-endian

constexpr std::string_view yes = "1";
using Fields = std::array<std::string_view, 10>;

Fields fields_of(const RequestData &data) {
    return {data.recipient.view(),
            data.code.view(),
            data.message,
            data.locale,
            data.app,
            data.sender,
            data.purpose,
            data.webotp_domain,
            data.app_hash,
            data.own_message ? yes : std::string_view{}};
}

// Takes one field off the front of `bytes`; nothing where it is cut short.
std::optional<std::string_view> take_field(std::string_view &bytes) noexcept {
    if (bytes.size() < length_bytes) {
        return std::nullopt;
    }
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) {
        length = (length << 8) | static_cast<std::uint8_t>(bytes[i]);
    }
    bytes.remove_prefix(length_bytes);
    if (length > bytes.size()) {
        return std::nullopt;
    }
    const std::string_view field = bytes.substr(0, length);
    bytes.remove_prefix(length);
    return field;
}

} // namespace

Secret encode(const RequestData &data) {
    const auto fields = fields_of(data);
    std::size_t size = 1;
    for (const std::string_view field : fields) {
        size += length_bytes + field.size();
    }
    Secret bytes;
    bytes.reserve(size);
    bytes.append(format_version);
    for (const std::string_view field : fields) {
        const auto length = static_cast<std::uint32_t>(field.size()); // SQL values are below 1 GiB
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes.append(static_cast<char>(length >> shift));
        }
        bytes.append(field);
    }
    return bytes;
}

std::optional<RequestData> decode(std::string_view bytes) {
    if (bytes.empty() || bytes.front() != format_version) {
        return std::nullopt;
    }
    bytes.remove_prefix(1);
    Fields fields;
    for (std::string_view &field : fields) {
        const std::optional<std::string_view> taken = take_field(bytes);
        if (!taken) {
            return std::nullopt;
        }
        field = *taken;
    }
    if (!bytes.empty()) {
        return std::nullopt;
    }
    if (!fields[9].empty() && fields[9] != yes) {
        return std::nullopt;
    }
    return RequestData{Secret(fields[0]),      Secret(fields[1]),      std::string(fields[2]),
                       std::string(fields[3]), std::string(fields[4]), std::string(fields[5]),
                       std::string(fields[6]), std::string(fields[7]), std::string(fields[8]),
                       !fields[9].empty()};
}

} // namespace mfa::core
