// Messages on their way: claimed ones become HTTP requests, what comes back becomes records. C++ zone.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/digest.hpp"
#include "core/lane.hpp"
#include "core/outcome.hpp"
#include "core/request_data.hpp"
#include "core/transport.hpp"
#include "outbox.hpp"
#include "servers.hpp"

namespace mfa {

// Requests of all kinds share a transport; each kind knows its own by their tags.
struct Wire {
    core::Transport transport;
    std::uint64_t next_tag = 0;
};

class Delivery {
  public:
    explicit Delivery(Wire &wire) : wire_(wire) {}

    // Makes requests of what was claimed. Inside the transaction that claims: it reads the servers'
    // options. Nothing leaves before that has committed:
    void prepare(const std::vector<outbox::Claimed> &claimed);
    // ... then this starts them; where it failed, this forgets them.
    void start();
    void forget() noexcept { ready_.clear(); }
    // Nothing is claimed of a provider for a while.
    void put_aside(const std::string &provider, std::chrono::milliseconds pause);

    // How many more messages this provider may be given now: within max_connections and max_rate of its
    // server, as of when it was last used.
    int room(const std::string &provider);
    // How many it has now.
    int in_flight(const std::string &provider) { return lane(provider).in_flight(); }
    // When that provider's messages may go on, as far as time decides it: now, or later.
    TimestampTz turn_of(const std::string &provider);
    // When max_rate, or the end of a pause, lets the next message of any provider through that had no room.
    core::Lane::Clock::time_point next_turn() const noexcept { return next_turn_; }
    void forget_turns() noexcept { next_turn_ = core::Lane::Clock::time_point::max(); }

    // What a request of its own ended by; false where it is another's.
    bool take(const core::Completion &completion);

    // Providers that get nothing for a while, because they are down or have asked for a pause.
    std::vector<std::string> put_aside() const;

    // Gives up what is in flight: each becomes an unknown outcome. For a worker that must leave.
    void abandon();

    std::size_t in_flight() const noexcept { return in_flight_.size() + ready_.size(); }

    // What is to be written back; the caller clears it once that is done.
    std::vector<outbox::Record> &records() noexcept { return records_; }
    const std::vector<outbox::Record> &records() const noexcept { return records_; }
    bool has_records() const noexcept { return !records_.empty(); }

  private:
    // Recipient, code and text stay until the answer is read: what of it may be kept depends on them.
    struct InFlight {
        outbox::Claimed claimed;
        core::Channel channel;
        std::string id; // mfa's own
        std::string sender;
        core::RequestData secret;
        core::Secret text;
        core::Lane::Clock::time_point started_at;
        std::shared_ptr<const servers::Server> server;
        core::OutboundMessage outbound() const;
    };

    core::Lane &lane(const std::string &provider);
    // What an answer, or its absence, says about the provider itself.
    void judge(const std::string &provider, const core::Outcome &outcome);
    void prepare_one(const core::Keyring &keys, const outbox::Claimed &message);
    outbox::Record &settle(const outbox::Claimed &message, const core::Outcome &outcome,
                           bool looks_up = false);

    struct Ready {
        InFlight message;
        core::HttpRequest request;
        core::TransportOptions transport;
    };

    Wire &wire_;
    std::vector<Ready> ready_;
    std::map<std::string, core::Lane> lanes_; // by provider
    core::Lane::Clock::time_point next_turn_ = core::Lane::Clock::time_point::max();
    std::unordered_map<std::uint64_t, InFlight> in_flight_;
    servers::Cache servers_; // of one prepare()
    bool has_prices_ = false;
    std::vector<outbox::Record> records_;
};

} // namespace mfa
