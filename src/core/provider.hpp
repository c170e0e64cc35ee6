// A provider is a pure function pair: (message, options) -> HTTP request, and
// (HTTP response) -> outcome; plus the table of the options that it takes.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/http.hpp"
#include "core/outcome.hpp"
#include "core/receipt.hpp"
#include "core/recipient.hpp"
#include "core/secret.hpp"
#include "core/webhook_signature.hpp"

namespace mfa::core {

// Where an option stands: non-secrets on the SERVER, secrets on the USER MAPPING.
enum class OptionPlace { server, user_mapping };

struct OptionSpec {
    std::string_view name;
    OptionPlace place;
    bool required; // checked when a message is built: CREATE SERVER and ALTER come in any order
    void (*check)(std::string_view name,
                  std::string_view value); // core::Error HV024 that names the
                                           // value, the bound; may be null
};

// Options of one server and one user mapping, merged. Absent is empty.
class Options {
  public:
    void set(std::string_view name, std::string_view value) {
        values_.insert_or_assign(std::string(name), Secret(value));
    }
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
    std::string_view get(std::string_view name, std::string_view otherwise = {}) const {
        auto found = values_.find(name);
        return found == values_.end() ? otherwise : found->second.view();
    }

  private:
    std::map<std::string, Secret, std::less<>> values_;
};

// One message on its way out.
struct OutboundMessage {
    Channel channel = Channel::sms;
    std::string_view id; // mfa's own message id (uuid text): a reference for the provider
    std::string_view recipient;
    std::string_view sender; // the call's, or the server's option; may be empty
    std::string_view text;   // rendered for the channel (speak_message for voice)
    std::string_view code;
    std::string_view locale;     // BCP 47, '' = not said
    std::chrono::seconds life{}; // remaining, at least 1 s
    std::chrono::sys_seconds now{};
};

// A message that was accepted, whose state is asked for.
struct LookupTarget {
    Channel channel = Channel::sms;
    std::string_view message_id; // the provider's
    std::chrono::sys_seconds now{};
};

// What a look-up answered; pending where it is no answer that says something final.
struct Receipt {
    DeliveryState state = DeliveryState::pending;
    std::string error; // undelivered: the provider's reason, as far as it may be kept
    std::optional<Money> price = std::nullopt; // in any state, if the provider says it
};

struct Provider {
    std::string_view name;                    // of the foreign-data wrapper, "mfa_signalwire"
    std::span<const Channel> channels;        // all that it can serve
    std::span<const OptionSpec> options = {}; // its own; the common ones come from common_options()
    // Whether these options serve one of `channels`; null: all of them.
    bool (*serves)(Channel channel, const Options &options) = nullptr;
    // What no single option's check can see: core::Error 55000. Null: nothing.
    void (*check)(const Options &options) = nullptr;
    // Null where messages stay in the database (keeps_messages()).
    // Takes options that check_complete() has passed. core::Error 55000 where this message lacks
    // something that they don't give, such as a sender.
    HttpRequest (*build)(const OutboundMessage &message, const Options &options) = nullptr;
    Outcome (*read)(const OutboundMessage &message, const Options &options,
                    const HttpResponse &response) = nullptr;
    // A request for the state of a message that was accepted, and its answer; null: there is no such
    // look-up.
    HttpRequest (*build_lookup)(const LookupTarget &target, const Options &options) = nullptr;
    Receipt (*read_lookup)(Channel channel, const HttpResponse &response,
                           const Sent &sent) = nullptr;
    // How its webhooks are signed; null, or nothing: not in a way that mfa can check.
    std::optional<SignatureScheme> (*signature_scheme)(const Options &options) = nullptr;
    // The channels of which it has look-ups, if it has any; empty: all.
    std::span<const Channel> lookup_channels = {};
    // Languages in which its calls speak, see core/speech.hpp; empty: mfa does not know, any tag is
    // passed on.
    std::string_view spoken_languages = {};
    // Its message ids tell the recipient: what is kept of one is stored_message_id().
    bool hides_message_ids = false;
};

// A message id of the provider in the form in which it is kept: as it is, or as its SHA-256, by which a
// webhook's report finds its message all the same.
std::string stored_message_id(const Provider &provider, std::string_view message_id);

// Whether it sends nothing, but leaves messages in a table.
inline bool keeps_messages(const Provider &provider) noexcept { return provider.build == nullptr; }

// Whether the state of what was accepted is looked up: the provider can, and the server's option
// state_lookup is not 'off'.
bool looks_up(const Provider &provider, Channel channel, const Options &options);

// A reported price, where it is in `currency`. One that came without a currency is in the one that the
// server's option currency names, of providers that have it.
std::optional<Money> priced_in(std::string_view currency, std::optional<Money> price,
                               const Options &options);

// Options that every provider takes: sender, timeout, connect_timeout, max_connections, max_rate,
// ca_file, proxy, state_lookup. (base_url belongs to the providers that have a default for it.)
std::span<const OptionSpec> common_options();

// By the name of the foreign-data wrapper; nullptr where it is none of mfa's.
const Provider *find_provider(std::string_view wrapper_name) noexcept;
std::span<const Provider *const> all_providers() noexcept;

bool serves(const Provider &provider, Channel channel, const Options &options);

// Secrets may be given as NAME_file, naming a file that the server can read: true for such a name.
// `spec` receives the option that it stands for.
const OptionSpec *find_option(const Provider &provider, OptionPlace place, std::string_view name,
                              bool &is_file);

// Checks one option as CREATE/ALTER SERVER or USER MAPPING gives it. Unknown name: core::Error HV00D
// with the hint that lists the valid ones; wrong value: HV024.
void check_option(const Provider &provider, OptionPlace place, std::string_view name,
                  std::string_view value);

// Whether an option has a value, or (for a secret) the name of the file that holds it.
bool is_given(const Options &options, std::string_view name);

// Every required option is given, and they go together; core::Error 55000 that names the missing one
// and where to set it.
void check_complete(const Provider &provider, const Options &options);

// Reusable checks for OptionSpec::check.
void check_single_line(std::string_view name, std::string_view value); // 1-500 printable ASCII
void check_user_name(std::string_view name, std::string_view value);   // a line without a colon
bool is_sender(std::string_view value) noexcept; // E.164; 1-11 letters, digits, spaces
void check_sender(std::string_view name, std::string_view value);
void check_host_label(std::string_view name, std::string_view value);
void check_currency(std::string_view name, std::string_view value);
void check_identifier(std::string_view name, std::string_view value); // 1-100 of A-Za-z0-9_.-
void check_base_url(std::string_view name,
                    std::string_view value);                    // a provider URL without a query
void check_path(std::string_view name, std::string_view value); // absolute, 1-1024 bytes

// The typed view of the common options, with their defaults.
struct TransportOptions {
    std::chrono::milliseconds timeout{10'000};        // whole transfer, 100 ms - 60 s
    std::chrono::milliseconds connect_timeout{5'000}; // 100 ms - 30 s
    int max_connections = 64;                         // messages in flight at once, 1 - 1024
    double max_rate = 0; // messages a second, 0 = no limit, up to 10000
    std::string ca_file; // '' = the system's
    std::string proxy;   // '' = none, whatever the environment says
};
TransportOptions transport_options(const Options &options);

} // namespace mfa::core
