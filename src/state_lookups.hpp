// Look-ups of what became of sent messages, on their way: as Delivery, with less right of way. C++ zone.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "delivery.hpp"
#include "lookups.hpp"
#include "servers.hpp"

namespace mfa {

class StateLookups {
  public:
    static constexpr std::size_t most = 32; // in flight at once; messages go first

    explicit StateLookups(Wire &wire) : wire_(wire) {}

    // How many more may be claimed.
    std::size_t room() const noexcept { return most - std::min(most, in_flight()); }
    // Makes requests of what was claimed, inside the transaction that claims. Those of `put_aside`
    // providers, and those of a provider that has half of all places, come again later.
    void prepare(std::vector<lookups::Claimed> claimed, const std::vector<std::string> &put_aside);
    void start();
    void forget() noexcept { ready_.clear(); }

    bool take(const core::Completion &completion);
    std::size_t in_flight() const noexcept { return in_flight_.size() + ready_.size(); }

    std::vector<lookups::Found> &found() noexcept { return found_; }
    const std::vector<lookups::Found> &found() const noexcept { return found_; }
    bool has_found() const noexcept { return !found_.empty(); }

  private:
    struct InFlight {
        lookups::Claimed claimed;
        core::Channel channel;
        core::RequestData secret; // what of the answer may be kept depends on it
        std::shared_ptr<const servers::Server> server;
    };
    struct Ready {
        InFlight look;
        core::HttpRequest request;
        core::TransportOptions transport;
    };
    bool prepare_one(lookups::Claimed &message);
    void settle(const lookups::Claimed &message, const core::Receipt &receipt);
    std::size_t of_provider(const std::string &name) const;

    Wire &wire_;
    servers::Cache servers_;
    std::vector<Ready> ready_;
    std::unordered_map<std::uint64_t, InFlight> in_flight_;
    std::vector<lookups::Found> found_;
};

} // namespace mfa
