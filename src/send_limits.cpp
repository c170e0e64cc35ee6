#include "send_limits.hpp"

#include "core/country_code.hpp"
#include "core/error.hpp"
#include "pg_wall.hpp"
#include "rate_counters.hpp"
#include "settings.hpp"

namespace mfa::send_limits {

namespace {

// More sends to one recipient than this are not looked at: a limit above it counts as not set.
constexpr int max_recipient_sends = 10'000;

[[noreturn]] void refuse(const std::string &what, const core::Refusal &refusal,
                         const char *setting) {
    throw core::Error(
        core::sqlstate::send_limit_reached,
        "send limit reached: " + core::describe(refusal.limit) + " for " + what,
        std::string("Try again later. An administrator can change the limit by ") + setting + ".",
        "The next send is allowed in " + std::to_string(refusal.seconds) + " seconds.");
}

} // namespace

Horizon horizon() {
    Horizon horizon;
    for (const core::RateLimit &limit : settings::send_limit->all()) {
        if (limit.count > max_recipient_sends)
            continue;
        horizon.microseconds = std::max(horizon.microseconds, limit.seconds * USECS_PER_SEC);
        horizon.count = max_recipient_sends;
    }
    return horizon;
}

void check_recipient(std::span<std::int64_t> times, std::int64_t now) {
    if (const auto refusal = core::check_times(times, *settings::send_limit, now))
        refuse("one recipient", *refusal, "the setting mfa.send_limit");
}

void count(const std::string &recipient, const std::optional<routes::Route> &route) {
    const bool own_limit = route && route->send_limit;
    const core::RateLimits route_limits =
        own_limit ? core::parse_rate_limits(*route->send_limit) : core::RateLimits{};
    const std::string destination =
        "destination " + (route ? route->prefix : std::string(core::country_code(recipient)));
    const rate_counters::Subject subjects[] = {
        {settings::send_limit_database, "database"},
        {own_limit ? &route_limits : settings::send_limit_destination, destination}};
    const char *const what[] = {"this database", "one destination"};
    const char *const setting[] = {"the setting mfa.send_limit_database",
                                   "the setting mfa.send_limit_destination, or in mfa.route"};
    int refused = 0;
    core::Refusal refusal;
    const bool allowed = pg::call(
        [&] { return rate_counters::count(subjects, lengthof(subjects), &refused, &refusal); });
    if (!allowed)
        refuse(what[refused], refusal, setting[refused]);
}

} // namespace mfa::send_limits
