// reactor: which of a core's sockets may be read or written, told once per change (edge-triggered epoll).
//
// Problem: Asio reads once more after every answer, in vain, because it takes a short read for no sign that a socket is
// empty: one system call a request. Here a socket's readiness is remembered: a short read means empty, unless the peer
// has ended its side (EPOLLRDHUP), so that bytes and end that come together are both seen.
//
// Flow:  struct mine : watched { void on_ready(std::uint32_t events) override; };
//        reactor.add(w, fd) once; on_ready(EPOLLIN | ...) at every change; reactor.remove(w) before the fd is closed.
// The reactor's epoll descriptor is itself watched by the core's io_context: one turn of the loop serves all sockets that
// are ready, at three system calls a turn and none a socket.
// Threads: the core's own. on_ready may destroy any watched object, its own too.
// Source: epoll(7), "Level-triggered and edge-triggered".
#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <vector>

namespace fairing::net {

class watched {
 public:
  watched() = default;
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;
  // EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR: what has become true since the last call.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~watched() = default;
};

class reactor {
 public:
  explicit reactor(boost::asio::io_context& context);
  reactor(const reactor&) = delete;
  reactor& operator=(const reactor&) = delete;

  // False if the kernel has no room for it.
  [[nodiscard]] bool add(watched& w, int fd) noexcept;
  void remove(watched& w, int fd) noexcept;
  // on_ready(0) later in this turn, after whatever else is ready: for an object that has had its share.
  void again(watched& w);
  // Starts watching; called once, by the core.
  void arm();
  // Counts the turns: a socket that was served often in one turn lets others go first.
  [[nodiscard]] std::uint64_t turn() const noexcept { return turn_; }

 private:
  void serve();
  void serve_again();
  static constexpr int batch = 128;
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> epoll_;
  epoll_event events_[batch];
  int next_ = 0;
  int count_ = 0;
  std::uint64_t turn_ = 0;
  std::vector<watched*> again_;
  std::vector<watched*> serving_;
};

}  // namespace fairing::net
