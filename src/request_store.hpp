// Table mfa.request: one row a request, found by id or by recipient, ended once. PostgreSQL zone
// throughout; the structs need no destructor.
//
// Invariant: a row that carries a live counter is written by exactly two things: attempts.cpp, in
// place, and the transition that ends it (finish_request). An UPDATE for anything else would copy a
// counter that others are still charging.
#pragma once

#include "catalog.hpp"
#include "core/digest.hpp"
#include "pg.hpp"

namespace mfa::store {

enum class RequestState : char { live, verified, exhausted, expired, canceled, superseded };

const char *state_name(RequestState state);

struct Text {
    const char *data;
    int length;
};

inline constexpr Text any_purpose{nullptr, 0};

inline std::string_view view(Text text) {
    return {text.data, static_cast<std::size_t>(text.length)};
}

// A row, without what is sealed. `state` is the effective one: a stored live row may be expired or
// exhausted by now.
struct Request {
    ItemPointerData tid;
    TransactionId xmin;
    int32 attempts;
    int32 max_attempts;
    TimestampTz attempted_at; // the last attempt; DT_NOBEGIN: none
    int32 key_id;
    Oid owner;
    TimestampTz created_at;
    TimestampTz expires_at;
    TimestampTz ended_at; // DT_NOEND: not ended
    core::RequestId id;
    RequestState state;
    int16 code_length;
    bool allow_alphas;
    core::RecipientHash recipient;
    core::CodeHash code_hash; // zero once ended
};

// A row to be inserted.
struct NewRequest {
    Request row; // tid, xmin, attempts and state are ignored
    Text purpose;
    const std::uint8_t *sealed;
    int sealed_length;
};

Relation open_requests(LOCKMODE lock);

void insert_request(Relation requests, const NewRequest &request);

// Finds the request with an up-to-date view (also in a transaction with an old snapshot). The purpose
// must match; a null one matches all. ERROR 42501 where it belongs to a role that `role` does not have
// the privileges of. `sealed` may be null; it receives a copy of what is sealed, or null once ended.
bool find_request(Relation requests, const core::RequestId &id, Text purpose, Oid role,
                  Request *found, bytea **sealed);

// Ends a request and erases its secrets, by an ordinary UPDATE; waits for a concurrent writer. False
// where another transaction ended it first.
bool finish_request(Relation requests, const Request &request, RequestState state);

// A request by id, whoever's it is. `sealed` receives a copy of what is sealed, or null.
bool read_request(const catalog::Lookup &by_id, const core::RequestId &id, Request *found,
                  bytea **sealed);

// Calls `see` for each request to the recipient, of any owner and purpose, live or ended.
using RequestVisitor = void (*)(const Request &request, std::string_view purpose, void *context);
void visit_requests(Relation requests, const core::RecipientHash &recipient, RequestVisitor see,
                    void *context);

// Serialises sends to one recipient until the end of the transaction.
void lock_recipient(const core::RecipientHash &recipient);

} // namespace mfa::store
