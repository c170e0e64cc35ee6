// SQL-callable functions of those who operate the database.

#include "breakers.hpp"
#include "encoding.hpp"
#include "forget.hpp"
#include "function_support.hpp"
#include "guard.hpp"
#include "health.hpp"
#include "pg_wall.hpp"
#include "shmem.hpp"
#include "stats.hpp"

namespace mfa {

namespace {

Datum list_holds(FunctionCallInfo fcinfo) {
    pg::call([&] {
        shmem::require();
        guard::Hold *holds =
            static_cast<guard::Hold *>(palloc(sizeof(guard::Hold) * guard::max_holds));
        const int count = guard::holds(holds, guard::max_holds);
        SetBuilder rows(fcinfo);
        for (int i = 0; i < count; ++i) {
            const guard::Hold &hold = holds[i];
            rows.add_text(hold.prefix);
            rows.add_text(core::hold_reason_name(hold.reason));
            rows.add_time(hold.since);
            rows.add_time(hold.until);
            rows.add(Int64GetDatum(hold.evidence.requests));
            rows.add(Int64GetDatum(hold.evidence.verified));
            rows.add(NumericGetDatum(int64_div_fast_to_numeric(hold.usual_per_mille, 3)));
            rows.add(Int64GetDatum(hold.refused));
            rows.next();
        }
    });
    PG_RETURN_NULL();
}

Datum lift_hold(FunctionCallInfo fcinfo) {
    const std::string prefix = required_text(fcinfo, 0, "prefix");
    PG_RETURN_BOOL(pg::call([&] {
        shmem::require();
        return guard::lift(prefix.c_str());
    }));
}

Datum list_calls(FunctionCallInfo fcinfo) {
    return pg::call([&] {
        shmem::require();
        const stats::Calls calls = stats::read_calls();
        RowBuilder row(fcinfo);
        for (const uint64 count : calls.counts)
            row.add(Int64GetDatum(static_cast<int64>(count)));
        row.add_time(calls.reset_at);
        return row.build();
    });
}

// Milliseconds, as PostgreSQL's own statistics have them. PostgreSQL zone.
void add_percentiles(RowBuilder &row, const core::LatencyHistogram &latency) {
    for (const double share : {0.5, 0.9, 0.99}) {
        const std::int64_t microseconds = latency.percentile(share);
        row.add(Float8GetDatum(static_cast<double>(microseconds) / 1000), microseconds < 0);
    }
}

// PostgreSQL zone.
void add_breaker(RowBuilder &row, const char *provider) {
    using Clock = core::Breaker::Clock;
    const core::Breaker breaker = breakers::load(provider);
    const Clock::time_point now = Clock::now();
    const bool is_open = breaker.is_open(now);
    row.add_text(breaker.is_closed() ? (is_open ? "paused" : "closed")
                                     : (is_open ? "open" : "half-open"));
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(breaker.open_until() - now);
    row.add_time(is_open ? GetCurrentTimestamp() + left.count() : DT_NOEND);
}

Datum list_tries(FunctionCallInfo fcinfo) {
    pg::call([&] {
        shmem::require();
        stats::Tries *tries =
            static_cast<stats::Tries *>(palloc(sizeof(stats::Tries) * stats::max_tries));
        const int count = stats::read_tries(tries, stats::max_tries);
        SetBuilder rows(fcinfo);
        const auto add_past = [&](TimestampTz when) { rows.add_time(when ? when : DT_NOEND); };
        for (int i = 0; i < count; ++i) {
            const stats::Tries &entry = tries[i];
            rows.add_text(NameStr(entry.provider));
            rows.add_text(entry.channel);
            for (const int64 answers : entry.answers)
                rows.add(Int64GetDatum(answers));
            rows.add(Int64GetDatum(entry.delivered));
            rows.add(Int64GetDatum(entry.undelivered));
            add_percentiles(rows, entry.response_time);
            add_percentiles(rows, entry.acceptance);
            add_percentiles(rows, entry.delivery);
            add_past(entry.accepted_at);
            add_past(entry.failed_at);
            rows.add_text(entry.error[0] ? entry.error : nullptr);
            rows.add(Int64GetDatum(entry.clock_offset), entry.clock_at == 0);
            rows.add(Float8GetDatum(entry.accepted_per_second));
            add_breaker(rows, NameStr(entry.provider));
            rows.next();
        }
    });
    PG_RETURN_NULL();
}

Datum stat_reset(FunctionCallInfo /*fcinfo*/) {
    pg::call([] {
        shmem::require();
        stats::reset();
    });
    PG_RETURN_VOID();
}

Datum list_health(FunctionCallInfo fcinfo) {
    const std::vector<HealthCheck> checks = check_health(required_text(fcinfo, 0, "version"));
    pg::call([&] {
        SetBuilder rows(fcinfo);
        for (const HealthCheck &check : checks) {
            rows.add_text(check.name.c_str());
            rows.add_text(check.status);
            rows.add_text(check.detail.c_str());
            rows.add_text(check.hint.empty() ? nullptr : check.hint.c_str());
            rows.next();
        }
    });
    PG_RETURN_NULL();
}

Datum forget_recipient(FunctionCallInfo fcinfo) {
    require_writable("mfa_forget()");
    PG_RETURN_INT64(forget(to_utf8(required_text(fcinfo, 0, "recipient"))));
}

} // namespace

} // namespace mfa

extern "C" {
PG_FUNCTION_INFO_V1(mfa_list_holds);
PG_FUNCTION_INFO_V1(mfa_lift_hold);
PG_FUNCTION_INFO_V1(mfa_list_calls);
PG_FUNCTION_INFO_V1(mfa_list_tries);
PG_FUNCTION_INFO_V1(mfa_stat_reset);
PG_FUNCTION_INFO_V1(mfa_list_health);
PG_FUNCTION_INFO_V1(mfa_forget);

PGDLLEXPORT Datum mfa_list_holds(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::list_holds>(fcinfo);
}

PGDLLEXPORT Datum mfa_lift_hold(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::lift_hold>(fcinfo); }

PGDLLEXPORT Datum mfa_list_calls(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::list_calls>(fcinfo);
}

PGDLLEXPORT Datum mfa_list_tries(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::list_tries>(fcinfo);
}

PGDLLEXPORT Datum mfa_stat_reset(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::stat_reset>(fcinfo);
}

PGDLLEXPORT Datum mfa_list_health(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::list_health>(fcinfo);
}

PGDLLEXPORT Datum mfa_forget(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::forget_recipient>(fcinfo);
}
}
