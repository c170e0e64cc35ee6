// One request in flight, as libcurl sees it: its options, its callbacks, and what they gather. The
// transport owns transfers, and drives them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <curl/curl.h>

#include "core/http.hpp"
#include "core/mail_sockets.hpp"
#include "core/provider.hpp"
#include "core/socket_watch.hpp"
#include "core/transport.hpp"

namespace mfa::core {

struct EasyDeleter {
    void operator()(CURL *easy) const noexcept { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct HeaderListDeleter {
    void operator()(curl_slist *list) const noexcept; // wipes: it may carry credentials
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;

// Its address is libcurl's handle to it: it never moves.
struct Transfer {
    Easy easy;
    std::uint64_t tag = 0;
    HttpRequest request;
    std::size_t body_read = 0; // mail: of it
    bool tried = false;        // HTTP: there was a connection to write the request to
    HeaderList headers;
    HttpResponse response;
    std::size_t header_bytes = 0;
    bool cut = false;             // the answer was larger than is read
    bool over = false;            // mail: libcurl has said QUIT
    int socket = CURL_SOCKET_BAD; // mail: the one that libcurl has waited for last
};

[[noreturn]] void fail_transport(const char *what);

// Gives libcurl all that it has to know of the request. core::Error XX000 where it refuses, 22023 for
// an envelope with what is no mail address.
void prepare(Transfer &transfer, const TransportOptions &options, SocketWatch &watch,
             MailSockets &mail_sockets);

// What became of it, by libcurl's code for that.
Completion complete(Transfer &transfer, CURLcode code);

// Whether mail to that URL goes by TLS or not at all. To a loopback host it goes in plain text, since
// servers there seldom have a certificate that can be verified, unless the option ca_file says that
// this one has. A proxy's loopback host is not ours.
bool mail_requires_tls(std::string_view url, const TransportOptions &options);

} // namespace mfa::core
