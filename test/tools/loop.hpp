// loop: one epoll set, and a tick every few milliseconds, for a program of one thread.
//
// Flow:  class thing : public handler { ... };  loop.add(fd, thing, EPOLLIN); loop.run([&] { return finished; });
// A handler that goes away calls drop(); events of the same round that were for it are not delivered any more.
// Cost: every handler is asked at every tick; a few hundred are expected.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::torture {

[[nodiscard]] std::int64_t
now_us() noexcept;  // of the machine's monotonic clock: the same in every process

class handler {
 public:
  handler() = default;
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  virtual ~handler() = default;
  virtual void on_events(std::uint32_t events) = 0;
  virtual void on_tick(std::int64_t now) = 0;
};

class loop {
 public:
  loop();
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  void add(int fd, handler& h, std::uint32_t events);  // level-triggered
  void change(int fd, handler& h, std::uint32_t events);
  void remove(int fd);      // before the descriptor is closed
  void enlist(handler& h);  // asked at every tick
  void drop(handler& h);    // neither asked nor told again
  // Runs until `done` says so; it is asked after each round.
  void run(const std::function<bool()>& done);

 private:
  void deliver(int count);
  int epoll_ = -1;
  std::vector<handler*> ticking_;
  std::vector<epoll_event> events_;
  int delivering_ = 0;  // events of the round under way
};

// "HOST:PORT" with a numeric address, or "unix:PATH".
struct address {
  std::string host;
  std::uint16_t port = 0;
  [[nodiscard]] static address parse(std::string_view text);  // throws std::runtime_error
};
// A non-blocking socket on its way; -1: it failed at once.
[[nodiscard]] int start_connect(const address& to);
[[nodiscard]] int listen_on(const address& at, std::uint16_t& port);  // throws std::runtime_error
// A close that the peer sees as a reset.
void reset(int fd) noexcept;

}  // namespace fairing::torture
