#include "test_recipients.hpp"

#include "catalog.hpp"
#include "core/code.hpp"
#include "pg_wall.hpp"

namespace mfa::test_recipients {

namespace {

enum Column : int { col_recipient, col_code, col_forced, col_remark, column_count };

} // namespace

std::optional<core::Secret> find(const std::string &recipient) {
    std::optional<core::Secret> code;
    pg::call([&] {
        catalog::read_configuration("test_recipient", column_count, [&](Relation table) {
            const Datum key = PointerGetDatum(
                cstring_to_text_with_len(recipient.data(), static_cast<int>(recipient.size())));
            catalog::with_latest_snapshot([&](Snapshot snapshot) {
                catalog::scan(
                    table, "test_recipient_pkey", F_TEXTEQ, key, ForwardScanDirection,
                    [&](TupleTableSlot *slot) {
                        slot_getallattrs(slot);
                        if (!slot->tts_isnull[col_code])
                            code.emplace(catalog::text_view(slot->tts_values[col_code]));
                    },
                    snapshot);
            });
        });
    });
    if (code)
        code = core::normalise_code(code->view());
    return code;
}

} // namespace mfa::test_recipients
