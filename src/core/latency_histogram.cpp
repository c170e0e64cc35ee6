#include "core/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mfa::core {

int LatencyHistogram::class_of(std::int64_t duration) noexcept {
    constexpr std::int64_t least = std::int64_t{1} << first_power;
    constexpr std::int64_t most = (std::int64_t{1} << (last_power + 1)) - 1;
    const auto value = static_cast<std::uint64_t>(std::clamp(duration, least, most));
    const int power = std::bit_width(value) - 1;
    const auto step = static_cast<int>((value >> (power - 3)) & (steps - 1));
    return (power - first_power) * steps + step;
}

std::int64_t LatencyHistogram::end_of(int number) noexcept {
    const int power = first_power + number / steps;
    return (static_cast<std::int64_t>(steps + number % steps + 1) << (power - 3)) - 1;
}

void LatencyHistogram::record(std::int64_t duration) noexcept {
    ++counts_[static_cast<std::size_t>(class_of(duration))];
}

std::int64_t LatencyHistogram::percentile(double share) const noexcept {
    std::uint64_t total = 0;
    for (const std::uint32_t count : counts_)
        total += count;
    if (total == 0)
        return -1;
    const auto wanted = std::max<std::uint64_t>(
        static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total))), 1);
    std::uint64_t seen = 0;
    for (int number = 0; number < classes; ++number) {
        seen += counts_[static_cast<std::size_t>(number)];
        if (seen >= wanted)
            return end_of(number);
    }
    return end_of(classes - 1);
}

} // namespace mfa::core
