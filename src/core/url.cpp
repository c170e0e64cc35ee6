// Which URLs may be called. Read by libcurl's own parser, which is the one that will connect: two
// parsers that disagree about where the host ends are how a check is got around.
#include <algorithm>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <curl/curl.h>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/http.hpp"

namespace mfa::core {

namespace {

struct UrlDeleter {
    void operator()(CURLU *url) const noexcept { curl_url_cleanup(url); }
};
struct CurlDeleter {
    void operator()(char *text) const noexcept { curl_free(text); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

std::string part(CURLU *url, CURLUPart which) {
    char *text = nullptr;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK)
        return {};
    const std::unique_ptr<char, CurlDeleter> owner(text);
    return text;
}

// What is checked of every URL, and its parts.
struct Url {
    std::string scheme;
    std::string host; // an IPv6 address in brackets
    std::string path;
    std::string query;
};

[[noreturn]] void refuse(std::string_view option, std::string_view what, std::string hint = {}) {
    throw Error(sqlstate::fdw_invalid_attribute_value,
                "option \"" + std::string(option) + "\" " + std::string(what), std::move(hint));
}

// RFC 3986, 3.1.
bool is_scheme(std::string_view text) {
    return !text.empty() && is_alpha(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

Url parse(std::string_view option, std::string_view text, const char *example) {
    const std::string form = "The form is " + std::string(example) + ".";
    if (text.size() > max_url_bytes)
        refuse(option, "is " + std::to_string(text.size()) + " bytes long, at most " +
                           std::to_string(max_url_bytes) + " are allowed");
    if (!std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && is_printable(c) && c != '\\'; }))
        refuse(
            option, "must be a URL of printable ASCII characters without spaces or backslashes",
            "Percent-encode other characters; write an international host name in its xn-- form.");
    if (text.find('#') != std::string_view::npos)
        refuse(option, "must not have a fragment", "Leave out '#' and what follows it.");

    // libcurl takes one slash for two: in https:/a/?x=://b it connects to a.
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos || !is_scheme(text.substr(0, scheme_end)))
        refuse(option, "must be a URL with a scheme and a host", form);
    std::string_view authority = text.substr(scheme_end + 3);
    authority = authority.substr(0, authority.find_first_of("/?"));
    if (authority.empty()) // libcurl would look for the host behind a third slash
        refuse(option, "must be a URL with a scheme and a host", form);
    if (authority.find('@') != std::string_view::npos)
        refuse(option, "must not have a user or password in the URL",
               "Credentials belong in the user mapping.");
    if (authority.find('{') != std::string_view::npos ||
        authority.find('}') != std::string_view::npos)
        refuse(option, "must not have a placeholder in the host",
               "Placeholders may stand in the path and the query.");

    const UrlHandle handle(curl_url());
    if (!handle)
        throw std::bad_alloc();
    const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(),
                                        CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY)
        throw std::bad_alloc();
    if (code != CURLUE_OK)
        refuse(option, "is not a valid URL", form);
    Url url{part(handle.get(), CURLUPART_SCHEME), part(handle.get(), CURLUPART_HOST),
            part(handle.get(), CURLUPART_PATH), part(handle.get(), CURLUPART_QUERY)};
    // Percent-encoding, zone ids and the like have no place in a host that is meant to be one.
    const auto is_host_character = [](char c) {
        return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == ':' || c == '[' || c == ']';
    };
    if (url.host.empty() || !std::all_of(authority.begin(), authority.end(), is_host_character))
        refuse(option, "must have a plain host name or address", form);
    return url;
}

bool is_loopback(std::string_view host) {
    if (equal_ignoring_case(host, "localhost"))
        return true;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        in6_addr address{};
        const std::string inner(host.substr(1, host.size() - 2));
        return inet_pton(AF_INET6, inner.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
    }
    in_addr address{};
    return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 &&
           (ntohl(address.s_addr) >> 24) == 127;
}

} // namespace

void check_provider_url(std::string_view option, std::string_view text) {
    const Url url = parse(option, text, "https://host/path");
    if (url.scheme == "https" || (url.scheme == "http" && is_loopback(url.host)))
        return;
    refuse(option,
           "must be an https URL, or http to a loopback address, not \"" + url.scheme + "://" +
               url.host + "\"",
           "Use https, so that codes and credentials cannot be read on the way.");
}

void check_mail_server_url(std::string_view option, std::string_view text) {
    constexpr const char *form = "smtp://host:587 or smtps://host:465";
    const Url url = parse(option, text, form);
    if (url.scheme != "smtp" && url.scheme != "smtps")
        refuse(option, "must be a mail server's URL with scheme smtp or smtps",
               std::string("The form is ") + form + ".");
    std::string_view name = url.path;
    if (name.starts_with('/'))
        name.remove_prefix(1);
    if (!url.query.empty() || text.ends_with('?') ||
        !std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '.'; }))
        refuse(option, "must have nothing behind the port but the name of this machine",
               std::string("The form is ") + form + ".");
}

bool is_loopback_url(std::string_view url) {
    const UrlHandle handle(curl_url());
    if (!handle)
        throw std::bad_alloc();
    return curl_url_set(handle.get(), CURLUPART_URL, std::string(url).c_str(), 0) == CURLUE_OK &&
           is_loopback(part(handle.get(), CURLUPART_HOST));
}

void check_proxy_url(std::string_view option, std::string_view text) {
    const Url url = parse(option, text, "http://host:port");
    if (url.scheme != "http" && url.scheme != "https" && url.scheme != "socks5" &&
        url.scheme != "socks5h")
        refuse(option, "must be a proxy's URL with scheme http, https, socks5 or socks5h",
               "The form is http://host:port.");
    if ((!url.path.empty() && url.path != "/") || !url.query.empty())
        refuse(option, "must have nothing behind the host and port");
}

} // namespace mfa::core
