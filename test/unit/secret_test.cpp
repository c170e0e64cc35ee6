#include "core/secret.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "core/wiped.hpp"
#include "freed_memory.hpp"

namespace {

struct Watch {
    const char *marker;
    std::size_t marker_size;
    std::size_t blocks;
    std::size_t found;
};
constinit thread_local Watch watch{};

void inspect(void *p) {
    if (watch.marker_size == 0 || p == nullptr) {
        return;
    }
    const std::string_view block(static_cast<const char *>(p), malloc_usable_size(p));
    watch.blocks++;
    watch.found += block.find(std::string_view(watch.marker, watch.marker_size)) != block.npos;
}

} // namespace

// The whole test program allocates through these. Zeroed, so that a block holds nothing of what was
// in its place before.
void *operator new(std::size_t size) {
    if (void *p = std::calloc(1, size)) {
        return p;
    }
    throw std::bad_alloc();
}
// Newer libraries sort with it; sanitizers see whether what frees is what has allocated.
void *operator new(std::size_t size, const std::nothrow_t & /*tag*/) noexcept {
    return std::calloc(1, size);
}
void operator delete(void *p) noexcept {
    inspect(p);
    std::free(p);
}
void operator delete(void *p, std::size_t /*size*/) noexcept {
    inspect(p);
    std::free(p);
}
void operator delete(void *p, const std::nothrow_t & /*tag*/) noexcept {
    inspect(p);
    std::free(p);
}

namespace mfa::test {

FreedMemory::FreedMemory(std::string_view marker) { watch = {marker.data(), marker.size(), 0, 0}; }
FreedMemory::~FreedMemory() { watch = {}; }
std::size_t FreedMemory::blocks() const { return watch.blocks; }
std::size_t FreedMemory::blocks_with_marker() const { return watch.found; }

} // namespace mfa::test

namespace mfa::core {
namespace {

constexpr std::string_view marker = "a code or a number, longer than any small-string buffer";

// The check itself must be able to fail.
TEST(FreedMemory, FindsWhatAStringLeavesBehind) {
    const test::FreedMemory freed(marker);
    { const std::string copy(marker); }
    EXPECT_EQ(freed.blocks(), 1U);
    EXPECT_EQ(freed.blocks_with_marker(), 1U);
}

TEST(Secret, WipesOnDestruction) {
    const test::FreedMemory freed(marker);
    {
        const Secret secret(marker);
        EXPECT_EQ(secret.view(), marker);
    }
    EXPECT_EQ(freed.blocks(), 1U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(Secret, WipesWhatItOutgrows) {
    const test::FreedMemory freed("0123456789");
    {
        Secret secret;
        for (int i = 0; i < 1000; ++i) {
            secret.append("0123456789").append('x');
        }
        EXPECT_EQ(secret.size(), 11000U);
    }
    EXPECT_GE(freed.blocks(), 8U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(Secret, WipesWhatAnAssignmentReplaces) {
    const test::FreedMemory freed(marker);
    {
        Secret first(marker);
        Secret copy = first;
        EXPECT_EQ(copy.view(), marker);
        first = Secret("other");
        EXPECT_EQ(first.view(), "other");
        copy = std::move(first);
        EXPECT_EQ(copy.view(), "other");
    }
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(Secret, WipesWhenAnExceptionPasses) {
    const test::FreedMemory freed(marker);
    try {
        const Secret secret(marker);
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(Secret, IsEmptyAtFirstAndKeepsEveryByte) {
    EXPECT_TRUE(Secret().empty());
    EXPECT_EQ(Secret().view(), "");
    const std::string all_bytes("\0\x01\xff\n\0", 5);
    EXPECT_EQ(Secret(all_bytes).view(), all_bytes);
}

TEST(WipingAllocator, WipesTheWholeBlockNotOnlyTheUsedPart) {
    const test::FreedMemory freed("secret");
    {
        std::vector<char, WipingAllocator<char>> bytes;
        bytes.reserve(100);
        for (const char c : std::string_view("secret")) {
            bytes.push_back(c);
        }
        bytes.clear(); // the bytes are still there, beyond size()
    }
    EXPECT_EQ(freed.blocks(), 1U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(WipedArray, IsZeroBeforeAndAfter) {
    using Array = WipedArray<32>;
    alignas(Array) unsigned char place[sizeof(Array)];
    std::fill(std::begin(place), std::end(place), static_cast<unsigned char>(0xAA));
    auto *array = new (place) Array;
    EXPECT_EQ(std::count(array->begin(), array->end(), 0), 32);
    array->fill(0x55);
    array->~Array();
    // Read as raw storage, which outlives the array.
    const volatile unsigned char *raw = place;
    for (std::size_t i = 0; i < sizeof place; ++i) {
        EXPECT_EQ(raw[i], 0) << i;
    }
}

} // namespace
} // namespace mfa::core
