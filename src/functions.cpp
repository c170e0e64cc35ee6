// The SQL-callable functions: arguments in, results out. What they do is in send.cpp and verify.cpp.

#include "core/error.hpp"
#include "core/shard.hpp"
#include "encoding.hpp"
#include "function_support.hpp"
#include "manage.hpp"
#include "pg_wall.hpp"
#include "reports.hpp"
#include "send.hpp"
#include "shmem.hpp"
#include "stats.hpp"
#include "verify.hpp"

namespace mfa {

namespace {

// Counts a call that sends, or why it was refused.
template <class F> void counted(stats::Call call, F &&f) {
    pg::call([] { stats::attach(); });
    try {
        f();
    } catch (const core::Error &error) {
        stats::count_refusal(error.sqlstate());
        throw;
    }
    stats::count(call);
}

VerifyAnswer counted(const VerifyAnswer &answer) {
    pg::call([] { stats::attach(); });
    stats::count(static_cast<stats::Call>(static_cast<int>(stats::Call::first_verify_status) +
                                          static_cast<int>(answer.status)));
    return answer;
}

Datum mfa_send(FunctionCallInfo fcinfo) {
    require_writable("mfa_send()");
    SendCall call;
    call.recipient = to_utf8(required_text(fcinfo, 0, "recipient"));
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
    core::RequestId id;
    counted(stats::Call::send, [&] { id = send(call); });
    return uuid_result(id);
}

// Null in any argument is no code that could be right.
VerifyAnswer verify_text(FunctionCallInfo fcinfo) {
    const std::optional<std::string> request = utf8_argument(fcinfo, 0);
    const std::optional<std::string> code = utf8_argument(fcinfo, 1);
    const std::optional<std::string> purpose = text_argument(fcinfo, 2);
    if (!request || !code || !purpose)
        return counted({});
    return counted(verify(*request, *code, *purpose));
}

Datum mfa_verify_text(FunctionCallInfo fcinfo) {
    require_writable("mfa_verify()");
    PG_RETURN_BOOL(verify_text(fcinfo).status == VerifyStatus::verified);
}

VerifyAnswer verify_uuid(FunctionCallInfo fcinfo) {
    const std::optional<core::RequestId> request = uuid_argument(fcinfo, 0);
    const std::optional<std::string> code = utf8_argument(fcinfo, 1);
    const std::optional<std::string> purpose = text_argument(fcinfo, 2);
    if (!request || !code || !purpose)
        return counted({});
    return counted(verify(*request, *code, *purpose));
}

Datum mfa_verify_uuid(FunctionCallInfo fcinfo) {
    require_writable("mfa_verify()");
    PG_RETURN_BOOL(verify_uuid(fcinfo).status == VerifyStatus::verified);
}

Datum check_result(FunctionCallInfo fcinfo, const VerifyAnswer &answer) {
    return pg::call([&] {
        RowBuilder row(fcinfo);
        row.add(BoolGetDatum(answer.status == VerifyStatus::verified));
        row.add_text(status_name(answer.status));
        row.add(Int32GetDatum(answer.attempts_left.value_or(0)), !answer.attempts_left);
        Interval *wait = static_cast<Interval *>(palloc0(sizeof(Interval)));
        wait->time = answer.retry_after.value_or(0);
        row.add(IntervalPGetDatum(wait), !answer.retry_after);
        return row.build();
    });
}

Datum mfa_check_text(FunctionCallInfo fcinfo) {
    require_writable("mfa_check()");
    return check_result(fcinfo, verify_text(fcinfo));
}

Datum mfa_check_uuid(FunctionCallInfo fcinfo) {
    require_writable("mfa_check()");
    return check_result(fcinfo, verify_uuid(fcinfo));
}

Datum mfa_resend(FunctionCallInfo fcinfo) {
    require_writable("mfa_resend()");
    const std::optional<core::RequestId> id = uuid_argument(fcinfo, 0);
    if (!id)
        throw core::Error(core::sqlstate::null_value_not_allowed, "request must not be null");
    counted(stats::Call::resend, [&] { resend(*id, text_argument(fcinfo, 1)); });
    PG_RETURN_VOID();
}

Datum mfa_cancel(FunctionCallInfo fcinfo) {
    require_writable("mfa_cancel()");
    const std::optional<core::RequestId> id = uuid_argument(fcinfo, 0);
    PG_RETURN_BOOL(id && cancel(*id));
}

Datum mfa_status(FunctionCallInfo fcinfo) {
    pg::call([] { require_primary("mfa_status()"); });
    const std::optional<core::RequestId> id = uuid_argument(fcinfo, 0);
    const std::optional<Status> found = id ? status(*id) : std::nullopt;
    if (!found)
        PG_RETURN_NULL();
    return pg::call([&] {
        RowBuilder row(fcinfo);
        row.add_text(found->recipient ? found->recipient->c_str() : nullptr);
        row.add_text(found->state);
        row.add_text(found->channel);
        row.add_text(found->provider);
        row.add_text(found->delivery);
        row.add_text(found->error);
        row.add(Int32GetDatum(found->attempts_left));
        row.add(Int32GetDatum(found->sends));
        row.add(TimestampTzGetDatum(found->created_at));
        row.add(TimestampTzGetDatum(found->expires_at));
        row.add(TimestampTzGetDatum(found->ended_at), found->ended_at == DT_NOEND);
        return row.build();
    });
}

Datum mfa_delivery_report(FunctionCallInfo fcinfo) {
    require_writable("mfa_delivery_report()");
    if (PG_ARGISNULL(0))
        throw core::Error(core::sqlstate::null_value_not_allowed, "provider must not be null");
    const std::string message_id = required_text(fcinfo, 1, "message_id");
    const std::string status = required_text(fcinfo, 2, "status");
    PG_RETURN_BOOL(
        delivery_report(NameStr(*PG_GETARG_NAME(0)), message_id, status, text_argument(fcinfo, 3)));
}

Datum mfa_signature_valid(FunctionCallInfo fcinfo) {
    pg::call([] { shmem::require(); });
    const std::optional<std::string> signature = text_argument(fcinfo, 1);
    const std::optional<std::string> url = utf8_argument(fcinfo, 2);
    const std::optional<std::string> body = utf8_argument(fcinfo, 3);
    if (PG_ARGISNULL(0) || !signature || !url || !body)
        PG_RETURN_BOOL(false);
    PG_RETURN_BOOL(is_signed(NameStr(*PG_GETARG_NAME(0)), *signature, *url, *body));
}

// Null goes where other text that is neither goes: to somebody who says so.
Datum mfa_shard_text(FunctionCallInfo fcinfo) {
    PG_RETURN_INT32(core::shard_of(utf8_argument(fcinfo, 0).value_or("")));
}

Datum mfa_shard_uuid(FunctionCallInfo fcinfo) {
    const std::optional<core::RequestId> id = uuid_argument(fcinfo, 0);
    PG_RETURN_INT32(id ? core::shard_of(*id) : 0);
}

} // namespace

} // namespace mfa

extern "C" {
PG_FUNCTION_INFO_V1(mfa_send);
PG_FUNCTION_INFO_V1(mfa_verify_text);
PG_FUNCTION_INFO_V1(mfa_verify_uuid);
PG_FUNCTION_INFO_V1(mfa_check_text);
PG_FUNCTION_INFO_V1(mfa_check_uuid);
PG_FUNCTION_INFO_V1(mfa_resend);
PG_FUNCTION_INFO_V1(mfa_cancel);
PG_FUNCTION_INFO_V1(mfa_status);
PG_FUNCTION_INFO_V1(mfa_delivery_report);
PG_FUNCTION_INFO_V1(mfa_signature_valid);
PG_FUNCTION_INFO_V1(mfa_shard_text);
PG_FUNCTION_INFO_V1(mfa_shard_uuid);

PGDLLEXPORT Datum mfa_send(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_send>(fcinfo); }

PGDLLEXPORT Datum mfa_verify_text(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_verify_text>(fcinfo);
}

PGDLLEXPORT Datum mfa_verify_uuid(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_verify_uuid>(fcinfo);
}

PGDLLEXPORT Datum mfa_check_text(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_check_text>(fcinfo);
}

PGDLLEXPORT Datum mfa_check_uuid(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_check_uuid>(fcinfo);
}

PGDLLEXPORT Datum mfa_resend(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_resend>(fcinfo); }

PGDLLEXPORT Datum mfa_cancel(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_cancel>(fcinfo); }

PGDLLEXPORT Datum mfa_status(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::mfa_status>(fcinfo); }

PGDLLEXPORT Datum mfa_delivery_report(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_delivery_report>(fcinfo);
}

PGDLLEXPORT Datum mfa_signature_valid(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_signature_valid>(fcinfo);
}

PGDLLEXPORT Datum mfa_shard_text(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_shard_text>(fcinfo);
}

PGDLLEXPORT Datum mfa_shard_uuid(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::mfa_shard_uuid>(fcinfo);
}
}
