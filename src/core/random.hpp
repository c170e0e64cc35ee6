// The source of randomness: OpenSSL's in the product, a scripted one in unit tests.
#pragma once

#include <cstdint>
#include <span>

namespace mfa::core {

class RandomSource {
  public:
    virtual ~RandomSource() = default;
    // Fills `out`; throws core::Error (XX000) when the generator fails. Never returns weak bytes.
    virtual void fill(std::span<std::uint8_t> out) = 0;
};

// OpenSSL's CSPRNG (RAND_bytes, NIST SP 800-90A DRBG). A block is drawn at a time, handed out once
// and wiped as it is handed out, because a draw costs a system call. A forked child inherits the
// block, so a fork handler wipes it there before fork() returns: parent and child never hand out
// the same bytes. (Asking for the process id at every draw would be a system call, too.) Each
// thread has its own block.
RandomSource &system_random();

} // namespace mfa::core
