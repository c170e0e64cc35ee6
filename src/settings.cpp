#include "settings.hpp"

#include "core/autofill.hpp"
#include "core/code.hpp"
#include "core/error.hpp"
#include "core/fallback.hpp"
#include "core/locale.hpp"
#include "core/message.hpp"
#include "core/money.hpp"
#include "core/shard.hpp"

namespace mfa::settings {

int code_length;
int code_length_floor;
bool allow_alphas;
int valid_for;
int valid_for_cap;
int max_attempts;
int max_attempts_cap;
char *message;
char *locale;
char *app_name;
char *webotp_domain;
char *app_hash;
char *provider;
int resend;
int lockout_max;
const core::RateLimits *send_limit;
const core::RateLimits *send_limit_database;
const core::RateLimits *send_limit_destination;
int fraud_guard;
int retention;
int unknown_retries;
bool notify;
char *currency;
char *fallback;
char *key_file;
int shard;
int max_workers;
int max_in_flight;

namespace {

constexpr int week = 7 * 24 * 3600;
constexpr int year = 366 * 24 * 3600;

// GUC tables are not const in PostgreSQL's interface.
config_enum_entry resend_options[] = {{"same", static_cast<int>(Resend::same), false},
                                      {"new", static_cast<int>(Resend::fresh), false},
                                      {nullptr, 0, false}};
config_enum_entry guard_options[] = {{"off", static_cast<int>(GuardMode::off), false},
                                     {"monitor", static_cast<int>(GuardMode::monitor), false},
                                     {"enforce", static_cast<int>(GuardMode::enforce), false},
                                     {nullptr, 0, false}};

// Runs a core check as a GUC check hook: a core::Error becomes the hook's detail and hint, and the
// value is refused. Texts are copied by GUC_check_err*, which palloc, hence after the catch.
template <class Check> bool passes(Check &&check) {
    char detail[512] = "";
    char hint[512] = "";
    bool ok = true;
    try {
        check();
    } catch (const core::Error &error) {
        ok = false;
        strlcpy(detail, error.message().c_str(), sizeof(detail));
        strlcpy(hint, error.hint().c_str(), sizeof(hint));
    } catch (...) {
        ok = false;
        strlcpy(detail, "The value could not be checked.", sizeof(detail));
    }
    if (!ok) {
        GUC_check_errdetail("%s", detail);
        if (hint[0])
            GUC_check_errhint("%s", hint);
    }
    return ok;
}

// Texts are checked here where they are UTF-8, which elsewhere is seen when a message is composed.
bool is_utf8_for_sure(const char *value) {
    const int encoding = GetDatabaseEncoding();
    return encoding == PG_UTF8 || encoding == PG_SQL_ASCII || // the latter is taken for UTF-8
           std::all_of(value, value + std::strlen(value),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool check_message(char **value, void ** /*extra*/, GucSource /*source*/) {
    return **value == '\0' || !is_utf8_for_sure(*value) ||
           passes([&] { core::check_template(*value); });
}

bool check_locale(char **value, void ** /*extra*/, GucSource /*source*/) {
    return passes([&] { core::builtin_template(*value, core::Channel::sms); });
}

bool check_fallback(char **value, void ** /*extra*/, GucSource /*source*/) {
    return passes([&] { core::parse_fallback(*value); });
}

bool check_currency(char **value, void ** /*extra*/, GucSource /*source*/) {
    if (core::is_currency(*value))
        return true;
    GUC_check_errdetail("The value must be three capital letters, such as EUR (ISO 4217).");
    return false;
}

bool check_app_name(char **value, void ** /*extra*/, GucSource /*source*/) {
    constexpr std::size_t longest = 32;
    if (std::strlen(*value) <= longest && std::strpbrk(*value, "{}") == nullptr &&
        (!is_utf8_for_sure(*value) || passes([&] {
            core::render_message("{app}", {"0", *value, std::chrono::seconds(1)});
        })))
        return true;
    GUC_check_errdetail(
        "The name must have at most %zu bytes, without braces and control characters.", longest);
    return false;
}

bool check_webotp_domain(char **value, void ** /*extra*/, GucSource /*source*/) {
    return **value == '\0' || passes([&] { core::check_webotp_domain(*value); });
}

bool check_app_hash(char **value, void ** /*extra*/, GucSource /*source*/) {
    return **value == '\0' || passes([&] { core::check_app_hash(*value); });
}

bool check_provider(char **value, void ** /*extra*/, GucSource /*source*/) {
    char *copy = pstrdup(*value);
    List *names = NIL;
    bool ok = SplitIdentifierString(copy, ',', &names);
    if (!ok)
        GUC_check_errdetail("The value must be server names separated by commas.");
    list_free(names);
    pfree(copy);
    return ok;
}

// Parsed once, when it is set: the parsed form travels as the hook's extra.
bool check_limits(char **value, void **extra, GucSource /*source*/) {
    core::RateLimits parsed;
    if (!passes([&] { parsed = core::parse_rate_limits(*value); }))
        return false;
    void *copy = pg::guc_extra(sizeof(parsed));
    if (!copy)
        return false;
    std::memcpy(copy, &parsed, sizeof(parsed));
    *extra = copy;
    return true;
}

template <const core::RateLimits **Variable>
void assign_limits(const char * /*value*/, void *extra) {
    *Variable = static_cast<const core::RateLimits *>(extra);
}

template <const core::RateLimits **Variable>
void define_limits(const char *name, const char *value, const char *text) {
    static char *as_text; // GUC keeps the text, the hooks keep what is used
    DefineCustomStringVariable(name, text, "COUNT/DURATION, ...; empty for no limit.", &as_text,
                               value, PGC_SUSET, 0, check_limits, assign_limits<Variable>, nullptr);
}

void define_int(const char *name, int *variable, int value, int min, int max, const char *text,
                int flags = 0, GucContext context = PGC_SUSET) {
    DefineCustomIntVariable(name, text, nullptr, variable, value, min, max, context, flags, nullptr,
                            nullptr, nullptr);
}

void define_string(const char *name, char **variable, const char *text, GucStringCheckHook check,
                   const char *value = "", GucContext context = PGC_SUSET, int flags = 0) {
    DefineCustomStringVariable(name, text, nullptr, variable, value, context, flags, check, nullptr,
                               nullptr);
}

} // namespace

void define() {
    define_int("mfa.code_length", &code_length, 6, core::min_code_length, core::max_code_length,
               "Number of characters of a code.");
    define_int("mfa.code_length_floor", &code_length_floor, core::min_code_length,
               core::min_code_length, core::max_code_length,
               "Shortest code that a call may ask for.");
    DefineCustomBoolVariable("mfa.allow_alphas", "Codes have letters as well as digits.", nullptr,
                             &allow_alphas, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    define_int("mfa.valid_for", &valid_for, 600, 1, week, "Time for which a code is valid.",
               GUC_UNIT_S);
    define_int("mfa.valid_for_cap", &valid_for_cap, week, 1, week,
               "Longest validity that a call may ask for.", GUC_UNIT_S);
    define_int("mfa.max_attempts", &max_attempts, 3, 1, 20,
               "Number of codes that may be presented to one request.");
    define_int("mfa.max_attempts_cap", &max_attempts_cap, 20, 1, 20,
               "Largest number of attempts that a call may ask for.");
    define_string("mfa.message", &message,
                  "Template of the text that is sent; empty for the built-in text of the locale.",
                  check_message);
    define_string("mfa.locale", &locale,
                  "Language of the messages; empty for that of the recipient's country.",
                  check_locale);
    define_string("mfa.app_name", &app_name,
                  "What {app} in a template stands for; empty for the name of the database.",
                  check_app_name);
    define_string("mfa.webotp_domain", &webotp_domain,
                  "Domain that {webotp} in a template names, for browsers to fill the code in.",
                  check_webotp_domain);
    define_string(
        "mfa.app_hash", &app_hash,
        "What {app_hash} in a template stands for, for Android to pass the code to an app.",
        check_app_hash);
    define_string(
        "mfa.provider", &provider,
        "Foreign servers through which messages are sent, in the order in which they are tried.",
        check_provider);
    DefineCustomEnumVariable(
        "mfa.resend",
        "What mfa_send does while a request is live: send the same code, or a new one.", nullptr,
        &resend, static_cast<int>(Resend::same), resend_options, PGC_SUSET, 0, nullptr, nullptr,
        nullptr);
    define_int("mfa.lockout_max", &lockout_max, 24 * 3600, 60, week,
               "Longest time for which wrong codes lock a recipient out.", GUC_UNIT_S);
    define_limits<&send_limit>("mfa.send_limit", "1/30s, 5/10min, 20/1d",
                               "How many messages a recipient may be sent.");
    define_limits<&send_limit_database>("mfa.send_limit_database", "10000/1h, 100000/1d",
                                        "How many messages the database may send.");
    define_limits<&send_limit_destination>(
        "mfa.send_limit_destination", "5000/1h, 20000/1d",
        "How many messages may go to numbers of one route, or else one country code.");
    DefineCustomEnumVariable(
        "mfa.fraud_guard",
        "What happens where many codes are sent to numbers of one prefix and hardly any is verified.",
        nullptr, &fraud_guard, static_cast<int>(GuardMode::enforce), guard_options, PGC_SUSET, 0,
        nullptr, nullptr, nullptr);
    define_int("mfa.retention", &retention, 24 * 3600, 60, year,
               "Time for which a request is kept after its code has expired.", GUC_UNIT_S,
               PGC_SIGHUP);
    define_int(
        "mfa.unknown_retries", &unknown_retries, 1, 0, 10,
        "Number of further tries when a provider may have taken a message without saying so.", 0,
        PGC_SIGHUP);
    define_string("mfa.currency", &currency,
                  "Currency of mfa.price and of costs; prices that providers report in another one "
                  "are ignored.",
                  check_currency, "USD", PGC_SIGHUP);
    define_string("mfa.fallback", &fallback,
                  "Channels that follow when a message does not arrive, such as 'sms:60s voice'.",
                  check_fallback);
    DefineCustomBoolVariable("mfa.notify",
                             "Announces by NOTIFY mfa_message what becomes of messages.", nullptr,
                             &notify, true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    define_string("mfa.key_file", &key_file,
                  "File of the keys under which codes are hashed; relative to the data directory.",
                  nullptr, "mfa.key", PGC_SIGHUP, GUC_SUPERUSER_ONLY);
    define_int("mfa.shard", &shard, -1, -1, core::max_shard,
               "Number of this database among those that share the recipients; -1 for none.");
    define_int("mfa.max_workers", &max_workers, 4, 1, 64,
               "Number of databases in which delivery workers run at once.", 0, PGC_SIGHUP);
    define_int("mfa.max_in_flight", &max_in_flight, 256, 1, 1024,
               "Number of messages that a delivery worker has in flight at once.", 0, PGC_SIGHUP);
    MarkGUCPrefixReserved("mfa");
}

} // namespace mfa::settings
