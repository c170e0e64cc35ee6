#include "core/json_writer.hpp"

#include <gtest/gtest.h>

#include "core/json.hpp"

namespace mfa::core {
namespace {

TEST(JsonWriter, SeparatesMembersAndElementsAtEveryDepth) {
    JsonWriter json;
    json.open_object().string("a", "1").open_array("b").element("x").open_object();
    json.number("c", -2).close_object().element("y").close_array();
    json.open_object("d").close_object().open_array("e").close_array().boolean("f", false);
    EXPECT_EQ(json.close_object().take().view(),
              R"({"a":"1","b":["x",{"c":-2},"y"],"d":{},"e":[],"f":false})");
}

TEST(JsonWriter, StringsStayStrings) {
    JsonWriter json;
    json.open_object().string("a\"b", "\",\"x\":\"\n\\\xFF").close_object();
    const Secret text = json.take();
    EXPECT_TRUE(is_json(text.view()));
    EXPECT_EQ(json_scalar_at(text.view(), "/a\"b"), "\",\"x\":\"\n\\\xEF\xBF\xBD");
    EXPECT_FALSE(json_scalar_at(text.view(), "/x").has_value());
}

} // namespace
} // namespace mfa::core
