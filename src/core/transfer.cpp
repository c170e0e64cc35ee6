#include "core/transfer.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include "core/ascii.hpp"
#include "core/crypto.hpp"
#include "core/recipient.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr std::size_t max_reply_line = 512; // RFC 5321, 4.5.3.1.5

// libcurl is about to write the request: for the first time, or again because a kept connection broke before
// the answer came. What was written once may have been read, and is not written again.
int on_try(void *user, char * /*peer*/, char * /*own*/, int /*peer_port*/,
           int /*own_port*/) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    long written = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &written);
    transfer.tried = true;
    return written > 0 && !transfer.request.may_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

bool names_header(std::string_view line, std::string_view name) noexcept {
    if (line.size() <= name.size() || line[name.size()] != ':')
        return false;
    for (std::size_t i = 0; i < name.size(); ++i)
        if ((line[i] | 0x20) != name[i])
            return false;
    return true;
}

std::size_t on_read(char *buffer, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::string_view body = transfer.request.body.view();
    const std::size_t length = std::min(size * count, body.size() - transfer.body_read);
    std::memcpy(buffer, body.data() + transfer.body_read, length);
    transfer.body_read += length;
    return length;
}

std::size_t on_body(char *data, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::size_t length = size * count;
    const std::size_t room = max_response_bytes - transfer.response.body.size();
    try {
        transfer.response.body.append(data, std::min(length, room));
    } catch (...) {
        return 0;
    }
    transfer.cut = length > room;
    return transfer.cut ? 0 : length;
}

// False where the answer's headers, or a mail server's replies, are longer than is read.
bool has_room(Transfer &transfer, std::size_t length) noexcept {
    transfer.header_bytes += length;
    transfer.cut = transfer.cut || transfer.header_bytes > max_header_bytes;
    return !transfer.cut;
}

std::string_view without_line_end(const char *data, std::size_t length) noexcept {
    std::string_view line(data, length);
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

std::size_t on_header(char *data, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::size_t length = size * count;
    if (!has_room(transfer, length))
        return 0;
    constexpr std::string_view retry_after = "retry-after";
    constexpr std::string_view date = "date";
    const std::string_view line = without_line_end(data, length);
    const std::time_t now = std::time(nullptr);
    try {
        if (names_header(line, retry_after))
            transfer.response.retry_after =
                parse_retry_after(line.substr(retry_after.size() + 1), now);
        else if (names_header(line, date))
            transfer.response.date = parse_http_date(line.substr(date.size() + 1), now);
    } catch (...) {
        return 0;
    }
    return length;
}

// A line of a mail server's reply: "550-5.1.1 ..." has more to follow, "550 5.1.1 ..." is the last.
std::size_t on_reply(char *data, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::size_t length = size * count;
    if (!has_room(transfer, length))
        return 0;
    if (transfer.over)
        return length;
    const std::string_view line = without_line_end(data, length);
    try {
        transfer.response.body = line.substr(0, max_reply_line);
    } catch (...) {
        return 0;
    }
    return length;
}

// libcurl has just written QUIT, and would now wait for the answer: see MailSockets.
int on_sent(CURL * /*easy*/, curl_infotype type, char *data, std::size_t size,
            void *user) noexcept {
    if (type == CURLINFO_HEADER_OUT && std::string_view(data, size) == "QUIT\r\n") {
        Transfer &transfer = *static_cast<Transfer *>(user);
        transfer.over = true;
        ::shutdown(transfer.socket, SHUT_RD);
    }
    return 0;
}

constexpr bool is_control_byte(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

template <class Value> void set(CURL *easy, CURLoption option, Value value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK)
        fail_transport("an option was refused");
}

// libcurl copies it.
void set_text(CURL *easy, CURLoption option, const Secret &text) {
    Secret terminated = text;
    terminated.append('\0');
    set(easy, option, terminated.view().data());
}

void add_header(HeaderList &list, std::string_view line) {
    Secret terminated(line);
    terminated.append('\0');
    curl_slist *longer = curl_slist_append(list.get(), terminated.view().data());
    if (!longer)
        throw std::bad_alloc();
    (void) list.release(); // libcurl answers the head of the same list
    list.reset(longer);
}

// What every request has in common.
void set_common(Transfer &transfer, const TransportOptions &options) {
    CURL *easy = transfer.easy.get();
    set(easy, CURLOPT_PRIVATE, static_cast<void *>(&transfer));
    set_text(easy, CURLOPT_URL, transfer.request.url);
    set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A resolver thread that hangs is left behind, not waited for: the owner's loop must go on.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty())
        set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    set(easy, CURLOPT_PROXY, options.proxy.c_str()); // "" also shuts out the environment's
    set(easy, CURLOPT_NOPROXY, "");                  // and this its NO_PROXY
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_WRITEFUNCTION, on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void *>(&transfer));
    set(easy, CURLOPT_HEADERDATA, static_cast<void *>(&transfer));
}

// libcurl signs the hash that a header has, rather than what it takes for the body. It (7.88) also signs every
// header of the list, those that are empty and so not sent included.
void set_signing(Transfer &transfer, const AwsSigning &signing) {
    CURL *easy = transfer.easy.get();
    set(easy, CURLOPT_AWS_SIGV4, ("aws:amz:" + signing.region + ":" + signing.service).c_str());
    set_text(easy, CURLOPT_USERNAME, signing.access_key_id);
    set_text(easy, CURLOPT_PASSWORD, signing.secret_access_key);

    Secret header("x-amz-content-sha256: ");
    header.append(crypto::sha256_hex(transfer.request.body.view()));
    add_header(transfer.headers, header.view());
}

void set_http(Transfer &transfer, const TransportOptions &options) {
    CURL *easy = transfer.easy.get();
    const HttpRequest &request = transfer.request;
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    // Not 2: libcurl goes on using a connection of it on which requests have timed out, and every
    // further one times out there too.
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (!options.proxy.empty() && is_loopback_url(request.url.view()))
        set(easy, CURLOPT_PROXY, ""); // a proxy's loopback host is another one
    set(easy, CURLOPT_USERAGENT, "mfa (PostgreSQL)");
    set(easy, CURLOPT_HEADERFUNCTION, on_header);

    set(easy, CURLOPT_PREREQFUNCTION, on_try);
    set(easy, CURLOPT_PREREQDATA, static_cast<void *>(&transfer));
    // Not by callback: libcurl would write headers and body apart, and the provider read them apart.
    const bool has_body = request.method != "GET";
    if (has_body) {
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(easy, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.view().data());
        if (request.method != "POST")
            set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
        set(easy, CURLOPT_HTTPGET, 1L);
    }
    for (const Secret &line : request.headers) {
        const std::string_view text = line.view();
        if (std::any_of(text.begin(), text.end(), is_control_byte))
            throw Error(sqlstate::invalid_parameter_value,
                        "a header of the request has a control character");
        add_header(transfer.headers, text);
    }
    if (request.signing)
        set_signing(transfer, *request.signing);
    else if (has_body)
        add_header(transfer.headers, "Expect:"); // no 100-continue: a round trip for nothing
    set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
}

void set_mail(Transfer &transfer, const TransportOptions &options, MailSockets &sockets) {
    CURL *easy = transfer.easy.get();
    const HttpRequest &request = transfer.request;
    const MailEnvelope &mail = *request.mail;
    // libcurl writes them into its commands as they are.
    if (!is_mail_address(mail.from.view()) || !is_mail_address(mail.to.view()))
        throw Error(sqlstate::invalid_parameter_value,
                    "the sender or the recipient of a mail is no mail address");
    set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(easy, CURLOPT_USE_SSL,
        static_cast<long>(mail_requires_tls(request.url.view(), options) ? CURLUSESSL_ALL
                                                                         : CURLUSESSL_NONE));
    set_text(easy, CURLOPT_MAIL_FROM, mail.from);
    add_header(transfer.headers, mail.to.view()); // the same list, of what else mail has none of
    set(easy, CURLOPT_MAIL_RCPT, transfer.headers.get());
    if (!mail.user.empty()) {
        set_text(easy, CURLOPT_USERNAME, mail.user);
        set_text(easy, CURLOPT_PASSWORD, mail.password);
        // Not what else a server may offer: Kerberos and NTLM fail where the machine has no account.
        set(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    }
    set(easy, CURLOPT_UPLOAD, 1L);
    set(easy, CURLOPT_READFUNCTION, on_read);
    set(easy, CURLOPT_READDATA, static_cast<void *>(&transfer));
    set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_HEADERFUNCTION, on_reply);
    set(easy, CURLOPT_VERBOSE, 1L); // to on_sent alone
    set(easy, CURLOPT_DEBUGFUNCTION, on_sent);
    set(easy, CURLOPT_DEBUGDATA, static_cast<void *>(&transfer));
    sockets.look_after(easy);
    if (!sockets.may_reuse(std::string(request.url.view()), options.ca_file,
                           mail_requires_tls(request.url.view(), options))) {
        set(easy, CURLOPT_FRESH_CONNECT, 1L);
        set(easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

// A mail that was not written to its end was not sent: the server waits for the line with the dot.
// libcurl writes that only behind the last byte it has read. A reply of 4yz or 5yz ends the mail.
Completion::Result result_of_mail(const Transfer &transfer, CURLcode code, long status) {
    const bool answered =
        code == CURLE_OK || (status >= 400 && code != CURLE_OPERATION_TIMEDOUT && !transfer.cut);
    if (answered)
        return Completion::Result::response;
    return transfer.body_read < transfer.request.body.size() ? Completion::Result::not_reached
                                                             : Completion::Result::interrupted;
}

Completion::Result result_of_http(const Transfer &transfer, CURLcode code, long status) {
    if (code == CURLE_OK || (transfer.cut && status != 0))
        return Completion::Result::response;
    // Before TLS is made, only a proxy has read something.
    if (!transfer.tried)
        return Completion::Result::not_reached;
    long written = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &written);
    return written > 0 ? Completion::Result::interrupted : Completion::Result::not_reached;
}

} // namespace

void HeaderListDeleter::operator()(curl_slist *list) const noexcept {
    for (curl_slist *item = list; item; item = item->next)
        OPENSSL_cleanse(item->data, std::strlen(item->data));
    curl_slist_free_all(list);
}

void fail_transport(const char *what) {
    throw Error(sqlstate::internal_error, std::string("could not set up the HTTP client: ") + what);
}

bool mail_requires_tls(std::string_view url, const TransportOptions &options) {
    return !options.proxy.empty() || !options.ca_file.empty() || !is_loopback_url(url);
}

void prepare(Transfer &transfer, const TransportOptions &options, SocketWatch &watch,
             MailSockets &mail_sockets) {
    set_common(transfer, options);
    if (transfer.request.mail) {
        set_mail(transfer, options, mail_sockets);
    } else {
        set_http(transfer, options);
        watch.look_after(transfer.easy.get());
    }
}

Completion complete(Transfer &transfer, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    Completion completion;
    completion.tag = transfer.tag;
    completion.result = transfer.request.mail ? result_of_mail(transfer, code, status)
                                              : result_of_http(transfer, code, status);
    if (completion.result == Completion::Result::response) {
        completion.response = std::move(transfer.response);
        completion.response.status = status;
    } else {
        // Only on_try ends one so.
        completion.error = code == CURLE_ABORTED_BY_CALLBACK
                               ? "The connection broke before the answer came"
                               : curl_easy_strerror(code);
    }
    return completion;
}

} // namespace mfa::core
