#include "core/random.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mfa::core {
namespace {

using Draw = std::array<std::uint8_t, 16>;

Draw draw() {
    Draw bytes{};
    system_random().fill(bytes);
    return bytes;
}

TEST(SystemRandom, FillsEverySizeAroundTheBlock) {
    // Whatever the block's size is: all lengths around powers of two, from many fill levels.
    for (const std::size_t base : {0, 1, 16, 64, 256, 512, 1024, 4096}) {
        for (std::size_t size = base > 2 ? base - 2 : 0; size <= base + 2; ++size) {
            for (int round = 0; round < 5; ++round) {
                // Two guards: nothing is written outside the span.
                std::vector<std::uint8_t> buffer(size + 2, 0xA5);
                system_random().fill(std::span(buffer).subspan(1, size));
                EXPECT_EQ(buffer.front(), 0xA5);
                EXPECT_EQ(buffer.back(), 0xA5);
                if (size >= 32) { // false in one of 2^200 runs
                    EXPECT_LT(std::count(buffer.begin(), buffer.end(), 0xA5),
                              30 + std::ssize(buffer) / 4);
                    EXPECT_LT(std::count(buffer.begin(), buffer.end(), 0),
                              30 + std::ssize(buffer) / 4);
                }
            }
        }
    }
}

TEST(SystemRandom, NeverRepeats) {
    std::set<Draw> seen;
    for (int i = 0; i < 20000; ++i) {
        EXPECT_TRUE(seen.insert(draw()).second);
    }
}

TEST(SystemRandom, LooksUniform) {
    constexpr int samples = 1 << 20;
    std::array<int, 256> counts{};
    std::array<std::uint8_t, 64> bytes{};
    for (int i = 0; i < samples; i += 64) {
        system_random().fill(bytes);
        for (const std::uint8_t byte : bytes) {
            counts[byte]++;
        }
    }
    double chi_square = 0;
    for (const int count : counts) {
        const double expected = samples / 256.0;
        chi_square += (count - expected) * (count - expected) / expected;
    }
    EXPECT_LT(chi_square, 420); // 255 degrees of freedom: beyond it in one of 10^9 runs
    EXPECT_GT(chi_square, 140); // and below it in one of 10^9
}

// A child inherits the parent's memory, and with it bytes that the parent will hand out.
TEST(SystemRandom, ForkedChildDrawsAnew) {
    draw(); // there is a block now, mostly unused
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);
    constexpr int children = 4;
    for (int i = 0; i < children; ++i) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            const Draw bytes = draw();
            const bool written = write(pipe_ends[1], bytes.data(), bytes.size()) ==
                                 static_cast<ssize_t>(bytes.size());
            _exit(written ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    std::set<Draw> seen{draw()};
    for (int i = 0; i < children; ++i) {
        Draw bytes{};
        ASSERT_EQ(read(pipe_ends[0], bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
        EXPECT_TRUE(seen.insert(bytes).second);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

TEST(SystemRandom, ThreadsDoNotShareBytes) {
    constexpr std::size_t draws = 1000;
    std::array<std::vector<Draw>, 4> drawn;
    std::vector<std::thread> threads;
    for (auto &list : drawn) {
        threads.emplace_back([&list] {
            for (std::size_t i = 0; i < draws; ++i) {
                list.push_back(draw());
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    std::set<Draw> seen;
    for (const auto &list : drawn) {
        seen.insert(list.begin(), list.end());
    }
    EXPECT_EQ(seen.size(), draws * drawn.size());
}

} // namespace
} // namespace mfa::core
