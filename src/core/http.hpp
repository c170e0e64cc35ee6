// HTTP, and mail, as plain values: what a provider builds and reads. No network here.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/secret.hpp"

namespace mfa::core {

// Makes the transport sign a request by AWS Signature Version 4. A session token is a header of the
// request, x-amz-security-token.
struct AwsSigning {
    std::string region;
    std::string service;
    Secret access_key_id;
    Secret secret_access_key;
};

// Makes a request a mail: its URL is smtp or smtps, its body the whole message (RFC 5322), and method
// and headers mean nothing. The addresses are bare, as is_mail_address() wants them.
struct MailEnvelope {
    Secret from;
    Secret to;
    Secret user; // empty: no log-in
    Secret password;
};

struct HttpRequest {
    std::string method = "POST";
    Secret url;                  // a gateway may want the code or its token in it
    std::vector<Secret> headers; // whole lines, "Name: value"; may carry credentials
    Secret body;                 // empty: none
    bool may_repeat = false; // where a kept connection breaks, libcurl may send it again by itself
    std::optional<AwsSigning> signing = std::nullopt;
    std::optional<MailEnvelope> mail = std::nullopt;
};

struct HttpResponse {
    long status = 0;  // of a mail: the code of the server's last reply (RFC 5321, 4.2)
    std::string body; // at most max_response_bytes; of a mail: the last line of that reply
    std::optional<std::chrono::seconds> retry_after;
    std::optional<std::time_t> date = std::nullopt; // the server's clock
};

inline constexpr std::size_t max_response_bytes = 64 * 1024;

// application/x-www-form-urlencoded and URL components: everything but RFC 3986's unreserved
// characters as %XX (a space is %20, which both read).
void append_percent_encoded(Secret &out, std::string_view text);
// The inside of a JSON string (RFC 8259), and of XML 1.0 text or attribute. Bytes that are no UTF-8,
// and in XML the characters that it can't hold, become U+FFFD: the result is always well-formed.
void append_json_escaped(Secret &out, std::string_view text);
void append_xml_escaped(Secret &out, std::string_view text);

// A form body, fields in the order they are added.
class FormBody {
  public:
    FormBody &add(std::string_view name, std::string_view value);
    Secret take() { return std::move(body_); }

  private:
    Secret body_;
};

Secret base64(std::string_view bytes);

// "Authorization: Basic …" (RFC 7617).
Secret basic_auth_header(std::string_view user, std::string_view password);

// The seconds of a Retry-After header's value: delta-seconds or an HTTP date (RFC 9110, 10.2.3),
// clamped to 0..7 days; nothing where it is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::time_t now);

// An HTTP date in one of the three forms (RFC 9110, 5.6.7); nothing where it is none.
std::optional<std::time_t> parse_http_date(std::string_view value, std::time_t now);

inline constexpr std::size_t max_url_bytes = 2048;

// A URL that mfa may call: https, or http to a loopback host (127.0.0.0/8, [::1], localhost); no
// user information, no fragment, printable ASCII, at most max_url_bytes. Braces may stand anywhere
// behind the host. core::Error HV024 that names the option otherwise; the message shows the URL's
// scheme and host only.
void check_provider_url(std::string_view option, std::string_view url);

// A mail server that mfa may send to: smtps, or smtp, which is made safe by STARTTLS; nothing behind
// the port but, if wanted, the name to greet the server with.
void check_mail_server_url(std::string_view option, std::string_view url);

// Whether a URL's host is one of the loopback hosts above.
bool is_loopback_url(std::string_view url);

// The same for a proxy: http, https, socks5 or socks5h, to any host, with nothing behind the port.
void check_proxy_url(std::string_view option, std::string_view url);

} // namespace mfa::core
