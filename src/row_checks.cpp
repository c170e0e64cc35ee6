// Triggers of the configuration tables. They check rows when they are written: a wrong one would be found when
// somebody logs in. And they tell all sessions of new ones. They need the library, but not the server's
// preloading of it, so that a dump can be restored anywhere.

#include "catalog.hpp"
#include "core/ascii.hpp"
#include "core/code.hpp"
#include "core/error.hpp"
#include "core/locale.hpp"
#include "core/message.hpp"
#include "core/recipient.hpp"
#include "core/reserved_recipient.hpp"
#include "encoding.hpp"
#include "pg_wall.hpp"

namespace mfa {

namespace {

using core::sqlstate::invalid_parameter_value;

const TriggerData *as_trigger(FunctionCallInfo fcinfo) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        throw core::Error(core::sqlstate::feature_not_supported,
                          "this function is called by a trigger only");
    return reinterpret_cast<TriggerData *>(fcinfo->context);
}

// The row as it would be written.
struct NewRow {
    HeapTuple tuple;
    TupleDesc columns;

    explicit NewRow(FunctionCallInfo fcinfo) {
        const TriggerData *trigger = as_trigger(fcinfo);
        const TriggerEvent event = trigger->tg_event;
        if (!TRIGGER_FIRED_FOR_ROW(event) || !TRIGGER_FIRED_BEFORE(event) ||
            !(TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event)))
            throw core::Error(core::sqlstate::feature_not_supported,
                              "this function is for BEFORE INSERT OR UPDATE ... FOR EACH ROW");
        tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
                                                           : trigger->tg_trigtuple;
        columns = RelationGetDescr(trigger->tg_relation);
    }

    // PostgreSQL zone; false for null, a column of another type, or none.
    bool get(const char *name, Oid type, Datum *value) const {
        const int number = SPI_fnumber(columns, name);
        if (number <= 0 || SPI_gettypeid(columns, number) != type)
            return false;
        bool is_null = true;
        *value = heap_getattr(tuple, number, columns, &is_null);
        return !is_null;
    }

    std::string text(const char *name) const {
        std::string copy;
        const bool there = pg::call([&] {
            Datum value;
            if (!get(name, TEXTOID, &value))
                return false;
            copy.assign(catalog::text_view(value));
            return true;
        });
        // Not left to the constraint, whose error would show the whole row.
        if (!there)
            throw core::Error(core::sqlstate::null_value_not_allowed,
                              std::string(name) + " must be a text, and not null");
        return to_utf8(copy);
    }

    bool flag(const char *name) const {
        return pg::call([&] {
            Datum value;
            return get(name, BOOLOID, &value) && DatumGetBool(value);
        });
    }
};

Datum check_template(FunctionCallInfo fcinfo) {
    const NewRow row(fcinfo);
    const std::string locale = row.text("locale");
    const std::string channel = row.text("channel");
    const std::string body = row.text("body");
    core::check_locale_tag(locale);
    if (core::canonical_locale(locale) != locale)
        throw core::Error(invalid_parameter_value, "locale is \"" + locale +
                                                       "\", which is written \"" +
                                                       core::canonical_locale(locale) + "\"");
    const core::Channel as = channel.empty()
                                 ? core::Channel::sms
                                 : core::parse_channel(channel); // sms has the least room
    // With values as short as they can be: what does not fit then, never does.
    const std::string code(core::min_code_length, '0');
    const core::MessageValues least{code, "", std::chrono::seconds(1), "a", "00000000000"};
    if (as == core::Channel::voice)
        core::speak_message(body, least);
    else
        core::check_message_fits(as, core::render_message(body, least).view());
    return PointerGetDatum(row.tuple);
}

Datum check_test_recipient(FunctionCallInfo fcinfo) {
    const NewRow row(fcinfo);
    const std::string recipient = row.text("recipient");
    const core::Channel channel =
        recipient.find('@') == std::string::npos ? core::Channel::sms : core::Channel::email;
    if (core::normalise_recipient(channel, recipient) != recipient)
        throw core::Error(invalid_parameter_value, "recipient is not in its normal form",
                          "Write a number as + and digits alone, an address in lower case.");
    const std::string code = row.text("code");
    const std::size_t length = core::normalise_code(code).size();
    if (length < core::min_code_length || length > core::max_code_length ||
        !std::all_of(code.begin(), code.end(), core::is_alnum))
        throw core::Error(invalid_parameter_value,
                          "code must be " + std::to_string(core::min_code_length) + " to " +
                              std::to_string(core::max_code_length) + " letters and digits");
    if (!row.flag("forced") && !core::is_reserved_recipient(recipient))
        throw core::Error(
            invalid_parameter_value,
            "recipient may be a person's: with a fixed code, who knows that logs in as that person",
            "Use a number that is set aside for examples, such as +14155550100, or an address "
            "under example.com; or set forced to true.");
    return PointerGetDatum(row.tuple);
}

// When its transaction commits, every session forgets that it has seen the table empty; this one at once.
Datum note_row(FunctionCallInfo fcinfo) {
    const TriggerData *trigger = as_trigger(fcinfo);
    pg::call([&] { CacheInvalidateRelcache(trigger->tg_relation); });
    return Datum{0}; // what an AFTER trigger answers is ignored
}

} // namespace

} // namespace mfa

extern "C" {
PG_FUNCTION_INFO_V1(mfa_check_template);
PG_FUNCTION_INFO_V1(mfa_check_test_recipient);
PG_FUNCTION_INFO_V1(mfa_note_row);

PGDLLEXPORT Datum mfa_check_template(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::check_template>(fcinfo);
}

PGDLLEXPORT Datum mfa_check_test_recipient(PG_FUNCTION_ARGS) {
    return mfa::pg::entry<mfa::check_test_recipient>(fcinfo);
}

PGDLLEXPORT Datum mfa_note_row(PG_FUNCTION_ARGS) { return mfa::pg::entry<mfa::note_row>(fcinfo); }
}
