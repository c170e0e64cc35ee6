// Validators of mfa's foreign-data wrappers: CREATE and ALTER of servers and user mappings check every
// option name and value here.

#include "core/provider.hpp"
#include "core/providers/providers.hpp"
#include "encoding.hpp"
#include "pg_wall.hpp"

namespace mfa {

namespace {

// A file that the server reads for its owner could be anybody's: like postgres_fdw's certificate
// options, those that name a file are for roles that may read the server's files anyway.
void require_file_privilege(const char *option) {
    if (!pg::call([] { return has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES); }))
        throw core::Error(
            core::sqlstate::insufficient_privilege,
            std::string("permission denied to set option \"") + option + "\"",
            "Only superusers and members of pg_read_server_files may name a file of the "
            "server.");
}

bool names_a_file(std::string_view option) {
    return option == "ca_file" ||
           (option.size() > 5 && option.substr(option.size() - 5) == "_file");
}

struct GivenOption {
    const char *name;
    const char *value;
};

Datum validate(FunctionCallInfo fcinfo, const core::Provider &provider) {
    Oid catalog = PG_GETARG_OID(1);
    std::vector<GivenOption> given;
    pg::call([&] {
        ListCell *cell;
        foreach (cell, untransformRelOptions(PG_GETARG_DATUM(0))) {
            DefElem *option = lfirst_node(DefElem, cell);
            given.push_back({option->defname, defGetString(option)});
        }
    });
    if (catalog != ForeignServerRelationId && catalog != UserMappingRelationId) {
        if (!given.empty())
            throw core::Error(core::sqlstate::fdw_invalid_option_name,
                              "invalid option \"" + std::string(given.front().name) + "\"",
                              "Options belong to the server or the user mapping.");
        PG_RETURN_VOID();
    }
    const core::OptionPlace place = catalog == ForeignServerRelationId
                                        ? core::OptionPlace::server
                                        : core::OptionPlace::user_mapping;
    for (const GivenOption &option : given) {
        core::check_option(provider, place, option.name, to_utf8(option.value));
        if (names_a_file(option.name))
            require_file_privilege(option.name);
    }
    if (catalog == ForeignServerRelationId && core::keeps_messages(provider))
        pg::call([] {
            ereport(WARNING,
                    (errmsg("servers of mfa_inbox send no messages, but keep them, with their "
                            "codes, in table mfa.inbox"),
                     errhint("This is for development.")));
        });
    PG_RETURN_VOID();
}

} // namespace

} // namespace mfa

// The SQL-callable function mfa_NAME_validator of a provider.
#define MFA_VALIDATOR(name)                                                                        \
    namespace mfa {                                                                                \
    static Datum validate_##name(FunctionCallInfo fcinfo) {                                        \
        return validate(fcinfo, core::name##_provider);                                            \
    }                                                                                              \
    }                                                                                              \
    extern "C" {                                                                                   \
    PG_FUNCTION_INFO_V1(mfa_##name##_validator);                                                   \
    PGDLLEXPORT Datum mfa_##name##_validator(PG_FUNCTION_ARGS) {                                   \
        return mfa::pg::entry<mfa::validate_##name>(fcinfo);                                       \
    }                                                                                              \
    }

MFA_VALIDATOR(signalwire)
MFA_VALIDATOR(twilio)
MFA_VALIDATOR(vonage)
MFA_VALIDATOR(telnyx)
MFA_VALIDATOR(plivo)
MFA_VALIDATOR(messagebird)
MFA_VALIDATOR(sinch)
MFA_VALIDATOR(infobip)
MFA_VALIDATOR(bandwidth)
MFA_VALIDATOR(sns)
MFA_VALIDATOR(whatsapp)
MFA_VALIDATOR(smtp)
MFA_VALIDATOR(http)
MFA_VALIDATOR(inbox)
