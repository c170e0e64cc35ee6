// The limit of delivery: a bare libcurl multi client, which posts what a worker of mfa posts to
// SignalWire, from memory. It does what it takes to be fast: epoll, curl_multi_socket_action, handles and
// connections that are used again. Prints the seconds of processor time that it took.
//
//   client URL REQUESTS IN_FLIGHT [CA_FILE]
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/resource.h>

namespace {

struct EasyDeleter {
    void operator()(CURL *easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
    void operator()(CURLM *multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
    void operator()(curl_slist *list) const { curl_slist_free_all(list); }
};

struct Loop {
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    long timeout_ms = 0;
};

int on_socket(CURL * /*easy*/, curl_socket_t socket, int what, void *user, void * /*known*/) {
    const int epoll = static_cast<Loop *>(user)->epoll;
    epoll_event event{};
    event.data.fd = socket;
    event.events =
        ((what & CURL_POLL_IN) ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    if (what == CURL_POLL_REMOVE)
        ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0)
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    return 0;
}

int on_timer(CURLM * /*multi*/, long timeout_ms, void *user) {
    static_cast<Loop *>(user)->timeout_ms = timeout_ms;
    return 0;
}

std::size_t on_answer(char *data, std::size_t size, std::size_t count, void *user) {
    static_cast<std::string *>(user)->append(data, size * count);
    return size * count;
}

struct Transfer {
    std::unique_ptr<CURL, EasyDeleter> easy{curl_easy_init()};
    std::string answer;
};

void prepare(Transfer &transfer, const std::string &url, curl_slist *headers, const char *ca_file) {
    static const std::string body =
        "To=%2B14155550123&From=%2B15550100000&Body=Your+Personal+Authorization+Code+is%3A+482913"
        "&ValidityPeriod=600";
    CURL *easy = transfer.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer.answer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4 && argc != 5) {
        std::fprintf(stderr, "usage: client URL REQUESTS IN_FLIGHT [CA_FILE]\n");
        return 2;
    }
    const std::string url = std::string(argv[1]) + "/api/laml/2010-04-01/Accounts/p/Messages";
    const long requests = std::strtol(argv[2], nullptr, 10);
    const long in_flight = std::strtol(argv[3], nullptr, 10);
    curl_global_init(CURL_GLOBAL_ALL);

    Loop loop;
    const std::unique_ptr<CURLM, MultiDeleter> multi(curl_multi_init());
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, &loop);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, &loop);
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, in_flight);
    const std::unique_ptr<curl_slist, ListDeleter> headers(
        curl_slist_append(nullptr, "Authorization: Basic cDp0"));

    std::vector<Transfer> transfers(static_cast<std::size_t>(in_flight));
    long started = 0;
    for (Transfer &transfer : transfers) {
        prepare(transfer, url, headers.get(), argc == 5 ? argv[4] : nullptr);
        if (started++ < requests)
            curl_multi_add_handle(multi.get(), transfer.easy.get());
    }
    long ended = 0;
    int running = 0;
    epoll_event events[256];
    while (ended < requests) {
        const int count =
            ::epoll_wait(loop.epoll, events, 256,
                         loop.timeout_ms < 0 ? 10'000 : static_cast<int>(loop.timeout_ms));
        if (count == 0)
            curl_multi_socket_action(multi.get(), CURL_SOCKET_TIMEOUT, 0, &running);
        for (int i = 0; i < count; ++i)
            curl_multi_socket_action(multi.get(), events[i].data.fd,
                                     ((events[i].events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                                         ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0),
                                     &running);
        int left = 0;
        while (const CURLMsg *message = curl_multi_info_read(multi.get(), &left)) {
            CURL *easy = message->easy_handle;
            Transfer *transfer = nullptr;
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (message->data.result != CURLE_OK || status != 201 || transfer->answer.empty()) {
                std::fprintf(stderr, "client: %s, status %ld\n",
                             curl_easy_strerror(message->data.result), status);
                return 1;
            }
            transfer->answer.clear();
            ++ended;
            curl_multi_remove_handle(multi.get(), easy);
            if (started++ < requests)
                curl_multi_add_handle(multi.get(), easy);
        }
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    std::printf("%.6f\n", seconds(usage.ru_utime) + seconds(usage.ru_stime));
}
