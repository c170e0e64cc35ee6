#include "encoding.hpp"

#include "pg_wall.hpp"

namespace mfa {

std::string to_utf8(std::string_view text) {
    const int encoding = GetDatabaseEncoding();
    const bool is_ascii = std::all_of(text.begin(), text.end(),
                                      [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (is_ascii || encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return std::string(text);
    const char *converted = pg::call(
        [&] { return pg_server_to_any(text.data(), static_cast<int>(text.size()), PG_UTF8); });
    return converted;
}

std::string from_utf8(std::string_view text) {
    const int encoding = GetDatabaseEncoding();
    std::string readable(text);
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return readable;
    std::erase_if(readable, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
    std::replace_if(
        readable.begin(), readable.end(),
        [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    return readable;
}

} // namespace mfa
