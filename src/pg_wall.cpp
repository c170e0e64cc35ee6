#include "pg_wall.hpp"

namespace mfa::pg {

namespace {

// Copies what fits, cut at a character boundary: a report must not need memory.
void copy(char *to, std::size_t size, std::string_view text) noexcept {
    std::size_t length = text.size();
    if (length >= size) {
        length = size - 1;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
            --length;
    }
    std::memcpy(to, text.data(), length);
    to[length] = '\0';
}

// What a report needs of PostgreSQL's error data, which may die.
void take_over(Report &report) {
    const ErrorData *data = report.from_postgres;
    fill(report, unpack_sql_state(data->sqlerrcode), data->message ? data->message : "");
    copy(report.detail, sizeof(report.detail), data->detail ? data->detail : "");
}

int pack_sqlstate(const char *state) noexcept {
    return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
}

} // namespace

void fill(Report &report, const core::Error &error) noexcept {
    report.from_postgres = nullptr;
    report.sqlstate = pack_sqlstate(error.sqlstate());
    copy(report.message, sizeof(report.message), error.message());
    copy(report.detail, sizeof(report.detail), error.detail());
    copy(report.hint, sizeof(report.hint), error.hint());
}

void fill(Report &report, const char *sqlstate, const char *message) noexcept {
    report.from_postgres = nullptr;
    report.sqlstate = pack_sqlstate(sqlstate);
    copy(report.message, sizeof(report.message), message);
    report.detail[0] = '\0';
    report.hint[0] = '\0';
}

// The statement (and the PL/pgSQL context) that led here may hold a code or a number as literals: the
// log gets the error without them. The client gets the context all the same.
void raise(const Report &report) {
    if (ErrorData *data = report.from_postgres) {
        data->hide_stmt = true;
        data->hide_ctx = true;
        data->detail_log = nullptr; // of a deadlock: the statements of all who take part
        ReThrowError(data);
    }
    ereport(ERROR, (errcode(report.sqlstate), errmsg("%s", report.message),
                    report.detail[0] ? errdetail("%s", report.detail) : 0,
                    report.hint[0] ? errhint("%s", report.hint) : 0, errhidestmt(true),
                    errhidecontext(true)));
}

void abort_transaction(Report &report) {
    if (report.from_postgres)
        take_over(report);
    HOLD_INTERRUPTS();
    AbortCurrentTransaction();
    RESUME_INTERRUPTS();
}

void log(const Report &report, const char *what_happened) {
    const ErrorData *data = report.from_postgres;
    ereport(LOG, (errcode(data ? data->sqlerrcode : report.sqlstate),
                  errmsg("%s: %s", what_happened,
                         data && data->message ? data->message : report.message)));
}

void throw_report(Report &report) {
    if (report.from_postgres)
        take_over(report);
    static char state[6]; // core::Error keeps the pointer, and is caught at once
    strlcpy(state, unpack_sql_state(report.sqlstate), sizeof(state));
    throw core::Error(state, report.message, report.hint, report.detail);
}

} // namespace mfa::pg
