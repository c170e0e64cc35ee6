// A simulation of the fraud guard (src/core/fraud_guard.hpp): honest people and attacks, three days long.
// Prints a table by scenario, and writes minute by minute what was asked for and what was held back.
// Deterministic: the same figures each time. Called by bench/guard.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/fraud_guard.hpp"

namespace {

using mfa::core::FraudGuard;
using mfa::core::GuardEntry;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t start = 9000LL * 24 * hour; // some midnight
constexpr std::int64_t attack_at = start + 2 * 24 * hour + 14 * hour;
constexpr std::uint32_t scope = 1;

std::mt19937_64 source;

double uniform() { return std::uniform_real_distribution<double>(0, 1)(source); }

std::string digits(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += static_cast<char>('0' + source() % 10);
    return text;
}

// People of one country: where their numbers begin, how many requests an hour at most, how many verify.
struct Country {
    std::vector<std::string> operators;
    int further_digits;
    double per_hour;
    double conversion;
};

const std::vector<Country> shop = {
    {{"+1415", "+1212", "+1305", "+1702", "+1617", "+1312", "+1206", "+1713"}, 7, 900, 0.78},
    {{"+44770", "+44779", "+44748", "+44786"}, 7, 500, 0.81},
    {{"+49151", "+49160", "+49170", "+49176"}, 8, 400, 0.84},
    {{"+62812", "+62857", "+62878"}, 8, 300, 0.62},
    {{"+99450", "+99455", "+99470"}, 7, 40, 0.70},
    {{"+37254", "+37255"}, 6, 15, 0.80},
};

// Requests an hour of an attack at a moment, and to whom.
struct Attack {
    std::int64_t from = 0;
    std::int64_t until = 0;
    double per_second = 0;
    double conversion = 0;
    std::function<std::string()> number;
};

struct Scenario {
    const char *name;
    double size = 1; // of the shop
    std::vector<Attack> attacks = {};
    // What honest people do differently, by country and moment: factor of requests, and of conversion.
    std::function<std::pair<double, double>(std::size_t, std::int64_t)> change = {};
};

struct Request {
    std::int64_t at;
    std::string number;
    double conversion;
    bool pumped;
};

double daily(std::int64_t at) { // people sleep
    const double hours = static_cast<double>(at % (24 * hour)) / hour;
    return 0.06 + 0.94 * std::pow(std::sin((hours - 4) / 24 * M_PI), 2);
}

std::vector<Request> requests_of(const Scenario &scenario) {
    std::vector<Request> all;
    for (std::int64_t at = start; at < start + 72 * hour; at += second) {
        for (std::size_t c = 0; c < shop.size(); ++c) {
            const auto [volume, share] =
                scenario.change ? scenario.change(c, at) : std::pair(1.0, 1.0);
            const double rate = shop[c].per_hour * scenario.size * volume * daily(at) / 3600;
            for (int n = std::poisson_distribution<int>(rate)(source); n > 0; --n)
                all.push_back({at + static_cast<std::int64_t>(uniform() * second),
                               shop[c].operators[source() % shop[c].operators.size()] +
                                   digits(shop[c].further_digits),
                               shop[c].conversion * share, false});
        }
        for (const Attack &attack : scenario.attacks)
            if (at >= attack.from && at < attack.until)
                for (int n = std::poisson_distribution<int>(attack.per_second)(source); n > 0; --n)
                    all.push_back({at + static_cast<std::int64_t>(uniform() * second),
                                   attack.number(), attack.conversion, true});
    }
    std::sort(all.begin(), all.end(),
              [](const Request &a, const Request &b) { return a.at < b.at; });
    return all;
}

struct Figures {
    long honest = 0;
    long honest_held = 0;
    long pumped = 0;
    long pumped_sent = 0;
    double first_hold = -1; // minutes after the first pumped request
    std::set<std::string> holds;
};

Figures run(const Scenario &scenario, std::ofstream &csv) {
    source.seed(4711); // each scenario has the same customers
    std::vector<GuardEntry> entries(4096);
    FraudGuard guard{entries};
    struct Verification {
        std::int64_t at;
        std::int64_t requested_at;
        std::string number;
        bool operator<(const Verification &other) const { return at > other.at; }
    };
    std::priority_queue<Verification> coming;
    struct Minute {
        long honest = 0, honest_held = 0, pumped = 0, pumped_held = 0;
    };
    std::map<std::int64_t, Minute> minutes;
    std::lognormal_distribution<double> typing(std::log(20.0), 0.8); // seconds
    Figures figures;
    std::int64_t first_pumped = 0;
    for (const Request &request : requests_of(scenario)) {
        for (; !coming.empty() && coming.top().at <= request.at; coming.pop())
            guard.count_verified(scope, coming.top().number, coming.top().requested_at,
                                 coming.top().at);
        const FraudGuard::Answer answer =
            guard.count(scope, request.number, request.at, request.at);
        const bool held = answer.hold != nullptr;
        if (!held && uniform() < request.conversion)
            coming.push({request.at + static_cast<std::int64_t>(typing(source) * second),
                         request.at, request.number});
        if (answer.is_new)
            figures.holds.insert(answer.hold->prefix);
        Minute &now = minutes[(request.at - start) / minute];
        if (request.pumped) {
            first_pumped = first_pumped ? first_pumped : request.at;
            ++figures.pumped, ++now.pumped;
            figures.pumped_sent += held ? 0 : 1;
            now.pumped_held += held ? 1 : 0;
            if (held && figures.first_hold < 0)
                figures.first_hold = static_cast<double>(request.at - first_pumped) / minute;
        } else {
            ++figures.honest, ++now.honest;
            figures.honest_held += held ? 1 : 0;
            now.honest_held += held ? 1 : 0;
        }
    }
    for (const auto &[at, now] : minutes)
        csv << at << ',' << now.honest << ',' << now.honest_held << ',' << now.pumped << ','
            << now.pumped_held << ",\"" << scenario.name << "\"\n";
    return figures;
}

std::vector<Scenario> scenarios() {
    const std::int64_t t = attack_at;
    const auto in = [](const char *prefix, int further) {
        return [prefix, further] { return prefix + digits(further); };
    };
    std::vector<Scenario> all = {
        {"no attack"},
        {"block, 10/s", 1, {{t, t + 2 * hour, 10, 0, in("+994555123", 4)}}},
        {"block, 1/min", 1, {{t, t + 10 * hour, 1 / 60.0, 0, in("+994555123", 4)}}},
        {"operator with customers, 2/s", 1, {{t, t + 6 * hour, 2, 0, in("+62857", 8)}}},
        {"operator, 1 of 10 verified", 1, {{t, t + 6 * hour, 2, 0.1, in("+62857", 8)}}},
        {"country without customers, 1/s", 1, {{t, t + 6 * hour, 1, 0, in("+675", 8)}}},
        {"200 blocks of 20 countries", 1, {}},
        {"from the first minute on", 1, {{start, start + 6 * hour, 2, 0, in("+62857", 8)}}},
        {"tiny shop, block 1/s", 0.005, {{t, t + 6 * hour, 1, 0, in("+994555123", 4)}}},
        {"tiny shop, no attack", 0.005},
        {"big shop, no attack", 20},
        {"outage: nobody in +62 verifies",
         1,
         {},
         [](std::size_t country, std::int64_t at) {
             const bool out = country == 3 && at >= attack_at && at < attack_at + 2 * hour;
             return out ? std::pair(1.5, 0.0) : std::pair(1.0, 1.0);
         }},
        {"launch: 20 x the customers in +44",
         1,
         {},
         [](std::size_t country, std::int64_t at) {
             const bool rush = country == 1 && at >= attack_at && at < attack_at + 3 * hour;
             return std::pair(rush ? 20.0 : 1.0, 1.0);
         }},
        {"shop of which 1 of 5 verifies",
         1,
         {},
         [](std::size_t, std::int64_t) { return std::pair(1.0, 0.27); }},
    };
    for (int country = 0; country < 20; ++country)
        all[6].attacks.push_back({t, t + 6 * hour, 10 / 60.0, 0, [country] {
                                      return "+" + std::to_string(220 + country) + "70123" +
                                             std::to_string(source() % 10) + digits(4);
                                  }});
    return all;
}

} // namespace

int main(int, char **argv) {
    std::ofstream csv(argv[1]);
    csv << "minute,honest,honest_held,pumped,pumped_held,scenario\n";
    std::printf("%-40s%9s%9s%9s%11s%10s%7s  %s\n", "scenario", "pumped", "sent", "held %",
                "after min", "honest", "held", "prefixes held");
    for (const Scenario &scenario : scenarios()) {
        const Figures f = run(scenario, csv);
        std::string holds;
        for (const std::string &prefix : f.holds)
            if (holds.size() < 40)
                holds += prefix + " ";
        std::printf("%-40s%9ld%9ld%9.2f%11.1f%10ld%7ld  %zu %s\n", scenario.name, f.pumped,
                    f.pumped_sent,
                    f.pumped ? 100.0 * static_cast<double>(f.pumped - f.pumped_sent) /
                                   static_cast<double>(f.pumped)
                             : 0,
                    f.first_hold, f.honest, f.honest_held, f.holds.size(), holds.c_str());
    }
}
