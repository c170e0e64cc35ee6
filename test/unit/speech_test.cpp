#include "core/speech.hpp"

#include <string_view>
#include <utility>

#include <gtest/gtest.h>

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

} // namespace
} // namespace mfa::core
