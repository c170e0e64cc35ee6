#include "peers.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mfa::test {

Peer::Peer(const std::string &script) {
    std::string name = (std::filesystem::temp_directory_path() / "mfa_peer.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("no folder for a peer");
    folder_ = name;
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0)
        throw std::runtime_error("no pipe for a peer");
    const std::string path = std::string(MFA_TEST_FOLDER "/") + script;
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(pipe[1], STDOUT_FILENO);
        if (::freopen(file("log").c_str(), "w", stderr) == nullptr)
            ::_exit(127);
        ::execl("/usr/bin/python3", "python3", "-B", path.c_str(), folder_.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(pipe[1]);
    std::string line;
    for (char c = 0; ::read(pipe[0], &c, 1) == 1 && c != '\n';)
        line += c;
    ::close(pipe[0]);
    ports_ = nlohmann::json::parse(line, nullptr, false);
    if (ports_.is_discarded())
        throw std::runtime_error("a peer did not start: " + script);
}

Peer::~Peer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string Peer::port(const std::string &name) const {
    return std::to_string(ports_.at(name).get<int>());
}

std::vector<nlohmann::json> Peer::records(const std::string &name) const {
    std::vector<nlohmann::json> records;
    std::ifstream in(file(name));
    for (std::string line; std::getline(in, line);)
        records.push_back(nlohmann::json::parse(line));
    return records;
}

core::Completion await(core::Transport &transport) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::vector<core::Completion> ended;
    while (ended.empty() && std::chrono::steady_clock::now() < end) {
        const auto timeout = transport.timeout();
        pollfd waiting{transport.poll_fd(), POLLIN, 0};
        ::poll(&waiting, 1,
               timeout.count() < 0 || timeout.count() > 1000 ? 1000
                                                             : static_cast<int>(timeout.count()));
        transport.turn(ended);
    }
    return ended.empty() ? core::Completion{} : std::move(ended.front());
}

core::Completion run(core::Transport &transport, core::HttpRequest request,
                     const core::TransportOptions &options) {
    static std::uint64_t tag = 0;
    transport.submit(++tag, std::move(request), options);
    return await(transport);
}

} // namespace mfa::test
