#include "core/transport.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <unordered_map>

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/error.hpp"

namespace mfa::core {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr std::size_t max_idle_handles = 64;

struct EasyDeleter {
    void operator()(CURL *easy) const noexcept { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
    void operator()(curl_slist *list) const noexcept {
        for (curl_slist *item = list; item; item = item->next)
            OPENSSL_cleanse(item->data, std::strlen(item->data)); // may carry credentials
        curl_slist_free_all(list);
    }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

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

[[noreturn]] void fail(const char *what) {
    throw Error(sqlstate::internal_error, std::string("could not set up the HTTP client: ") + what);
}

// One request in flight. Its address is libcurl's handle to it: it never moves.
struct Transfer {
    Easy easy;
    std::uint64_t tag = 0;
    HttpRequest request;
    std::size_t body_read = 0;
    HeaderList headers;
    HttpResponse response;
    std::size_t header_bytes = 0;
    bool cut = false; // the answer was larger than is read
};

bool names_header(std::string_view line, std::string_view name) noexcept {
    if (line.size() <= name.size() || line[name.size()] != ':')
        return false;
    for (std::size_t i = 0; i < name.size(); ++i)
        if ((line[i] | 0x20) != name[i])
            return false;
    return true;
}

std::size_t on_read(char *buffer, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::string_view body = transfer.request.body.view();
    const std::size_t length = std::min(size * count, body.size() - transfer.body_read);
    std::memcpy(buffer, body.data() + transfer.body_read, length);
    transfer.body_read += length;
    return length;
}

std::size_t on_body(char *data, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::size_t length = size * count;
    const std::size_t room = max_response_bytes - transfer.response.body.size();
    try {
        transfer.response.body.append(data, std::min(length, room));
    } catch (...) {
        return 0;
    }
    transfer.cut = length > room;
    return transfer.cut ? 0 : length;
}

std::size_t on_header(char *data, std::size_t size, std::size_t count, void *user) noexcept {
    Transfer &transfer = *static_cast<Transfer *>(user);
    const std::size_t length = size * count;
    transfer.header_bytes += length;
    if (transfer.header_bytes > max_header_bytes) {
        transfer.cut = true;
        return 0;
    }
    constexpr std::string_view name = "retry-after";
    std::string_view line(data, length);
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    if (names_header(line, name)) {
        try {
            transfer.response.retry_after =
                parse_retry_after(line.substr(name.size() + 1), std::time(nullptr));
        } catch (...) {
            return 0;
        }
    }
    return length;
}

template <class Value> void set(CURL *easy, CURLoption option, Value value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK)
        fail("an option was refused");
}

void prepare(Transfer &transfer, const TransportOptions &options) {
    CURL *easy = transfer.easy.get();
    const HttpRequest &request = transfer.request;
    set(easy, CURLOPT_PRIVATE, static_cast<void *>(&transfer));
    Secret url = request.url;
    url.append('\0');
    set(easy, CURLOPT_URL, url.view().data()); // libcurl copies it
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A resolver thread that hangs is left behind, not waited for: the owner's loop must go on.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    if (!options.ca_file.empty())
        set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    set(easy, CURLOPT_PROXY, options.proxy.c_str()); // "" also shuts out the environment's
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_USERAGENT, "mfa (PostgreSQL)");

    // The body is read by callback and can't be rewound: where a kept connection breaks after part of
    // it was written, libcurl then reports the break, and does not post the message again by itself.
    const bool has_body = request.method != "GET";
    if (has_body) {
        set(easy, CURLOPT_POST, 1L);
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(easy, CURLOPT_READFUNCTION, on_read);
        set(easy, CURLOPT_READDATA, static_cast<void *>(&transfer));
        if (request.method != "POST")
            set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
        set(easy, CURLOPT_HTTPGET, 1L);
    }
    auto add_header = [&](std::string_view line) {
        curl_slist *longer = curl_slist_append(transfer.headers.get(), std::string(line).c_str());
        if (!longer)
            throw std::bad_alloc();
        (void) transfer.headers.release(); // libcurl answers the head of the same list
        transfer.headers.reset(longer);
    };
    for (const Secret &line : request.headers)
        add_header(line.view());
    if (has_body)
        add_header("Expect:"); // no 100-continue: a round trip for nothing
    set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());

    set(easy, CURLOPT_WRITEFUNCTION, on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void *>(&transfer));
    set(easy, CURLOPT_HEADERFUNCTION, on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void *>(&transfer));
}

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

    int epoll = -1;
    std::unordered_map<CURL *, std::unique_ptr<Transfer>> transfers;

  private:
    static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                         void *known) noexcept;
    static int on_timer(CURLM *multi, long timeout_ms, void *user) noexcept;
    void action(curl_socket_t socket, int events);
    void collect(std::vector<Completion> &ended);
    Easy take_handle();

    CURLM *multi_ = nullptr;
    std::vector<Easy> idle_; // reset handles: a new one costs more than a request
    bool timer_set_ = false;
    Clock::time_point timer_{};
};

Transport::State::State() {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (global != CURLE_OK)
        fail("libcurl did not start");
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail(std::strerror(errno));
    multi_ = curl_multi_init();
    if (!multi_) {
        ::close(epoll);
        throw std::bad_alloc();
    }
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

Transport::State::~State() {
    for (auto &[easy, transfer] : transfers)
        curl_multi_remove_handle(multi_, easy);
    transfers.clear();
    curl_multi_cleanup(multi_);
    ::close(epoll);
}

// Mirrors what libcurl waits for into the epoll set.
int Transport::State::on_socket(CURL * /*easy*/, curl_socket_t socket, int what, void *user,
                                void *known) noexcept {
    State &state = *static_cast<State *>(user);
    if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(state.epoll, EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.data.fd = socket;
    event.events =
        ((what & CURL_POLL_IN) ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    if (known && ::epoll_ctl(state.epoll, EPOLL_CTL_MOD, socket, &event) == 0)
        return 0;
    if (::epoll_ctl(state.epoll, EPOLL_CTL_ADD, socket, &event) != 0 &&
        ::epoll_ctl(state.epoll, EPOLL_CTL_MOD, socket, &event) != 0)
        return -1;
    curl_multi_assign(state.multi_, socket, &state);
    return 0;
}

int Transport::State::on_timer(CURLM * /*multi*/, long timeout_ms, void *user) noexcept {
    State &state = *static_cast<State *>(user);
    state.timer_set_ = timeout_ms >= 0;
    if (state.timer_set_)
        state.timer_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return 0;
}

std::chrono::milliseconds Transport::State::timeout() const noexcept {
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
    auto transfer = std::make_unique<Transfer>();
    transfer->tag = tag;
    transfer->request = std::move(request);
    transfer->easy = take_handle();
    prepare(*transfer, options);
    CURL *easy = transfer->easy.get();
    transfers.emplace(easy, std::move(transfer));
    const SignalsBlocked blocked;
    if (curl_multi_add_handle(multi_, easy) != CURLM_OK) {
        transfers.erase(easy);
        fail("a request could not be added");
    }
}

void Transport::State::action(curl_socket_t socket, int events) {
    int running = 0;
    const SignalsBlocked blocked;
    if (curl_multi_socket_action(multi_, socket, events, &running) != CURLM_OK)
        fail("the event loop failed");
}

void Transport::State::turn(std::vector<Completion> &ended) {
    std::array<epoll_event, 64> events{};
    int count;
    do {
        count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i) {
            const std::uint32_t seen = events[static_cast<std::size_t>(i)].events;
            action(events[static_cast<std::size_t>(i)].data.fd,
                   ((seen & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                       ((seen & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                       ((seen & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0));
        }
        if (timer_set_ && timer_ <= Clock::now()) {
            timer_set_ = false; // libcurl sets it anew
            action(CURL_SOCKET_TIMEOUT, 0);
        }
    } while (count == static_cast<int>(events.size()));
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

        Completion completion;
        completion.tag = transfer->tag;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        long written = 0;
        curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &written);
        if (code == CURLE_OK || (transfer->cut && status != 0)) {
            completion.result = Completion::Result::response;
            completion.response = std::move(transfer->response);
            completion.response.status = status;
        } else {
            completion.result =
                written > 0 ? Completion::Result::interrupted : Completion::Result::not_reached;
            completion.error = curl_easy_strerror(code);
        }
        ended.push_back(std::move(completion));

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

int Transport::poll_fd() const noexcept { return state_->epoll; }
std::chrono::milliseconds Transport::timeout() const noexcept { return state_->timeout(); }
std::size_t Transport::in_flight() const noexcept { return state_->transfers.size(); }

void Transport::submit(std::uint64_t tag, HttpRequest request, const TransportOptions &options) {
    state_->submit(tag, std::move(request), options);
}

void Transport::turn(std::vector<Completion> &ended) { state_->turn(ended); }

} // namespace mfa::core
