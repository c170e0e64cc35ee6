// Module entry: settings, shared memory, launcher.

#include "keys.hpp"
#include "launcher.hpp"
#include "pg.hpp"
#include "settings.hpp"
#include "shmem.hpp"
#include "wakeup.hpp"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    mfa::settings::define();
    // Loaded late (by CREATE EXTENSION, or LOAD) there is no shared memory to be had, and pg_upgrade's
    // servers deliver nothing: the functions then say so.
    if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
        return;
    mfa::shmem::install_hooks([] { mfa::keys::ensure_file(); });
    mfa::wakeup::install();
    mfa::launcher::install();
}
}
