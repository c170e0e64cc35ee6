#include "core/provider.hpp"

#include <algorithm>
#include <array>

#include "core/crypto.hpp"
#include "core/error.hpp"
#include "core/http.hpp"
#include "core/option_checks.hpp"
#include "core/providers/providers.hpp"

namespace mfa::core {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds least_timeout = 100ms;
constexpr std::chrono::milliseconds most_timeout = 60s;
constexpr std::chrono::milliseconds most_connect_timeout = 30s;
constexpr int most_connections = 1024;
constexpr double most_rate = 10'000;
constexpr std::string_view file_suffix = "_file";

std::chrono::milliseconds read_timeout(std::string_view name, std::string_view value) {
    return read_time_option(name, value, least_timeout, most_timeout);
}

std::chrono::milliseconds read_connect_timeout(std::string_view name, std::string_view value) {
    return read_time_option(name, value, least_timeout, most_connect_timeout);
}

int read_max_connections(std::string_view name, std::string_view value) {
    return read_int_option(name, value, 1, most_connections);
}

double read_max_rate(std::string_view name, std::string_view value) {
    return read_number_option(name, value, 0, most_rate);
}

void check_switch(std::string_view name, std::string_view value) {
    if (value != "on" && value != "off")
        refuse_option(name, "must be on or off");
}

// A check is a reading whose result nobody wants.
template <auto read> void checked(std::string_view name, std::string_view value) {
    static_cast<void>(read(name, value));
}

constexpr std::array common{
    OptionSpec{"sender", OptionPlace::server, false, check_sender},
    OptionSpec{"timeout", OptionPlace::server, false, checked<read_timeout>},
    OptionSpec{"connect_timeout", OptionPlace::server, false, checked<read_connect_timeout>},
    OptionSpec{"max_connections", OptionPlace::server, false, checked<read_max_connections>},
    OptionSpec{"max_rate", OptionPlace::server, false, checked<read_max_rate>},
    OptionSpec{"ca_file", OptionPlace::server, false, check_path},
    OptionSpec{"proxy", OptionPlace::server, false, check_proxy_url},
    OptionSpec{"state_lookup", OptionPlace::server, false, check_switch},
};

constexpr std::array providers{
    &signalwire_provider, &twilio_provider,      &vonage_provider,   &telnyx_provider,
    &plivo_provider,      &messagebird_provider, &sinch_provider,    &infobip_provider,
    &bandwidth_provider,  &sns_provider,         &whatsapp_provider, &smtp_provider,
    &http_provider,       &inbox_provider,
};

const OptionSpec *find_exactly(const Provider &provider, OptionPlace place, std::string_view name) {
    for (const std::span<const OptionSpec> options : {provider.options, common_options()})
        for (const OptionSpec &option : options)
            if (option.place == place && option.name == name)
                return &option;
    return nullptr;
}

std::string list_options(const Provider &provider, OptionPlace place) {
    std::string list;
    const auto add = [&list](std::string_view name) {
        list.append(list.empty() ? "" : ", ").append(name);
    };
    for (const std::span<const OptionSpec> options : {provider.options, common_options()}) {
        for (const OptionSpec &option : options) {
            // A provider may have one of the common ones in a form of its own.
            if (find_exactly(provider, place, option.name) != &option)
                continue;
            add(option.name);
            if (place == OptionPlace::user_mapping)
                add(std::string(option.name) + std::string(file_suffix));
        }
    }
    return list;
}

std::string place_name(OptionPlace place) {
    return place == OptionPlace::server ? "server" : "user mapping";
}

} // namespace

std::span<const OptionSpec> common_options() { return common; }

std::optional<Money> priced_in(std::string_view currency, std::optional<Money> price,
                               const Options &options) {
    if (price && price->currency.empty())
        price->currency = options.get("currency");
    return price && price->currency == currency ? price : std::nullopt;
}

const Provider *find_provider(std::string_view wrapper_name) noexcept {
    for (const Provider *provider : providers)
        if (provider->name == wrapper_name)
            return provider;
    return nullptr;
}

std::span<const Provider *const> all_providers() noexcept { return providers; }

bool serves(const Provider &provider, Channel channel, const Options &options) {
    return std::find(provider.channels.begin(), provider.channels.end(), channel) !=
               provider.channels.end() &&
           (provider.serves == nullptr || provider.serves(channel, options));
}

const OptionSpec *find_option(const Provider &provider, OptionPlace place, std::string_view name,
                              bool &is_file) {
    is_file = false;
    if (const OptionSpec *option = find_exactly(provider, place, name))
        return option;
    if (place == OptionPlace::user_mapping && name.ends_with(file_suffix)) {
        name.remove_suffix(file_suffix.size());
        if (const OptionSpec *option = find_exactly(provider, place, name)) {
            is_file = true;
            return option;
        }
    }
    return nullptr;
}

void check_option(const Provider &provider, OptionPlace place, std::string_view name,
                  std::string_view value) {
    bool is_file = false;
    if (const OptionSpec *option = find_option(provider, place, name, is_file)) {
        if (is_file)
            check_path(name, value);
        else if (option->check != nullptr)
            option->check(name, value);
        return;
    }
    const OptionPlace other =
        place == OptionPlace::server ? OptionPlace::user_mapping : OptionPlace::server;
    std::string hint;
    if (find_option(provider, other, name, is_file) != nullptr)
        hint = "This option belongs to the " + place_name(other) + ". ";
    hint += "Valid options of a " + place_name(place) + " of " + std::string(provider.name) +
            " are: " + list_options(provider, place) + ".";
    throw Error(sqlstate::fdw_invalid_option_name, "invalid option \"" + std::string(name) + "\"",
                std::move(hint));
}

bool is_given(const Options &options, std::string_view name) {
    // A value that is there decides, also an empty one that was read from the file.
    return options.has(name) ? !options.get(name).empty()
                             : options.has(std::string(name) + std::string(file_suffix));
}

void check_complete(const Provider &provider, const Options &options) {
    for (const OptionSpec &option : provider.options) {
        if (!option.required || is_given(options, option.name))
            continue;
        const std::string name(option.name);
        throw Error(sqlstate::object_not_in_prerequisite_state,
                    "option \"" + name + "\" of the " + place_name(option.place) + " is not set",
                    option.place == OptionPlace::server
                        ? "Use ALTER SERVER ... OPTIONS (ADD " + name + " '...')."
                        : "Use CREATE USER MAPPING or ALTER USER MAPPING ... OPTIONS (ADD " + name +
                              " '...'), or name a file that holds it with " + name +
                              std::string(file_suffix) + ".");
    }
    if (provider.check != nullptr)
        provider.check(options);
}

std::string stored_message_id(const Provider &provider, std::string_view message_id) {
    return provider.hides_message_ids && !message_id.empty() ? crypto::sha256_hex(message_id)
                                                             : std::string(message_id);
}

bool looks_up(const Provider &provider, Channel channel, const Options &options) {
    const std::span<const Channel> channels = provider.lookup_channels;
    return provider.build_lookup != nullptr && options.get("state_lookup") != "off" &&
           (channels.empty() ||
            std::find(channels.begin(), channels.end(), channel) != channels.end());
}

TransportOptions transport_options(const Options &options) {
    TransportOptions transport;
    const auto given = [&options](std::string_view name, auto read, auto &value) {
        if (options.has(name))
            value = read(name, options.get(name));
    };
    given("timeout", read_timeout, transport.timeout);
    given("connect_timeout", read_connect_timeout, transport.connect_timeout);
    given("max_connections", read_max_connections, transport.max_connections);
    given("max_rate", read_max_rate, transport.max_rate);
    transport.ca_file = options.get("ca_file");
    transport.proxy = options.get("proxy");
    return transport;
}

} // namespace mfa::core
