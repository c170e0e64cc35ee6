#include "statement.hpp"

namespace mfa {

void run(Statement &statement, std::initializer_list<Oid> types,
         std::initializer_list<Datum> values, int expected) {
    if (!statement.plan) {
        SPIPlanPtr plan = SPI_prepare(statement.sql, static_cast<int>(types.size()),
                                      const_cast<Oid *>(types.begin()));
        if (!plan || SPI_keepplan(plan) != 0)
            elog(ERROR, "mfa could not prepare a statement: %s",
                 SPI_result_code_string(SPI_result));
        statement.plan = plan;
    }
    const int result =
        SPI_execute_plan(statement.plan, const_cast<Datum *>(values.begin()), nullptr, false, 0);
    if (result != expected)
        elog(ERROR, "mfa could not run a statement: %s", SPI_result_code_string(result));
}

Datum field(uint64 row, int column, bool *is_null) {
    return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

void read_text(uint64 row, int column, std::string *into) {
    bool is_null;
    const Datum value = field(row, column, &is_null);
    if (is_null)
        return;
    const struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
    into->assign(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

int read_int(uint64 row, int column) {
    bool is_null;
    const Datum value = field(row, column, &is_null);
    return is_null ? 0 : DatumGetInt32(value);
}

TimestampTz read_time(uint64 row, int column) {
    bool is_null;
    const Datum value = field(row, column, &is_null);
    return is_null ? DT_NOEND : DatumGetTimestampTz(value);
}

void read_id(uint64 row, int column, core::RequestId *into) {
    bool is_null;
    std::memcpy(into->data(), DatumGetUUIDP(field(row, column, &is_null))->data, into->size());
}

TimestampTz answered_time() { return SPI_processed == 0 ? DT_NOEND : read_time(0, 1); }

Datum text_datum(const std::string &value) {
    return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

Datum id_datum(const core::RequestId &id) {
    pg_uuid_t *copy = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(copy->data, id.data(), id.size());
    return UUIDPGetDatum(copy);
}

Datum array_datum(Oid element, Datum *values, std::size_t count) {
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(element, &length, &by_value, &alignment);
    return PointerGetDatum(
        construct_array(values, static_cast<int>(count), element, length, by_value, alignment));
}

} // namespace mfa
