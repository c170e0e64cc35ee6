// Prints the requests that the cases of the given NAME.json lead to, one JSON line each, for check.py.
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "core/error.hpp"
#include "core/locale.hpp"
#include "core/message.hpp"
#include "core/provider.hpp"

namespace {

using namespace mfa::core;
using nlohmann::ordered_json;
using namespace std::chrono_literals;

// One way to fill a case: what is in it beside the case's own options.
struct Variant {
    std::string name = "ordinary";
    std::string message_template; // empty: the built-in one of the case's locale
    std::string code = "482913";
    std::string recipient = "+14155550123";
    std::string sender;
    std::chrono::seconds life = 600s;
};

constexpr std::string_view gsm7_template = R"(A&B=C+D "E" <F> 100% {code} @#;?/:'*)";
// What a text may hold at most: characters outside of the first plane, marks that change the
// direction, a line end, and what templates, XML, JSON and shells make something of.
constexpr std::string_view hostile_template =
    "é😀 &amp;<b>\"'\\${1+1}%{a.b}%0A\n]]>\u202E\u2028 {code} &=+%#?";

// The longest text that the channel takes, made of one character over and over.
std::string longest_template(Channel channel, std::string_view filling, const Variant &variant) {
    for (std::size_t count = max_text_characters; count > 0; --count) {
        std::string text = "{code} ";
        for (std::size_t i = 0; i < count; ++i)
            text += filling;
        try {
            const MessageValues values{variant.code, {}, variant.life};
            check_message_fits(channel, (channel == Channel::voice ? speak_message(text, values)
                                                                   : render_message(text, values))
                                            .view());
            return text;
        } catch (const Error &) {
        }
    }
    throw Error(sqlstate::internal_error, "no text fits");
}

std::vector<Variant> variants_of(const ordered_json &test_case, Channel channel) {
    Variant ordinary;
    ordinary.sender = test_case.value("sender", "");
    std::vector<Variant> variants{ordinary};
    const auto add = [&](std::string name, auto change) {
        Variant &variant = variants.emplace_back(ordinary);
        variant.name = std::move(name);
        change(variant);
    };
    add("gsm7", [](Variant &v) { v.message_template = gsm7_template; });
    add("hostile", [](Variant &v) { v.message_template = hostile_template; });
    for (const auto &[name, filling] :
         {std::pair{"longest", "x"}, {"longest_quotes", "\""}, {"longest_ucs2", "你"}})
        add(name, [&, text = filling](Variant &v) {
            v.message_template = longest_template(channel, text, v);
        });
    add("code_4", [](Variant &v) { v.code = "4829"; });
    add("code_20", [](Variant &v) { v.code = "48291350674829135067"; });
    add("code_letters", [](Variant &v) { v.code = "K7X9P2"; });
    add("life_1s", [](Variant &v) { v.life = 1s; });
    add("life_7d", [](Variant &v) { v.life = 168h; });
    // Numbers that are set aside for fiction; the shortest and the longest that E.164 has.
    for (const char *recipient :
         {"+447700900123", "+33639981234", "+61491570156", "+2904123", "+491701234567890"})
        add(std::string("to ") + recipient, [=](Variant &v) { v.recipient = recipient; });
    if (const std::string sender = test_case.value("alphanumeric_sender", ""); !sender.empty())
        add("alphanumeric_sender", [&](Variant &v) { v.sender = sender; });
    return variants;
}

// Where a case's option is the word RSA_PRIVATE_KEY: one that nobody has to keep.
const std::string &rsa_private_key() {
    static const std::string pem = [] {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048),
                                                                      EVP_PKEY_free);
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
        char *text = nullptr;
        if (!key || !out ||
            PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
                1)
            throw Error(sqlstate::internal_error, "no RSA key");
        const long size = BIO_get_mem_data(out.get(), &text);
        return std::string(text, static_cast<std::size_t>(size));
    }();
    return pem;
}

Options options_of(const Provider &provider, const ordered_json &test_case) {
    Options options;
    for (const auto &[name, value] : test_case.at("options").items()) {
        std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        if (text == "RSA_PRIVATE_KEY")
            text = rsa_private_key();
        bool is_file = false;
        const OptionPlace place =
            find_option(provider, OptionPlace::server, name, is_file) != nullptr
                ? OptionPlace::server
                : OptionPlace::user_mapping;
        check_option(provider, place, name, text);
        options.set(name, text);
    }
    check_complete(provider, options);
    return options;
}

void print(ordered_json line, const HttpRequest &request) {
    line["method"] = request.method;
    line["url"] = request.url.view();
    line["headers"] = ordered_json::array();
    for (const Secret &header : request.headers)
        line["headers"].push_back(header.view());
    line["body"] = base64(request.body.view()).view();
    std::cout << line.dump(-1, ' ', true, ordered_json::error_handler_t::replace) << '\n';
}

void print_refusal(ordered_json line, const Error &error) {
    line["error"] = error.message();
    std::cout << line.dump(-1, ' ', true, ordered_json::error_handler_t::replace) << '\n';
}

std::string spaced_out(std::string_view code) {
    std::string spoken;
    for (const char c : code)
        spoken.append(spoken.empty() ? "" : ", ").append(1, c);
    return spoken;
}

void print_case(const Provider &provider, const ordered_json &test_case) {
    ordered_json line{{"provider", provider.name}, {"case", test_case.at("name")}};
    const Channel channel = parse_channel(test_case.at("channel").get<std::string>());
    try {
        const Options options = options_of(provider, test_case);
        if (!serves(provider, channel, options))
            throw Error(sqlstate::object_not_in_prerequisite_state,
                        "the options don't serve the channel");
        const std::string locale = test_case.value("locale", "");
        for (const Variant &variant : variants_of(test_case, channel)) {
            line["variant"] = variant.name;
            const MessageValues values{variant.code, {}, variant.life};
            const std::string_view text_template = variant.message_template.empty()
                                                       ? builtin_template(locale, channel)
                                                       : variant.message_template;
            const bool voice = channel == Channel::voice;
            const Secret text = voice ? speak_message(text_template, values)
                                      : render_message(text_template, values);
            check_message_fits(channel, text.view());
            line["expects"] = {{"channel", channel_name(channel)},
                               {"recipient", variant.recipient},
                               {"text", text.view()},
                               {"code", voice ? spaced_out(variant.code) : variant.code},
                               {"sender", variant.sender}};
            OutboundMessage message;
            message.channel = channel;
            message.id = "018f0000-0000-7000-8000-000000000001";
            message.recipient = variant.recipient;
            message.sender = variant.sender;
            message.text = text.view();
            message.code = variant.code;
            message.locale = locale;
            message.life = variant.life;
            message.now = std::chrono::sys_seconds{1'800'000'000s};
            try {
                print(line, provider.build(message, options));
            } catch (const Error &error) {
                print_refusal(line, error);
            }
        }
    } catch (const Error &error) {
        line["variant"] = "options";
        print_refusal(line, error);
    }
}

void print_lookup(const Provider &provider, const ordered_json &lookup) {
    ordered_json line{{"provider", provider.name},
                      {"case", "look-up " + lookup.at("name").get<std::string>()}};
    try {
        const Options options = options_of(provider, lookup);
        if (provider.build_lookup == nullptr)
            throw Error(sqlstate::object_not_in_prerequisite_state, "there is no look-up");
        // Any that core::may_keep_message_id lets through is asked for as it is.
        for (const auto &[variant, id] :
             {std::pair{"ordinary", lookup.at("message_id").get<std::string>()},
              std::pair{"hostile_id", std::string("../a/b?c=d&e#f%2F;g\"<h>+{i}")}}) {
            LookupTarget target;
            target.channel = parse_channel(lookup.at("channel").get<std::string>());
            target.message_id = id;
            target.now = std::chrono::sys_seconds{1'800'000'000s};
            line["variant"] = variant;
            line["expects"] = {{"message_id", id}};
            print(line, provider.build_lookup(target, options));
        }
    } catch (const Error &error) {
        line["variant"] = line.value("variant", "options");
        print_refusal(line, error);
    }
}

} // namespace

int main(int count, char **arguments) {
    for (int i = 1; i < count; ++i) {
        try {
            std::ifstream file(arguments[i]);
            const ordered_json contract = ordered_json::parse(file);
            const std::string name = contract.at("provider");
            const Provider *provider = find_provider(name);
            if (provider == nullptr)
                throw Error(sqlstate::internal_error, "no provider of this name");
            for (const ordered_json &test_case : contract.at("cases"))
                print_case(*provider, test_case);
            for (const ordered_json &lookup : contract.value("lookups", ordered_json::array()))
                print_lookup(*provider, lookup);
        } catch (const std::exception &error) {
            std::cerr << arguments[i] << ": " << error.what() << '\n';
            return 1;
        }
    }
    return 0;
}
