#include "core/mail_sockets.hpp"

#include <array>

#include <sys/socket.h>
#include <unistd.h>

namespace mfa::core {

namespace {

constexpr std::chrono::seconds longest_idle{60};

} // namespace

void MailSockets::look_after(CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, static_cast<void *>(this));
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, static_cast<void *>(this));
}

curl_socket_t MailSockets::on_open(void *user, curlsocktype /*purpose*/,
                                   curl_sockaddr *address) noexcept {
    const int socket =
        ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket < 0)
        return CURL_SOCKET_BAD;
    try {
        static_cast<MailSockets *>(user)->idle_since_.insert_or_assign(socket,
                                                                       Clock::time_point::max());
    } catch (...) {
        ::close(socket);
        return CURL_SOCKET_BAD;
    }
    return socket;
}

int MailSockets::on_close(void *user, curl_socket_t socket) noexcept {
    static_cast<MailSockets *>(user)->idle_since_.erase(socket);
    return ::close(socket);
}

void MailSockets::set_busy(int socket) noexcept {
    if (const auto found = idle_since_.find(socket); found != idle_since_.end())
        found->second = Clock::time_point::max();
}

void MailSockets::set_idle(int socket) noexcept {
    if (const auto found = idle_since_.find(socket); found != idle_since_.end())
        found->second = Clock::now();
}

void MailSockets::shut_down_idle(Clock::time_point now) noexcept {
    for (const auto &[socket, since] : idle_since_)
        if (since != Clock::time_point::max() &&
            (has_been_left(socket) || now - since > longest_idle))
            ::shutdown(socket, SHUT_RDWR);
}

// What a server says unasked is good-bye. libcurl 7.88 would read it as the answer to the next mail, also
// from a socket that is shut down: so it is taken out of the way.
bool MailSockets::has_been_left(int socket) noexcept {
    constexpr int most_reads = 64;
    std::array<char, 512> said{};
    bool left = false;
    for (int i = 0; i < most_reads; ++i) {
        const ssize_t length = ::recv(socket, said.data(), said.size(), MSG_DONTWAIT);
        if (length < 0)
            break;
        left = true;
        if (length == 0)
            break;
    }
    return left;
}

bool MailSockets::may_reuse(const std::string &url, const std::string &ca_file, bool tls) {
    const std::string way = (tls ? "tls " : "plain ") + ca_file;
    const auto [found, is_new] = ways_.try_emplace(url, way);
    if (!is_new && found->second != way)
        found->second.clear(); // from here on, each mail there has a connection of its own
    return !found->second.empty();
}

void MailSockets::shut_down_all() noexcept {
    for (const auto &[socket, since] : idle_since_)
        ::shutdown(socket, SHUT_RDWR);
}

} // namespace mfa::core
