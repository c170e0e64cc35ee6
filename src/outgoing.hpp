// A message about to be queued, for a new request or one that is sent again: where it may go, through
// whom, and whether it is its turn. C++ zone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "core/recipient.hpp"
#include "core/request_data.hpp"
#include "pg.hpp"
#include "recipient_history.hpp"
#include "routes.hpp"

namespace mfa {

struct OutgoingMessage {
    core::Channel channel = core::Channel::sms;
    std::string recipient;  // normalised
    core::RequestData text; // how it is worded; recipient and code are sealed with the request
    std::optional<routes::Route> route;
    std::vector<std::string> providers;
    // Of a test recipient, who gets no message: no route, provider, limit or fallback concerns it.
    std::optional<core::Secret> test_code;
};

// Finds the route (MF002 where it denies the destination) and the providers; `provider` alone where the
// call names one.
void address(OutgoingMessage &message, const std::optional<std::string> &provider, Oid role);

// Under which prefix it is counted: its route's, or else its country's; '@' for mail.
std::string destination_of(const OutgoingMessage &message);

// Takes the recipient's lock to the end of the transaction, so that no other send to it comes between,
// and checks the send limits (MF001). What another send has done is committed or undone after that. Finds
// the request that is `meant`, unless that is null.
void take_turn(const OutgoingMessage &message, const std::vector<core::RecipientHash> &hashes,
               store::Meant *meant);

std::vector<std::uint8_t> seal_data(const core::Key &key, const core::RequestId &request,
                                    const core::RequestData &data);

// Messages that stand in for one over other channels, should it not arrive (mfa.fallback).
struct Fallback {
    OutgoingMessage message;
    std::chrono::seconds delay; // after the message itself
};

// Those of `message` that are due within `life`; with its text, but with the sender and the providers of
// their own channel. core::Error 0A000 where mfa.fallback names a channel that no provider serves, 22023
// where the text does not fit it.
std::vector<Fallback> fallbacks_of(const OutgoingMessage &message, std::string_view code,
                                   std::chrono::seconds life, Oid role);

// Queues the message and its fallbacks, to leave when the transaction commits. `first`: the request has
// none yet.
void queue(const OutgoingMessage &message, const std::vector<Fallback> &fallbacks,
           const core::RequestId &request, const core::Key &key, bool first);

} // namespace mfa
