// socket: owns one descriptor of a socket, and nothing else.
//
// Problem: a connection is accepted by one object, may be handed to another core, and is then served by a third;
// what travels is the descriptor, which must be closed exactly once.
// Flow:  socket s(::accept4(...)); stream io(core, std::move(s));
// Threads: any; one at a time.
#pragma once

#include <unistd.h>

#include <utility>

namespace fairing::net {

class socket {
 public:
  socket() = default;
  explicit socket(int fd) noexcept : fd_(fd) {}
  socket(socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  socket& operator=(socket&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~socket() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int native() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace fairing::net
