// file_lock: one process a store; the others are told who has it.
//
// Problem: SQLite would let two planes take turns on one file, and each would lease what it believes to be free.
//
// Flow:  auto l = file_lock::take(path + "-lock");   // errc::store_failed names the process that holds it
// The kernel frees the lock when the process ends, however it ends; the file stays. Threads: any.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fairing::jobs::sqlite {

class file_lock {
 public:
  static result<file_lock> take(const std::string& path);
  file_lock(file_lock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  file_lock& operator=(file_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_lock();

 private:
  explicit file_lock(int fd) noexcept : fd_(fd) {}
  int fd_;
};

}  // namespace fairing::jobs::sqlite
