// The wall between C++ and PostgreSQL, and the only crossing.
//
// An ereport(ERROR) is a longjmp: it skips destructors. A C++ exception that passes a PostgreSQL frame
// leaves its exception stack pointing at a dead frame. Either ends in a crash of the whole cluster.
// Hence two zones, and two doors:
//
//   pg::entry<Body>  everything PostgreSQL calls. Body is C++: it may throw, and never ereports.
//                    What it throws is reported after the catch block is left.
//   pg::call(f)      backend calls made while objects with destructors live. f is PostgreSQL zone: it
//                    may ereport, and its own locals need no destructor. An error becomes pg::Error.
//
// A caught pg::Error is re-raised by letting it pass, or swallowed only together with an abort of the
// (sub)transaction it happened in. Functions marked "PostgreSQL zone" may ereport: from C++ they are
// called through pg::call.
#pragma once

#include <exception>
#include <new>
#include <type_traits>

#include "core/error.hpp"
#include "pg.hpp"

namespace mfa::pg {

// A PostgreSQL error on its way through C++ frames. The data lives in the memory context that was
// current where pg::call was entered.
class Error : public std::exception {
  public:
    explicit Error(ErrorData *data) noexcept : data_(data) {}
    ErrorData *data() const noexcept { return data_; }
    const char *what() const noexcept override { return data_->message ? data_->message : ""; }

  private:
    ErrorData *data_;
};

// Runs f with PostgreSQL's errors turned into pg::Error. Costs one sigsetjmp.
template <class F> auto call(F &&f) -> std::invoke_result_t<F> {
    using Result = std::invoke_result_t<F>;
    static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>,
                  "a result that an error could leak");
    sigjmp_buf *const outer_stack = PG_exception_stack;
    ErrorContextCallback *const outer_callbacks = error_context_stack;
    MemoryContext const context = CurrentMemoryContext;

    // A C++ exception leaves through here as well: the destructor puts the stack right.
    struct Restore {
        sigjmp_buf *stack;
        ErrorContextCallback *callbacks;
        ~Restore() {
            PG_exception_stack = stack;
            error_context_stack = callbacks;
        }
    } const restore{outer_stack, outer_callbacks};

    sigjmp_buf local;
    if (sigsetjmp(local, 0) == 0) {
        PG_exception_stack = &local;
        return f();
    }
    PG_exception_stack = outer_stack;
    error_context_stack = outer_callbacks;
    MemoryContextSwitchTo(context);
    ErrorData *data = CopyErrorData();
    FlushErrorState();
    throw Error(data);
}

// What a background process does each time it wakes up. PostgreSQL zone.
inline void serve_interrupts() {
    ResetLatch(MyLatch);
    QueryCancelPending = false; // nothing runs that could be canceled
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
}

// What was caught, in a form that needs no destructor, so that it may be raised by longjmp.
struct Report {
    ErrorData *from_postgres = nullptr;
    int sqlstate = 0;
    char message[1024] = "";
    char detail[512] = "";
    char hint[1024] = "";
};

void fill(Report &report, const core::Error &error) noexcept;
void fill(Report &report, const char *sqlstate, const char *message) noexcept;

// Raises the report as an ERROR. PostgreSQL zone, outside any catch block.
[[noreturn]] void raise(const Report &report);

// Copies what the report needs out of PostgreSQL's error data, then aborts the transaction, with which
// the data dies. PostgreSQL zone, outside any catch block.
void abort_transaction(Report &report);
[[noreturn]] void throw_report(Report &report); // as core::Error

// One line in the server log. PostgreSQL zone, outside any catch block.
void log(const Report &report, const char *what_happened);

// Runs body, and tells whether it threw; the report then says what.
template <class F> bool caught(Report &report, F &&body) noexcept {
    try {
        body();
        return false;
    } catch (const Error &error) {
        report.from_postgres = error.data();
    } catch (const core::Error &error) {
        fill(report, error);
    } catch (const std::bad_alloc &) {
        fill(report, core::sqlstate::out_of_memory, "out of memory");
    } catch (...) {
        fill(report, core::sqlstate::internal_error, "mfa met an unexpected internal error");
    }
    return true;
}

// The door for SQL-callable functions:
//   extern "C" Datum mfa_send(PG_FUNCTION_ARGS) { return pg::entry<send>(fcinfo); }
template <Datum (*Body)(FunctionCallInfo)> Datum entry(FunctionCallInfo fcinfo) {
    Report report;
    Datum result = 0;
    if (caught(report, [&] { result = Body(fcinfo); }))
        raise(report);
    return result;
}

// Runs a C++ body in a transaction of a background worker, with an active snapshot and SPI connected.
// Whatever the body throws aborts the transaction and comes out as core::Error: a PostgreSQL error's
// data dies with the transaction. The memory context that was current is current again afterwards.
template <class F> void transaction(F &&body) {
    MemoryContext const context = CurrentMemoryContext;
    Report report;
    auto run = [&] {
        call([] {
            SetCurrentStatementStartTimestamp();
            StartTransactionCommand();
            PushActiveSnapshot(GetTransactionSnapshot());
            SPI_connect();
        });
        body();
        call([] { SPI_finish(); });
        MemoryContextSwitchTo(context); // SPI's is gone
        call([] {
            PopActiveSnapshot();
            CommitTransactionCommand();
        });
    };
    const bool failed = caught(report, run);
    if (failed)
        abort_transaction(report);
    MemoryContextSwitchTo(context);
    if (failed)
        throw_report(report);
}

} // namespace mfa::pg
