#include "core/json.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mfa::core {
namespace {

using Found = std::optional<std::string>;

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
    std::string text;
    for (std::size_t i = 0; i < depth; i++)
        text += open;
    text += "1";
    for (std::size_t i = 0; i < depth; i++)
        text += close;
    return text;
}

TEST(JsonScalar, Rfc6901Examples) {
    constexpr std::string_view text =
        R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})";
    EXPECT_EQ(json_scalar_at(text, ""), std::nullopt);
    EXPECT_EQ(json_scalar_at(text, "/foo"), std::nullopt);
    EXPECT_EQ(json_scalar_at(text, "/foo/0"), "bar");
    EXPECT_EQ(json_scalar_at(text, "/foo/1"), "baz");
    EXPECT_EQ(json_scalar_at(text, "/foo/2"), std::nullopt);
    EXPECT_EQ(json_scalar_at(text, "/"), "0");
    EXPECT_EQ(json_scalar_at(text, "/a~1b"), "1");
    EXPECT_EQ(json_scalar_at(text, "/c%d"), "2");
    EXPECT_EQ(json_scalar_at(text, "/e^f"), "3");
    EXPECT_EQ(json_scalar_at(text, "/g|h"), "4");
    EXPECT_EQ(json_scalar_at(text, "/i\\j"), "5");
    EXPECT_EQ(json_scalar_at(text, "/k\"l"), "6");
    EXPECT_EQ(json_scalar_at(text, "/ "), "7");
    EXPECT_EQ(json_scalar_at(text, "/m~0n"), "8");
    EXPECT_EQ(json_scalar_at(text, "/m~n"), std::nullopt);
    EXPECT_EQ(json_scalar_at(text, "foo"), std::nullopt);
}

TEST(JsonScalar, Values) {
    EXPECT_EQ(json_scalar_at("\"x\"", ""), "x");
    EXPECT_EQ(json_scalar_at(" 42 ", ""), "42");
    EXPECT_EQ(json_scalar_at("[-7]", "/0"), "-7");
    EXPECT_EQ(json_scalar_at("[1.50e3]", "/0"), "1.50e3");
    EXPECT_EQ(json_scalar_at("[18446744073709551615]", "/0"), "18446744073709551615");
    EXPECT_EQ(json_scalar_at("[-9223372036854775808]", "/0"), "-9223372036854775808");
    EXPECT_EQ(json_scalar_at("[123456789012345678901234567890]", "/0"),
              "123456789012345678901234567890");
    EXPECT_EQ(json_scalar_at(R"(["A\u00e9\ud83d\ude00\n"])", "/0"), "Aé😀\n");
    EXPECT_EQ(json_scalar_at(R"({"a":""})", "/a"), "");
    for (const std::string_view text : {"[null]", "[true]", "[false]", "[[]]", "[{}]", "[]"})
        EXPECT_EQ(json_scalar_at(text, "/0"), std::nullopt) << text;
}

TEST(JsonScalar, Paths) {
    constexpr std::string_view text =
        R"({"x":{"id":"no"},"a":[[1,2],{"id":"yes","b":[3]},"s"],"id":"top","0":"zero"})";
    EXPECT_EQ(json_scalar_at(text, "/a/1/id"), "yes");
    EXPECT_EQ(json_scalar_at(text, "/a/0/1"), "2");
    EXPECT_EQ(json_scalar_at(text, "/a/1/b/0"), "3");
    EXPECT_EQ(json_scalar_at(text, "/a/2"), "s");
    EXPECT_EQ(json_scalar_at(text, "/id"), "top");
    EXPECT_EQ(json_scalar_at(text, "/0"), "zero");
    for (const std::string_view pointer :
         {"/a/1/id/", "/a/3", "/a/-", "/a/01", "/a/00", "/a/+1", "/a/ 1", "/a/1x", "/a/id",
          "/a/2/0", "/a//", "/a/18446744073709551616", "/a/18446744073709551615", "/id/id", "/x/0",
          "//id"})
        EXPECT_EQ(json_scalar_at(text, pointer), std::nullopt) << pointer;
}

TEST(JsonScalar, TheLastOfDuplicatesCounts) {
    EXPECT_EQ(json_scalar_at(R"({"a":1,"a":2})", "/a"), "2");
    EXPECT_EQ(json_scalar_at(R"({"a":1,"a":null})", "/a"), std::nullopt);
    EXPECT_EQ(json_scalar_at(R"({"a":1,"a":[2]})", "/a"), std::nullopt);
    EXPECT_EQ(json_scalar_at(R"({"a":{"b":1},"a":{}})", "/a/b"), std::nullopt);
    EXPECT_EQ(json_scalar_at(R"({"a":{"b":1},"a":{"b":2}})", "/a/b"), "2");
    EXPECT_EQ(json_scalar_at(R"({"a":{"b":1},"A":{"b":2}})", "/a/b"), "1");
    EXPECT_EQ(json_scalar_at(R"({"\u0061":5})", "/a"), "5");
}

TEST(JsonScalar, NothingFromWhatIsNoJson) {
    for (const std::string_view text : {"",
                                        " ",
                                        "{",
                                        "{\"a\":1",
                                        "{\"a\":1}}",
                                        "{\"a\":1},",
                                        "[1]x",
                                        "{'a':1}",
                                        "{\"a\":01}",
                                        "{\"a\":1,}",
                                        "<a>1</a>",
                                        "{\"a\":1}\"",
                                        "{\"a\":\"\x01\"}",
                                        "{\"a\":\"\xFF\"}",
                                        "{\"a\":\"\xC3\"}",
                                        "{\"a\":\"\xED\xA0\x80\"}",
                                        R"({"a":"\ud800"})",
                                        R"({"a":"\x"})",
                                        "{\"a\":1e999}",
                                        "{\"a\":NaN}",
                                        "{\"a\":1} /* */",
                                        "// \n{\"a\":1}"}) {
        EXPECT_EQ(json_scalar_at(text, "/a"), std::nullopt) << text;
        EXPECT_FALSE(is_json(text)) << text;
    }
    EXPECT_FALSE(is_json(std::string_view("{\"a\":1}\0", 8)));
}

TEST(JsonScalar, Bombs) {
    EXPECT_TRUE(is_json(nested(32, "[", "]")));
    EXPECT_FALSE(is_json(nested(33, "[", "]")));
    EXPECT_TRUE(is_json(nested(32, "{\"a\":", "}")));
    EXPECT_FALSE(is_json(nested(33, "{\"a\":", "}")));
    EXPECT_FALSE(is_json(std::string(64 * 1024, '[')));
    EXPECT_FALSE(is_json(nested(10'000, "{\"a\":", "}")));
    std::string pointer;
    for (int i = 0; i < 32; i++)
        pointer += "/0";
    EXPECT_EQ(json_scalar_at(nested(32, "[", "]"), pointer), "1");

    const std::string digits(60'000, '9');
    EXPECT_EQ(json_scalar_at("[0." + digits + "]", "/0"), "0." + digits);
    EXPECT_EQ(json_scalar_at("[" + digits + "]", "/0"), Found{}); // beyond any number type
    std::string many = "{";
    for (int i = 0; i < 10'000; i++)
        many += "\"a\":" + std::to_string(i) + ",";
    EXPECT_EQ(json_scalar_at(many + "\"b\":0}", "/a"), "9999");
}

TEST(JsonScalars, AreThoseOfEachPointerAlone) {
    constexpr std::array<std::string_view, 8> pointers{"/b",   "/a/0/c", "/a",     "",
                                                       "/a/1", "/a/0/d", "/a/0/c", "/a/0"};
    constexpr std::string_view text = R"({"b":"x","a":[{"c":1,"d":"y"},2.50],"e":{"b":3,"a":[4]}})";
    const std::vector<Found> found = json_scalars_at(text, pointers);
    EXPECT_EQ(found, (std::vector<Found>{"x", "1", {}, {}, "2.50", "y", "1", {}}));
    for (std::size_t i = 0; i < pointers.size(); i++)
        EXPECT_EQ(found[i], json_scalar_at(text, pointers[i])) << pointers[i];
    // A later member of the same name takes from those that lead into it, and from no others.
    EXPECT_EQ(json_scalars_at(R"({"b":"x","a":[{"c":1}],"a":[{"d":2}]})", pointers),
              (std::vector<Found>{"x", {}, {}, {}, {}, "2", {}, {}}));
    EXPECT_EQ(json_scalars_at("\"z\"", pointers)[3], "z");
    EXPECT_EQ(json_scalars_at("{\"b\":1", pointers), std::vector<Found>(8));
    EXPECT_TRUE(json_scalars_at(text, {}).empty());
}

TEST(JsonScalars, WhatCanNotBeAskedFor) {
    constexpr std::string_view text = R"({"a":1})";
    const std::array<std::string_view, 2> malformed{"/a", "a"};
    EXPECT_EQ(json_scalars_at(text, malformed), std::vector<Found>(2));
    const std::vector<std::string_view> many(max_json_pointers + 1, "/a");
    EXPECT_EQ(json_scalars_at(text, many), std::vector<Found>(many.size()));
    EXPECT_EQ(json_scalars_at(text, std::span(many).first(max_json_pointers)),
              std::vector<Found>(max_json_pointers, "1"));
}

TEST(JsonPointer, Form) {
    for (const std::string_view pointer : {"", "/", "/a", "/a/0/b", "/~0", "/~1x", "//", "/é"})
        EXPECT_TRUE(is_json_pointer(pointer)) << pointer;
    for (const std::string_view pointer : {"a", "a/b", "/~", "/~2", "/a~", "#/a", " /a"})
        EXPECT_FALSE(is_json_pointer(pointer)) << pointer;
}

} // namespace
} // namespace mfa::core
