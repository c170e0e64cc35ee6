#include "keys.hpp"

#include "core/key_file.hpp"
#include "pg_wall.hpp"
#include "settings.hpp"

namespace mfa::keys {

namespace {

std::string path() {
    std::string file = settings::key_file;
    return file.empty() || file.front() == '/' ? file : std::string(DataDir) + "/" + file;
}

} // namespace

// A copy of the database (CREATE DATABASE ... TEMPLATE) has its rows, but its codes are void: each
// database has keys of its own. RENAME and pg_upgrade keep the OID.
const core::Keyring &current() {
    return core::load_key_file(path(), " in database " + std::to_string(MyDatabaseId));
}

std::vector<core::RecipientHash> hashes_of(const core::Keyring &keys, std::string_view recipient) {
    std::vector<core::RecipientHash> hashes;
    for (const core::Key &key : keys.keys())
        hashes.push_back(core::hash_recipient(key, recipient));
    return hashes;
}

void ensure_file() noexcept {
    pg::Report report;
    bool made = false;
    if (pg::caught(report, [&] { made = core::create_key_file(path(), core::system_random()); }))
        ereport(WARNING, (errcode(report.sqlstate), errmsg("%s", report.message),
                          report.hint[0] ? errhint("%s", report.hint) : 0));
    else if (made)
        ereport(LOG, (errmsg("mfa made its key file \"%s\"", settings::key_file)));
}

} // namespace mfa::keys
