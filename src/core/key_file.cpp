#include "core/key_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.hpp"

namespace mfa::core {

namespace {

class File {
  public:
    explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0)
            ::close(descriptor_);
    }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    int get() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

[[noreturn]] void unusable(const std::string &path, const std::string &what, const char *hint) {
    throw Error(sqlstate::object_not_in_prerequisite_state, "key file \"" + path + "\" " + what,
                hint);
}

[[noreturn]] void unusable_errno(const std::string &path, const char *what, int error) {
    unusable(
        path, std::string(what) + ": " + std::strerror(error),
        error == ENOENT
            ? "Put the key file back, or restart the server to have a new one made: codes sent "
              "under a lost key can't be verified any more."
            : "The setting mfa.key_file names the file.");
}

constexpr const char *mode_hint = "Let the server's user own it, and set its mode to 0600.";

void check_safe(const std::string &path, const struct stat &status) {
    if (!S_ISREG(status.st_mode))
        unusable(path, "is no regular file", "The setting mfa.key_file names the file.");
    if (status.st_uid != ::geteuid())
        unusable(path, "belongs to another user", mode_hint);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        unusable(path, "can be accessed by other users", mode_hint);
    if (status.st_size > static_cast<off_t>(Keyring::max_file_bytes))
        unusable(path, "has more than " + std::to_string(Keyring::max_file_bytes) + " bytes",
                 "A key file holds one key a line.");
}

Secret read_whole(const std::string &path, int descriptor) {
    Secret text;
    char block[1024];
    for (;;) {
        ssize_t got = ::read(descriptor, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            unusable_errno(path, "could not be read", errno);
        if (got == 0)
            break;
        text.append(std::string_view(block, static_cast<std::size_t>(got)));
        if (text.size() > Keyring::max_file_bytes)
            unusable(path, "grew while it was read", "Replace a key file by renaming.");
    }
    OPENSSL_cleanse(block, sizeof(block));
    return text;
}

void write_whole(const std::string &path, int descriptor, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            unusable_errno(path, "could not be written", errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(descriptor) != 0)
        unusable_errno(path, "could not be synced", errno);
}

bool same_file(const struct stat &a, const struct stat &b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

struct Cache {
    std::string path;
    struct stat status {};
    Keyring keys;
};

} // namespace

bool create_key_file(const std::string &path, RandomSource &random) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0)
        return false;
    const std::string aside = path + ".new." + std::to_string(::getpid());
    ::unlink(aside.c_str());
    File file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0)
        unusable_errno(path, "could not be created", errno);
    try {
        write_whole(path, file.get(), make_key_file(random).view());
    } catch (...) {
        ::unlink(aside.c_str());
        throw;
    }
    // link() never replaces: of two makers one wins, and the other uses the winner's file.
    const bool made = ::link(aside.c_str(), path.c_str()) == 0;
    const int error = errno;
    ::unlink(aside.c_str());
    if (!made && error != EEXIST)
        unusable_errno(path, "could not be created", error);
    return made;
}

const Keyring &load_key_file(const std::string &path, std::string_view domain) {
    // Never freed: a destructor of a global would run while the server's process is going down.
    static Cache *cache = nullptr;

    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        unusable_errno(path, "could not be accessed", errno);
    if (cache && cache->path == path && same_file(cache->status, status))
        return cache->keys;

    delete cache;
    cache = nullptr;
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0)
        unusable_errno(path, "could not be opened", errno);
    if (::fstat(file.get(), &status) != 0)
        unusable_errno(path, "could not be accessed", errno);
    check_safe(path, status);
    Secret text = read_whole(path, file.get());
    cache = new Cache{path, status, Keyring::parse(text.view(), domain)};
    return cache->keys;
}

} // namespace mfa::core
