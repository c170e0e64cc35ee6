// The expected values were computed with the openssl command line, not with this code. With the
// master key 00 01 02 … 1f:
//
//   openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:$MASTER
//       -kdfopt info:"mfa 1 recipient" HKDF          (and "mfa 1 code", "mfa 1 seal", "mfa 1 id")
//   printf %s +14155550123 | openssl mac -digest SHA256 -macopt hexkey:$RECIPIENT_KEY HMAC
//   printf %s "0000000000000010${REQUEST}0000000000000010${RECIPIENT_HASH}000000000000000c$(
//       printf %s payment:4711 | xxd -p)0000000000000006$(printf %s 048291 | xxd -p)" |
//       xxd -r -p | openssl mac -digest SHA256 -macopt hexkey:$CODE_KEY HMAC
#include "core/digest.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using test::count_from;
using test::ScriptedRandom;
using test::SeededRandom;
using test::to_hex;

const RequestId request = count_from<16>(0);

Key key_of(std::uint8_t first) { return Key(count_from<32>(first)); }

TEST(Key, DerivesKnownKeys) {
    const Key key = key_of(0);
    EXPECT_EQ(to_hex(key.recipient_key()),
              "e1c5311e5e57568d40034496e9ebe1225e00a2a09af467001d4d230a6b492e92");
    EXPECT_EQ(to_hex(key.code_key()),
              "e2524bda5d9b886398a1b36903d6f4afe2f24a6ae352d8e14919033a87c39746");
    EXPECT_EQ(to_hex(key.seal_key()),
              "33e6c07ccf808b921cede6c5a91634d9fb1a77a84f4640d57f9946ba8c4bb7b0");
    EXPECT_EQ(key.id(), 0x68BB0EE2); // e8bb0ee2 without its highest bit
}

TEST(Key, IdIsNeverNegativeAndDependsOnEveryBit) {
    std::set<std::int32_t> ids{key_of(0).id()};
    for (std::size_t bit = 0; bit < 256; ++bit) {
        auto master = count_from<32>(0);
        master[bit / 8] = static_cast<std::uint8_t>(master[bit / 8] ^ (1U << (bit % 8)));
        const Key key(master);
        EXPECT_GE(key.id(), 0);
        EXPECT_TRUE(ids.insert(key.id()).second) << bit;
    }
}

TEST(Key, TakesExactly32Bytes) {
    for (const std::size_t size : {0, 1, 16, 31, 33, 64}) {
        const std::vector<std::uint8_t> master(size, 'K');
        const Error error = test::error_of([&] { Key{master}; });
        EXPECT_STREQ(error.sqlstate(), "55000");
        EXPECT_EQ(error.message(),
                  "a master key has " + std::to_string(size) + " bytes, but needs 32");
        EXPECT_EQ(test::all_text(error).find("KKKK"), std::string::npos);
    }
}

TEST(Key, IsWipedOnDestruction) {
    alignas(Key) unsigned char place[sizeof(Key)];
    auto *key = new (place) Key(count_from<32>(0));
    const SubKey recipient = key->recipient_key();
    const SubKey code = key->code_key();
    const SubKey seal = key->seal_key();
    key->~Key();
    // Read as raw storage, which outlives the key.
    std::vector<std::uint8_t> raw(sizeof place);
    const volatile unsigned char *from = place;
    std::copy_n(from, raw.size(), raw.begin());
    for (const SubKey &sub_key : {recipient, code, seal}) {
        for (std::size_t i = 0; i + 4 <= sub_key.size(); ++i) {
            EXPECT_EQ(std::search(raw.begin(), raw.end(), sub_key.begin() + static_cast<long>(i),
                                  sub_key.begin() + static_cast<long>(i) + 4),
                      raw.end());
        }
    }
}

TEST(Key, CopiesAreTheSameKey) {
    const Key key = key_of(5);
    Key copy = key_of(6);
    EXPECT_NE(copy.id(), key.id());
    copy = key;
    EXPECT_EQ(copy.id(), key.id());
    EXPECT_EQ(hash_recipient(copy, "+14155550123"), hash_recipient(key, "+14155550123"));
}

TEST(HashRecipient, IsAKnownValue) {
    EXPECT_EQ(to_hex(hash_recipient(key_of(0), "+14155550123")),
              "8680a6b698b641e6346f4aa8faa2a0fc");
}

TEST(HashRecipient, DependsOnKeyAndEveryByte) {
    std::set<RecipientHash> hashes;
    for (const std::uint8_t first : {0, 1, 2}) {
        const Key key = key_of(first);
        for (const std::string &recipient :
             {std::string(), std::string("\0", 1), std::string("+14155550123"),
              std::string("+14155550124"), std::string("+1415555012"), std::string("+141555501230"),
              std::string("a@example.com"), std::string(1 << 20, 'x')}) {
            EXPECT_TRUE(hashes.insert(hash_recipient(key, recipient)).second);
            EXPECT_FALSE(hashes.insert(hash_recipient(key, recipient)).second);
        }
    }
}

TEST(HashCode, IsAKnownValue) {
    const Key key = key_of(0);
    const RecipientHash recipient = hash_recipient(key, "+14155550123");
    EXPECT_EQ(to_hex(hash_code(key, request, recipient, "payment:4711", "048291")),
              "ff318b0d07304a7dc18c577d4fcf6e66c4bc994ea1bd1f22389b4d2b8537f168");
}

// The kept context must not carry anything from one call or one key into the next.
TEST(HashCode, IsTheSameAfterAnyOtherCall) {
    const Key first = key_of(0);
    const Key second = key_of(1);
    const RecipientHash recipient = hash_recipient(first, "+14155550123");
    const CodeHash with_first = hash_code(first, request, recipient, "", "048291");
    const CodeHash with_second = hash_code(second, request, recipient, "", "048291");
    EXPECT_NE(with_first, with_second);
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(hash_code(first, request, recipient, "", "048291"), with_first);
        EXPECT_EQ(hash_code(first, request, recipient, "", "048291"), with_first);
        EXPECT_NE(hash_code(first, request, recipient, "", "048292"), with_first);
        EXPECT_EQ(hash_recipient(first, "+14155550123"), recipient);
        EXPECT_NE(hash_recipient(second, "+14155550123"), recipient);
        EXPECT_EQ(hash_code(second, request, recipient, "", "048291"), with_second);
    }
}

TEST(HashCode, DependsOnEveryField) {
    const Key key = key_of(0);
    const RecipientHash recipient = hash_recipient(key, "+14155550123");
    std::set<CodeHash> hashes{hash_code(key, request, recipient, "p", "048291")};
    const auto is_new = [&](const CodeHash &hash) { return hashes.insert(hash).second; };
    EXPECT_TRUE(is_new(hash_code(key_of(1), request, recipient, "p", "048291")));
    for (std::size_t bit = 0; bit < 128; ++bit) {
        RequestId other_request = request;
        other_request[bit / 8] = static_cast<std::uint8_t>(request[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_TRUE(is_new(hash_code(key, other_request, recipient, "p", "048291")));
        RecipientHash other_recipient = recipient;
        other_recipient[bit / 8] =
            static_cast<std::uint8_t>(recipient[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_TRUE(is_new(hash_code(key, request, other_recipient, "p", "048291")));
    }
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "", "048291")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "q", "048291")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "p", "04829")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "p", "")));
    // A byte cannot move from one field to the next.
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "p0", "48291")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "p048291", "")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, "", "p048291")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, std::string("p\0", 2), "048291")));
    EXPECT_TRUE(is_new(hash_code(key, request, recipient, std::string(1 << 20, 'p'), "048291")));
}

TEST(EqualConstantTime, ComparesLengthAndEveryByte) {
    EXPECT_TRUE(equal_constant_time({}, {}));
    const auto bytes = count_from<32>(7);
    EXPECT_TRUE(equal_constant_time(bytes, count_from<32>(7)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto other = bytes;
        other[i] ^= 0x80;
        EXPECT_FALSE(equal_constant_time(bytes, other)) << i;
        EXPECT_FALSE(equal_constant_time(bytes, std::span(bytes).first(i))) << i;
        EXPECT_FALSE(equal_constant_time(std::span(bytes).first(i), bytes)) << i;
    }
}

TEST(MakeUuid, HasTimeVersionAndVariant) {
    ScriptedRandom ones(std::vector<std::uint8_t>(10, 0xFF));
    EXPECT_EQ(to_hex(make_uuid(0x0123456789AB, ones)), "0123456789ab7fffbfffffffffffffff");
    EXPECT_EQ(ones.left(), 0U);
    ScriptedRandom zeros(std::vector<std::uint8_t>(10, 0));
    EXPECT_EQ(to_hex(make_uuid(0x0123456789AB, zeros)), "0123456789ab70008000000000000000");
    // RFC 9562, A.6: its random bits and its time.
    ScriptedRandom example({0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F});
    EXPECT_EQ(to_hex(make_uuid(0x017F22E279B0, example)), "017f22e279b07cc398c4dc0c0c07398f");
}

TEST(MakeUuid, HasTheShardInsteadOfTwelveRandomBits) {
    ScriptedRandom ones(std::vector<std::uint8_t>(20, 0xFF));
    EXPECT_EQ(to_hex(make_uuid(0x0123456789AB, ones, 0)), "0123456789ab7000bfffffffffffffff");
    EXPECT_EQ(to_hex(make_uuid(0x0123456789AB, ones, 0xA5C)), "0123456789ab7a5cbfffffffffffffff");
    ScriptedRandom zeros(std::vector<std::uint8_t>(10, 0));
    EXPECT_EQ(to_hex(make_uuid(0x0123456789AB, zeros, 4095)), "0123456789ab7fff8000000000000000");
    EXPECT_EQ(zeros.left(), 0U);
}

TEST(MakeUuid, ClampsTimesThatDoNotFit) {
    SeededRandom random(3);
    EXPECT_EQ(to_hex(make_uuid(-1, random)).substr(0, 12), "000000000000");
    EXPECT_EQ(to_hex(make_uuid(INT64_MIN, random)).substr(0, 12), "000000000000");
    EXPECT_EQ(to_hex(make_uuid((std::int64_t{1} << 48) - 1, random)).substr(0, 12), "ffffffffffff");
    EXPECT_EQ(to_hex(make_uuid(std::int64_t{1} << 48, random)).substr(0, 12), "ffffffffffff");
    EXPECT_EQ(to_hex(make_uuid(INT64_MAX, random)).substr(0, 12), "ffffffffffff");
}

TEST(MakeUuid, IsOrderedByTimeAndUnique) {
    RequestId previous{};
    for (int ms = 1; ms < 1000; ++ms) {
        const RequestId id = make_uuid(1717761600000 + ms, system_random());
        EXPECT_LT(previous, id);
        previous = id;
    }
    std::set<RequestId> ids;
    for (int i = 0; i < 10000; ++i) {
        EXPECT_TRUE(ids.insert(make_uuid(1717761600000, system_random())).second);
    }
}

} // namespace
} // namespace mfa::core
