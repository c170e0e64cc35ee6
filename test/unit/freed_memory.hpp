// Looks into memory at the moment it is given back: finds secrets that nobody wiped.
#pragma once

#include <cstddef>
#include <string_view>

namespace mfa::test {

// While one lives, every block freed by this thread through operator delete is searched for
// `marker`, which must outlive it. One at a time.
class FreedMemory {
  public:
    explicit FreedMemory(std::string_view marker);
    FreedMemory(const FreedMemory &) = delete;
    FreedMemory &operator=(const FreedMemory &) = delete;
    ~FreedMemory();

    std::size_t blocks() const; // freed so far
    std::size_t blocks_with_marker() const;
};

} // namespace mfa::test
