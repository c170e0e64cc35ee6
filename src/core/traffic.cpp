#include "core/traffic.hpp"

#include <algorithm>

namespace mfa::core {

namespace {

constexpr std::int64_t minute_length = 60'000'000;
constexpr std::int64_t minutes_per_hour = 60;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
    return value / by - (value % by < 0 ? 1 : 0);
}

std::size_t place(std::int64_t number, int size) noexcept {
    return static_cast<std::size_t>(((number % size) + size) % size);
}

std::uint32_t difference(std::uint32_t a, std::uint32_t b) noexcept { return a > b ? a - b : 0; }

} // namespace

Cohort &Cohort::operator+=(const Cohort &other) noexcept {
    requests += other.requests;
    verified += other.verified;
    return *this;
}

void Cohort::verify_one() noexcept { verified += verified < requests ? 1 : 0; }

void Cohort::subtract(const Cohort &other) noexcept {
    requests = difference(requests, other.requests);
    verified = difference(verified, other.verified);
}

// Moves the window on. What leaves it goes to the hour that it belongs to.
void Traffic::advance(std::int64_t minute) noexcept {
    constexpr std::int64_t memory = window_minutes + history_hours * minutes_per_hour;
    const bool clock_was_wrong = minute_ - minute > window_minutes;
    if (minute <= minute_ && !clock_was_wrong)
        return;
    if (minute - minute_ > memory || clock_was_wrong) {
        *this = Traffic{};
        minute_ = minute;
        return;
    }
    while (minute_ < minute) {
        ++minute_;
        Cohort &bucket = minutes_[place(minute_, window_minutes)];
        const std::int64_t leaving = minute_ - window_minutes;
        Cohort &hour = hours_[place(floor_divide(leaving, minutes_per_hour), history_hours)];
        if (place(leaving, minutes_per_hour) == 0)
            hour = {};
        hour += bucket;
        bucket = {};
    }
}

void Traffic::count(std::int64_t requested_at, std::int64_t now) noexcept {
    advance(floor_divide(now, minute_length));
    const std::int64_t minute = std::min(floor_divide(requested_at, minute_length), minute_);
    if (minute > minute_ - window_minutes)
        ++minutes_[place(minute, window_minutes)].requests;
}

void Traffic::count_verified(std::int64_t requested_at, std::int64_t now) noexcept {
    advance(floor_divide(now, minute_length));
    const std::int64_t minute = std::min(floor_divide(requested_at, minute_length), minute_);
    if (minute > minute_ - window_minutes)
        minutes_[place(minute, window_minutes)].verify_one();
    else if (minute > minute_ - window_minutes - (history_hours - 1) * minutes_per_hour)
        hours_[place(floor_divide(minute, minutes_per_hour), history_hours)].verify_one();
}

// As it is then: a copy only where time has passed since it was last counted.
template <class Look> auto Traffic::at(std::int64_t now, Look look) const noexcept {
    const std::int64_t minute = floor_divide(now, minute_length);
    if (minute <= minute_)
        return look(*this);
    Traffic moved = *this;
    moved.advance(minute);
    return look(moved);
}

Cohort Traffic::sum(int youngest, int oldest) const noexcept {
    Cohort total;
    std::size_t bucket = place(minute_ - youngest, window_minutes);
    for (int age = youngest; age <= std::min(oldest, window_minutes - 1); ++age) {
        total += minutes_[bucket];
        bucket = (bucket ? bucket : minutes_.size()) - 1;
    }
    return total;
}

Cohort Traffic::judged(int minutes, std::int64_t now) const noexcept {
    return at(now, [&](const Traffic &traffic) {
        return traffic.sum(maturing_minutes + 1, maturing_minutes + minutes);
    });
}

Cohort Traffic::fresh(std::int64_t now) const noexcept {
    return at(now, [](const Traffic &traffic) { return traffic.sum(0, maturing_minutes); });
}

Cohort Traffic::window(std::int64_t now) const noexcept {
    return at(now, [](const Traffic &traffic) { return traffic.sum(0, window_minutes); });
}

Cohort Traffic::history(std::int64_t now) const noexcept {
    return at(now, [](const Traffic &traffic) {
        Cohort total;
        for (const Cohort &hour : traffic.hours_)
            total += hour;
        return total;
    });
}

std::uint32_t Traffic::busiest_hour(std::int64_t now) const noexcept {
    return at(now, [](const Traffic &traffic) {
        std::uint32_t most = 0;
        for (const Cohort &hour : traffic.hours_)
            most = std::max(most, hour.requests);
        return most;
    });
}

void Traffic::subtract_window(const Traffic &other, std::int64_t now) noexcept {
    advance(floor_divide(now, minute_length));
    other.at(now, [&](const Traffic &theirs) {
        if (theirs.minute_ != minute_)
            return; // the clock went back: there is nothing to compare
        for (std::size_t i = 0; i < minutes_.size(); ++i)
            minutes_[i].subtract(theirs.minutes_[i]);
    });
}

void Traffic::clear_window() noexcept { minutes_ = {}; }

} // namespace mfa::core
