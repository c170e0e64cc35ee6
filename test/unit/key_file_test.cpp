// The key file on disk: made once, private, and refused whenever it could not be trusted.
#include "core/key_file.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.hpp"

using namespace mfa::core;

namespace {

class KeyFile : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "mfa_key_XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        path_ = folder_ + "/mfa.key";
    }
    void TearDown() override {
        ::unlink(path_.c_str());
        ::rmdir(folder_.c_str()); // fails, and leaves a trace, where a file was left behind
        EXPECT_NE(::access(folder_.c_str(), F_OK), 0) << "something was left in " << folder_;
    }

    std::string content() const {
        std::ifstream file(path_);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string &text, mode_t mode = 0600) const {
        ::unlink(path_.c_str());
        std::ofstream(path_) << text;
        ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    }
    std::string why_refused() const {
        try {
            load_key_file(path_);
        } catch (const Error &error) {
            EXPECT_STREQ(error.sqlstate(), "55000");
            EXPECT_NE(error.hint(), "");
            return error.message();
        }
        return "";
    }

    std::string folder_;
    std::string path_;
};

} // namespace

TEST_F(KeyFile, IsMadeOnceForItsOwnerAlone) {
    EXPECT_TRUE(create_key_file(path_, system_random()));
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    const std::string first = content();
    EXPECT_FALSE(create_key_file(path_, system_random()));
    EXPECT_EQ(content(), first);
    EXPECT_EQ(load_key_file(path_).keys().size(), 1U);
}

TEST_F(KeyFile, ADanglingLinkIsNotFollowed) {
    ASSERT_EQ(::symlink("/nonexistent/elsewhere", path_.c_str()), 0);
    EXPECT_FALSE(create_key_file(path_, system_random()));
}

TEST_F(KeyFile, AFolderThatIsNotThereIsSaid) {
    try {
        create_key_file(folder_ + "/none/mfa.key", system_random());
        FAIL() << "made a file in a folder that is not there";
    } catch (const Error &error) {
        EXPECT_STREQ(error.sqlstate(), "55000");
    }
}

TEST_F(KeyFile, IsReadAgainWhenItChanges) {
    ASSERT_TRUE(create_key_file(path_, system_random()));
    const std::int32_t first = load_key_file(path_).current().id();
    EXPECT_EQ(load_key_file(path_).current().id(), first);
    const std::string old_text = content();
    ::unlink(path_.c_str());
    ASSERT_TRUE(create_key_file(path_, system_random()));
    const std::int32_t second = load_key_file(path_).current().id();
    EXPECT_NE(second, first);
    write(content() + old_text); // rotated: the new key in front, the old one behind
    EXPECT_EQ(load_key_file(path_).current().id(), second);
    EXPECT_NE(load_key_file(path_).find(first), nullptr);
}

TEST_F(KeyFile, IsRefusedWhenMissing) {
    EXPECT_NE(why_refused().find("No such file"), std::string::npos);
}

TEST_F(KeyFile, IsRefusedWhenOthersCouldReadIt) {
    ASSERT_TRUE(create_key_file(path_, system_random()));
    const std::string text = content();
    for (mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0660, 0777}) {
        write(text, mode);
        EXPECT_NE(why_refused().find("accessed by other users"), std::string::npos) << mode;
    }
    write(text, 0400);
    EXPECT_EQ(why_refused(), "");
}

TEST_F(KeyFile, OldKeysAreNotServedOnceItIsUnusable) {
    ASSERT_TRUE(create_key_file(path_, system_random()));
    load_key_file(path_);
    write("not a key\n");
    EXPECT_NE(why_refused(), "");
    EXPECT_NE(why_refused(), "") << "the second look served what the first had refused";
}

TEST_F(KeyFile, IsRefusedWhenItIsNoRegularFile) {
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_NE(why_refused().find("no regular file"), std::string::npos); // and does not hang
}

TEST_F(KeyFile, IsRefusedWhenHuge) {
    write(std::string(Keyring::max_file_bytes + 1, '#') + "\n");
    EXPECT_NE(why_refused().find("bytes"), std::string::npos);
}

TEST_F(KeyFile, IsRefusedWhenCutAnywhereInItsKey) {
    ASSERT_TRUE(create_key_file(path_, system_random()));
    const std::string text = content();
    const std::size_t key_line = text.find_last_of('\n', text.size() - 2) + 1;
    for (std::size_t length = key_line; length < text.size(); ++length) {
        write(text.substr(0, length));
        EXPECT_NE(why_refused(), "") << length;
        EXPECT_EQ(why_refused().find(text.substr(key_line, 20)), std::string::npos);
    }
}
