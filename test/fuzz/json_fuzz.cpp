// A pointer and a text: what the streaming reader finds is what a whole document holds there.
#include "core/json.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "fuzz.hpp"

using namespace mfa;
using namespace mfa::core;

namespace {

using Json = nlohmann::json;

std::size_t depth_of(std::string_view text) {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            deepest = std::max(deepest, ++depth);
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return deepest;
}

const Json *find(const Json &document, const std::string &pointer) {
    try {
        return &document.at(Json::json_pointer(pointer));
    } catch (const Json::exception &) {
        return nullptr;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    fuzz::Fields fields(data, size);
    const std::string pointer(fields.next());
    const std::string_view text = fields.rest();

    const auto found = json_scalar_at(text, pointer);
    const std::array<std::string_view, 3> pointers{"/a", pointer, "/a/0"};
    FUZZ_CHECK(!is_json_pointer(pointer) || json_scalars_at(text, pointers)[1] == found);
    FUZZ_CHECK(!found || (is_json_pointer(pointer) && is_json(text)));
    // A NUL ends the text for the library, but not for us.
    if (!is_json_pointer(pointer) || depth_of(text) > 32 || fuzz::contains(text, {"\0", 1})) {
        FUZZ_CHECK(!found);
        return 0;
    }
    const Json document = Json::parse(text.begin(), text.end(), nullptr, false);
    FUZZ_CHECK(is_json(text) == !document.is_discarded());
    if (document.is_discarded())
        return 0;
    const Json *expected = find(document, pointer);
    if (expected == nullptr || !(expected->is_string() || expected->is_number())) {
        FUZZ_CHECK(!found);
        return 0;
    }
    FUZZ_CHECK(found);
    if (expected->is_string())
        FUZZ_CHECK(*found == expected->get_ref<const std::string &>());
    else if (expected->is_number_integer())
        FUZZ_CHECK(*found == expected->dump());
    else
        FUZZ_CHECK(Json::parse(*found).get<double>() == expected->get<double>());
    return 0;
}
