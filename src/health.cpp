#include "health.hpp"

#include "breakers.hpp"
#include "core/error.hpp"
#include "guard.hpp"
#include "keys.hpp"
#include "owner_session.hpp"
#include "pg_wall.hpp"
#include "servers.hpp"
#include "settings.hpp"
#include "shmem.hpp"
#include "statement.hpp"
#include "stats.hpp"

namespace mfa {

namespace {

constexpr const char *ok = "ok";
constexpr const char *warning = "warning";
constexpr const char *critical = "critical";

constexpr long slow_queue = 30; // seconds
constexpr long stuck_queue = 300;
constexpr int64 wrong_clock = 30; // seconds: from 15 minutes on, signed requests are refused
constexpr int64 useless_clock = 600;

Statement queue_statement = {
    "SELECT pg_catalog.count(*)::pg_catalog.int4, pg_catalog.min(m.due_at) FROM mfa.message m"
    " WHERE m.state IN ('queued', 'sending') AND m.due_at <= pg_catalog.clock_timestamp()",
    nullptr};

HealthCheck library(const std::string &version) {
    if (!shmem::available())
        return {"library", critical, "not in shared_preload_libraries: nothing works",
                "Add mfa to shared_preload_libraries in postgresql.conf and restart the server."};
    if (version != MFA_VERSION)
        return {"library", critical,
                "the library is of version " MFA_VERSION ", the extension of " + version,
                "Restart the server, then run ALTER EXTENSION mfa UPDATE."};
    return {"library", ok, "version " MFA_VERSION, ""};
}

HealthCheck key_file() {
    try {
        const std::size_t count = keys::current().keys().size();
        return {"key file", ok, std::to_string(count) + (count == 1 ? " key" : " keys"), ""};
    } catch (const core::Error &error) {
        return {"key file", critical, error.message(), error.hint()};
    }
}

HealthCheck workers() {
    if (!shmem::has_launcher())
        return {
            "workers", critical, "the launcher does not run: nothing is sent",
            "See the server log. The server starts it again within a second; a standby has none."};
    if (shmem::lacks_worker_slots())
        return {"workers", critical, "no background worker can be started: nothing is sent",
                "Raise max_worker_processes and restart the server."};
    return {"workers", ok, "the launcher runs", ""};
}

HealthCheck queue() {
    int count = 0;
    TimestampTz oldest = DT_NOEND;
    pg::call([&] {
        as_owner([&] {
            run(queue_statement, {}, {}, SPI_OK_SELECT);
            count = read_int(0, 1);
            oldest = read_time(0, 2);
        });
    });
    if (count == 0)
        return {"queue", ok, "nothing is due", ""};
    const long age = static_cast<long>((GetCurrentTimestamp() - oldest) / USECS_PER_SEC);
    return {"queue", age > stuck_queue ? critical : (age > slow_queue ? warning : ok),
            std::to_string(count) +
                (count == 1 ? " message is due, for " : " messages are due, the first for ") +
                std::to_string(age) + " s",
            age > slow_queue ? "See mfa.progress_drain, and what is said of workers and providers."
                             : ""};
}

HealthCheck fraud_guard() {
    std::vector<guard::Hold> holds(guard::max_holds);
    const int count = pg::call([&] { return guard::holds(holds.data(), guard::max_holds); });
    if (!guard::is_on())
        return {"fraud guard", warning, "switched off",
                "SET mfa.fraud_guard to monitor or enforce."};
    if (count == 0)
        return {"fraud guard", ok, "nothing is held back", ""};
    return {
        "fraud guard", warning,
        (guard::enforces() ? "" : "monitoring only: ") + std::to_string(count) +
            (count == 1 ? " prefix of numbers is held back" : " prefixes of numbers are held back"),
        "See mfa.holds."};
}

// What is known of a provider, of all its channels.
struct Use {
    TimestampTz accepted_at = 0; // the last time; 0: never
    TimestampTz failed_at = 0;
    std::string error; // of then
};

Use use_of(const std::string &provider, const stats::Tries *tries, int count) {
    Use use;
    for (int i = 0; i < count; ++i) {
        const stats::Tries &entry = tries[i];
        if (provider != NameStr(entry.provider))
            continue;
        use.accepted_at = std::max(use.accepted_at, entry.accepted_at);
        if (entry.failed_at > use.failed_at) {
            use.failed_at = entry.failed_at;
            use.error = std::string("; last error: ") + entry.error;
        }
    }
    return use;
}

HealthCheck provider(const std::string &name, const Use &use) {
    const std::string title = "provider " + name;
    try {
        servers::find(name);
    } catch (const core::Error &error) {
        return {title, critical, error.message(), error.hint()};
    }
    const core::Breaker breaker = pg::call([&] { return breakers::load(name.c_str()); });
    if (!breaker.is_closed() || breaker.is_open(core::Breaker::Clock::now()))
        return {title, warning,
                "put aside: it does not answer, or has asked for a pause" + use.error,
                "It is tried again by itself. See mfa.stat_provider, and the provider's status."};
    if (use.failed_at > use.accepted_at)
        return {title, warning, "did not take its last message" + use.error,
                "See mfa.stat_provider, and docs/debug-a-message.md."};
    return {title, ok, use.accepted_at ? "took its last message" : "not used yet", ""};
}

HealthCheck clock(const stats::Tries *tries, int count) {
    const stats::Tries *last = nullptr;
    for (int i = 0; i < count; ++i)
        if (tries[i].clock_at != 0 && (!last || tries[i].clock_at > last->clock_at))
            last = &tries[i];
    if (!last)
        return {"clock", ok, "no provider has told the time yet", ""};
    const int64 offset = last->clock_offset < 0 ? -last->clock_offset : last->clock_offset;
    return {"clock", offset > useless_clock ? critical : (offset > wrong_clock ? warning : ok),
            std::to_string(offset) + " s " + (last->clock_offset < 0 ? "ahead of" : "behind") +
                " that of provider " + NameStr(last->provider),
            offset > wrong_clock ? "Set the server's clock (NTP): signed requests fail, and "
                                   "codes expire at the wrong time after it is set."
                                 : ""};
}

} // namespace

std::vector<HealthCheck> check_health(const std::string &version) {
    std::vector<HealthCheck> checks{library(version)};
    if (!shmem::available())
        return checks;
    if (pg::call([] { return RecoveryInProgress(); })) {
        checks.push_back({"server", warning,
                          "a standby: codes are sent and verified on the primary",
                          "After a promotion no code is live: people ask again."});
        return checks;
    }
    checks.push_back(key_file());
    checks.push_back(workers());
    checks.push_back(queue());

    std::vector<stats::Tries> tries(stats::max_tries);
    const int count = pg::call([&] { return stats::read_tries(tries.data(), stats::max_tries); });
    const std::vector<std::string> names = servers::configured();
    if (names.empty())
        checks.push_back({"providers", warning, "mfa.provider is not set in this session",
                          "ALTER DATABASE ... SET mfa.provider = '...'; \\des lists the servers."});
    for (const std::string &name : names)
        checks.push_back(provider(name, use_of(name, tries.data(), count)));
    checks.push_back(clock(tries.data(), count));
    checks.push_back(fraud_guard());
    return checks;
}

} // namespace mfa
