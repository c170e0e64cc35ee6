#include "templates.hpp"

#include "catalog.hpp"
#include "core/locale.hpp"
#include "core/template_choice.hpp"
#include "encoding.hpp"
#include "pg_wall.hpp"
#include "settings.hpp"

namespace mfa::templates {

namespace {

enum Column : int { col_purpose, col_locale, col_channel, col_body, column_count };

// Sets the body of the row for `purpose` that fits best, as it is stored. PostgreSQL zone.
void find_body(Relation table, Snapshot snapshot, std::string_view purpose, std::string_view locale,
               std::string_view channel, std::string *best) {
    int best_fit = -1;
    const Datum key =
        PointerGetDatum(cstring_to_text_with_len(purpose.data(), static_cast<int>(purpose.size())));
    catalog::scan(
        table, "template_pkey", F_TEXTEQ, key, ForwardScanDirection,
        [&](TupleTableSlot *slot) {
            slot_getallattrs(slot);
            const Datum *values = slot->tts_values;
            if (slot->tts_isnull[col_locale] || slot->tts_isnull[col_channel] ||
                slot->tts_isnull[col_body])
                return;
            const std::optional<int> fit =
                core::template_fit(catalog::text_view(values[col_locale]),
                                   catalog::text_view(values[col_channel]), locale, channel);
            if (!fit || *fit <= best_fit)
                return;
            best_fit = *fit;
            best->assign(catalog::text_view(values[col_body]));
        },
        snapshot);
}

std::string find_body(const core::RequestData &text, core::Channel channel) {
    std::string body;
    pg::call([&] {
        catalog::read_configuration("template", column_count, [&](Relation table) {
            catalog::with_latest_snapshot([&](Snapshot snapshot) {
                // '' is English, and a template for 'en' is one for it.
                const std::string_view locale =
                    text.locale.empty() ? std::string_view("en") : text.locale;
                std::optional<std::string_view> purpose = text.purpose;
                while (purpose && body.empty()) {
                    find_body(table, snapshot, *purpose, locale, core::channel_name(channel),
                              &body);
                    purpose = core::wider_purpose(*purpose);
                }
            });
        });
    });
    return body;
}

} // namespace

void choose(core::RequestData &text, core::Channel channel) {
    if (!text.own_message) {
        const std::string body = find_body(text, channel);
        text.message = to_utf8(body.empty() ? settings::message : body);
        if (!body.empty())
            return;
    }
    core::builtin_template(text.locale, channel);
}

} // namespace mfa::templates
