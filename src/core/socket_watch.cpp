#include "core/socket_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "core/transfer.hpp"

namespace mfa::core {

SocketWatch::SocketWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
        fail_transport(std::strerror(errno));
}

SocketWatch::~SocketWatch() { ::close(epoll_); }

void SocketWatch::look_after(CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_made);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, static_cast<void *>(this));
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, static_cast<void *>(this));
}

SocketWatch::Socket &SocketWatch::at(int socket) {
    const auto place = static_cast<std::size_t>(socket);
    if (place >= sockets_.size())
        sockets_.resize(place + 1);
    return sockets_[place];
}

int SocketWatch::on_made(void *user, curl_socket_t socket, curlsocktype /*purpose*/) noexcept {
    try {
        static_cast<SocketWatch *>(user)->at(socket) = {.is_connection = true};
        return CURL_SOCKOPT_OK;
    } catch (...) {
        return CURL_SOCKOPT_ERROR;
    }
}

int SocketWatch::on_close(void *user, curl_socket_t socket) noexcept {
    SocketWatch &watch = *static_cast<SocketWatch *>(user);
    if (static_cast<std::size_t>(socket) < watch.sockets_.size())
        watch.sockets_[static_cast<std::size_t>(socket)] = {}; // the system takes it out of the set
    return ::close(socket);
}

bool SocketWatch::wait_for(int socket, std::uint32_t events) noexcept {
    try {
        Socket &known = at(socket);
        if (!known.is_in_set || known.events != events) {
            epoll_event event{};
            event.events = events;
            event.data.fd = socket;
            const auto put = [&](int how) { return ::epoll_ctl(epoll_, how, socket, &event) == 0; };
            if (known.is_in_set ? !put(EPOLL_CTL_MOD) && !put(EPOLL_CTL_ADD)
                                : !put(EPOLL_CTL_ADD) && !put(EPOLL_CTL_MOD))
                return false;
        }
        known.is_in_set = known.is_waited_for = true;
        known.events = events;
        return true;
    } catch (...) {
        return false;
    }
}

void SocketWatch::ignore(int socket) noexcept {
    if (static_cast<std::size_t>(socket) >= sockets_.size())
        return;
    Socket &known = sockets_[static_cast<std::size_t>(socket)];
    known.is_waited_for = false;
    if (!known.is_connection)
        take_out(socket, known); // nobody tells when such a one is closed
}

void SocketWatch::take_out(int socket, Socket &known) noexcept {
    if (known.is_in_set)
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    known.is_in_set = false;
}

std::span<const epoll_event> SocketWatch::ready() noexcept {
    const int count = ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), 0);
    return {ready_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

bool SocketWatch::is_waited_for(int socket) noexcept {
    Socket &known = sockets_[static_cast<std::size_t>(socket)];
    if (!known.is_waited_for)
        take_out(socket, known);
    return known.is_waited_for;
}

} // namespace mfa::core
