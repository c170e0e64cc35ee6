#include "core/transport.hpp"

#include <algorithm>
#include <csignal>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "core/transfer.hpp"

namespace mfa::core {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_idle_handles = 1024;    // as many as mfa.max_in_flight may be
constexpr long most_kept_connections = 64 * 1024; // more than a process has descriptors

// libcurl's resolver runs in a thread of its own. It inherits the signal mask, so with all signals
// blocked while libcurl may start one, the host process' handlers never run in it.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

  private:
    sigset_t before_;
};

} // namespace

class Transport::State {
  public:
    State();
    ~State();
    State(const State &) = delete;
    State &operator=(const State &) = delete;

    void submit(std::uint64_t tag, HttpRequest request, const TransportOptions &options);
    void turn(std::vector<Completion> &ended);
    std::chrono::milliseconds timeout() const noexcept;

    SocketWatch watch;
    std::unordered_map<CURL *, std::unique_ptr<Transfer>> transfers;

  private:
    static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                         void *known) noexcept;
    static int on_timer(CURLM *multi, long timeout_ms, void *user) noexcept;
    void note_socket(CURL *easy, curl_socket_t socket, int what) noexcept;
    void add_submitted(std::vector<Completion> &ended);
    void action(curl_socket_t socket, int events);
    void collect(std::vector<Completion> &ended);
    Easy take_handle();

    CURLM *multi_ = nullptr;
    MailSockets mail_sockets_;
    std::vector<CURL *> submitted_; // libcurl has not got them yet
    std::vector<Easy> idle_;        // reset handles: a new one costs more than a request
    bool timer_set_ = false;
    Clock::time_point timer_{};
};

Transport::State::State() {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (global != CURLE_OK)
        fail_transport("libcurl did not start");
    multi_ = curl_multi_init();
    if (!multi_)
        throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

Transport::State::~State() {
    for (auto &[easy, transfer] : transfers)
        curl_multi_remove_handle(multi_, easy);
    transfers.clear();
    mail_sockets_.shut_down_all();
    curl_multi_cleanup(multi_);
}

int Transport::State::on_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                                void * /*known*/) noexcept {
    State &state = *static_cast<State *>(user);
    state.note_socket(easy, socket, what);
    if (what == CURL_POLL_REMOVE) {
        state.watch.ignore(socket);
        return 0;
    }
    const std::uint32_t events =
        ((what & CURL_POLL_IN) ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    return state.watch.wait_for(socket, events) ? 0 : -1;
}

// The resolver has a socket too; the connection's comes later.
void Transport::State::note_socket(CURL *easy, curl_socket_t socket, int what) noexcept {
    const auto found = transfers.find(easy);
    if (what == CURL_POLL_REMOVE || found == transfers.end() || !found->second->request.mail)
        return;
    found->second->socket = socket;
    mail_sockets_.set_busy(socket);
}

int Transport::State::on_timer(CURLM * /*multi*/, long timeout_ms, void *user) noexcept {
    State &state = *static_cast<State *>(user);
    state.timer_set_ = timeout_ms >= 0;
    if (state.timer_set_)
        state.timer_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return 0;
}

std::chrono::milliseconds Transport::State::timeout() const noexcept {
    if (!submitted_.empty())
        return std::chrono::milliseconds(0);
    if (!timer_set_)
        return std::chrono::milliseconds(-1);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timer_ - Clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

Easy Transport::State::take_handle() {
    if (!idle_.empty()) {
        Easy easy = std::move(idle_.back());
        idle_.pop_back();
        return easy;
    }
    Easy easy(curl_easy_init());
    if (!easy)
        throw std::bad_alloc();
    return easy;
}

void Transport::State::submit(std::uint64_t tag, HttpRequest request,
                              const TransportOptions &options) {
    mail_sockets_.shut_down_idle(Clock::now());
    // Makes libcurl evict no mail connection, which would be one more QUIT: see MailSockets.
    if (request.mail)
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, most_kept_connections);
    auto transfer = std::make_unique<Transfer>();
    transfer->tag = tag;
    transfer->request = std::move(request);
    transfer->easy = take_handle();
    prepare(*transfer, options, watch, mail_sockets_);
    CURL *easy = transfer->easy.get();
    submitted_.push_back(easy);
    transfers.emplace(easy, std::move(transfer));
}

void Transport::State::add_submitted(std::vector<Completion> &ended) {
    // First of all: later on there would be requests that nobody knew of any more.
    ended.reserve(ended.size() + submitted_.size());
    for (CURL *easy : std::exchange(submitted_, {})) {
        const CURLMcode code = curl_multi_add_handle(multi_, easy);
        if (code == CURLM_OK)
            continue;
        Completion &completion = ended.emplace_back();
        completion.tag = transfers.at(easy)->tag;
        completion.error = curl_multi_strerror(code);
        transfers.erase(easy);
    }
}

void Transport::State::action(curl_socket_t socket, int events) {
    int running = 0;
    if (curl_multi_socket_action(multi_, socket, events, &running) != CURLM_OK)
        fail_transport("the event loop failed");
}

void Transport::State::turn(std::vector<Completion> &ended) {
    std::span<const epoll_event> events;
    const SignalsBlocked blocked;
    add_submitted(ended);
    do {
        events = watch.ready();
        for (const epoll_event &event : events)
            if (watch.is_waited_for(event.data.fd))
                action(event.data.fd,
                       ((event.events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                           ((event.events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                           ((event.events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0));
        if (timer_set_ && timer_ <= Clock::now()) {
            timer_set_ = false; // libcurl sets it anew
            action(CURL_SOCKET_TIMEOUT, 0);
        }
    } while (events.size() == SocketWatch::most);
    collect(ended);
}

void Transport::State::collect(std::vector<Completion> &ended) {
    int left = 0;
    while (CURLMsg *message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        const CURLcode code = message->data.result; // `message` dies with the removal
        auto found = transfers.find(easy);
        const std::unique_ptr<Transfer> transfer = std::move(found->second);
        transfers.erase(found);
        curl_multi_remove_handle(multi_, easy);

        if (code == CURLE_OK && transfer->request.mail)
            mail_sockets_.set_idle(transfer->socket);
        ended.push_back(complete(*transfer, code));

        // A handle whose transfer failed is not used again: curl_easy_reset does not clear every failure
        // (a body that could not be rewound makes libcurl 8.14 fail each transfer after it).
        if (code == CURLE_OK && idle_.size() < max_idle_handles) {
            curl_easy_reset(easy);
            idle_.push_back(std::move(transfer->easy));
        }
    }
}

Outcome outcome_without_response(const Completion &completion) {
    Outcome outcome;
    outcome.verdict =
        completion.result == Completion::Result::not_reached ? Verdict::retry : Verdict::unknown;
    outcome.service = Service::down;
    outcome.error = completion.error;
    return outcome;
}

Transport::Transport() : state_(std::make_unique<State>()) {}
Transport::~Transport() = default;

int Transport::poll_fd() const noexcept { return state_->watch.poll_fd(); }
std::chrono::milliseconds Transport::timeout() const noexcept { return state_->timeout(); }
std::size_t Transport::in_flight() const noexcept { return state_->transfers.size(); }

void Transport::submit(std::uint64_t tag, HttpRequest request, const TransportOptions &options) {
    state_->submit(tag, std::move(request), options);
}

void Transport::turn(std::vector<Completion> &ended) { state_->turn(ended); }

} // namespace mfa::core
