#include "budgets.hpp"

#include "announce.hpp"
#include "catalog.hpp"
#include "core/error.hpp"
#include "pg_wall.hpp"
#include "statement.hpp"
#include "usage.hpp"

namespace mfa::budgets {

namespace {

enum Column : int {
    col_name,
    col_period,
    col_destination,
    col_amount,
    col_warn_at,
    col_warned_for,
    col_exhausted_for,
    column_count
};
constexpr int usage_columns = 13;
constexpr int usage_day = 0;
constexpr int usage_destination = 3;
constexpr int usage_cost = 12;

constexpr const char *notify_channel = "mfa_budget";

struct Exhausted {
    const char *name = nullptr;
    const char *amount = nullptr;
    const char *period = nullptr;
    const char *next_start = nullptr; // of the period
};

// The first day of the period that today is in, and of the next one.
void period_of(std::string_view period, DateADT *start, DateADT *next) {
    const DateADT today = usage::day_of(GetCurrentTimestamp());
    *start = today;
    *next = today + 1;
    if (period == "day")
        return;
    int year;
    int month;
    int day;
    j2date(today + POSTGRES_EPOCH_JDATE, &year, &month, &day);
    *start = date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
    *next =
        (month == 12 ? date2j(year + 1, 1, 1) : date2j(year, month + 1, 1)) - POSTGRES_EPOCH_JDATE;
}

// Calls `see` with each row that an index has from `bound` on, or with all.
template <class See>
void scan_from(Relation table, const char *index_name, ScanKeyData *bound, Snapshot snapshot,
               See see) {
    Relation index = catalog::open_index(index_name, AccessShareLock);
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    const int keys = bound ? 1 : 0;
    IndexScanDesc scan = pg::begin_index_scan(table, index, snapshot, keys);
    index_rescan(scan, bound, keys, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        slot_getallattrs(slot);
        see(slot->tts_values);
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
}

Datum spent_since(DateADT start, std::string_view destination, Snapshot snapshot) {
    Relation table = catalog::open_table("usage_total", usage_columns, AccessShareLock);
    ScanKeyData bound;
    ScanKeyEntryInitialize(&bound, 0, usage_day + 1, BTGreaterEqualStrategyNumber, InvalidOid,
                           InvalidOid, F_DATE_GE, DateADTGetDatum(start));
    Datum sum = NumericGetDatum(int64_to_numeric(0));
    scan_from(table, "usage_total_pkey", &bound, snapshot, [&](const Datum *values) {
        const std::string_view row = catalog::text_view(values[usage_destination]);
        if (row.substr(0, destination.size()) == destination)
            sum = DirectFunctionCall2(numeric_add, sum, values[usage_cost]);
    });
    table_close(table, AccessShareLock);
    return sum;
}

bool is_exhausted(const Datum *values, std::string_view destination, Snapshot snapshot,
                  Exhausted *found) {
    const std::string_view prefix = catalog::text_view(values[col_destination]);
    if (destination.substr(0, prefix.size()) != prefix)
        return false;
    const char *period = TextDatumGetCString(values[col_period]);
    DateADT start;
    DateADT next;
    period_of(period, &start, &next);
    const Datum spent = spent_since(start, prefix, snapshot);
    if (!DatumGetBool(DirectFunctionCall2(numeric_ge, spent, values[col_amount])))
        return false;
    *found = {TextDatumGetCString(values[col_name]),
              DatumGetCString(DirectFunctionCall1(numeric_out, values[col_amount])), period,
              DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(next)))};
    return true;
}

Statement announce_statement = {
    "WITH spent AS ("
    " SELECT b.name, p.start, coalesce(pg_catalog.sum(u.cost), 0) AS spent"
    "  FROM mfa.budget b CROSS JOIN LATERAL (SELECT pg_catalog.date_trunc(b.period,"
    "    pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')::pg_catalog.date AS start) p"
    "  LEFT JOIN mfa.usage_total u ON u.day >= p.start"
    "   AND pg_catalog.starts_with(u.destination, b.destination)"
    "  GROUP BY b.name, p.start)"
    " UPDATE mfa.budget b SET warned_for = s.start,"
    "  exhausted_for = CASE WHEN s.spent >= b.amount THEN s.start END"
    " FROM spent s WHERE b.name = s.name"
    "  AND (s.spent >= b.amount * b.warn_at AND b.warned_for IS DISTINCT FROM s.start"
    "   OR s.spent >= b.amount AND b.exhausted_for IS DISTINCT FROM s.start)"
    " RETURNING b.name, b.period, s.spent >= b.amount,"
    "  pg_catalog.round(100 * s.spent / b.amount)::pg_catalog.int4",
    nullptr};

void tell(const char *name, const char *period, bool exhausted, int percent) {
    ereport(LOG, (errmsg("budget \"%s\" of mfa: %d %% of this %s are spent", name, percent, period),
                  exhausted ? errhint("Nothing more is sent to what it covers. UPDATE mfa.budget "
                                      "raises the amount.")
                            : 0));
    StringInfoData payload;
    initStringInfo(&payload);
    appendStringInfoString(&payload, "{\"budget\": ");
    escape_json(&payload, name);
    appendStringInfo(&payload, ", \"period\": \"%s\", \"percent\": %d, \"exhausted\": %s}", period,
                     percent, exhausted ? "true" : "false");
    notify(notify_channel, payload.data);
}

} // namespace

void check(const std::string &destination) {
    Exhausted found;
    pg::call([&] {
        catalog::read_configuration("budget", column_count, [&](Relation table) {
            catalog::with_latest_snapshot([&](Snapshot snapshot) {
                scan_from(table, "budget_pkey", nullptr, snapshot, [&](const Datum *values) {
                    if (!found.name)
                        is_exhausted(values, destination, snapshot, &found);
                });
            });
        });
    });
    if (found.name)
        throw core::Error(core::sqlstate::budget_used_up,
                          std::string("budget \"") + found.name + "\" is used up: " + found.amount +
                              " are spent this " + found.period,
                          "An administrator can raise the amount in mfa.budget.",
                          std::string("It begins anew on ") + found.next_start + ", UTC.");
}

void announce(Occasion occasion) {
    static TimestampTz looked_at = 0;
    static bool is_owed = false;
    const TimestampTz now = GetCurrentTimestamp();
    const bool just_looked = now - looked_at < USECS_PER_SEC && now >= looked_at;
    if (occasion == Occasion::leaving && !is_owed)
        return;
    if (occasion == Occasion::spent && just_looked) {
        is_owed = true;
        return;
    }
    is_owed = false;
    looked_at = now;
    run(announce_statement, {}, {}, SPI_OK_UPDATE_RETURNING);
    const uint64 rows = SPI_processed;
    for (uint64 row = 0; row < rows; ++row) {
        bool is_null;
        tell(TextDatumGetCString(field(row, 1, &is_null)),
             TextDatumGetCString(field(row, 2, &is_null)), DatumGetBool(field(row, 3, &is_null)),
             read_int(row, 4));
    }
}

} // namespace mfa::budgets
