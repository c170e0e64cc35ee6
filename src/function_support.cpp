#include "function_support.hpp"

#include "core/error.hpp"
#include "encoding.hpp"
#include "pg_wall.hpp"
#include "shmem.hpp"

namespace mfa {

void require_primary(const char *function) {
    if (RecoveryInProgress())
        ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                        errmsg("cannot execute %s during recovery", function),
                        errhint("This is a standby: connect to the primary, for example with "
                                "target_session_attrs=read-write.")));
}

void require_writable(const char *function) {
    pg::call([&] {
        shmem::require();
        require_primary(function);
        PreventCommandIfReadOnly(function);
        PreventCommandIfParallelMode(function);
    });
}

std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return std::nullopt;
    text *value = pg::call([&] { return PG_GETARG_TEXT_PP(n); });
    return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

std::optional<std::string> utf8_argument(FunctionCallInfo fcinfo, int n) {
    const std::optional<std::string> value = text_argument(fcinfo, n);
    return value ? std::optional(to_utf8(*value)) : std::nullopt;
}

std::string required_text(FunctionCallInfo fcinfo, int n, const char *parameter) {
    std::optional<std::string> value = text_argument(fcinfo, n);
    if (!value)
        throw core::Error(core::sqlstate::null_value_not_allowed,
                          std::string(parameter) + " must not be null");
    return *std::move(value);
}

std::optional<double> seconds_argument(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return std::nullopt;
    const Interval *value = PG_GETARG_INTERVAL_P(n);
    return static_cast<double>(value->time) / USECS_PER_SEC +
           (static_cast<double>(value->month) * DAYS_PER_MONTH + value->day) * SECS_PER_DAY;
}

std::optional<core::RequestId> uuid_argument(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return std::nullopt;
    core::RequestId id;
    std::memcpy(id.data(), PG_GETARG_UUID_P(n)->data, id.size());
    return id;
}

Datum uuid_result(const core::RequestId &id) {
    return pg::call([&] {
        pg_uuid_t *result = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
        std::memcpy(result->data, id.data(), id.size());
        return UUIDPGetDatum(result);
    });
}

RowBuilder::RowBuilder(FunctionCallInfo fcinfo) {
    if (get_call_result_type(fcinfo, nullptr, &description_) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
}

void RowBuilder::check() const {
    if (description_->natts != count_)
        elog(ERROR, "return type has %d columns instead of %d", description_->natts, count_);
}

Datum RowBuilder::build() {
    check();
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description_), values_, nulls_));
}

SetBuilder::SetBuilder(FunctionCallInfo fcinfo) : RowBuilder(fcinfo) {
    InitMaterializedSRF(fcinfo, 0);
    rows_ = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo)->setResult;
}

void SetBuilder::next() {
    check();
    tuplestore_putvalues(rows_, description_, values_, nulls_);
    count_ = 0;
}

} // namespace mfa
