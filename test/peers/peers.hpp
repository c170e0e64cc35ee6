// Real peers for the transport: programs in Python that run beside the test.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include "core/transport.hpp"

namespace mfa::test {

// A peer, started with a folder of its own; both go with the object.
class Peer {
  public:
    explicit Peer(const std::string &script); // from test/
    ~Peer();
    Peer(const Peer &) = delete;
    Peer &operator=(const Peer &) = delete;

    std::string port(const std::string &name) const;
    std::string file(const std::string &name) const { return folder_ + "/" + name; }
    // What came so far: the lines of one of its files.
    std::vector<nlohmann::json> records(const std::string &name) const;

  private:
    std::string folder_;
    pid_t pid_ = -1;
    nlohmann::json ports_;
};

// Runs a transport until one more request has ended, 30 s at most; tag 0 where none has.
core::Completion await(core::Transport &transport);
core::Completion run(core::Transport &transport, core::HttpRequest request,
                     const core::TransportOptions &options);

} // namespace mfa::test
