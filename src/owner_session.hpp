// Statements of a SQL-callable function on tables that its caller may not see. PostgreSQL zone.
#pragma once

#include "catalog.hpp"
#include "pg.hpp"

namespace mfa {

// Runs body with SPI connected, as the extension's owner, and with pg_catalog alone in the search_path:
// nothing that the caller has made is found. An error undoes that together with the transaction.
template <class F> void as_owner(F &&body) {
    Oid role;
    int context;
    GetUserIdAndSecContext(&role, &context);
    const int nesting = NewGUCNestLevel();
    set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                      GUC_ACTION_SAVE, true, 0, false);
    SetUserIdAndSecContext(catalog::extension_owner(),
                           context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    SPI_connect();
    body();
    SPI_finish();
    SetUserIdAndSecContext(role, context);
    AtEOXact_GUC(true, nesting);
}

} // namespace mfa
