#include "core/socket_watch.hpp"

#include <array>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/transfer.hpp"

namespace mfa::core {
namespace {

// A socket, and its peer. A connection is made and closed as libcurl makes and closes one.
class Pair {
  public:
    Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
    Pair(const Pair &) = delete;
    Pair &operator=(const Pair &) = delete;
    ~Pair() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    int socket() const { return ends_[0]; }
    void say() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }

  private:
    std::array<int, 2> ends_{};
};

std::vector<int> ready(SocketWatch &watch) {
    std::vector<int> sockets;
    for (const epoll_event &event : watch.ready())
        if (watch.is_waited_for(event.data.fd))
            sockets.push_back(event.data.fd);
    return sockets;
}

TEST(SocketWatch, TellsWhatIsWaitedForAndReady) {
    SocketWatch watch;
    const Pair pair;
    EXPECT_TRUE(watch.wait_for(pair.socket(), EPOLLIN));
    EXPECT_TRUE(ready(watch).empty());
    pair.say();
    EXPECT_EQ(ready(watch), std::vector{pair.socket()});
    EXPECT_EQ(ready(watch), std::vector{pair.socket()}) << "as long as it is";
}

TEST(SocketWatch, WaitsForOtherEventsWhenTold) {
    SocketWatch watch;
    const Pair pair;
    watch.wait_for(pair.socket(), EPOLLIN);
    watch.wait_for(pair.socket(), EPOLLIN | EPOLLOUT);
    EXPECT_EQ(ready(watch), std::vector{pair.socket()});
    watch.wait_for(pair.socket(), EPOLLIN);
    EXPECT_TRUE(ready(watch).empty());
}

// Also where nobody told that a socket of that number was closed: one that is none of a connection.
TEST(SocketWatch, WhatIsIgnoredCanBeWaitedForAgain) {
    SocketWatch watch;
    int number = -1;
    for (int i = 0; i < 2; ++i) {
        const Pair pair;
        number = number < 0 ? pair.socket() : number;
        ASSERT_EQ(pair.socket(), number);
        EXPECT_TRUE(watch.wait_for(pair.socket(), EPOLLIN));
        pair.say();
        EXPECT_EQ(ready(watch), std::vector{pair.socket()});
        watch.ignore(pair.socket());
        EXPECT_TRUE(ready(watch).empty());
    }
}

TEST(SocketWatch, MayBeToldToIgnoreWhatItDoesNotKnow) {
    SocketWatch watch;
    watch.ignore(1000);
    EXPECT_TRUE(ready(watch).empty());
}

} // namespace
} // namespace mfa::core
