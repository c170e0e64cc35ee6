#include "core/speech.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/ascii.hpp"
#include "core/locale.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using test::call_message;
using test::hostile;

constexpr std::string_view some = "en-US en-GB es-MX es-ES nb-NO=no zh-CN=cmn-CN pt-BR ar-SA=arb";

TEST(SpokenLanguage, ThatOfTheList) {
    for (const auto &[locale, tag] :
         {std::pair{"en", "en-US"}, std::pair{"en-GB", "en-GB"}, std::pair{"en_gb", "en-GB"},
          std::pair{"es", "es-ES"}, std::pair{"es-AR", "es-MX"}, std::pair{"pt-BR", "pt-BR"}})
        EXPECT_EQ(spoken_language(some, locale), tag) << locale;
}

TEST(SpokenLanguage, AsTheProviderSpellsIt) {
    for (const auto &[locale, tag] :
         {std::pair{"nb", "no"}, std::pair{"nn-NO", "no"}, std::pair{"zh", "cmn-CN"},
          std::pair{"zh-Hans-SG", "cmn-CN"}, std::pair{"ar-EG", "arb"}})
        EXPECT_EQ(spoken_language(some, locale), tag) << locale;
}

TEST(SpokenLanguage, OfAnotherRegionTheFirst) {
    EXPECT_EQ(spoken_language(some, "pt"), "pt-BR");
    EXPECT_EQ(spoken_language(some, "zh-TW"), "cmn-CN");
    EXPECT_EQ(spoken_language("en-US es-ES es-US", "es-MX"), "es-ES");
    EXPECT_EQ(spoken_language("en-US es-US es-ES", "es-MX"), "es-US");
}

TEST(SpokenLanguage, NotWhatIsNotThere) {
    for (const std::string_view locale : {"ka", "de", "no such", "tlh", "-", "e", "en-"})
        EXPECT_EQ(spoken_language("es-ES nb-NO=no", locale), "") << locale;
    // fi-FI and fil-PH, nl-NL and nb-NO have letters in common, and no language.
    EXPECT_EQ(spoken_language("fil-PH nb-NO=nl-NL", "fi"), "");
    EXPECT_EQ(spoken_language("fi-FI nb-NO=nl-NL", "fil"), "");
    EXPECT_EQ(spoken_language("fi-FI nb-NO=nl-NL", "nl"), "");
}

TEST(SpokenLanguage, NotSaid) {
    EXPECT_EQ(spoken_language(some, ""), "");
    EXPECT_EQ(spoken_language("", ""), "");
}

TEST(SpokenLanguage, AnyOfAListThatIsNotKnown) {
    EXPECT_EQ(spoken_language("", "ka"), "ka-GE");
    EXPECT_EQ(spoken_language("", "tlh"), "");
}

TEST(SayLanguage, TheOptionsOrElseTheMessages) {
    OutboundMessage message = call_message();
    Options options;
    EXPECT_EQ(say_language(message, options, some), "");
    message.locale = "no";
    EXPECT_EQ(say_language(message, options, some), "no");
    message.locale = "ka";
    EXPECT_EQ(say_language(message, options, some), "");
    options.set("say_language", "ka-GE");
    EXPECT_EQ(say_language(message, options, some), "ka-GE");
    message.locale = "";
    EXPECT_EQ(say_language(message, options, some), "ka-GE");
}

TEST(Speaks, WhatIsListedOrNotKnown) {
    Provider provider{};
    const Options none;
    EXPECT_TRUE(speaks(provider, "ka", none));
    provider.spoken_languages = some;
    EXPECT_TRUE(speaks(provider, "", none));
    EXPECT_TRUE(speaks(provider, "en-AU", none));
    EXPECT_TRUE(speaks(provider, "pt", none));
    EXPECT_FALSE(speaks(provider, "ka", none));
    EXPECT_FALSE(speaks(provider, "tlh", none));
    Options set;
    set.set("say_voice", "Nino");
    EXPECT_FALSE(speaks(provider, "ka", set));
    set.set("say_language", "ka-GE");
    EXPECT_TRUE(speaks(provider, "ka", set));
}

TEST(Speakable, HasSpacesForMarkUp) {
    EXPECT_EQ(speakable("", "{}").view(), "");
    EXPECT_EQ(speakable("a{b}c<d>", "{}").view(), "a b c<d>");
    EXPECT_EQ(speakable("a{b}c<d>", "<>").view(), "a{b}c d ");
    EXPECT_EQ(speakable(hostile, "").view(), hostile);
    const Secret spoken = speakable(hostile, "<>{}");
    EXPECT_EQ(spoken.size(), hostile.size());
    EXPECT_EQ(spoken.view().find_first_of("<>{}"), std::string_view::npos);
}

TEST(SayDocument, AttributesInTheirOrder) {
    EXPECT_EQ(say_document({}, "x").view(), "<Response><Say>x</Say></Response>");
    EXPECT_EQ(say_document({{"voice", ""}, {"language", "de-DE"}}, "x").view(),
              R"(<Response><Say language="de-DE">x</Say></Response>)");
    EXPECT_EQ(say_document({{"voice", "alice"}, {"language", "de-DE"}}, "x").view(),
              R"(<Response><Say voice="alice" language="de-DE">x</Say></Response>)");
}

TEST(SayDocument, HostileFieldsStayText) {
    EXPECT_EQ(say_document({{"voice", "a\"b<c>&'\r\n"}}, "</Say>&\"").view(),
              "<Response><Say voice=\"a&quot;b&lt;c&gt;&amp;&#39;&#13;&#10;\">"
              "&lt;/Say&gt;&amp;&quot;</Say></Response>");
}

// The lists of the providers.

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> entries(1);
    for (const char c : list) {
        if (c == ' ')
            entries.emplace_back();
        else
            entries.back().push_back(c);
    }
    return entries;
}

bool is_tag(std::string_view tag) {
    const auto is_part = [](char c) { return is_alpha(c) || c == '-'; };
    return tag.size() >= 2 && is_alpha(tag.front()) && is_alpha(tag.back()) &&
           std::all_of(tag.begin(), tag.end(), is_part);
}

std::set<std::string_view> speech_locales() {
    std::set<std::string_view> all;
    for (std::size_t i = 0; i < builtin_locale_count(); ++i)
        all.insert(speech_locale(builtin_locale(i)));
    return all;
}

bool calls(const Provider &provider) {
    return std::find(provider.channels.begin(), provider.channels.end(), Channel::voice) !=
           provider.channels.end();
}

TEST(SpokenLanguages, EveryVoiceHasAList) {
    // Whoever answers mfa_http is not known, and mfa_inbox speaks to nobody.
    for (const Provider *provider : all_providers())
        EXPECT_EQ(!provider->spoken_languages.empty(),
                  calls(*provider) && provider->name != "mfa_http" && !keeps_messages(*provider))
            << provider->name;
}

TEST(SpokenLanguages, EveryEntryIsALanguageOfTheTable) {
    const std::set<std::string_view> known = speech_locales();
    for (const Provider *provider : all_providers()) {
        if (provider->spoken_languages.empty())
            continue;
        std::set<std::string> ours;
        std::set<std::string> theirs;
        for (const std::string &entry : split(provider->spoken_languages)) {
            const std::size_t equals = entry.find('=');
            const std::string our_tag = entry.substr(0, equals);
            const std::string their_tag =
                equals == std::string::npos ? our_tag : entry.substr(equals + 1);
            EXPECT_TRUE(known.contains(our_tag)) << provider->name << " " << entry;
            EXPECT_TRUE(is_tag(their_tag)) << provider->name << " " << entry;
            EXPECT_TRUE(equals == std::string::npos || our_tag != their_tag)
                << provider->name << " " << entry;
            EXPECT_TRUE(ours.insert(our_tag).second) << provider->name << " " << entry;
            EXPECT_TRUE(theirs.insert(their_tag).second) << provider->name << " " << entry;
            EXPECT_EQ(spoken_language(provider->spoken_languages, our_tag), their_tag)
                << provider->name;
        }
        EXPECT_TRUE(ours.contains("en-US")) << provider->name;
        EXPECT_TRUE(speaks(*provider, "en", {})) << provider->name;
    }
}

// A Mandarin voice comes first: it reads what is for Taiwan where there is none for Taiwan.
TEST(SpokenLanguages, TheFirstRegionIsTheUsualOne) {
    for (const Provider *provider : all_providers()) {
        if (provider->spoken_languages.empty())
            continue;
        for (const auto &[region, usual] :
             {std::pair{"en-GB", "en-US"}, std::pair{"es-MX", "es-ES"}, std::pair{"fr-CA", "fr-FR"},
              std::pair{"pt-BR", "pt-PT"}, std::pair{"zh-HK", "zh-CN"},
              std::pair{"zh-TW", "zh-CN"}}) {
            const std::string list(provider->spoken_languages);
            EXPECT_LT(list.find(usual), list.find(region)) << provider->name << " " << region;
        }
    }
}

TEST(SpokenLanguages, WhereProvidersDiffer) {
    for (const auto &[name, locale, tag] :
         std::vector<std::tuple<const char *, const char *, const char *>>{
             {"mfa_signalwire", "fi", ""},
             {"mfa_signalwire", "zh-HK", "cmn-CN"},
             {"mfa_twilio", "zh-HK", "zh-HK"},
             {"mfa_twilio", "lt", ""},
             {"mfa_vonage", "zh-HK", "yue-CN"},
             {"mfa_vonage", "zh-TW", "cmn-TW"},
             {"mfa_vonage", "hr", ""},
             {"mfa_telnyx", "cs", ""},
             {"mfa_telnyx", "cy", "cy-GB"},
             {"mfa_messagebird", "zh-TW", "zh-CN"},
             {"mfa_messagebird", "fi", ""},
             {"mfa_sinch", "ka", "ka-GE"},
             {"mfa_sinch", "zh-HK", "zh-HK"},
             {"mfa_sinch", "zh-TW", "cmn-CN"},
             {"mfa_sinch", "bg", ""},
             {"mfa_infobip", "cy", "wls"},
             {"mfa_infobip", "ur", "ur-pk"},
             {"mfa_infobip", "ka", ""}}) {
        const Provider *provider = find_provider(name);
        ASSERT_NE(provider, nullptr) << name;
        EXPECT_EQ(spoken_language(provider->spoken_languages, locale), tag)
            << name << " " << locale;
        EXPECT_EQ(speaks(*provider, locale, {}), *tag != '\0') << name << " " << locale;
    }
}

} // namespace
} // namespace mfa::core
