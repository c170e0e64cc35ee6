// The sockets of connections to mail servers.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include <curl/curl.h>

namespace mfa::core {

// The sockets of mail connections, from their making to their end.
//
// libcurl says QUIT before it closes such a connection, and waits for the answer: up to two minutes,
// in which the owner's loop stands still (lib/smtp.c, smtp_disconnect; 7.88 to 8.22). A socket that is
// shut down before has nothing to wait for.
class MailSockets {
  public:
    using Clock = std::chrono::steady_clock;

    // Makes libcurl open and close a transfer's sockets here.
    void look_after(CURL *easy);
    void set_busy(int socket) noexcept;
    void set_idle(int socket) noexcept;
    // Those that the server has left, and those that are old: before libcurl finds them too old itself,
    // after 118 s.
    void shut_down_idle(Clock::time_point now) noexcept;
    void shut_down_all() noexcept;
    // Whether a mail to that URL may go over a connection that was made for another. libcurl compares
    // neither whether it is safe nor by whose word: not where servers differ in that.
    bool may_reuse(const std::string &url, const std::string &ca_file, bool tls);

  private:
    static bool has_been_left(int socket) noexcept;
    static curl_socket_t on_open(void *user, curlsocktype purpose, curl_sockaddr *address) noexcept;
    static int on_close(void *user, curl_socket_t socket) noexcept;

    std::unordered_map<std::string, std::string> ways_;     // by URL; '': there are several
    std::unordered_map<int, Clock::time_point> idle_since_; // busy: never, time_point::max()
};

} // namespace mfa::core
