// Escaping is undone to what it was, Retry-After stays in its bounds, and no URL gets past the check
// that does not go where it may.
#include "core/http.hpp"

#include <memory>

#include <curl/curl.h>

#include "../unit/base64.hpp"
#include "core/json.hpp"
#include "core/utf8.hpp"
#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

void escape(std::string_view text) {
    Secret percent;
    append_percent_encoded(percent, text);
    if (!text.empty()) { // of length 0 is "up to the NUL" to libcurl
        int length = 0;
        const std::unique_ptr<char, void (*)(void *)> back(
            curl_easy_unescape(nullptr, percent.view().data(), static_cast<int>(percent.size()),
                               &length),
            curl_free);
        FUZZ_CHECK(std::string_view(back.get(), static_cast<std::size_t>(length)) == text);
    }
    FUZZ_CHECK(percent.view().find_first_of("&=+#?/{} \r\n\"'<>") == std::string_view::npos);

    Secret json("\"");
    append_json_escaped(json, text);
    json.append('"');
    const auto read = json_scalar_at(json.view(), "");
    FUZZ_CHECK(read);
    FUZZ_CHECK(!is_utf8(text) || *read == text);

    Secret xml;
    append_xml_escaped(xml, text);
    FUZZ_CHECK(is_utf8(xml.view()));
    FUZZ_CHECK(xml.view().find_first_of("<>\"'\r\n\t") == std::string_view::npos);

    const Secret encoded = base64(text);
    const auto decoded = mfa::test::decode_base64(encoded.view());
    FUZZ_CHECK(decoded && decoded->view() == text);
    if (const auto other = mfa::test::decode_base64(text))
        FUZZ_CHECK(base64(other->view()).view() == text);
}

void retry_after(std::string_view value, std::time_t now) {
    const auto after = parse_retry_after(value, now);
    FUZZ_CHECK(!after || (after->count() >= 0 && *after <= std::chrono::hours{24 * 7}));
}

void url(std::string_view text) {
    try {
        check_provider_url("url", text);
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view("HV024"));
        return;
    }
    FUZZ_CHECK(text.size() <= max_url_bytes);
    const std::unique_ptr<CURLU, void (*)(CURLU *)> handle(curl_url(), curl_url_cleanup);
    const auto part = [&](CURLUPart which) {
        char *value = nullptr;
        if (curl_url_get(handle.get(), which, &value, 0) != CURLUE_OK)
            return std::string();
        const std::unique_ptr<char, void (*)(void *)> owner(value, curl_free);
        return std::string(value);
    };
    FUZZ_CHECK(curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), 0) ==
               CURLUE_OK);
    FUZZ_CHECK(part(CURLUPART_USER).empty() && part(CURLUPART_PASSWORD).empty());
    FUZZ_CHECK(part(CURLUPART_FRAGMENT).empty() && part(CURLUPART_ZONEID).empty());
    const std::string host = part(CURLUPART_HOST);
    FUZZ_CHECK(!host.empty() && host.find_first_of("{}@%\\/ ") == std::string::npos);
    if (part(CURLUPART_SCHEME) == "https")
        return;
    FUZZ_CHECK(part(CURLUPART_SCHEME) == "http");
    std::string lower = host;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    FUZZ_CHECK(lower == "localhost" || lower == "[::1]" || lower.starts_with("127.") ||
               lower.starts_with("[0"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    const auto now = static_cast<std::time_t>(fields.number());
    retry_after(fields.next(), now);
    url(fields.next());
    try {
        check_proxy_url("proxy", fields.next());
    } catch (const Error &error) {
        FUZZ_CHECK(error.sqlstate() == std::string_view("HV024"));
    }
    escape(fields.rest());
    return 0;
}
