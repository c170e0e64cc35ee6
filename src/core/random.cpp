#include "core/random.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include "core/crypto.hpp"

namespace mfa::core {

namespace {

// Small enough to be wiped at once, large enough for several sends.
constexpr std::size_t block_size = 512;

struct Block {
    std::array<std::uint8_t, block_size> bytes;
    std::size_t unused; // at the end of `bytes`
};

// One a thread, so that no lock is needed; trivially destructible, so that nothing runs at exit.
constinit thread_local Block block{};

void draw(std::span<std::uint8_t> out) {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
        crypto::fail("random number generator");
    }
}

// Runs in a forked child, in the thread that forked, which is the only one that lives on there.
void forget_block() {
    OPENSSL_cleanse(block.bytes.data(), block_size);
    block.unused = 0;
}

class SystemRandom final : public RandomSource {
  public:
    SystemRandom() {
        if (pthread_atfork(nullptr, nullptr, forget_block) != 0) {
            throw Error(sqlstate::out_of_memory, "could not register a fork handler");
        }
    }

    void fill(std::span<std::uint8_t> out) override {
        if (out.size() > block_size) {
            // In pieces, since RAND_bytes counts in int.
            for (; out.size() > block_size; out = out.subspan(block_size)) {
                draw(out.first(block_size));
            }
            draw(out);
            return;
        }
        if (out.size() > block.unused) {
            block.unused = 0; // stays so when the draw fails
            draw(block.bytes);
            block.unused = block_size;
        }
        if (out.empty()) {
            return;
        }
        std::uint8_t *from = block.bytes.data() + (block_size - block.unused);
        std::memcpy(out.data(), from, out.size());
        OPENSSL_cleanse(from, out.size());
        block.unused -= out.size();
    }
};

} // namespace

RandomSource &system_random() {
    // Never freed: a destructor would run at exit, in whatever process that is by then.
    static RandomSource *const source = new SystemRandom;
    return *source;
}

} // namespace mfa::core
