// Writes a JSON text (RFC 8259) into memory that is wiped, value by value.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "core/secret.hpp"

namespace mfa::core {

// The caller closes what it opens, names the members of objects and leaves elements of arrays
// without a name. Strings may hold anything; what is no UTF-8 becomes U+FFFD.
class JsonWriter {
  public:
    JsonWriter &open_object(std::string_view name = {}) { return open(name, '{'); }
    JsonWriter &close_object() { return close('}'); }
    JsonWriter &open_array(std::string_view name = {}) { return open(name, '['); }
    JsonWriter &close_array() { return close(']'); }
    JsonWriter &string(std::string_view name, std::string_view value);
    JsonWriter &element(std::string_view value);
    JsonWriter &number(std::string_view name, std::int64_t value);
    JsonWriter &boolean(std::string_view name, bool value);
    Secret take() { return std::move(text_); }

  private:
    JsonWriter &open(std::string_view name, char bracket);
    JsonWriter &close(char bracket);
    void begin_value(std::string_view name);
    void quote(std::string_view value);

    Secret text_;
    bool first_ = true; // nothing stands yet in what was opened last
};

} // namespace mfa::core
