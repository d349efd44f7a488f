// token: the bearer token, in a file that only its owner can read.
//
// Flow:  auto token = make_token_file(runtime_dir);  // RUNTIME_DIR/token
// Instances of one user share the directory and so the token: whichever of them a command names by its
// address, the file's token opens it. One that is there is kept if it is a plain file of ours that
// nobody else could read; to change it, remove the file and restart the instances.
// The directory is made with mode 0700 if it is not there (its parent must be); one that another
// user owns or that all can write to is refused. The file is mode 0600 and appears whole (temporary file and
// rename). At start, on the main thread; blocks on the disk.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fairing::admin {

// The token: 64 hex digits of 32 random bytes. The file ends in a newline.
[[nodiscard]] result<std::string> make_token_file(const std::string& dir);

}  // namespace fairing::admin
