// The key file on disk: made once, read when it changes, refused when others could read it.
#pragma once

#include <string>

#include "core/digest.hpp"

namespace mfa::core {

// Makes the file with one random key, mode 0600, whole or not at all (written aside, then linked into
// place). False where there is a file of that name already. core::Error 55000 where it can't be made.
bool create_key_file(const std::string &path, RandomSource &random);

// The keys of the file, read again when the file has changed (device, inode, size, modification and
// status time). core::Error 55000 that names the file and what is wrong: missing, no regular file, not
// owned by this process's user, accessible by others, malformed. Keys of an earlier read are not served
// then. `domain` as in Key; it does not change within a process. The reference is good until the next call. For one thread.
const Keyring &load_key_file(const std::string &path, std::string_view domain = {});

} // namespace mfa::core
