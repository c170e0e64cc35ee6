// SQL-callable functions of those who operate the database.

#include "function_support.hpp"
#include "guard.hpp"
#include "pg_wall.hpp"
#include "shmem.hpp"

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

} // namespace

} // namespace mfa

extern "C" {
PG_FUNCTION_INFO_V1(mfa_list_holds);
PG_FUNCTION_INFO_V1(mfa_lift_hold);

PGDLLEXPORT Datum mfa_list_holds(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::list_holds>(fcinfo);
}

PGDLLEXPORT Datum mfa_lift_hold(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::lift_hold>(fcinfo); }
}
