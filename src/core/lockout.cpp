#include "core/lockout.hpp"

#include <algorithm>

namespace mfa::core {

Microseconds lockout_after(std::int64_t failures, Microseconds longest) noexcept {
    if (failures <= 0)
        return 0;
    const std::int64_t number = (failures - 1) % longest_streak + 1; // within its streak
    if (number == longest_streak)
        return longest;
    if (number < free_failures)
        return 0;
    const std::int64_t step = (number - free_failures) / failures_a_step; // at most 17: no overflow
    return std::min(first_lockout << step, longest);
}

Microseconds locked_until(const Streak &streak, Microseconds longest) noexcept {
    return streak.last_at + lockout_after(streak.failures, longest);
}

} // namespace mfa::core
