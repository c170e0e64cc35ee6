// The SQL-callable functions: arguments in, results out. What they do is in send.cpp and verify.cpp.

#include "core/error.hpp"
#include "pg_wall.hpp"
#include "send.hpp"
#include "shmem.hpp"
#include "verify.hpp"

namespace mfa {

namespace {

// Every function begins here: what makes the call impossible whatever its arguments.
void require_writable(const char *function) {
    pg::call([&] {
        shmem::require();
        PreventCommandDuringRecovery(function);
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

// In UTF-8, whatever the database's encoding: what leaves the server is UTF-8.
std::optional<std::string> utf8_argument(FunctionCallInfo fcinfo, int n) {
    std::optional<std::string> value = text_argument(fcinfo, n);
    if (!value || GetDatabaseEncoding() == PG_UTF8)
        return value;
    const char *converted = pg::call([&] {
        return pg_server_to_any(value->c_str(), static_cast<int>(value->size()), PG_UTF8);
    });
    return std::string(converted);
}

std::string required_text(FunctionCallInfo fcinfo, int n, const char *parameter) {
    std::optional<std::string> value = text_argument(fcinfo, n);
    if (!value)
        throw core::Error(core::sqlstate::null_value_not_allowed,
                          std::string(parameter) + " must not be null");
    return *std::move(value);
}

// An interval in seconds; months count 30 days, as everywhere in PostgreSQL. A double holds any interval
// without overflow, and exactly what is within mfa's bounds.
std::optional<double> seconds_argument(FunctionCallInfo fcinfo, int n) {
    if (PG_ARGISNULL(n))
        return std::nullopt;
    const Interval *value = PG_GETARG_INTERVAL_P(n);
    return static_cast<double>(value->time) / USECS_PER_SEC +
           (static_cast<double>(value->month) * DAYS_PER_MONTH + value->day) * SECS_PER_DAY;
}

Datum uuid_result(const core::RequestId &id) {
    return pg::call([&] {
        pg_uuid_t *result = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
        std::memcpy(result->data, id.data(), id.size());
        return UUIDPGetDatum(result);
    });
}

Datum mfa_send(FunctionCallInfo fcinfo) {
    require_writable("mfa_send()");
    SendCall call;
    call.recipient = required_text(fcinfo, 0, "recipient");
    call.channel = required_text(fcinfo, 1, "channel");
    // A null purpose must not become the login's: 'payment:' || null is a caller's mistake.
    call.purpose = required_text(fcinfo, 2, "purpose");
    call.message = utf8_argument(fcinfo, 3);
    call.locale = text_argument(fcinfo, 4);
    call.sender = utf8_argument(fcinfo, 5);
    if (!PG_ARGISNULL(6))
        call.code_length = PG_GETARG_INT32(6);
    if (!PG_ARGISNULL(7))
        call.allow_alphas = PG_GETARG_BOOL(7);
    call.valid_for = seconds_argument(fcinfo, 8);
    if (!PG_ARGISNULL(9))
        call.max_attempts = PG_GETARG_INT32(9);
    if (!PG_ARGISNULL(10))
        call.provider = NameStr(*PG_GETARG_NAME(10));
    return uuid_result(send(call));
}

// Null in any argument is no code that could be right.
VerifyAnswer verify_text(FunctionCallInfo fcinfo) {
    const std::optional<std::string> request = text_argument(fcinfo, 0);
    const std::optional<std::string> code = text_argument(fcinfo, 1);
    const std::optional<std::string> purpose = text_argument(fcinfo, 2);
    if (!request || !code || !purpose)
        return {};
    return verify(*request, *code, *purpose);
}

Datum mfa_verify_text(FunctionCallInfo fcinfo) {
    require_writable("mfa_verify()");
    PG_RETURN_BOOL(verify_text(fcinfo).status == VerifyStatus::verified);
}

Datum mfa_verify_uuid(FunctionCallInfo fcinfo) {
    require_writable("mfa_verify()");
    const std::optional<std::string> code = text_argument(fcinfo, 1);
    const std::optional<std::string> purpose = text_argument(fcinfo, 2);
    if (PG_ARGISNULL(0) || !code || !purpose)
        PG_RETURN_BOOL(false);
    core::RequestId id;
    std::memcpy(id.data(), PG_GETARG_UUID_P(0)->data, id.size());
    PG_RETURN_BOOL(verify(id, *code, *purpose).status == VerifyStatus::verified);
}

Datum mfa_check(FunctionCallInfo fcinfo) {
    require_writable("mfa_check()");
    const VerifyAnswer answer = verify_text(fcinfo);
    return pg::call([&] {
        TupleDesc description;
        if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        Datum values[4] = {};
        bool nulls[4] = {};
        values[0] = BoolGetDatum(answer.status == VerifyStatus::verified);
        values[1] = CStringGetTextDatum(status_name(answer.status));
        if (answer.attempts_left)
            values[2] = Int32GetDatum(*answer.attempts_left);
        else
            nulls[2] = true;
        nulls[3] = true;
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
    });
}

} // namespace

} // namespace mfa

extern "C" {
PG_FUNCTION_INFO_V1(mfa_send);
PG_FUNCTION_INFO_V1(mfa_verify_text);
PG_FUNCTION_INFO_V1(mfa_verify_uuid);
PG_FUNCTION_INFO_V1(mfa_check);

PGDLLEXPORT Datum mfa_send(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_send>(fcinfo); }

PGDLLEXPORT Datum mfa_verify_text(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_verify_text>(fcinfo);
}

PGDLLEXPORT Datum mfa_verify_uuid(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_verify_uuid>(fcinfo);
}

PGDLLEXPORT Datum mfa_check(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_check>(fcinfo); }
}
