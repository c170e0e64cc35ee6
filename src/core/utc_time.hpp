// A point in time as APIs want it in JSON.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace mfa::core {

// RFC 3339 in UTC, "2027-01-15T08:00:00Z". For years 0 to 9999.
inline std::string utc_timestamp(std::chrono::sys_seconds time) {
    using namespace std::chrono;
    const sys_days day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    std::string text;
    const auto add = [&text](auto number, std::size_t width, char end) {
        const std::string digits = std::to_string(number);
        text.append(width - std::min(width, digits.size()), '0').append(digits) += end;
    };
    add(static_cast<int>(date.year()), 4, '-');
    add(static_cast<unsigned>(date.month()), 2, '-');
    add(static_cast<unsigned>(date.day()), 2, 'T');
    add(clock.hours().count(), 2, ':');
    add(clock.minutes().count(), 2, ':');
    add(clock.seconds().count(), 2, 'Z');
    return text;
}

} // namespace mfa::core
