#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "core_helpers.hpp"
#include "freed_memory.hpp"

namespace mfa::core {
namespace {

using test::count_from;

// base64 of 00 01 02 … 1f, by `xxd -r -p | base64`.
const std::string line = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string other_line = "//////////////////////////////////////////8="; // of 32 times ff

std::string new_key_file(std::uint64_t seed) {
    test::SeededRandom random(seed);
    return std::string(make_key_file(random).view());
}

std::string new_key_line(std::uint64_t seed) {
    const std::string file = new_key_file(seed);
    return file.substr(file.size() - 45);
}

// The refusal of a key file: 55000, and nothing of the file in it that could be a key.
Error refusal_of(const std::string &file) {
    const Error error = test::error_of([&] { static_cast<void>(Keyring::parse(file)); });
    EXPECT_STREQ(error.sqlstate(), "55000");
    const std::string text = test::all_text(error);
    for (std::size_t at = 0; at + 12 <= file.size() && at < 4096; ++at) {
        const std::string piece = file.substr(at, 12);
        if (piece.find(' ') == std::string::npos) { // a comment may use the same words
            EXPECT_EQ(text.find(piece), std::string::npos) << "shows the file's content";
        }
    }
    return error;
}

TEST(Keyring, ReadsOneKey) {
    const Keyring ring = Keyring::parse(line + "\n");
    ASSERT_EQ(ring.keys().size(), 1U);
    EXPECT_EQ(ring.current().id(), Key(count_from<32>(0)).id());
    EXPECT_EQ(ring.current().code_key(), Key(count_from<32>(0)).code_key());
    EXPECT_EQ(ring.find(ring.current().id()), &ring.current());
    EXPECT_EQ(ring.find(ring.current().id() + 1), nullptr);
    EXPECT_EQ(ring.find(-1), nullptr);
}

TEST(Keyring, FirstKeyIsCurrentAndOlderOnesAreFound) {
    const Keyring ring = Keyring::parse("# new\n" + other_line + "\n\n# old\n" + line + "\n");
    ASSERT_EQ(ring.keys().size(), 2U);
    EXPECT_EQ(ring.current().id(), Key(std::vector<std::uint8_t>(32, 0xFF)).id());
    const Key old(count_from<32>(0));
    ASSERT_NE(ring.find(old.id()), nullptr);
    EXPECT_EQ(ring.find(old.id())->seal_key(), old.seal_key());
}

TEST(Keyring, SkipsBlankLinesAndComments) {
    const std::string comments =
        "#\n\n \n\t\n\r\n# AAAA\n#" + line + "\n#\xff\x01\n" + std::string("#\0\n", 3);
    EXPECT_EQ(Keyring::parse(comments + line + "\n" + comments).keys().size(), 1U);
}

TEST(Keyring, NamesTheLineThatIsNoKey) {
    const std::string key = line + "\n";
    struct Case {
        const char *what;
        std::string bad;
    };
    const std::vector<Case> cases = {
        {"a word", "secret"},
        {"one character short", line.substr(1)},
        {"without padding", line.substr(0, 43)},
        {"padding doubled", line.substr(0, 42) + "=="},
        {"one group more", line + "AAAA"},
        {"33 bytes", line.substr(0, 43) + "A"},
        {"space in front", " " + line},
        {"space behind", line + " "},
        {"carriage return behind", line + "\r"},
        {"space inside", line.substr(0, 20) + " " + line.substr(21)},
        {"padding inside", line.substr(0, 20) + "=" + line.substr(21)},
        {"url alphabet", line.substr(0, 20) + "-" + line.substr(21)},
        {"bits beyond the last byte", line.substr(0, 42) + "9="},
        {"NUL inside", line.substr(0, 20) + std::string(1, '\0') + line.substr(21)},
        {"comment behind", line + " # mine"},
        {"space before a comment", " # comment"},
        {"hexadecimal", std::string(64, 'a')},
        {"only padding", std::string(44, '=')},
        {"spaces and padding", std::string(43, ' ') + "="},
    };
    for (const Case &c : cases) {
        EXPECT_EQ(refusal_of(c.bad + "\n").message(), "line 1 of the key file is not a key")
            << c.what;
        EXPECT_EQ(refusal_of(key + "# comment\n" + c.bad + "\n").message(),
                  "line 3 of the key file is not a key")
            << c.what;
    }
    EXPECT_EQ(refusal_of("no\n").hint(), "A key is one line with the base64 of 32 random bytes, as "
                                         "\"openssl rand -base64 32\" prints it.");
}

TEST(Keyring, RefusesAFileWithoutAKey) {
    for (const std::string file : {"", "\n", "\n\n", "# comment\n"}) {
        EXPECT_EQ(refusal_of(file).message(), "the key file has no key");
    }
}

TEST(Keyring, RefusesALineWithoutNewline) {
    EXPECT_EQ(refusal_of(line).message(), "line 1 of the key file does not end with a newline");
    EXPECT_EQ(refusal_of("#").message(), "line 1 of the key file does not end with a newline");
    EXPECT_EQ(refusal_of(line + "\n" + other_line).message(),
              "line 2 of the key file does not end with a newline");
}

TEST(Keyring, RefusesAKeyTwice) {
    EXPECT_EQ(refusal_of(line + "\n" + other_line + "\n" + line + "\n").message(),
              "line 3 of the key file repeats a key");
}

TEST(Keyring, HoldsUpToMaxKeys) {
    std::string file;
    for (std::size_t i = 0; i < Keyring::max_keys; ++i) {
        file += new_key_line(i);
    }
    EXPECT_EQ(Keyring::parse(file).keys().size(), Keyring::max_keys);
    EXPECT_EQ(refusal_of(file + new_key_line(99)).message(),
              "line 17 of the key file is one key too many: at most 16 are read");
}

TEST(Keyring, ReadsUpToMaxFileBytes) {
    const std::string key = line + "\n";
    const std::size_t rest = Keyring::max_file_bytes - key.size();
    EXPECT_EQ(Keyring::parse(std::string(rest, '\n') + key).keys().size(), 1U);
    EXPECT_EQ(refusal_of(std::string(rest + 1, '\n') + key).message(),
              "the key file has 16385 bytes, but at most 16384 are read");
    EXPECT_NE(refusal_of(std::string(64 << 20, 'A')).message().find("67108864"), std::string::npos);
}

TEST(Keyring, RefusesANewFileCutShortAnywhere) {
    const std::string file = new_key_file(1);
    EXPECT_EQ(Keyring::parse(file).keys().size(), 1U);
    for (std::size_t size = 0; size < file.size(); ++size) {
        SCOPED_TRACE(size);
        refusal_of(file.substr(0, size));
    }
}

// A changed byte in the key's line is refused, or is another key, which has another id; it never
// passes for the key that it was.
TEST(Keyring, ChangedByteNeverPassesForTheSameKey) {
    const std::string file = new_key_file(2);
    const std::int32_t id = Keyring::parse(file).current().id();
    const std::size_t line_at = file.size() - 45;
    for (std::size_t at = line_at; at < file.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string changed = file;
            changed[at] = static_cast<char>(byte);
            if (changed == file) {
                continue;
            }
            try {
                EXPECT_EQ(Keyring::parse(changed).find(id), nullptr) << at << " " << byte;
            } catch (const Error &error) {
                EXPECT_STREQ(error.sqlstate(), "55000");
            }
        }
    }
}

TEST(Keyring, RefusesGarbageInPlaceOfAnyByte) {
    const std::string file = line + "\n" + other_line + "\n";
    for (std::size_t at = 0; at < file.size(); ++at) {
        SCOPED_TRACE(at);
        std::string changed = file;
        changed[at] = '\xfe';
        EXPECT_NE(refusal_of(changed).message().find("line "), std::string::npos);
    }
}

TEST(MakeKeyFile, HoldsTheRandomBytesAsTheOneKey) {
    const auto master = count_from<32>(0);
    test::ScriptedRandom random(std::vector<std::uint8_t>(master.begin(), master.end()));
    const Secret file = make_key_file(random);
    EXPECT_EQ(random.left(), 0U);
    EXPECT_EQ(file.view().substr(0, 2), "# ");
    EXPECT_EQ(file.view().substr(file.size() - 46), "\n" + line + "\n");
    EXPECT_LT(file.size(), Keyring::max_file_bytes / 16);
    EXPECT_EQ(Keyring::parse(file.view()).current().id(), Key(master).id());
    EXPECT_NE(make_key_file(system_random()).view(), make_key_file(system_random()).view());
}

TEST(MakeKeyFile, PassesOnAFailingGenerator) {
    test::ScriptedRandom random(std::vector<std::uint8_t>(31, 1));
    EXPECT_THROW(static_cast<void>(make_key_file(random)), Error);
}

TEST(Keyring, LeavesNoKeyBehind) {
    const Key key(count_from<32>(0));
    const std::string sub_key(key.code_key().begin(), key.code_key().begin() + 16);
    {
        const test::FreedMemory freed(sub_key);
        { static_cast<void>(Keyring::parse(line + "\n" + other_line + "\n")); }
        EXPECT_GT(freed.blocks(), 0U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
    {
        const auto master = count_from<32>(0);
        test::ScriptedRandom random(std::vector<std::uint8_t>(master.begin(), master.end()));
        const test::FreedMemory freed(line);
        { static_cast<void>(make_key_file(random)); }
        EXPECT_GT(freed.blocks(), 0U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
}

} // namespace
} // namespace mfa::core
