// What the fuzz targets share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"

// A property that must hold; the fuzzer keeps the input for which it does not.
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);     \
            std::abort();                                                                          \
        }                                                                                          \
    } while (false)

namespace mfa::fuzz {

// Input as fields, separated by the byte 0x1E (record separator) so that seeds can be written and
// read by hand. The last field takes what is left.
class Fields {
  public:
    Fields(const std::uint8_t *data, std::size_t size)
        : rest_(reinterpret_cast<const char *>(data), size) {}

    std::string_view next() {
        const std::size_t end = std::min(rest_.find('\x1E'), rest_.size());
        const std::string_view field = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return field;
    }
    std::string_view rest() const { return rest_; }

    // A field read as a number in decimal, as far as it is one.
    long number() {
        long value = 0;
        for (const char c : next().substr(0, 9))
            if (c >= '0' && c <= '9')
                value = value * 10 + (c - '0');
        return value;
    }

  private:
    std::string_view rest_;
};

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// None of an error's texts repeats what must not get into a log.
inline bool is_silent_about(const core::Error &error, std::string_view secret) {
    return !contains(error.message(), secret) && !contains(error.hint(), secret) &&
           !contains(error.detail(), secret);
}

} // namespace mfa::fuzz
