// Statements of the delivery worker: planned once a process, run by SPI inside a transaction of the
// worker. PostgreSQL zone. What is read goes into C++ strings, so that it outlives the transaction.
#pragma once

#include <initializer_list>
#include <string>

#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa {

// All names in it are qualified; the worker's search_path has pg_catalog alone.
struct Statement {
    const char *sql;
    SPIPlanPtr plan;
};

// Runs it; ERROR where the result is not `expected` (SPI_OK_...).
void run(Statement &statement, std::initializer_list<Oid> types,
         std::initializer_list<Datum> values, int expected);

// Fields of the result, columns from 1. Null is '', 0 and DT_NOEND.
Datum field(uint64 row, int column, bool *is_null);
void read_text(uint64 row, int column, std::string *into); // of any varlena
int read_int(uint64 row, int column);
TimestampTz read_time(uint64 row, int column);
void read_id(uint64 row, int column, core::RequestId *into);
// The one timestamp that a statement answers; DT_NOEND for no row too.
TimestampTz answered_time();

Datum text_datum(const std::string &value);
Datum id_datum(const core::RequestId &id);
// An array of `count` values of that type.
Datum array_datum(Oid element, Datum *values, std::size_t count);

} // namespace mfa
