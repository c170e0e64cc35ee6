#include "core/rate_limit.hpp"

#include <algorithm>
#include <functional>

#include "core/error.hpp"

namespace mfa::core {

namespace {

constexpr std::int32_t max_count = 10'000'000;
constexpr std::int64_t minute = 60;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t longest = 31 * day;

struct Unit {
    std::string_view name;
    std::int64_t seconds;
};
constexpr std::array units{Unit{"s", 1}, Unit{"min", minute}, Unit{"h", hour}, Unit{"d", day}};

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool at_end() {
        skip_space();
        return text_.empty();
    }
    bool take(char c) {
        skip_space();
        if (text_.empty() || text_.front() != c)
            return false;
        text_.remove_prefix(1);
        return true;
    }
    // Digits, saturating far above every bound.
    bool take_number(std::int64_t &number) {
        skip_space();
        std::size_t length = 0;
        number = 0;
        while (length < text_.size() && text_[length] >= '0' && text_[length] <= '9')
            number = std::min<std::int64_t>(number * 10 + (text_[length++] - '0'), 1'000'000'000);
        text_.remove_prefix(length);
        return length > 0;
    }
    std::string_view take_word() {
        skip_space();
        std::size_t length = 0;
        while (length < text_.size() && text_[length] >= 'a' && text_[length] <= 'z')
            ++length;
        const std::string_view word = text_.substr(0, length);
        text_.remove_prefix(length);
        return word;
    }

  private:
    void skip_space() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
            text_.remove_prefix(1);
    }
    std::string_view text_;
};

[[noreturn]] void refuse(std::size_t entry, const std::string &what) {
    throw Error(
        sqlstate::invalid_parameter_value, "send limit " + std::to_string(entry) + " " + what,
        "Write limits as COUNT/DURATION, separated by commas, such as '1/30s, 5/10min, 20/1d'; "
        "the units are s, min, h and d.");
}

RateLimit parse_one(Reader &reader, std::size_t entry) {
    std::int64_t count = 0;
    if (!reader.take_number(count))
        refuse(entry, "does not begin with a number");
    if (count < 1 || count > max_count)
        refuse(entry, "has a count that is not between 1 and " + std::to_string(max_count));
    if (!reader.take('/'))
        refuse(entry, "has no \"/\" behind its count");
    std::int64_t duration = 1;
    if (!reader.take_number(duration))
        duration = 1;
    const std::string_view word = reader.take_word();
    const auto *unit =
        std::find_if(units.begin(), units.end(), [&](const Unit &u) { return u.name == word; });
    if (unit == units.end())
        refuse(entry, "has no unit of time that is known");
    if (duration < 1 || duration > longest || duration * unit->seconds > longest)
        refuse(entry, "has a duration that is not between 1 s and 31 d");
    return {static_cast<std::int32_t>(count), duration * unit->seconds};
}

} // namespace

RateLimits parse_rate_limits(std::string_view text) {
    RateLimits parsed;
    Reader reader(text);
    if (reader.at_end())
        return parsed;
    do {
        const std::size_t entry = parsed.size + 1;
        if (entry > RateLimits::max_limits)
            refuse(entry, "is more than the " + std::to_string(RateLimits::max_limits) +
                              " limits that there may be");
        parsed.limits[parsed.size++] = parse_one(reader, entry);
    } while (reader.take(','));
    if (!reader.at_end())
        refuse(parsed.size, "has something behind its duration");
    return parsed;
}

std::string describe(const RateLimit &limit) {
    const auto *unit = std::find_if(units.rbegin(), units.rend(),
                                    [&](const Unit &u) { return limit.seconds % u.seconds == 0; })
                           .base() -
                       1;
    return std::to_string(limit.count) + " in " + std::to_string(limit.seconds / unit->seconds) +
           " " + std::string(unit->name);
}

std::optional<Refusal> check_times(std::span<std::int64_t> times, const RateLimits &limits,
                                   std::int64_t now) {
    std::sort(times.begin(), times.end(), std::greater<>());
    std::optional<Refusal> refusal;
    for (const RateLimit &limit : limits.all()) {
        const auto count = static_cast<std::size_t>(limit.count);
        if (times.size() < count)
            continue;
        const std::int64_t wait = times[count - 1] + limit.seconds * 1'000'000 - now;
        const std::int64_t seconds = (wait + 999'999) / 1'000'000;
        if (wait > 0 && (!refusal || seconds > refusal->seconds))
            refusal = Refusal{limit, seconds};
    }
    return refusal;
}

std::int64_t count_event(Window &window, const RateLimit &limit, std::int64_t now) noexcept {
    const std::int64_t width = limit.seconds * 1'000'000;
    const std::int64_t bucket = now / width;
    if (bucket != window.bucket) {
        window.previous = bucket == window.bucket + 1 ? window.current : 0;
        window.current = 0;
        window.bucket = bucket;
    }
    const std::int64_t elapsed = now - bucket * width;
    // previous * (1 - elapsed/width) + current, in whole events, rounded up.
    const std::int64_t overlap = static_cast<std::int64_t>(
        (static_cast<__int128>(window.previous) * (width - elapsed) + width - 1) / width);
    if (overlap + window.current < limit.count) {
        ++window.current;
        return 0;
    }
    // When the share of the bucket before has shrunk enough; where the current one is full by itself, when
    // it has become the one before and has shrunk in turn.
    const std::int64_t room = limit.count - 1 - window.current;
    // Of no events none would be too many: `of` is never 0, as long as all else here is right.
    const auto shrunk_to = [width](std::int64_t events, std::int64_t of) {
        return width - static_cast<std::int64_t>(static_cast<__int128>(events) * width /
                                                 std::max<std::int64_t>(of, 1));
    };
    const std::int64_t wait = room >= 0
                                  ? shrunk_to(room, window.previous) - elapsed
                                  : width - elapsed + shrunk_to(limit.count - 1, window.current);
    return std::max<std::int64_t>(1, (wait + 999'999) / 1'000'000);
}

} // namespace mfa::core
