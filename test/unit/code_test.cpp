#include "core/code.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core_helpers.hpp"
#include "freed_memory.hpp"

namespace mfa::core {
namespace {

using test::ScriptedRandom;
using test::SeededRandom;

std::string generate(int length, bool allow_alphas, std::vector<std::uint8_t> script) {
    ScriptedRandom random(std::move(script));
    return std::string(generate_code(length, allow_alphas, random).view());
}

std::string normalise(std::string_view presented) {
    return std::string(normalise_code(presented).view());
}

std::string_view alphabet_of(bool allow_alphas) {
    return allow_alphas ? letter_alphabet : digit_alphabet;
}

TEST(Alphabet, HasNoLookAlikesAndNoDoubles) {
    EXPECT_EQ(digit_alphabet, "0123456789");
    EXPECT_EQ(letter_alphabet.size(), 27U);
    for (const char c : letter_alphabet) {
        EXPECT_EQ(std::count(letter_alphabet.begin(), letter_alphabet.end(), c), 1) << c;
        EXPECT_EQ(normalise(std::string(1, c)), std::string(1, c)) << "folding would break a code";
    }
    EXPECT_EQ(letter_alphabet.find_first_of("OILZSBAEU"), std::string_view::npos);
}

TEST(GenerateCode, EveryLengthWithinTheBoundsAndNoOther) {
    SeededRandom random(1);
    for (const bool letters : {false, true}) {
        for (int length = min_code_length; length <= max_code_length; ++length) {
            const Secret code = generate_code(length, letters, random);
            EXPECT_EQ(code.size(), static_cast<std::size_t>(length));
            EXPECT_EQ(code.view().find_first_not_of(alphabet_of(letters)), std::string_view::npos);
        }
        for (const int length : {-2147483647 - 1, -1, 0, 1, 3, 21, 100, 2147483647}) {
            const Error error =
                test::error_of([&] { static_cast<void>(generate_code(length, letters, random)); });
            EXPECT_STREQ(error.sqlstate(), "22023");
            EXPECT_EQ(error.message(), "code length " + std::to_string(length) +
                                           " is outside the valid range (4 .. 20)");
        }
    }
}

TEST(GenerateCode, KeepsLeadingZeros) {
    EXPECT_EQ(generate(6, false, {0, 10, 20, 0, 0, 1}), "000001");
    EXPECT_EQ(generate(4, false, {0, 0, 0, 0}), "0000");
    EXPECT_EQ(generate(20, true, std::vector<std::uint8_t>(20, 27)), std::string(20, '0'));
}

TEST(GenerateCode, DrawsAgainWhatWouldBeABias) {
    // 250 = 25 * 10 and 243 = 9 * 27 are the first bytes that have no full round of the alphabet.
    EXPECT_EQ(generate(4, false, {249, 249, 249, 249}), "9999");
    EXPECT_EQ(generate(4, false, {250, 255, 251, 7, 252, 8, 254, 9, 253, 6}), "7896");
    EXPECT_EQ(generate(4, true, {242, 242, 242, 242}), "YYYY");
    EXPECT_EQ(generate(4, true, {243, 255, 244, 10, 249, 11, 250, 12, 248, 13}), "CDFG");
}

// Every byte value once: what is accepted of them must hit each character equally often.
TEST(GenerateCode, IsExactlyUniformOverAllBytes) {
    struct Case {
        bool letters;
        int length;      // divides the number of accepted bytes
        int occurrences; // of each character
    };
    for (const Case &c : {Case{false, 5, 25}, Case{true, 9, 9}}) {
        std::vector<std::uint8_t> script(256);
        for (std::size_t i = 0; i < script.size(); ++i) {
            script[i] = static_cast<std::uint8_t>(i * 91 + 17); // a permutation: 91 is odd
        }
        ScriptedRandom random(script);
        const std::string_view alphabet = alphabet_of(c.letters);
        std::map<char, int> counts;
        for (std::size_t n = 0; n < alphabet.size() * static_cast<std::size_t>(c.occurrences);
             n += static_cast<std::size_t>(c.length)) {
            const Secret code = generate_code(c.length, c.letters, random);
            for (const char character : code.view()) {
                counts[character]++;
            }
        }
        EXPECT_EQ(counts.size(), alphabet.size());
        for (const auto &[character, count] : counts) {
            EXPECT_EQ(count, c.occurrences) << character;
        }
    }
}

double chi_square(const std::map<std::string, int> &counts, double cells, double samples) {
    const double expected = samples / cells;
    double sum = (cells - static_cast<double>(counts.size())) * expected; // cells never hit
    for (const auto &[cell, count] : counts) {
        sum += (count - expected) * (count - expected) / expected;
    }
    return sum;
}

// The sample is the same at every run, so the test is, too. A modulo bias (26 against 25 of 256)
// would yield about 560 and 900 here.
TEST(GenerateCode, PassesChiSquareAtEveryPosition) {
    struct Case {
        bool letters;
        double limit; // 9 and 26 degrees of freedom: exceeded by one of 1000 fair samples
    };
    for (const Case &c : {Case{false, 27.88}, Case{true, 54.05}}) {
        constexpr int length = 8;
        constexpr int codes = 250000;
        SeededRandom random(20240607);
        std::array<std::map<std::string, int>, length> counts;
        std::map<std::string, int> pairs;
        for (int i = 0; i < codes; ++i) {
            const Secret code = generate_code(length, c.letters, random);
            for (std::size_t position = 0; position < length; ++position) {
                counts[position][std::string(code.view().substr(position, 1))]++;
            }
            pairs[std::string(code.view().substr(2, 2))]++;
        }
        const auto cells = static_cast<double>(alphabet_of(c.letters).size());
        for (std::size_t position = 0; position < length; ++position) {
            EXPECT_LT(chi_square(counts[position], cells, codes), c.limit)
                << "letters " << c.letters << ", position " << position;
        }
        // Neighbours are independent: n degrees of freedom, normal approximation, 3.1 sigma.
        const double freedom = cells * cells - 1;
        EXPECT_LT(chi_square(pairs, cells * cells, codes), freedom + 3.1 * std::sqrt(2 * freedom));
    }
}

TEST(GenerateCode, PassesOnAFailingGenerator) {
    EXPECT_THROW(generate(6, false, {1, 2, 3}), Error);
    EXPECT_THROW(generate(4, false, std::vector<std::uint8_t>(50, 255)), Error);
}

TEST(GenerateCode, LeavesNoCopyBehind) {
    const test::FreedMemory freed("77777777");
    {
        ScriptedRandom random(std::vector<std::uint8_t>(8, 7));
        EXPECT_EQ(generate_code(8, false, random).view(), "77777777");
    }
    EXPECT_GT(freed.blocks(), 0U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

TEST(NormaliseCode, DropsSpacesAndDashes) {
    EXPECT_EQ(normalise("048291"), "048291");
    EXPECT_EQ(normalise(" 048-291 "), "048291");
    EXPECT_EQ(normalise("0 4 8 2 9 1\r\n"), "048291");
    EXPECT_EQ(normalise("\t048\v291\f"), "048291");
    EXPECT_EQ(normalise("048\u00A0291"), "048291");             // no-break space
    EXPECT_EQ(normalise("048\u2009\u202F\u3000291"), "048291"); // thin, narrow, ideographic
    EXPECT_EQ(normalise("\uFEFF048\u200B291\u200E"), "048291"); // invisible marks
    EXPECT_EQ(normalise("\u202A048291\u202C"), "048291"); // direction marks of a copied number
    EXPECT_EQ(normalise("048\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uFF0D291"), "048291");
    EXPECT_EQ(normalise("- -"), "");
    EXPECT_EQ(normalise(""), "");
}

TEST(NormaliseCode, FoldsEveryLookAlikeInBothCases) {
    struct Pair {
        char upper;
        char digit;
    };
    for (const Pair &pair : {Pair{'O', '0'}, Pair{'I', '1'}, Pair{'L', '1'}, Pair{'Z', '2'},
                             Pair{'S', '5'}, Pair{'B', '8'}}) {
        EXPECT_EQ(normalise(std::string(1, pair.upper)), std::string(1, pair.digit));
        EXPECT_EQ(normalise(std::string(1, static_cast<char>(pair.upper + 32))),
                  std::string(1, pair.digit));
    }
    EXPECT_EQ(normalise("oO iI lL zZ sS bB"), "001111225588");
}

TEST(NormaliseCode, ReadsLettersInEitherCaseAndNothingElseChanges) {
    for (char c = 'A'; c <= 'Z'; ++c) {
        const std::string lower(1, static_cast<char>(c + 32));
        EXPECT_EQ(normalise(lower), normalise(std::string(1, c)));
        if (std::string_view("OILZSB").find(c) == std::string_view::npos) {
            EXPECT_EQ(normalise(lower), std::string(1, c));
        }
    }
    for (const char c : std::string_view("!\"#$%&'()*+,./:;<=>?@[\\]^_`{|}~")) {
        EXPECT_EQ(normalise(std::string(1, c)), std::string(1, c));
    }
}

TEST(NormaliseCode, ReadsDigitsOfOtherKeyboards) {
    EXPECT_EQ(normalise("٠١٢٣٤٥٦٧٨٩"), "0123456789");           // Arabic-Indic
    EXPECT_EQ(normalise("۰۱۲۳۴۵۶۷۸۹"), "0123456789");           // Persian
    EXPECT_EQ(normalise("०१२३४५६७८९"), "0123456789");           // Devanagari
    EXPECT_EQ(normalise("０１２３４５６７８９"), "0123456789"); // full-width
    EXPECT_EQ(normalise("ｃｄＯ"), "CD0");
    // The neighbours of each row of digits are no digits.
    for (const std::string_view other :
         {"\u065F", "\u066A", "\u06EF", "\u06FA", "\u0965", "\u0970"}) {
        EXPECT_EQ(normalise(other), other);
    }
    EXPECT_EQ(normalise("\uFF5F"), "\uFF5F");
}

TEST(NormaliseCode, KeepsWhatCanBeInNoCode) {
    EXPECT_EQ(normalise("048291é"), "048291é");
    EXPECT_EQ(normalise("O\u0301"), "0\u0301");         // a combining accent stays
    EXPECT_EQ(normalise("\u039F48291"), "\u039F48291"); // Greek omicron is not Latin O
    EXPECT_EQ(normalise(std::string("048\0291", 7)), std::string("048\0291", 7));
    EXPECT_EQ(normalise("😀"), "😀");
}

TEST(NormaliseCode, NeverMakesACharacterOfBrokenBytes) {
    EXPECT_EQ(normalise("\xD9 \xA0"), "??"); // would be an Arabic zero without the space
    EXPECT_EQ(normalise("\xFF\xFE"), "??");
    EXPECT_EQ(normalise("1\xC2"), "1?");
    EXPECT_EQ(normalise("\xC0\xB1"), "??");           // overlong '1'
    EXPECT_EQ(normalise("\xE0\x80\xB1"), "???");      // overlong '1'
    EXPECT_EQ(normalise("\xED\xA0\x80"), "???");      // surrogate
    EXPECT_EQ(normalise("\xF4\x90\x80\x80"), "????"); // beyond U+10FFFF
    EXPECT_EQ(normalise("\xEF\xBC"), "??");           // cut short
}

TEST(NormaliseCode, ReadsUpTo256Bytes) {
    EXPECT_EQ(normalise(std::string(255, '7')), std::string(255, '7'));
    EXPECT_EQ(normalise(std::string(256, '7')), std::string(256, '7'));
    EXPECT_EQ(normalise(std::string(257, '7')), "");
    EXPECT_EQ(normalise(std::string(257, ' ')), "");
    EXPECT_EQ(normalise(std::string(250, ' ') + "048291"), "048291");
    EXPECT_EQ(normalise(std::string(64 << 20, '1')), "");
}

TEST(NormaliseCode, IsIdempotentForEveryPairOfBytes) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), ' ', static_cast<char>(second),
                                   '\x80'};
            const std::string once = normalise(text);
            ASSERT_EQ(normalise(once), once) << first << " " << second;
            ASSERT_LE(once.size(), text.size());
        }
    }
}

TEST(NormaliseCode, ReadsEveryGeneratedCodeAsItself) {
    SeededRandom random(7);
    for (int i = 0; i < 1000; ++i) {
        const Secret code = generate_code(4 + i % 17, i % 2 == 0, random);
        EXPECT_EQ(normalise(code.view()), code.view());
    }
}

TEST(NormaliseCode, LeavesNoCopyBehind) {
    const test::FreedMemory freed("048291");
    { EXPECT_EQ(normalise_code("048-291").view(), "048291"); }
    EXPECT_GT(freed.blocks(), 0U);
    EXPECT_EQ(freed.blocks_with_marker(), 0U);
}

} // namespace
} // namespace mfa::core
