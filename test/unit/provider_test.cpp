#include "core/provider.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/providers/providers.hpp"
#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::error_of;

const Provider &signalwire() { return *find_provider("mfa_signalwire"); }

void set_server(std::string_view name, std::string_view value) {
    check_option(signalwire(), OptionPlace::server, name, value);
}

void set_user(std::string_view name, std::string_view value) {
    check_option(signalwire(), OptionPlace::user_mapping, name, value);
}

TEST(Providers, AreFoundByTheNameOfTheirWrapper) {
    EXPECT_EQ(find_provider("mfa_signalwire"), &signalwire_provider);
    EXPECT_EQ(find_provider("mfa_http"), &http_provider);
    for (const std::string_view name : {"", "signalwire", "MFA_HTTP", "mfa_", "postgres_fdw"})
        EXPECT_EQ(find_provider(name), nullptr) << name;
    for (const Provider *provider : all_providers())
        EXPECT_EQ(find_provider(provider->name), provider) << provider->name;
}

TEST(Providers, TablesHoldTogether) {
    for (const Provider *provider : all_providers()) {
        EXPECT_TRUE(provider->name.starts_with("mfa_"));
        EXPECT_FALSE(provider->channels.empty());
        EXPECT_EQ(provider->build == nullptr, keeps_messages(*provider));
        EXPECT_EQ(provider->read == nullptr, keeps_messages(*provider));
        EXPECT_EQ(provider->build_lookup == nullptr, provider->read_lookup == nullptr);
        std::set<std::string_view> names;
        for (const OptionSpec &option : provider->options) {
            EXPECT_TRUE(names.insert(option.name).second) << option.name;
            EXPECT_NE(option.check, nullptr) << option.name;
        }
        // A common one may be there in the provider's own form, but not as something else.
        for (const OptionSpec &option : common_options()) {
            bool is_file = false;
            EXPECT_NE(find_option(*provider, option.place, option.name, is_file), nullptr);
            EXPECT_EQ(find_option(*provider, OptionPlace::user_mapping, option.name, is_file),
                      nullptr)
                << option.name;
            names.insert(option.name);
        }
        for (const OptionSpec &option : provider->options) {
            EXPECT_FALSE(names.contains(std::string(option.name) + "_file")) << option.name;
        }
    }
    for (const OptionSpec &option : common_options()) {
        EXPECT_EQ(option.place, OptionPlace::server) << option.name;
        EXPECT_NE(option.check, nullptr) << option.name;
    }
}

TEST(Providers, OnlyTheInboxKeepsMessages) {
    for (const Provider *provider : all_providers())
        EXPECT_EQ(keeps_messages(*provider), provider->name == "mfa_inbox") << provider->name;
}

TEST(Providers, Serve) {
    const Options none;
    EXPECT_TRUE(serves(signalwire_provider, Channel::sms, none));
    EXPECT_TRUE(serves(signalwire_provider, Channel::voice, none));
    EXPECT_FALSE(serves(signalwire_provider, Channel::whatsapp, none));
    EXPECT_FALSE(serves(signalwire_provider, Channel::email, none));
}

TEST(CheckOption, UnknownNamesListTheValidOnes) {
    Error error = error_of([] { set_server("spcae", "x"); });
    EXPECT_STREQ(error.sqlstate(), "HV00D");
    EXPECT_EQ(error.message(), "invalid option \"spcae\"");
    EXPECT_EQ(error.hint(),
              "Valid options of a server of mfa_signalwire are: space, base_url, "
              "messaging_service, say_voice, say_language, sender, timeout, connect_timeout, "
              "max_connections, max_rate, ca_file, proxy, state_lookup.");
    error = error_of([] { set_user("user", "x"); });
    EXPECT_STREQ(error.sqlstate(), "HV00D");
    EXPECT_EQ(error.hint(),
              "Valid options of a user mapping of mfa_signalwire are: project_id, "
              "project_id_file, api_token, api_token_file, signing_key, signing_key_file.");
    for (const std::string_view name : {"", "SPACE", "space ", "space_file", "sender_file", "_file",
                                        "ca_file_file", "api_token_file_file"}) {
        EXPECT_STREQ(error_of([&] { set_server(name, "x"); }).sqlstate(), "HV00D") << name;
        EXPECT_STREQ(error_of([&] { set_user(name, "x"); }).sqlstate(), "HV00D") << name;
    }
}

TEST(CheckOption, TheRightNameInTheWrongPlace) {
    Error error = error_of([] { set_server("api_token", "s3cret"); });
    EXPECT_STREQ(error.sqlstate(), "HV00D");
    EXPECT_TRUE(error.hint().starts_with("This option belongs to the user mapping. Valid"));
    EXPECT_EQ(all_text(error).find("s3cret"), std::string::npos);
    error = error_of([] { set_server("api_token_file", "/s3cret"); });
    EXPECT_TRUE(error.hint().starts_with("This option belongs to the user mapping. Valid"));
    error = error_of([] { set_user("space", "example"); });
    EXPECT_TRUE(error.hint().starts_with("This option belongs to the server. Valid"));
}

TEST(CheckOption, FilesAreForSecretsOnly) {
    bool is_file = true;
    const OptionSpec *option =
        find_option(signalwire(), OptionPlace::user_mapping, "api_token", is_file);
    ASSERT_NE(option, nullptr);
    EXPECT_FALSE(is_file);
    EXPECT_EQ(find_option(signalwire(), OptionPlace::user_mapping, "api_token_file", is_file),
              option);
    EXPECT_TRUE(is_file);
    EXPECT_EQ(find_option(signalwire(), OptionPlace::server, "space_file", is_file), nullptr);
    EXPECT_FALSE(is_file);
    ASSERT_NE(find_option(signalwire(), OptionPlace::server, "ca_file", is_file), nullptr);
    EXPECT_FALSE(is_file);

    EXPECT_NO_THROW(set_user("api_token_file", "/etc/mfa/token"));
    for (const std::string_view path : {"", "/", "token", "./token", "~/token", "/a\nb", "/a\x7F"})
        EXPECT_STREQ(error_of([&] { set_user("api_token_file", path); }).sqlstate(), "HV024");
    EXPECT_NO_THROW(set_user("api_token_file", "/" + std::string(1023, 'a')));
    EXPECT_THROW(set_user("api_token_file", "/" + std::string(1024, 'a')), Error);
}

void expect_bounds(std::string_view name, std::initializer_list<std::string_view> good,
                   std::initializer_list<std::string_view> bad) {
    for (const std::string_view value : good)
        EXPECT_NO_THROW(set_server(name, value)) << name << " = " << value;
    for (const std::string_view value : bad) {
        const Error error = error_of([&] { set_server(name, value); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << name << " = " << value;
        EXPECT_TRUE(error.message().starts_with("option \"" + std::string(name) + "\" "))
            << error.message();
    }
}

TEST(CheckOption, Bounds) {
    expect_bounds("timeout", {"100", "100ms", "60000", "60000 ms", "60s", "1 min", "10s"},
                  {"99", "60001", "61s", "2min", "0", "-1", "", "10 h", "10S", "1.5s", "s", " 10s",
                   "99999999999999", "2147483647min", "0x10", "10s10"});
    expect_bounds("connect_timeout", {"100", "30000", "30s"}, {"99", "30001", "31s"});
    expect_bounds("max_connections", {"1", "64", "1024"},
                  {"0", "1025", "-1", "", "1.0", "+1", "1 ", "x", "99999999999"});
    expect_bounds(
        "max_rate", {"0", "0.5", "10", "10000", "10000.0"},
        {"-1", "-0.1", "10001", "10000.1", "", "x", "1e3", "inf", "nan", "1,5", "1 ", "0x1"});
    expect_bounds("ca_file", {"/etc/ssl/ca.pem"}, {"", "ca.pem", "/"});
    expect_bounds("proxy", {"http://127.0.0.1:3128"}, {"", "127.0.0.1:3128"});
    expect_bounds("sender",
                  {"+14155550123", "+1415555", "+123456789012345", "MyShop", "My Shop", "7",
                   "12345", "ABCDEFGHIJK"},
                  {"", "+141555", "+1234567890123456", "+04155550123", "ABCDEFGHIJKL", " Shop",
                   "Shop ", "Sh\nop", "Süd", "a+b", "+1 415 555 0123", "{from}"});
    expect_bounds(
        "space", {"example", "my-space", "a", "A1"},
        {"", "-a", "a-", "a.b", "example.signalwire.com", "a/b", "a@b", "a_b", "{to}", "é"});
    expect_bounds(
        "space",
        {std::string_view("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff"
                          "ffff123")},
        {std::string_view("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234")});
    expect_bounds("base_url", {"https://gw.example", "http://127.0.0.1:8080", "https://gw/x/"},
                  {"", "http://gw.example", "https://gw/?a=b", "https://gw/{to}", "https://u@gw/"});
    expect_bounds("messaging_service", {"MG0123", "a-b_c.d"}, {"", "a b", "a&b", "é"});
}

TEST(CheckOption, NoErrorRepeatsAValue) {
    for (const std::string_view name : {"project_id", "api_token"}) {
        const Error error = error_of([&] { set_user(name, "s3cret\n"); });
        EXPECT_STREQ(error.sqlstate(), "HV024");
        EXPECT_EQ(all_text(error).find("s3cret"), std::string::npos);
    }
    EXPECT_NO_THROW(set_user("api_token", std::string(500, '~')));
    EXPECT_THROW(set_user("api_token", std::string(501, '~')), Error);
    EXPECT_THROW(set_user("api_token", ""), Error);
    EXPECT_THROW(set_user("api_token", "tökén"), Error);
}

TEST(CheckComplete, NamesTheMissingOption) {
    Options options;
    Error error = error_of([&] { check_complete(signalwire(), options); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_EQ(error.message(), "option \"project_id\" of the user mapping is not set");
    EXPECT_NE(error.hint().find("USER MAPPING"), std::string::npos);
    EXPECT_NE(error.hint().find("project_id_file"), std::string::npos);
    options.set("project_id", "p");
    options.set("api_token", "");
    error = error_of([&] { check_complete(signalwire(), options); });
    EXPECT_EQ(error.message(), "option \"api_token\" of the user mapping is not set");
    options.set("api_token", "t");
    error = error_of([&] { check_complete(signalwire(), options); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    EXPECT_EQ(error.message(), "option \"space\" of the server is not set");
    options.set("space", "example");
    EXPECT_NO_THROW(check_complete(signalwire(), options));

    // Before the files are read, their names are enough; an empty file is not.
    Options from_files;
    from_files.set("space", "example");
    from_files.set("project_id", "p");
    from_files.set("api_token_file", "/etc/mfa/token");
    EXPECT_NO_THROW(check_complete(signalwire(), from_files));
    from_files.set("api_token", "");
    EXPECT_THROW(check_complete(signalwire(), from_files), Error);

    error = error_of([] { check_complete(http_provider, {}); });
    EXPECT_EQ(error.message(), "option \"url\" of the server is not set");
    EXPECT_NE(error.hint().find("ALTER SERVER"), std::string::npos);
}

TEST(TransportOptions, DefaultsAndValues) {
    Options options;
    TransportOptions transport = transport_options(options);
    EXPECT_EQ(transport.timeout, 10s);
    EXPECT_EQ(transport.connect_timeout, 5s);
    EXPECT_EQ(transport.max_connections, 64);
    EXPECT_EQ(transport.max_rate, 0);
    EXPECT_EQ(transport.ca_file, "");
    EXPECT_EQ(transport.proxy, "");

    options.set("timeout", "1500");
    options.set("connect_timeout", "2s");
    options.set("max_connections", "8");
    options.set("max_rate", "2.5");
    options.set("ca_file", "/etc/ca.pem");
    options.set("proxy", "http://127.0.0.1:3128");
    transport = transport_options(options);
    EXPECT_EQ(transport.timeout, 1500ms);
    EXPECT_EQ(transport.connect_timeout, 2s);
    EXPECT_EQ(transport.max_connections, 8);
    EXPECT_EQ(transport.max_rate, 2.5);
    EXPECT_EQ(transport.ca_file, "/etc/ca.pem");
    EXPECT_EQ(transport.proxy, "http://127.0.0.1:3128");
}

TEST(Options, TheLastValueCounts) {
    Options options;
    EXPECT_FALSE(options.has("a"));
    EXPECT_EQ(options.get("a", "b"), "b");
    options.set("a", "1");
    options.set("a", "");
    EXPECT_TRUE(options.has("a"));
    EXPECT_EQ(options.get("a", "b"), "");
}

} // namespace
} // namespace mfa::core
