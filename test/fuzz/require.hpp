// How a fuzz target states a property: not by assert(), which NDEBUG takes away.
#pragma once

#include <cstdlib>

namespace mfa::test {

inline void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

} // namespace mfa::test
