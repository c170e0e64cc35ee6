// Columns of mfa.message, as sql/mfa--1.0.sql creates them. PostgreSQL zone.
#pragma once

#include "pg.hpp"

namespace mfa::store {

enum MessageColumn : int {
    col_request,
    col_n,
    col_tries,
    col_unknowns,
    col_due_at,
    col_created_at,
    col_sent_at,
    col_ended_at,
    col_cost,
    col_fallback_for,
    col_state,
    col_channel,
    col_destination,
    col_provider,
    col_providers,
    col_sealed,
    col_message_id,
    col_error,
    message_columns
};

inline const char *text_or_null(TupleTableSlot *slot, MessageColumn column) {
    return slot->tts_isnull[column] ? nullptr : TextDatumGetCString(slot->tts_values[column]);
}

// A fallback whose time has not come.
inline bool is_reserve(TupleTableSlot *slot) {
    return !slot->tts_isnull[col_fallback_for] && DatumGetInt32(slot->tts_values[col_tries]) == 0;
}

// New values of some columns.
struct MessageChange {
    Datum values[message_columns];
    bool nulls[message_columns] = {};
    bool changed[message_columns] = {};

    void set(MessageColumn column, Datum value) {
        values[column] = value;
        changed[column] = true;
    }
    void set_null(MessageColumn column) {
        nulls[column] = changed[column] = true;
        values[column] = 0;
    }
    void set_text(MessageColumn column, const char *value) {
        set(column, CStringGetTextDatum(value));
    }
};

} // namespace mfa::store
