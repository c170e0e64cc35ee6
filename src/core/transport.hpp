// HTTP requests and mails in flight: one libcurl multi handle, driven by the owner's event loop. No thread of
// ours, no waiting: the owner waits for poll_fd() and timeout(), then calls turn().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/http.hpp"
#include "core/outcome.hpp"
#include "core/provider.hpp"

namespace mfa::core {

// How a request ended.
struct Completion {
    enum class Result {
        response,    // there is an answer; to a mail, a reply that ends it either way
        not_reached, // nothing of the request was written; a mail, not to its end
        interrupted  // it was written, at least in part, and no (whole) answer came
    };
    std::uint64_t tag = 0;
    Result result = Result::not_reached;
    HttpResponse response;
    std::string error; // libcurl's words for its error code; never the URL, never what was sent
};

// The outcome of a completion that has no answer to read.
Outcome outcome_without_response(const Completion &completion);

// Owned and used by one thread. TLS peers are always verified, redirects are not followed, only http
// and https are spoken (for a mail only smtp and smtps), answers are cut at max_response_bytes, no
// proxy but the option's is used, no .netrc is read.
class Transport {
  public:
    Transport();
    ~Transport();
    Transport(const Transport &) = delete;
    Transport &operator=(const Transport &) = delete;

    // A descriptor that is readable when turn() has something to do.
    int poll_fd() const noexcept;
    // The time after which turn() must be called all the same; negative: none.
    std::chrono::milliseconds timeout() const noexcept;

    // Starts a request; it ends by exactly one completion with that tag.
    void submit(std::uint64_t tag, HttpRequest request, const TransportOptions &options);
    // Does what can be done now without waiting, and appends what has ended.
    void turn(std::vector<Completion> &ended);

    std::size_t in_flight() const noexcept;

  private:
    class State;
    std::unique_ptr<State> state_;
};

} // namespace mfa::core
