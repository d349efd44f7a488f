// reactor: which of a core's sockets may be read or written, told once per change (edge-triggered epoll).
//
// Problem: asking a socket that is empty costs a system call. Here a socket's readiness is remembered: a short read
// means empty, unless the peer has ended its side (EPOLLRDHUP), so that bytes and end that come together are both seen.
//
// Flow:  struct mine : watched { void on_ready(std::uint32_t events) override; };
//        reactor.add(w, fd) once; on_ready(EPOLLIN | ...) at every change; reactor.remove(w) before the fd is closed.
//        core: reactor.wait(timeout_ms); reactor.serve(); once a turn.
// One turn serves all sockets that are ready at one system call, and none a socket.
// Threads: the core's own; wake() from any. on_ready may destroy any watched object, its own too.
// Bounds: `batch` events a turn; the rest is the next turn's.
// Source: epoll(7), "Level-triggered and edge-triggered".
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "net/socket.hpp"
#include "net/spin_guess.hpp"

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
  reactor();
  reactor(const reactor&) = delete;
  reactor& operator=(const reactor&) = delete;

  // False if the kernel has no room for it.
  [[nodiscard]] bool add(watched& w, int fd) noexcept;
  void remove(watched& w, int fd) noexcept;
  // on_ready(0) in the next turn, after whatever else is ready then: for an object that has had its share.
  void again(watched& w) { again_.push_back(&w); }
  // Begins a turn: waits up to timeout_ms (0: not at all; -1: without end) for a socket or wake(). False: the time
  // passed.
  // `gather`: if nothing is ready it sleeps for so long first, and what comes then wakes nobody. Without, it polls
  // before it sleeps where that lately was the shorter way (spin_guess), if it may (`polls`).
  bool wait(int timeout_ms, std::chrono::microseconds gather, bool polls = true) noexcept;
  void serve();  // what was ready then
  // Objects wait for their on_ready(0): the next wait() should be none.
  [[nodiscard]] bool has_again() const noexcept { return !again_.empty(); }
  // Within serve(): is any socket that is ready still to be served, after the one in hand?
  [[nodiscard]] bool has_more() const noexcept { return next_ < count_; }
  // Ends a wait(), or the next one; from any thread.
  void wake() noexcept;
  // Counts the turns: a socket that was served often in one turn lets others go first.
  [[nodiscard]] std::uint64_t turn() const noexcept { return turn_; }

 private:
  static constexpr int batch = 256;
  [[nodiscard]] int poll_if_soon() noexcept;
  socket epoll_;
  socket bell_;  // an eventfd: each write is a new edge, so nobody need read it
  epoll_event events_[batch];
  int next_ = 0;
  int count_ = 0;
  std::uint64_t turn_ = 0;
  spin_guess guess_;
  const void* served_ = nullptr;  // last; it may be gone
  std::vector<watched*> again_;
  std::vector<watched*> serving_;
};

}  // namespace fairing::net
