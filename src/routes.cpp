#include "routes.hpp"

#include "catalog.hpp"
#include "pg_wall.hpp"

namespace mfa::routes {

namespace {

enum Column : int {
    col_prefix,
    col_allow,
    col_providers,
    col_send_limit,
    col_guarded,
    col_remark,
    column_count
};

std::size_t common_length(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(
        std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin()).first -
        a.begin());
}

void read(TupleTableSlot *slot, Route *route) {
    const Datum *values = slot->tts_values;
    const bool *nulls = slot->tts_isnull;
    const std::string_view prefix = catalog::text_view(values[col_prefix]);
    route->prefix.assign(prefix);
    route->allow = DatumGetBool(values[col_allow]);
    route->guarded = DatumGetBool(values[col_guarded]);
    if (!nulls[col_providers]) {
        Datum *items;
        int count;
        deconstruct_array(DatumGetArrayTypeP(values[col_providers]), TEXTOID, -1, false,
                          TYPALIGN_INT, &items, nullptr, &count);
        for (int i = 0; i < count; ++i) {
            const std::string_view name = catalog::text_view(items[i]);
            route->providers.emplace_back(name);
        }
    }
    if (!nulls[col_send_limit]) {
        const std::string_view limit = catalog::text_view(values[col_send_limit]);
        route->send_limit.emplace(limit);
    }
}

} // namespace

std::optional<Route> find(const std::string &recipient) {
    std::optional<Route> found;
    pg::call([&] {
        catalog::read_configuration("route", column_count, [&](Relation routes) {
            catalog::with_latest_snapshot([&](Snapshot snapshot) {
                Relation index = catalog::open_index("route_pkey", AccessShareLock);
                TupleTableSlot *slot = table_slot_create(routes, nullptr);
                // In the order of bytes, the longest prefix of a number is not behind the number, and nothing
                // between them has a longer one. So: the last route that is not behind the key; where it is no
                // prefix, go on from what it has in common with the key, which is shorter each time.
                std::string_view key = recipient;
                while (!key.empty() && !found) {
                    ScanKeyData bound;
                    ScanKeyEntryInitialize(&bound, 0, 1, BTLessEqualStrategyNumber, InvalidOid,
                                           C_COLLATION_OID, F_TEXT_LE,
                                           PointerGetDatum(cstring_to_text_with_len(
                                               key.data(), static_cast<int>(key.size()))));
                    IndexScanDesc scan = pg::begin_index_scan(routes, index, snapshot, 1);
                    index_rescan(scan, &bound, 1, nullptr, 0);
                    const bool any = index_getnext_slot(scan, BackwardScanDirection, slot);
                    std::size_t common = 0;
                    if (any) {
                        slot_getallattrs(slot);
                        const std::string_view prefix =
                            catalog::text_view(slot->tts_values[col_prefix]);
                        common = common_length(prefix, key);
                        if (common == prefix.size())
                            read(slot, &found.emplace());
                    }
                    index_endscan(scan);
                    key = key.substr(0, common);
                }
                ExecDropSingleTupleTableSlot(slot);
                index_close(index, AccessShareLock);
            });
        });
    });
    return found;
}

} // namespace mfa::routes
