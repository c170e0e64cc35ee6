#include "core/json_writer.hpp"

#include <string>

#include "core/http.hpp"

namespace mfa::core {

void JsonWriter::quote(std::string_view value) {
    text_.append('"');
    append_json_escaped(text_, value);
    text_.append('"');
}

void JsonWriter::begin_value(std::string_view name) {
    if (!first_)
        text_.append(',');
    first_ = false;
    if (name.empty())
        return;
    quote(name);
    text_.append(':');
}

JsonWriter &JsonWriter::open(std::string_view name, char bracket) {
    begin_value(name);
    text_.append(bracket);
    first_ = true;
    return *this;
}

JsonWriter &JsonWriter::close(char bracket) {
    text_.append(bracket);
    first_ = false;
    return *this;
}

JsonWriter &JsonWriter::string(std::string_view name, std::string_view value) {
    begin_value(name);
    quote(value);
    return *this;
}

JsonWriter &JsonWriter::element(std::string_view value) { return string({}, value); }

JsonWriter &JsonWriter::number(std::string_view name, std::int64_t value) {
    begin_value(name);
    text_.append(std::to_string(value));
    return *this;
}

JsonWriter &JsonWriter::boolean(std::string_view name, bool value) {
    begin_value(name);
    text_.append(value ? "true" : "false");
    return *this;
}

} // namespace mfa::core
