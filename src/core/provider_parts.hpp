// What the providers' build() and read() are made of.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "core/provider.hpp"

namespace mfa::core {

// Option base_url, or else `default_base`, with `path` behind it.
Secret provider_url(const Options &options, std::string_view default_base, std::string_view path);

// A request with a JSON or form body and the header that says so.
HttpRequest json_request(Secret url, Secret body);
HttpRequest form_request(Secret url, Secret body);
HttpRequest get_request(Secret url); // a question, which may be asked twice

// "Authorization: Bearer ..." and the like: `scheme`, a space, `credential`.
Secret authorization_header(std::string_view scheme, std::string_view credential);

// The sender of a text as Twilio, and SignalWire like it, takes it: option messaging_service picks the
// number, unless the call has named one. core::Error 55000 where there is neither.
void add_sender(FormBody &form, const OutboundMessage &message, const Options &options);

// The message's sender; core::Error 55000 where there is none.
std::string_view require_sender(const OutboundMessage &message);
// The same for a call, which comes from a number: core::Error 55000 unless the sender is E.164.
std::string_view require_calling_number(const OutboundMessage &message);
// core::Error 55000: what the options don't give for this message, and where to set it.
[[noreturn]] void refuse_build(const char *what, const char *hint);

// An E.164 number as many APIs want it, without the plus sign.
std::string_view without_plus(std::string_view number) noexcept;

// What is left of the code's life, in seconds, within the API's bounds.
std::chrono::seconds life_within(const OutboundMessage &message, std::chrono::seconds least,
                                 std::chrono::seconds most) noexcept;

// What a documented code of the provider means, in our words. It says more than the HTTP status, so
// it decides.
struct KnownCode {
    std::string_view code;
    Verdict verdict;
    std::string_view meaning;
    std::optional<Service> service = std::nullopt; // where it says more than the status
};

// The first of the pointers that leads to a string or number that is not empty, or "".
std::string first_scalar_at(std::string_view body,
                            std::initializer_list<std::string_view> pointers);

// An answer that is no success: the known code's verdict, or else `verdict`, with an error text such
// as "HTTP 400, provider code 21610: recipient opted out".
Outcome failed(const OutboundMessage &message, const HttpResponse &response, Verdict verdict,
               std::string_view code, std::span<const KnownCode> known_codes);

// Where an answer says what a message costs: pointers, '' where there is no such field. With a count, the
// amount is that of each of so many parts. An amount that repeats the one-time code is none: it would be
// added up in a table.
struct MoneyAt {
    std::string_view amount = {};
    std::string_view currency = {};
    std::string_view count = {};
};

// A success, with the message id at `id_pointer`. Without one it is not the provider's answer (a
// portal, or a base_url that leads somewhere else): unknown. A price of 0 has not been found yet.
Outcome accepted(const OutboundMessage &message, const HttpResponse &response,
                 std::string_view id_pointer, const MoneyAt &price = {});
// The same where the answer shows the message: nothing where its "status" says that it has failed already.
std::optional<Outcome> accepted_unless_failed(const OutboundMessage &message,
                                              const HttpResponse &response,
                                              std::string_view id_pointer,
                                              const MoneyAt &price = {});
// The same with the id itself, for answers that are no JSON; '' where there is none.
Outcome accepted_as(const OutboundMessage &message, const HttpResponse &response,
                    std::string_view id);

// What a look-up answered, from the word for the state, the error code and the price that stand there.
// While the state is not final, a price of 0 has not been found yet.
Receipt receipt_at(const HttpResponse &response, std::string_view state_pointer,
                   std::string_view error_pointer, const Sent &sent, const MoneyAt &price = {});

} // namespace mfa::core
