// What was sent and what it costs, by day, provider, channel and destination: the table mfa.usage_total.
// PostgreSQL zone, inside a transaction of the worker with SPI.
#pragma once

#include <string>

#include "pg.hpp"

namespace mfa::usage {

// What one message adds. Money is in millionths of the currency that mfa.price is in.
struct Line {
    DateADT day; // UTC, on which the message was asked for
    const char *provider;
    const char *channel;
    const char *destination;
    int64 requests;
    int64 messages;
    int64 segments;
    int64 unknown;
    int64 failed;
    int64 cost;
};

// The day of a moment, in UTC.
DateADT day_of(TimestampTz moment);

// Adds them up and writes the sums, in the order of their keys. It sorts the lines.
void add(Line *lines, int count);

// What a segment of a message and a request cost: the row of mfa.price with the longest prefix of the
// recipient, of these one for the provider, of these one for the channel. 0 where there is none.
struct Price {
    int64 segment = 0;
    int64 request = 0;
};
bool has_prices(); // false: there is none to be found
void find_price(const std::string &provider, const std::string &channel,
                const std::string &recipient, Price *price);

} // namespace mfa::usage
