#include "loop.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace fairing::torture {

namespace {
constexpr std::int64_t tick_us = 4000;
constexpr std::size_t events_a_round = 512;

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

socket_address resolve(const address& a) {
  socket_address out;
  if (a.port == 0 && a.host.starts_with('/')) {
    sockaddr_un u{};
    u.sun_family = AF_UNIX;
    if (a.host.size() >= sizeof u.sun_path) throw std::runtime_error("path too long: " + a.host);
    std::memcpy(u.sun_path, a.host.data(), a.host.size());
    std::memcpy(&out.storage, &u, sizeof u);
    out.size = sizeof u;
    return out;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(a.port);
  if (inet_pton(AF_INET, a.host.c_str(), &v4.sin_addr) != 1)
    throw std::runtime_error("not an IPv4 address: " + a.host);
  std::memcpy(&out.storage, &v4, sizeof v4);
  out.size = sizeof v4;
  return out;
}
}  // namespace

std::int64_t now_us() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
}

loop::loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(events_a_round) {
  if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
}
loop::~loop() { ::close(epoll_); }

void loop::add(int fd, handler& h, std::uint32_t events) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = &h;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) != 0)
    throw std::runtime_error("epoll_ctl failed to add a descriptor");
}

void loop::change(int fd, handler& h, std::uint32_t events) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = &h;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &e) != 0)
    throw std::runtime_error("epoll_ctl failed to change a descriptor");
}

void loop::remove(int fd) { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void loop::enlist(handler& h) { ticking_.push_back(&h); }

void loop::drop(handler& h) {
  std::replace(ticking_.begin(), ticking_.end(), &h, static_cast<handler*>(nullptr));
  for (int i = 0; i < delivering_; ++i)
    if (events_[static_cast<std::size_t>(i)].data.ptr == &h)
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
}

void loop::deliver(int count) {
  delivering_ = count;
  for (int i = 0; i < count; ++i) {
    const auto& e = events_[static_cast<std::size_t>(i)];
    if (e.data.ptr != nullptr) static_cast<handler*>(e.data.ptr)->on_events(e.events);
  }
  delivering_ = 0;
}

void loop::run(const std::function<bool()>& done) {
  auto next_tick = now_us();
  while (!done()) {
    const auto left = std::max<std::int64_t>(0, next_tick - now_us());
    const auto timeout_ms = static_cast<int>((left + 999) / 1000);
    deliver(epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms));
    const auto now = now_us();
    if (now < next_tick) continue;
    next_tick = now + tick_us;
    for (std::size_t i = 0; i < ticking_.size(); ++i)  // it may grow meanwhile
      if (ticking_[i] != nullptr) ticking_[i]->on_tick(now);
    std::erase(ticking_, nullptr);
  }
}

address address::parse(std::string_view text) {
  if (text.starts_with("unix:")) return {std::string(text.substr(5)), 0};
  const auto colon = text.rfind(':');
  address a{std::string(text.substr(0, colon)), 0};
  const auto digits = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), a.port);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw std::runtime_error(fmt::format("`{}` is no address: write 127.0.0.1:5432", text));
  return a;
}

int start_connect(const address& to) {
  const auto target = resolve(to);
  const int fd = ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, target.get(), target.size) == 0 || errno == EINPROGRESS) return fd;
  ::close(fd);
  return -1;
}

int listen_on(const address& at, std::uint16_t& port) {
  const auto bound = resolve(at);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in got{};
  socklen_t size = sizeof got;
  if (fd < 0 || ::bind(fd, bound.get(), bound.size) != 0 || ::listen(fd, 256) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&got), &size) != 0)
    throw std::runtime_error(
        fmt::format("cannot listen on {}:{}: {}", at.host, at.port, std::strerror(errno)));
  port = ntohs(got.sin_port);
  return fd;
}

void reset(int fd) noexcept {
  const linger l{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
  ::close(fd);
}

}  // namespace fairing::torture
