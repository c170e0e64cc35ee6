// Reading a code: idempotent, never longer, and every code that is drawn reads as itself.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/code.hpp"
#include "core/error.hpp"
#include "fuzz.hpp"

namespace {

using namespace mfa::core;

// The input as the random source; dry, it fails as a generator does.
class InputRandom final : public RandomSource {
  public:
    explicit InputRandom(std::span<const std::uint8_t> bytes) : left_(bytes) {}
    void fill(std::span<std::uint8_t> out) override {
        if (out.size() > left_.size()) {
            throw Error(sqlstate::internal_error, "dry");
        }
        for (std::uint8_t &byte : out) {
            byte = left_.front();
            left_ = left_.subspan(1);
        }
    }

  private:
    std::span<const std::uint8_t> left_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    const Secret once = normalise_code(text);
    FUZZ_CHECK(once.size() <= text.size());
    FUZZ_CHECK(normalise_code(once.view()).view() == once.view());
    FUZZ_CHECK(once.view().find_first_of(" -\t\r\nOILZSBoilzsb") == std::string_view::npos);

    if (size > 1) {
        const bool letters = (data[0] & 0x80) != 0;
        const int length = data[0] & 0x1F;
        InputRandom random(std::span(data, size).subspan(1));
        try {
            const Secret code = generate_code(length, letters, random);
            FUZZ_CHECK(length >= min_code_length && length <= max_code_length);
            FUZZ_CHECK(code.size() == static_cast<std::size_t>(length));
            FUZZ_CHECK(code.view().find_first_not_of(letters ? letter_alphabet : digit_alphabet) ==
                       std::string_view::npos);
            FUZZ_CHECK(normalise_code(code.view()).view() == code.view());
        } catch (const Error &) {
        }
    }
    return 0;
}
