#include "core/outcome.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

constexpr std::chrono::milliseconds first_delay{1'000};
constexpr std::chrono::milliseconds longest_delay{60'000};

constexpr std::size_t max_code_bytes = 32;
constexpr std::size_t max_id_bytes = 200;
constexpr std::size_t least_telling_digits = 5; // fewer are no number that anyone could call

bool holds_word(std::string_view text, std::string_view word) noexcept {
    if (word.empty())
        return false;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; at++) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !is_alnum(text[at - 1])) && (end == text.size() || !is_alnum(text[end])))
            return true;
    }
    return false;
}

bool tells_what_was_sent(std::string_view answer, const Sent &sent) noexcept {
    std::string_view recipient = sent.recipient;
    if (recipient.starts_with('+'))
        recipient.remove_prefix(1);
    const auto holds = [&](std::string_view what) {
        return what.size() >= least_telling_digits && answer.find(what) != std::string_view::npos;
    };
    return holds_word(answer, sent.code) || holds(recipient) || holds(sent.text);
}

} // namespace

Verdict classify_status(long status) noexcept {
    if (status >= 200 && status <= 299)
        return Verdict::accepted;
    if (status == 408 || status == 425 || status == 429 || status == 503)
        return Verdict::retry;
    if (status >= 500 && status <= 599)
        return Verdict::unknown;
    return Verdict::refused;
}

Service classify_service(long status) noexcept {
    if (status == 429)
        return Service::throttled;
    return status >= 500 && status <= 599 ? Service::down : Service::up;
}

bool may_keep_provider_code(std::string_view provider_code, const Sent &sent) {
    return !provider_code.empty() && provider_code.size() <= max_code_bytes &&
           std::all_of(provider_code.begin(), provider_code.end(),
                       [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; }) &&
           !tells_what_was_sent(provider_code, sent);
}

bool may_keep_message_id(std::string_view id, const Sent &sent) {
    return !id.empty() && id.size() <= max_id_bytes &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && is_printable(c); }) &&
           !tells_what_was_sent(id, sent);
}

std::chrono::milliseconds next_delay(int tries, std::optional<std::chrono::seconds> retry_after,
                                     RandomSource &random) {
    std::chrono::milliseconds longest = first_delay;
    for (int i = 1; i < tries && longest < longest_delay; i++)
        longest *= 2;
    longest = std::min(longest, longest_delay);

    // The upper 32 bits of a product are uniform enough over a range that is 2^17 times smaller.
    std::array<std::uint8_t, 4> bytes{};
    random.fill(bytes);
    std::uint64_t drawn = 0;
    for (const std::uint8_t byte : bytes)
        drawn = (drawn << 8) | byte;
    const auto half = static_cast<std::uint64_t>(longest.count() / 2);
    std::chrono::milliseconds delay{half + ((drawn * (half + 1)) >> 32)};

    if (retry_after)
        delay = std::max<std::chrono::milliseconds>(delay, *retry_after);
    return delay;
}

} // namespace mfa::core
