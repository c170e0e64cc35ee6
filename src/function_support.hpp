// What the SQL-callable functions share: reading arguments, and rows as results. C++ zone, unless it says
// otherwise.
#pragma once

#include <optional>
#include <string>

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa {

// A standby has no requests. PostgreSQL zone.
void require_primary(const char *function);

// Every function that acts begins here: what makes the call impossible whatever its arguments.
void require_writable(const char *function);

std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int n);

// What core reads is UTF-8, whatever the database's encoding.
std::optional<std::string> utf8_argument(FunctionCallInfo fcinfo, int n);

// core::Error 22004 where it is null.
std::string required_text(FunctionCallInfo fcinfo, int n, const char *parameter);

// An interval in seconds; months count 30 days, as everywhere in PostgreSQL. A double holds any interval
// without overflow, and exactly what is within mfa's bounds.
std::optional<double> seconds_argument(FunctionCallInfo fcinfo, int n);

std::optional<core::RequestId> uuid_argument(FunctionCallInfo fcinfo, int n);
Datum uuid_result(const core::RequestId &id);

// Rows of the function's result type, column by column. PostgreSQL zone.
class RowBuilder {
  public:
    explicit RowBuilder(FunctionCallInfo fcinfo);
    void add(Datum value, bool is_null = false) {
        values_[count_] = value;
        nulls_[count_++] = is_null;
    }
    void add_text(const char *value) {
        add(value ? CStringGetTextDatum(value) : 0, value == nullptr);
    }
    void add_time(TimestampTz value) { // none of infinity
        add(TimestampTzGetDatum(value), TIMESTAMP_NOT_FINITE(value));
    }
    // The one row of a function that returns a record.
    Datum build();

  protected:
    void check() const;

    static constexpr int max_columns = 24;
    TupleDesc description_ = nullptr;
    Datum values_[max_columns] = {};
    bool nulls_[max_columns] = {};
    int count_ = 0;
};

// The rows of a function that returns a set.
class SetBuilder : public RowBuilder {
  public:
    explicit SetBuilder(FunctionCallInfo fcinfo);
    void next(); // ends a row

  private:
    Tuplestorestate *rows_;
};

} // namespace mfa
