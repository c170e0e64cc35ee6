// Providers as the catalogs describe them: foreign servers and user mappings. C++ zone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/provider.hpp"
#include "pg.hpp"

namespace mfa::servers {

struct Server {
    Oid oid = InvalidOid;
    std::string name;
    const core::Provider *provider = nullptr;
    core::Options options; // of the server and, once added, of the user mapping
};

// A file of credentials that can't be read now: it may be there again in a moment.
class Unreadable : public core::Error {
    using core::Error::Error;
};

// The names of the setting mfa.provider, split as PostgreSQL splits identifiers.
std::vector<std::string> configured();

// The server of that name; core::Error 42704 where there is none, or where it is no server of mfa's.
Server find(const std::string &name);

// Adds the options of `role`'s user mapping, or else of PUBLIC's; nothing where there is neither.
void add_user_mapping(Server &server, Oid role);

// Replaces every NAME_file option by what the file holds (its last newline dropped, at most
// 16 kB). Unreadable (55000) where the file can't be read, HV024 where it holds what the option may not be. For the worker.
void read_secret_files(Server &server);

// The server, where `role` has USAGE on it; otherwise core::Error 42501.
Server require(const std::string &name, Oid role);

// The same with its user mapping and secrets.
Server open(const std::string &name, Oid role);

// Servers ready for use by the worker, each read once in a transaction.
class Cache {
  public:
    // As the owner of a request uses it. core::Error where it can't be used.
    std::shared_ptr<const Server> find(const std::string &name, Oid owner);
    void clear() { known_.clear(); } // options may change between transactions

  private:
    std::map<std::pair<std::string, Oid>, std::shared_ptr<const Server>> known_;
};

// The servers through which `role` sends over `channel`, in order: `asked` alone where it is given, else
// those of `routed`, or else those of the setting mfa.provider that serve the channel. Checks USAGE
// (42501), that the channel is served (0A000) and that the options are complete (55000).
std::vector<std::string> choose(const std::optional<std::string> &asked,
                                const std::vector<std::string> &routed, core::Channel channel,
                                Oid role);

} // namespace mfa::servers
