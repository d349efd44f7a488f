// sealed_file: a large immutable body in one memfd, sent by sendfile without a copy in user space.
//
// Problem: overwriting a memfd after sendfile returned changes what the client receives, so each object has its
// own file, written once, sealed, never reused. Their number is bounded (each holds a file descriptor).
// Threads: any. Cost: three system calls to make one.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <span>
#include <string_view>

namespace fairing::net {

class sealed_file : public boost::intrusive_ref_counter<sealed_file> {
 public:
  // Null if the bound is reached or the kernel refuses: the caller keeps the bytes in memory instead.
  static boost::intrusive_ptr<sealed_file> create(std::span<const std::string_view> parts);
  // At most this many at a time; default 16384, lowered to a quarter of RLIMIT_NOFILE at start.
  static void set_limit(std::size_t files) noexcept;
  [[nodiscard]] static std::size_t live() noexcept;

  ~sealed_file();
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Reads into `out` from offset; returns bytes read (all of out, unless past the end).
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<char> out) const noexcept;

 private:
  sealed_file(int fd, std::uint64_t size) noexcept : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

}  // namespace fairing::net
