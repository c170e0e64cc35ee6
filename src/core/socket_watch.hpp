// The sockets that libcurl waits for, as one epoll set.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <curl/curl.h>
#include <sys/epoll.h>

namespace mfa::core {

// Between two requests over a connection that is kept, libcurl waits for nothing there. To take its socket
// out of the set and put it in again would be two system calls a request: it stays, until something happens
// that nobody waits for (the peer has closed it), or it is closed. For that, libcurl says here which sockets
// are connections, and has them closed here.
//
// Owned and used by one thread; its address is libcurl's handle to it.
class SocketWatch {
  public:
    SocketWatch(); // core::Error XX000 where the system has no more descriptors
    ~SocketWatch();
    SocketWatch(const SocketWatch &) = delete;
    SocketWatch &operator=(const SocketWatch &) = delete;

    // Makes libcurl tell of a transfer's connection here.
    void look_after(CURL *easy);

    // Readable when some socket that is waited for is ready.
    int poll_fd() const noexcept { return epoll_; }

    // From here on these events (EPOLLIN, EPOLLOUT) of the socket are waited for. False where the system
    // does not let us.
    bool wait_for(int socket, std::uint32_t events) noexcept;
    void ignore(int socket) noexcept;

    // What is ready now, without waiting; some of it, where it is `most`.
    static constexpr std::size_t most = 64;
    std::span<const epoll_event> ready() noexcept;
    // Whether it is one that is waited for. Others leave the set.
    bool is_waited_for(int socket) noexcept;

  private:
    struct Socket {
        bool is_connection = false;
        bool is_in_set = false;
        bool is_waited_for = false;
        std::uint32_t events = 0; // in the set
    };

    static int on_made(void *user, curl_socket_t socket, curlsocktype purpose) noexcept;
    static int on_close(void *user, curl_socket_t socket) noexcept;
    Socket &at(int socket); // may throw std::bad_alloc
    void take_out(int socket, Socket &known) noexcept;

    int epoll_;
    std::vector<Socket> sockets_; // by descriptor
    std::array<epoll_event, most> ready_{};
};

} // namespace mfa::core
