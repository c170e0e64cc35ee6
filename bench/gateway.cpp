// A provider that is no limit: answers SignalWire's requests at once, or after a fixed delay, each with
// an id of its own. One thread, epoll, HTTP/1.1 with kept connections, TLS where it has a certificate.
// It believes what it is sent: what a provider may do besides is test/gateway's.
//
//   gateway PORT_FILE [CERTIFICATE KEY]
//
//   GET /reset?MILLISECONDS   forgets what arrived; answers take that long from now on
//   GET /arrivals             a line each: id, microseconds since 1970 at which its last byte was read
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr std::size_t most_arrivals = 4'000'000;
constexpr std::size_t longest_request = 64 * 1024;

[[noreturn]] void die(const char *what) {
    std::perror(what);
    std::exit(1);
}

std::int64_t microseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

struct SslDeleter {
    void operator()(SSL *ssl) const { SSL_free(ssl); }
};

// Never blocks to read; waits to write, which a client that reads its answers makes short.
class Connection {
  public:
    Connection(int socket, SSL_CTX *context) : socket_(socket) {
        if (!context)
            return;
        ssl_.reset(SSL_new(context));
        SSL_set_fd(ssl_.get(), socket);
        SSL_set_accept_state(ssl_.get());
    }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection() { ::close(socket_); }

    // Reads what is there; false at its end.
    bool read_all() {
        char buffer[16 * 1024];
        while (input_.size() <= longest_request) {
            const long length = ssl_ ? SSL_read(ssl_.get(), buffer, sizeof(buffer))
                                     : ::recv(socket_, buffer, sizeof(buffer), 0);
            if (length <= 0)
                return must_wait(length);
            input_.append(buffer, static_cast<std::size_t>(length));
        }
        return false;
    }

    // The next request that is complete, without its body; empty where there is none.
    std::string take_request() {
        const std::size_t end = input_.find("\r\n\r\n");
        if (end == std::string::npos)
            return {};
        constexpr std::string_view name = "Content-Length: ";
        const std::size_t header = input_.find(name);
        const std::size_t body =
            header < end ? std::strtoul(input_.c_str() + header + name.size(), nullptr, 10) : 0;
        if (input_.size() < end + 4 + body)
            return {};
        std::string head = input_.substr(0, end);
        input_.erase(0, end + 4 + body);
        return head;
    }

    bool answer(const char *status, const std::string &body) {
        std::string text =
            std::string("HTTP/1.1 ") + status +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body;
        std::size_t written = 0;
        while (written < text.size()) {
            const long length =
                ssl_ ? SSL_write(ssl_.get(), text.data() + written,
                                 static_cast<int>(text.size() - written))
                     : ::send(socket_, text.data() + written, text.size() - written, MSG_NOSIGNAL);
            if (length > 0) {
                written += static_cast<std::size_t>(length);
                continue;
            }
            pollfd wait{socket_, POLLOUT, 0};
            if (!must_wait(length) || ::poll(&wait, 1, 10'000) != 1)
                return false;
        }
        return true;
    }

  private:
    bool must_wait(long result) const {
        if (!ssl_)
            return result < 0 && errno == EAGAIN;
        const int error = SSL_get_error(ssl_.get(), static_cast<int>(result));
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }

    int socket_;
    std::unique_ptr<SSL, SslDeleter> ssl_;
    std::string input_;
};

class Gateway {
  public:
    Gateway(int listener, SSL_CTX *context)
        : listener_(listener), context_(context), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        watch(listener);
    }

    [[noreturn]] void run() {
        epoll_event events[256];
        for (;;) {
            const int count = ::epoll_wait(epoll_, events, 256, next_wait());
            for (int i = 0; i < count; ++i) {
                if (events[i].data.fd == listener_)
                    accept_all();
                else
                    serve(events[i].data.fd);
            }
            answer_due();
        }
    }

  private:
    // A new connection may have got the number of one that was closed: `id` tells.
    struct Answer {
        std::int64_t due;
        int socket;
        std::uint64_t id;
        std::string body;
    };
    struct Peer {
        std::uint64_t id;
        std::unique_ptr<Connection> connection;
    };
    struct Arrival {
        std::string sid;
        std::int64_t at;
    };

    void watch(int socket) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0)
            die("epoll_ctl");
    }

    void accept_all() {
        int socket;
        while ((socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
               0) {
            const int on = 1;
            ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            peers_[socket] = {next_id_++, std::make_unique<Connection>(socket, context_)};
            watch(socket);
        }
    }

    void serve(int socket) {
        Peer &peer = peers_.at(socket);
        bool open = peer.connection->read_all();
        for (std::string head; open && !(head = peer.connection->take_request()).empty();) {
            if (head.starts_with("POST "))
                open = arrived(socket, peer);
            else
                open = control(head, *peer.connection);
        }
        if (!open)
            peers_.erase(socket);
    }

    bool arrived(int socket, Peer &peer) {
        char sid[40];
        std::snprintf(sid, sizeof(sid), "SM%032llx", static_cast<unsigned long long>(++count_));
        if (arrivals_.size() < most_arrivals)
            arrivals_.push_back({sid, microseconds(CLOCK_REALTIME)});
        std::string body = std::string("{\"sid\": \"") + sid +
                           "\", \"status\": \"queued\", \"direction\": \"outbound-api\", "
                           "\"num_segments\": 1, \"num_media\": 0, \"error_code\": null, "
                           "\"error_message\": null, \"price\": null, \"price_unit\": \"USD\", "
                           "\"api_version\": \"2010-04-01\"}";
        if (delay_ == 0)
            return peer.connection->answer("201 Created", body);
        answers_.push_back(
            {microseconds(CLOCK_MONOTONIC) + delay_, socket, peer.id, std::move(body)});
        return true;
    }

    bool control(const std::string &head, Connection &connection) {
        constexpr std::string_view reset = "GET /reset?";
        std::string body;
        if (head.starts_with(reset)) {
            delay_ = std::strtol(head.c_str() + reset.size(), nullptr, 10) * 1000;
            arrivals_.clear();
        } else {
            for (const Arrival &arrival : arrivals_)
                body += arrival.sid + " " + std::to_string(arrival.at) + "\n";
        }
        return connection.answer("200 OK", body);
    }

    // All take equally long, so they are due in the order in which they came.
    void answer_due() {
        const std::int64_t now = microseconds(CLOCK_MONOTONIC);
        for (; !answers_.empty() && answers_.front().due <= now; answers_.pop_front()) {
            const Answer &answer = answers_.front();
            const auto peer = peers_.find(answer.socket);
            if (peer != peers_.end() && peer->second.id == answer.id &&
                !peer->second.connection->answer("201 Created", answer.body))
                peers_.erase(peer);
        }
    }

    int next_wait() const {
        if (answers_.empty())
            return -1;
        const std::int64_t left = answers_.front().due - microseconds(CLOCK_MONOTONIC);
        return left <= 0 ? 0 : static_cast<int>((left + 999) / 1000);
    }

    int listener_;
    SSL_CTX *context_;
    int epoll_;
    std::unordered_map<int, Peer> peers_;
    std::uint64_t next_id_ = 0;
    std::uint64_t count_ = 0;
    std::int64_t delay_ = 0;
    std::vector<Arrival> arrivals_;
    std::deque<Answer> answers_;
};

int listen_on_loopback(const std::string &port_file) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto *name = reinterpret_cast<sockaddr *>(&address);
    if (::bind(listener, name, length) != 0 || ::listen(listener, 4096) != 0 ||
        ::getsockname(listener, name, &length) != 0)
        die("listen");
    const std::string written = port_file + ".new"; // who waits for it sees all of it
    FILE *file = std::fopen(written.c_str(), "w");
    if (!file || std::fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 ||
        std::fclose(file) != 0 || std::rename(written.c_str(), port_file.c_str()) != 0)
        die(port_file.c_str());
    return listener;
}

SSL_CTX *load_certificate(const char *certificate, const char *key) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die(certificate);
    return context;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2 && argc != 4) {
        std::fprintf(stderr, "usage: gateway PORT_FILE [CERTIFICATE KEY]\n");
        return 2;
    }
    SSL_CTX *context = argc == 4 ? load_certificate(argv[2], argv[3]) : nullptr;
    Gateway(listen_on_loopback(argv[1]), context).run();
}
