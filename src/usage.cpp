#include "usage.hpp"

#include "catalog.hpp"
#include "statement.hpp"

namespace mfa::usage {

namespace {

Statement add_statement = {
    "INSERT INTO mfa.usage_total AS u (day, provider, channel, destination, requests, messages,"
    "  segments, unknown, failed, cost)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::pg_catalog.numeric / 1000000)"
    " ON CONFLICT (day, provider, channel, destination) DO UPDATE SET"
    "  requests = u.requests + EXCLUDED.requests, messages = u.messages + EXCLUDED.messages,"
    "  segments = u.segments + EXCLUDED.segments, unknown = u.unknown + EXCLUDED.unknown,"
    "  failed = u.failed + EXCLUDED.failed, cost = u.cost + EXCLUDED.cost",
    nullptr};

Statement price_statement = {
    "SELECT (p.per_segment * 1000000)::pg_catalog.int8, (p.per_request * 1000000)::pg_catalog.int8"
    " FROM mfa.price p WHERE p.provider IN ('', $1) AND p.channel IN ('', $2)"
    "  AND pg_catalog.starts_with($3, p.prefix)"
    " ORDER BY pg_catalog.length(p.prefix) DESC, p.provider = '', p.channel = '' LIMIT 1",
    nullptr};

int compare(const void *a, const void *b) {
    const Line &x = *static_cast<const Line *>(a);
    const Line &y = *static_cast<const Line *>(b);
    if (x.day != y.day)
        return x.day < y.day ? -1 : 1;
    if (const int order = std::strcmp(x.provider, y.provider))
        return order;
    if (const int order = std::strcmp(x.channel, y.channel))
        return order;
    return std::strcmp(x.destination, y.destination);
}

void write(const Line &sum) {
    run(add_statement,
        {DATEOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID},
        {DateADTGetDatum(sum.day), CStringGetTextDatum(sum.provider),
         CStringGetTextDatum(sum.channel), CStringGetTextDatum(sum.destination),
         Int64GetDatum(sum.requests), Int64GetDatum(sum.messages), Int64GetDatum(sum.segments),
         Int64GetDatum(sum.unknown), Int64GetDatum(sum.failed), Int64GetDatum(sum.cost)},
        SPI_OK_INSERT);
}

} // namespace

DateADT day_of(TimestampTz moment) {
    TimestampTz days = moment / USECS_PER_DAY;
    if (moment % USECS_PER_DAY < 0)
        --days;
    return static_cast<DateADT>(days);
}

void add(Line *lines, int count) {
    qsort(lines, static_cast<std::size_t>(count), sizeof(Line), compare);
    for (int first = 0; first < count;) {
        Line sum = lines[first];
        int next = first + 1;
        for (; next < count && compare(&lines[first], &lines[next]) == 0; ++next) {
            sum.requests += lines[next].requests;
            sum.messages += lines[next].messages;
            sum.segments += lines[next].segments;
            sum.unknown += lines[next].unknown;
            sum.failed += lines[next].failed;
            sum.cost += lines[next].cost;
        }
        write(sum);
        first = next;
    }
}

bool has_prices() {
    Relation prices = catalog::open_relation("price", AccessShareLock);
    const bool has_pages = RelationGetNumberOfBlocks(prices) > 0;
    table_close(prices, AccessShareLock);
    return has_pages;
}

void find_price(const std::string &provider, const std::string &channel,
                const std::string &recipient, Price *price) {
    run(price_statement, {TEXTOID, TEXTOID, TEXTOID},
        {text_datum(provider), text_datum(channel), text_datum(recipient)}, SPI_OK_SELECT);
    if (SPI_processed == 0)
        return;
    bool is_null;
    price->segment = DatumGetInt64(field(0, 1, &is_null));
    price->request = DatumGetInt64(field(0, 2, &is_null));
}

} // namespace mfa::usage
