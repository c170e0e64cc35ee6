#include "core/fraud_guard.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/country_code.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t places = 16;
constexpr std::size_t digits_left_out = 4;
constexpr std::size_t digits_per_level = 3;

// By level: the country, three more digits, six more.
constexpr std::uint32_t least_judged[GuardPrefixes::max_levels] = {120, 60, 30};
constexpr std::uint32_t surge_allowance[GuardPrefixes::max_levels] = {1000, 300, 100};

constexpr std::uint32_t surge_per_verified = 3;
constexpr std::uint32_t surge_share_of_busiest_hour = 10;
constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t surge_hold = (Traffic::maturing_minutes + 1) * minute;

constexpr double conversion_chance = 1e-5;
constexpr double volume_chance = 1e-3;
constexpr double collapsed_share = 0.5; // of the usual conversion
constexpr double volume_growth = 2;
// A new database is taken to convert like this, by the weight of so many requests; a new prefix like its
// database.
constexpr double assumed_conversion = 0.6;
constexpr double database_weight = 100;
constexpr double prefix_weight = 50;
constexpr double least_share_of_database = 0.5;

double conversion(const Cohort &cohort, double usual, double weight) noexcept {
    const double verified = std::min(cohort.verified, cohort.requests);
    return (verified + usual * weight) / (cohort.requests + weight);
}

// Of the prefix, by its last day and that of the whole.
double usual_conversion(const Traffic &own, const Traffic &whole, std::int64_t now) noexcept {
    const double database = conversion(whole.history(now), assumed_conversion, database_weight);
    return std::max(conversion(own.history(now), database, prefix_weight),
                    database * least_share_of_database);
}

std::uint64_t hash(std::uint32_t scope, std::string_view prefix) noexcept {
    std::uint64_t value = 14695981039346656037ULL; // FNV-1a
    const auto add = [&value](std::uint8_t byte) { value = (value ^ byte) * 1099511628211ULL; };
    for (int shift = 0; shift < 32; shift += 8)
        add(static_cast<std::uint8_t>(scope >> shift));
    for (const char c : prefix)
        add(static_cast<std::uint8_t>(c));
    return value;
}

void hold(GuardEntry &entry, HoldReason reason, const Cohort &evidence, double usual,
          std::int64_t length, std::int64_t now) noexcept {
    entry.reason = reason;
    entry.held_since = now;
    entry.held_until = now + length;
    entry.evidence = evidence;
    entry.usual_per_mille = static_cast<std::int32_t>(std::lround(usual * 1000));
    entry.refused = 0;
}

} // namespace

const char *hold_reason_name(HoldReason reason) noexcept {
    return reason == HoldReason::surge ? "surge" : "conversion";
}

// From the last term of the sum downwards, until what is left does not matter.
double binomial_lower_tail(std::uint32_t successes, std::uint32_t trials, double p) noexcept {
    const double n = trials;
    if (successes >= n * p)
        return 1; // more than half: no evidence, and not worth the sum
    double k = successes;
    double term = std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                           k * std::log(p) + (n - k) * std::log1p(-p));
    double sum = term;
    while (k > 0 && term > sum * 1e-9) {
        term *= k / (n - k + 1) * (1 - p) / p;
        sum += term;
        k -= 1;
    }
    return sum;
}

double poisson_upper_tail(std::uint32_t events, double mean) noexcept {
    if (events <= mean)
        return 1;
    if (mean <= 0)
        return 0;
    double k = events;
    double term = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
    double sum = term;
    while (term > sum * 1e-9) {
        term *= mean / ++k;
        sum += term;
    }
    return sum;
}

GuardPrefixes guard_prefixes(std::string_view number) noexcept {
    GuardPrefixes found;
    if (!number.starts_with('+'))
        return found;
    const std::size_t country = country_code(number).size();
    for (int level = GuardPrefixes::max_levels - 1; level >= 0; --level) {
        const std::size_t length = country + static_cast<std::size_t>(level) * digits_per_level;
        if (length > GuardEntry::max_prefix || length + digits_left_out > number.size())
            continue;
        found.prefix[found.count] = number.substr(0, length);
        found.level[found.count++] = level;
    }
    return found;
}

GuardEntry *FraudGuard::find(std::uint32_t scope, std::string_view prefix) noexcept {
    const std::uint64_t start = hash(scope, prefix);
    for (std::size_t i = 0; i < places; ++i) {
        GuardEntry &entry = entries_[(start + i) % entries_.size()];
        if (entry.scope == scope && entry.name() == prefix)
            return &entry;
    }
    return nullptr;
}

GuardEntry *FraudGuard::claim(std::uint32_t scope, std::string_view prefix,
                              std::int64_t now) noexcept {
    if (GuardEntry *entry = find(scope, prefix)) {
        entry->used_at = now;
        return entry;
    }
    GuardEntry *oldest = nullptr;
    const auto age_of = [now](const GuardEntry &entry) { // used in the future: as if long ago
        return entry.used_at > now ? std::numeric_limits<std::int64_t>::max() : now - entry.used_at;
    };
    const std::uint64_t start = hash(scope, prefix);
    for (std::size_t i = 0; i < places; ++i) {
        GuardEntry &entry = entries_[(start + i) % entries_.size()];
        if (entry.scope != 0 && entry.is_held(now))
            continue;
        if (!oldest ||
            (oldest->scope != 0 && (entry.scope == 0 || age_of(entry) > age_of(*oldest))))
            oldest = &entry;
    }
    if (!oldest)
        return nullptr;
    *oldest = GuardEntry{};
    oldest->scope = scope;
    std::memcpy(oldest->prefix, prefix.data(), prefix.size());
    oldest->used_at = now;
    return oldest;
}

GuardEntry *FraudGuard::held(std::uint32_t scope, std::string_view number,
                             std::int64_t now) noexcept {
    const GuardPrefixes prefixes = guard_prefixes(number);
    for (int i = 0; i < prefixes.count; ++i) {
        GuardEntry *entry = find(scope, prefixes.prefix[i]);
        if (entry && entry->is_held(now))
            return entry;
    }
    return nullptr;
}

// Holds the entry where a rule says so.
bool FraudGuard::judge(GuardEntry &entry, int level, const Traffic &whole,
                       std::int64_t now) noexcept {
    const Traffic &traffic = entry.traffic;
    const std::uint32_t busiest = traffic.busiest_hour(now);
    for (const int minutes : {60, 15, 5}) {
        const Cohort cohort = traffic.judged(minutes, now);
        const std::uint32_t verified = std::min(cohort.verified, cohort.requests);
        if (cohort.requests < least_judged[level])
            break; // a shorter time has no more
        const double usual = usual_conversion(traffic, whole, now);
        const double usual_volume = volume_growth * busiest * minutes / 60.0;
        if (binomial_lower_tail(verified, cohort.requests, usual * collapsed_share) >=
                conversion_chance ||
            poisson_upper_tail(cohort.requests, usual_volume) >= volume_chance)
            continue;
        constexpr int most_doublings = 7;
        entry.times = now - entry.held_until < longest_hold ? entry.times + 1 : 1;
        const std::int64_t length =
            std::min(first_hold << std::min(entry.times - 1, most_doublings), longest_hold);
        hold(entry, HoldReason::conversion, cohort, usual, length, now);
        return true;
    }
    const bool is_suspect = entry.times > 0 && now - entry.held_until < longest_hold;
    const Cohort fresh = traffic.fresh(now);
    const std::uint32_t allowance = std::max(
        {is_suspect ? least_judged[level] : surge_allowance[level],
         traffic.window(now).verified * surge_per_verified, busiest / surge_share_of_busiest_hour});
    if (fresh.requests <= allowance)
        return false;
    hold(entry, HoldReason::surge, fresh, usual_conversion(traffic, whole, now), surge_hold, now);
    return true;
}

FraudGuard::Answer FraudGuard::count(std::uint32_t scope, std::string_view number,
                                     std::int64_t requested_at, std::int64_t now) noexcept {
    if (GuardEntry *hold = held(scope, number, now))
        return {hold, false};
    const GuardPrefixes prefixes = guard_prefixes(number);
    GuardEntry *whole = prefixes.count > 0 ? claim(scope, "", now) : nullptr;
    if (!whole)
        return {};
    whole->traffic.count(requested_at, now);
    GuardEntry *entries[GuardPrefixes::max_levels] = {};
    for (int i = 0; i < prefixes.count; ++i) {
        entries[i] = claim(scope, prefixes.prefix[i], now);
        if (entries[i])
            entries[i]->traffic.count(requested_at, now);
    }
    for (int i = 0; i < prefixes.count; ++i) {
        GuardEntry *entry = entries[i];
        if (!entry || !judge(*entry, prefixes.level[i], whole->traffic, now))
            continue;
        if (entry->reason == HoldReason::conversion) {
            for (int wider = i + 1; wider < prefixes.count; ++wider)
                if (entries[wider])
                    entries[wider]->traffic.subtract_window(entry->traffic, now);
            whole->traffic.subtract_window(entry->traffic, now);
            entry->traffic.clear_window();
        }
        return {entry, true};
    }
    return {};
}

void FraudGuard::count_verified(std::uint32_t scope, std::string_view number,
                                std::int64_t requested_at, std::int64_t now) noexcept {
    const GuardPrefixes prefixes = guard_prefixes(number);
    if (GuardEntry *whole = prefixes.count > 0 ? find(scope, "") : nullptr)
        whole->traffic.count_verified(requested_at, now);
    for (int i = 0; i < prefixes.count; ++i)
        if (GuardEntry *entry = find(scope, prefixes.prefix[i]))
            entry->traffic.count_verified(requested_at, now);
}

bool FraudGuard::lift(std::uint32_t scope, std::string_view prefix, std::int64_t now) noexcept {
    GuardEntry *entry = find(scope, prefix);
    if (!entry || !entry->is_held(now))
        return false;
    entry->held_until = now;
    entry->reason = HoldReason::none;
    entry->times = 0;
    entry->traffic.clear_window();
    return true;
}

} // namespace mfa::core
