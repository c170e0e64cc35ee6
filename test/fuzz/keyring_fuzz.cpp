// Reading a key file: a ring that keeps its promises, or core::Error 55000. The same bytes also go
// through the other reader of untrusted bytes under these keys, unseal.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "fuzz.hpp"

namespace {

using namespace mfa::core;

void check_parse(std::string_view text) {
    try {
        const Keyring ring = Keyring::parse(text);
        FUZZ_CHECK(!ring.keys().empty() && ring.keys().size() <= Keyring::max_keys);
        FUZZ_CHECK(text.size() <= Keyring::max_file_bytes && text.back() == '\n');
        FUZZ_CHECK(&ring.current() == &ring.keys().front());
        for (const Key &key : ring.keys()) {
            FUZZ_CHECK(key.id() >= 0);
            FUZZ_CHECK(ring.find(key.id()) == &key); // no id twice
        }
        FUZZ_CHECK(ring.find(-1) == nullptr);
    } catch (const Error &error) {
        FUZZ_CHECK(std::strcmp(error.sqlstate(), sqlstate::object_not_in_prerequisite_state) == 0);
    }
}

void check_unseal(const Key &key, std::span<const std::uint8_t> bytes) {
    const RequestId request{};
    FUZZ_CHECK(!unseal(key, request, bytes)); // nobody guesses a tag of 128 bits

    const std::string_view plain(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    auto sealed = seal(key, request, plain, system_random());
    const auto opened = unseal(key, request, sealed);
    FUZZ_CHECK(opened && opened->view() == plain);
    if (!bytes.empty()) {
        const std::size_t at = bytes[0] % sealed.size();
        sealed[at] ^= static_cast<std::uint8_t>(1U << (bytes.back() % 8));
        FUZZ_CHECK(!unseal(key, request, sealed));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const Key *const key = new Key(SubKey{1, 2, 3});
    check_parse({reinterpret_cast<const char *>(data), size});
    check_unseal(*key, {data, size});
    return 0;
}
