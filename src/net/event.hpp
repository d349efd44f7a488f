// event: one coroutine waits, anyone wakes it.
//
// Problem: a session waits for something that is not I/O: bytes of a shared fill, a slot of the pool. Never a
// timer used as condition variable.
//
// Flow:  event e{core}; ... co_await e.wait(); ...      // waiter, on `core`
//        e.set();                                       // any thread, any number of times
// Semantics: auto-reset; a set() before wait() lets the next wait() pass. One waiter at a time. The waiter resumes
// through the core's queue, never inside set(). The shared state outlives the event: a late set() is harmless
// through a `waker`.
#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <utility>

#include "net/core.hpp"

namespace fairing::net {

namespace detail {
struct event_state : std::enable_shared_from_this<event_state> {
  explicit event_state(core& c) : home(c) {}
  core& home;
  std::atomic<bool> posted{false};
  bool signalled = false;           // home core only
  std::coroutine_handle<> waiting;  // home core only

  void set() {
    if (posted.exchange(true, std::memory_order_acq_rel)) return;
    home.post([self = shared_from_this()] {
      self->posted.store(false, std::memory_order_release);
      self->signalled = true;
      if (auto h = std::exchange(self->waiting, {})) h.resume();
    });
  }
};
}  // namespace detail

// A handle that wakes the event it came from, from any thread, even after that event is gone.
class waker {
 public:
  waker() = default;
  void operator()() const {
    if (state_) state_->set();
  }

 private:
  friend class event;
  explicit waker(std::shared_ptr<detail::event_state> s) : state_(std::move(s)) {}
  std::shared_ptr<detail::event_state> state_;
};

class event {
 public:
  explicit event(core& home) : state_(std::make_shared<detail::event_state>(home)) {}
  ~event() {
    if (state_) state_->waiting = {};
  }
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  [[nodiscard]] waker make_waker() const { return waker(state_); }
  void set() { state_->set(); }

  [[nodiscard]] auto wait() noexcept {
    struct awaiter {
      detail::event_state& s;
      bool await_ready() noexcept { return s.signalled; }
      void await_suspend(std::coroutine_handle<> h) noexcept { s.waiting = h; }
      void await_resume() noexcept { s.signalled = false; }
    };
    return awaiter{*state_};
  }

 private:
  std::shared_ptr<detail::event_state> state_;
};

// Resumes through the core's queue: whatever else is ready runs first.
[[nodiscard]] inline auto yield(core& c) noexcept {
  struct awaiter {
    core& home;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      home.post([h] { h.resume(); });
    }
    void await_resume() noexcept {}
  };
  return awaiter{c};
}

}  // namespace fairing::net
