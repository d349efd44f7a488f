#include "bench/sql/pg_origin.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fairing::bench {
namespace {

void watch(int epoll, int operation, int fd, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  static_cast<void>(epoll_ctl(epoll, operation, fd, &event));
}

}  // namespace

pg_origin::pg_origin() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

pg_origin::~pg_origin() {
  for (auto& [fd, c] : clients_) close(fd);
  if (listener_ >= 0) close(listener_);
  if (epoll_ >= 0) close(epoll_);
}

bool pg_origin::listen(std::uint16_t port, std::string& why) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  static_cast<void>(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (epoll_ < 0 || listener_ < 0 || bind(listener_, generic, size) != 0 ||
      ::listen(listener_, 4096) != 0 || getsockname(listener_, generic, &size) != 0) {
    why = fmt::format("listening on 127.0.0.1:{}: {}", port, std::strerror(errno));
    return false;
  }
  port_ = ntohs(address.sin_port);
  watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN);
  return true;
}

void pg_origin::run(const std::atomic<bool>& stop) {
  constexpr int wait_ms = 200;
  std::array<epoll_event, 256> events;
  while (!stop.load(std::memory_order_relaxed)) {
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    bool accepts = false;
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == listener_) {
        accepts = true;
      } else if (const auto it = clients_.find(event.data.fd); it != clients_.end()) {
        on_event(*it->second, event.events);
      }
    }
    // Last, so that no event of this turn can mean a new connection with a closed one's number.
    if (accepts) accept_all();
  }
}

void pg_origin::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN);
    clients_.emplace(fd, std::make_unique<client>(fd, next_id_++));
  }
}

void pg_origin::on_event(client& c, std::uint32_t events) {
  const bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  if ((readable && !read_some(c)) || !flush(c)) {
    const int fd = c.fd;
    close(fd);
    clients_.erase(fd);
  }
}

bool pg_origin::read_some(client& c) {
  std::array<char, 16 * 1024> buffer;
  const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  return c.session.feed({buffer.data(), static_cast<std::size_t>(n)}, c.out) &&
         c.out.size() <= out_limit;
}

bool pg_origin::flush(client& c) {
  if (!c.out.empty()) {
    const auto n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) c.out.erase(0, static_cast<std::size_t>(n));
  }
  if (c.out.empty() == c.watching_out) {
    c.watching_out = !c.watching_out;
    watch(epoll_, EPOLL_CTL_MOD, c.fd, c.watching_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
  return true;
}

}  // namespace fairing::bench
