#include "core/xml_text.hpp"

#include <string>

#include <gtest/gtest.h>

namespace mfa::core {
namespace {

std::string at_ab(std::string_view document) {
    return xml_text_at(document, {"a", "b"}).value_or("(nothing)");
}

TEST(XmlText, OfTheFirstElementAtThePath) {
    EXPECT_EQ(at_ab("<a><b>text</b></a>"), "text");
    EXPECT_EQ(at_ab("<?xml version='1.0'?>\n<!-- > --><a x='1>2' y=\"</b>\">\n<c><b>no</b></c>"
                    "<b z=''>one</b ><b>two</b></a>\n<!-- end --> "),
              "one");
    EXPECT_EQ(at_ab("<s:a xmlns:s='urn:x'><s:b>1</s:b></s:a>"), "1");
    EXPECT_EQ(at_ab("<a><b/><b>2</b></a>"), "");
    EXPECT_EQ(at_ab("<a><b></b></a>"), "");
    EXPECT_EQ(at_ab("<a><b x='/'>3</b></a>"), "3");
    EXPECT_EQ(at_ab("<a><c/><b>x<!-- y -->z<?w?></b></a>"), "xz");
}

TEST(XmlText, ReferencesAndCharacterData) {
    EXPECT_EQ(at_ab("<a><b>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;&#xe9;&#8364;&#x1F600;</b></a>"),
              "<&>\"'ABé€😀");
    EXPECT_EQ(at_ab("<a><b>1<![CDATA[<b>&amp;]]]>2</b></a>"), "1<b>&amp;]2");
    for (const char *bad : {"&", "&;", "&lt", "&foo;", "&#;", "&#x;", "&#0;", "&#xD800;",
                            "&#x110000;", "&#99999999999;", "&#-1;", "&#1 ;", "&LT;"})
        EXPECT_EQ(at_ab("<a><b>" + std::string(bad) + "</b></a>"), "(nothing)") << bad;
}

TEST(XmlText, NothingElsewhere) {
    for (const char *document : {"",
                                 " ",
                                 "text",
                                 "<a>",
                                 "<a><b>x</b>",
                                 "<a><b>x</a></b>",
                                 "<b>x</b>",
                                 "<a>x</a>",
                                 "<a><c>x</c></a>",
                                 "<c><a><b>x</b></a></c>",
                                 "<a><b>x</b></a><a/>",
                                 "<a><b>x</b></a>x",
                                 "x<a><b>x</b></a>",
                                 "<a><b><c>x</c></b></a>",
                                 "<A><B>x</B></A>",
                                 "</a>",
                                 "<a><b>x</b></a",
                                 "<a><b>x</b></a></a>",
                                 "<><b>x</b></>",
                                 "<a><b>x</b ></a y>",
                                 "< a><b>x</b></a>",
                                 "<a><b x='>y</b></a>",
                                 "<a><b <c>>y</b></a>",
                                 "<a><!-- <b>x</b></a>",
                                 "<a><?x<b>x</b></a>",
                                 "<a><b><![CDATA[x</b></a>",
                                 "<![CDATA[x]]><a><b>x</b></a>",
                                 "<1><b>x</b></1>",
                                 "<!DOCTYPE a><a><b>x</b></a>",
                                 "<!DOCTYPE a [<!ENTITY e 'x'>]><a><b>&e;</b></a>",
                                 R"({"a":{"b":"x"}})"})
        EXPECT_EQ(at_ab(document), "(nothing)") << document;
}

TEST(XmlText, DepthIsBounded) {
    const auto nested = [](int n) {
        std::string open;
        std::string close;
        for (int i = 0; i < n; i++) {
            open += "<c>";
            close += "</c>";
        }
        return "<a>" + open + close + "<b>x</b></a>";
    };
    EXPECT_EQ(at_ab(nested(31)), "x");
    EXPECT_EQ(at_ab(nested(32)), "(nothing)");
    EXPECT_EQ(at_ab(nested(100'000)), "(nothing)");
}

} // namespace
} // namespace mfa::core
