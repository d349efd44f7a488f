// canceller: one CancelRequest on a connection of its own.
//
// Flow:  canceller c(loop, target, key);  ... c.over(): the server has closed it, the request was served
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "codec/pgwire/startup.hpp"
#include "loop.hpp"

namespace fairing::torture {

class canceller final : public handler {
 public:
  canceller(loop& l, const address& to, codec::pgwire::backend_key key)
      : loop_(l), fd_(start_connect(to)) {
    codec::pgwire::append_cancel_request(bytes_, key);
    if (fd_ >= 0) loop_.add(fd_, *this, EPOLLIN | EPOLLOUT);
  }
  ~canceller() override {
    end();
    loop_.drop(*this);
  }
  [[nodiscard]] bool over() const noexcept { return fd_ < 0; }

  void on_events(std::uint32_t events) override {
    if ((events & EPOLLOUT) != 0 && !bytes_.empty()) {
      const auto n = ::send(fd_, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return end();
      if (n > 0) bytes_.erase(0, static_cast<std::size_t>(n));
      if (bytes_.empty()) loop_.change(fd_, *this, EPOLLIN);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    char c = 0;
    const auto n = ::recv(fd_, &c, 1, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) end();
  }
  void on_tick(std::int64_t) override {}

 private:
  void end() {
    if (fd_ < 0) return;
    loop_.remove(fd_);
    ::close(fd_);
    fd_ = -1;
  }
  loop& loop_;
  int fd_;
  std::string bytes_;
};

}  // namespace fairing::torture
