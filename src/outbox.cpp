#include "outbox.hpp"

#include "announce.hpp"
#include "budgets.hpp"
#include "due_messages.hpp"
#include "message_store.hpp"
#include "statement.hpp"
#include "usage.hpp"

namespace mfa::outbox {

namespace {

// The first provider of a message's order that is none of those that are put aside.
Statement pass_on_statement = {
    "WITH moved AS ("
    " SELECT m.request, m.n, other.name FROM mfa.message m CROSS JOIN LATERAL"
    "   (SELECT p.name FROM pg_catalog.unnest(m.providers) WITH ORDINALITY p (name, place)"
    "     WHERE p.name <> ALL ($2) ORDER BY p.place LIMIT 1) other"
    "  WHERE m.state IN ('queued', 'sending') AND m.state = 'queued' AND m.provider = $1"
    "   AND m.due_at <= $3 AND pg_catalog.cardinality(m.providers) > 1"
    "  ORDER BY m.due_at LIMIT $4 FOR UPDATE OF m SKIP LOCKED)"
    " UPDATE mfa.message m SET provider = moved.name FROM moved"
    "  WHERE m.request = moved.request AND m.n = moved.n",
    nullptr};

// A prepared transaction is seen by the lock that it holds without a process.
Statement prepared_statement = {
    "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.pid IS NULL AND l.locktype = 'relation'"
    "  AND l.relation = 'mfa.message'::pg_catalog.regclass LIMIT 1",
    nullptr};

} // namespace

namespace {

struct Claims {
    std::vector<Claimed> *claimed;
    usage::Line *lost; // tries of a worker that is gone, with what it knew
    int lost_count;
};

std::string bytes_of(const bytea *value) {
    return value ? std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) : std::string();
}

void add_claimed(const store::DueMessage &due, void *context) {
    Claims &claims = *static_cast<Claims *>(context);
    if (due.was_leased) {
        usage::Line &line = claims.lost[claims.lost_count++];
        line.day = usage::day_of(due.created_at);
        line.provider = due.provider;
        line.channel = due.channel;
        line.destination = due.destination;
        line.unknown = 1;
    }
    if (due.ending) {
        announce({due.request, due.n, "dropped", due.channel, due.provider});
        return;
    }
    Claimed &message = claims.claimed->emplace_back();
    message.request = due.request;
    message.n = due.n;
    message.tries = due.tries;
    message.row = due.row;
    message.unknowns = due.unknowns;
    message.channel = due.channel;
    message.provider = due.provider;
    message.next_provider = due.next_provider ? due.next_provider : "";
    message.first_provider = due.first_provider;
    message.sealed_message = bytes_of(due.sealed);
    message.sealed_request = bytes_of(due.sealed_request);
    message.key_id = due.key_id;
    message.owner = due.owner;
    message.is_fallback = due.is_fallback;
    message.created_at = due.created_at;
    message.expires_at = due.expires_at;
}

} // namespace

int claim(const std::string &provider, TimestampTz lease_end, int limit,
          std::vector<Claimed> *claimed) {
    Claims claims{
        claimed,
        static_cast<usage::Line *>(palloc0(static_cast<std::size_t>(limit) * sizeof(usage::Line))),
        0};
    const int count = store::claim_due(provider.c_str(), lease_end, limit, add_claimed, &claims);
    usage::add(claims.lost, claims.lost_count);
    return count;
}

namespace {

bool is_sent(const Record &entry) { return std::strcmp(entry.state, "sent") == 0; }
bool is_failed(const Record &entry) { return std::strcmp(entry.state, "failed") == 0; }

// Of its segments: what the provider has said, or else what the table of prices says.
int64 cost_of(const Record &entry) {
    return is_sent(entry) ? entry.reported.value_or(entry.segments * entry.price.segment) : 0;
}

struct Recorded {
    const std::vector<Record> &records;
    usage::Line *lines;
    int line_count;
    int *failed; // their indexes
    int failed_count;
};

void note_recorded(int i, const char *channel, const char *destination, TimestampTz created_at,
                   void *context) {
    Recorded &recorded = *static_cast<Recorded *>(context);
    const Record &entry = recorded.records[static_cast<std::size_t>(i)];
    usage::Line &line = recorded.lines[recorded.line_count];
    line.day = usage::day_of(created_at);
    line.provider = entry.tried.c_str();
    line.channel = channel;
    line.destination = destination;
    line.requests = entry.n == 1 && (is_sent(entry) || is_failed(entry)) ? 1 : 0;
    line.messages = is_sent(entry) ? 1 : 0;
    line.segments = is_sent(entry) ? entry.segments : 0;
    line.unknown = entry.is_unknown ? 1 : 0;
    line.failed = is_failed(entry) ? 1 : 0;
    line.cost = cost_of(entry) + line.requests * entry.price.request;
    if (line.requests + line.messages + line.unknown + line.failed > 0)
        ++recorded.line_count;
    if (is_sent(entry) || is_failed(entry))
        announce({entry.request, entry.n, entry.state, channel, entry.provider.c_str()});
    if (is_failed(entry))
        recorded.failed[recorded.failed_count++] = i;
}

} // namespace

void record(const std::vector<Record> &records) {
    if (records.empty())
        return;
    const std::size_t count = records.size();
    auto *outcomes = static_cast<store::TryOutcome *>(palloc(count * sizeof(store::TryOutcome)));
    for (std::size_t i = 0; i < count; ++i) {
        const Record &entry = records[i];
        outcomes[i] = {entry.request,
                       entry.n,
                       entry.tries,
                       entry.row,
                       entry.state,
                       entry.due_at,
                       entry.provider.c_str(),
                       entry.unknowns,
                       entry.message_id.c_str(),
                       entry.error.c_str(),
                       cost_of(entry)};
    }
    Recorded recorded{records, static_cast<usage::Line *>(palloc0(count * sizeof(usage::Line))), 0,
                      static_cast<int *>(palloc(count * sizeof(int))), 0};
    store::record_outcomes(outcomes, static_cast<int>(count), note_recorded, &recorded);
    for (int i = 0; i < recorded.failed_count; ++i) {
        const Record &entry = records[static_cast<std::size_t>(recorded.failed[i])];
        hasten_fallback(entry.request, entry.n);
    }
    usage::add(recorded.lines, recorded.line_count);
    if (recorded.line_count > 0)
        budgets::announce(budgets::Occasion::spent);
}

void count(const std::vector<Record> &records) {
    for (const Record &entry : records)
        if (entry.was_tried)
            stats::note({entry.tried.c_str(), entry.channel.c_str(), entry.answer,
                         entry.response_time, entry.since_request, entry.clock_offset,
                         entry.error.c_str()});
}

void hasten_fallback(const core::RequestId &request, int n) {
    Relation messages = store::open_messages(RowExclusiveLock);
    store::hasten_fallback(messages, request, n);
    table_close(messages, NoLock);
}

int pass_on(const std::string &provider, const std::vector<std::string> &put_aside, int limit) {
    Datum *names = static_cast<Datum *>(palloc(put_aside.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < put_aside.size(); ++i)
        names[i] = text_datum(put_aside[i]);
    run(pass_on_statement, {TEXTOID, TEXTARRAYOID, TIMESTAMPTZOID, INT4OID},
        {text_datum(provider), array_datum(TEXTOID, names, put_aside.size()),
         TimestampTzGetDatum(GetCurrentTimestamp()), Int32GetDatum(limit)},
        SPI_OK_UPDATE);
    return static_cast<int>(SPI_processed);
}

void waiting(std::vector<Waiting> *providers) {
    providers->clear();
    store::visit_waiting(
        [](const char *provider, TimestampTz due_at, void *context) {
            static_cast<std::vector<Waiting> *>(context)->push_back({provider, due_at});
        },
        providers);
}

bool has_prepared_transactions() {
    if (max_prepared_xacts == 0)
        return false;
    run(prepared_statement, {}, {}, SPI_OK_SELECT);
    return SPI_processed > 0;
}

} // namespace mfa::outbox
