#include "servers.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "encoding.hpp"
#include "pg_wall.hpp"
#include "settings.hpp"

namespace mfa::servers {

namespace {

constexpr std::size_t max_secret_file = 16 * 1024;

// `get` is PostgreSQL zone and answers a list of options, or null.
template <class Get> void add_options(Get get, core::Options &into) {
    struct Given {
        const char *name;
        const char *value;
    };
    std::vector<Given> given;
    pg::call([&] {
        ListCell *cell;
        foreach (cell, get()) {
            DefElem *option = lfirst_node(DefElem, cell);
            given.push_back({option->defname, defGetString(option)});
        }
    });
    for (const Given &option : given)
        into.set(option.name, to_utf8(option.value));
}

// A name for an error's text, which is logged: not where it could be a number in the wrong place.
std::string shown(const std::string &name) {
    constexpr int most_digits = 4;
    return std::count_if(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) >
                   most_digits
               ? "provider"
               : "provider \"" + name + "\"";
}

[[noreturn]] void none_configured() {
    throw core::Error(core::sqlstate::object_not_in_prerequisite_state, "no provider is configured",
                      "Create a foreign server for one, then ALTER DATABASE ... SET mfa.provider = "
                      "'SERVER'; or name it in the call.");
}

void require_usage(Oid server, const std::string &name, Oid role) {
    if (!pg::call([&] { return pg::may_use_server(server, role); }))
        throw core::Error(core::sqlstate::insufficient_privilege,
                          "permission denied for foreign server " + name,
                          "GRANT USAGE ON FOREIGN SERVER " + name + " TO the role that sends.");
}

// Whether a server serves a channel with what a role's user mapping adds; one that does has all options
// that it must have. Kept until some server, wrapper or user mapping changes: to find it out reads all
// options, of which none is kept, for some are secrets.
struct Served {
    std::string name;
    Oid role;
    core::Channel channel;
    Oid server;
    bool is_served;
};

class KeptServed {
  public:
    std::optional<Served> find(const std::string &name, Oid role, core::Channel channel) const {
        for (const Served &kept : kept_)
            if (kept.role == role && kept.channel == channel && kept.name == name)
                return kept;
        return std::nullopt;
    }
    // What was found out since `version`.
    void keep(const Served &served, std::uint64_t version) {
        constexpr std::size_t most = 64;
        if (version != version_)
            return;
        if (kept_.size() == most)
            kept_.clear();
        kept_.push_back(served);
    }
    void forget() noexcept {
        kept_.clear();
        ++version_;
    }
    std::uint64_t version() const { return version_; }

  private:
    std::vector<Served> kept_;
    std::uint64_t version_ = 0;
};

KeptServed &kept_served() {
    static KeptServed *const kept = [] {
        auto *made = new KeptServed; // never freed: as it is asked for by callbacks
        pg::call([] {
            for (const pg::SyscacheId cache :
                 {FOREIGNSERVEROID, FOREIGNDATAWRAPPEROID, USERMAPPINGOID})
                CacheRegisterSyscacheCallback(
                    cache, [](Datum, pg::SyscacheId, uint32) { kept_served().forget(); }, 0);
        });
        return made;
    }();
    return *kept;
}

// What is not known of it is found out; it is kept when the options are complete.
Served find_served(const std::string &name, Oid role, core::Channel channel) {
    if (const std::optional<Served> known = kept_served().find(name, role, channel)) {
        if (known->is_served)
            require_usage(known->server, name, role);
        return *known;
    }
    const std::uint64_t version = kept_served().version();
    Server server = find(name);
    add_user_mapping(server, role); // what is served may depend on the credentials there are
    Served served{name, role, channel, server.oid,
                  core::serves(*server.provider, channel, server.options)};
    if (served.is_served) {
        require_usage(server.oid, name, role);
        core::check_complete(*server.provider, server.options);
    }
    kept_served().keep(served, version);
    return served;
}

} // namespace

std::vector<std::string> configured() {
    std::vector<std::string> names;
    pg::call([&] {
        List *list = NIL;
        if (!SplitIdentifierString(pstrdup(settings::provider), ',', &list))
            return; // the setting's check hook refuses such a value
        ListCell *cell;
        foreach (cell, list)
            names.emplace_back(static_cast<char *>(lfirst(cell)));
    });
    return names;
}

Server find(const std::string &name) {
    Server found;
    found.name = name;
    add_options(
        [&]() -> List * {
            ForeignServer *server = GetForeignServerByName(name.c_str(), true);
            if (!server)
                return NIL;
            found.provider = core::find_provider(GetForeignDataWrapper(server->fdwid)->fdwname);
            if (!found.provider)
                return NIL;
            found.oid = server->serverid;
            return server->options;
        },
        found.options);
    if (!OidIsValid(found.oid))
        throw core::Error(
            core::sqlstate::undefined_object, shown(name) + " does not exist",
            "A provider is a foreign server of one of mfa's foreign-data wrappers; \\des "
            "lists the servers, \\dew mfa_* the wrappers.");
    return found;
}

void add_user_mapping(Server &server, Oid role) {
    add_options(
        [&]() -> List * {
            const bool exists =
                SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role),
                                      ObjectIdGetDatum(server.oid)) ||
                SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
                                      ObjectIdGetDatum(server.oid));
            return exists ? GetUserMapping(role, server.oid)->options : NIL;
        },
        server.options);
}

void read_secret_files(Server &server) {
    for (const core::OptionSpec &spec : server.provider->options) {
        const std::string file_option = std::string(spec.name) + "_file";
        if (spec.place != core::OptionPlace::user_mapping || !server.options.has(file_option))
            continue;
        const std::string path(server.options.get(file_option));
        auto unreadable = [&](const char *what) {
            return Unreadable(core::sqlstate::object_not_in_prerequisite_state,
                              "the file of option \"" + file_option + "\" of server " +
                                  server.name + " " + what);
        };
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0)
            throw unreadable("can't be opened");
        char content[max_secret_file + 1];
        const ssize_t length = ::read(descriptor, content, sizeof(content));
        ::close(descriptor);
        if (length < 0 || length > static_cast<ssize_t>(max_secret_file)) {
            OPENSSL_cleanse(content, sizeof(content));
            throw unreadable("can't be read or is longer than 16384 bytes");
        }
        std::string_view secret(content, static_cast<std::size_t>(length));
        while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r'))
            secret.remove_suffix(1);
        server.options.set(spec.name, secret);
        OPENSSL_cleanse(content, sizeof(content));
        if (spec.check != nullptr)
            spec.check(spec.name, server.options.get(spec.name));
    }
}

Server require(const std::string &name, Oid role) {
    Server server = find(name);
    require_usage(server.oid, name, role);
    return server;
}

Server open(const std::string &name, Oid role) {
    Server server = require(name, role);
    add_user_mapping(server, role);
    read_secret_files(server);
    return server;
}

std::shared_ptr<const Server> Cache::find(const std::string &name, Oid owner) {
    std::shared_ptr<const Server> &known = known_[{name, owner}];
    if (!known) {
        auto server = std::make_shared<Server>(servers::find(name));
        add_user_mapping(*server, owner);
        read_secret_files(*server);
        core::check_complete(*server->provider, server->options);
        known = std::move(server);
    }
    return known;
}

std::vector<std::string> choose(const std::optional<std::string> &asked,
                                const std::vector<std::string> &routed, core::Channel channel,
                                Oid role) {
    const std::vector<std::string> names =
        asked ? std::vector{*asked} : (routed.empty() ? configured() : routed);
    if (names.empty())
        none_configured();
    std::vector<std::string> chosen;
    for (const std::string &name : names) {
        // Each once: a message goes from one provider to the next behind it, and must come to an end.
        if (std::find(chosen.begin(), chosen.end(), name) != chosen.end())
            continue;
        if (find_served(name, role, channel).is_served)
            chosen.push_back(name);
    }
    if (chosen.empty())
        throw core::Error(core::sqlstate::feature_not_supported,
                          (asked ? shown(*asked) + " does not serve channel \""
                                 : std::string("no configured provider serves channel \"")) +
                              std::string(core::channel_name(channel)) + "\"",
                          asked ? "Choose another provider or channel."
                                : "Add a provider that serves it to the setting mfa.provider.");
    return chosen;
}

} // namespace mfa::servers
