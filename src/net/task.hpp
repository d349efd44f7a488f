// task: the one coroutine type of the sessions, and the few ways to wait.
//
// Problem: a session waits for sockets, for another coroutine, for a slot. A wait for
// any of them is a stored coroutine handle, resumed by the reactor or through the core's queue.
//
// Flow:
//   task<int> child(); task<void> parent() { int v = co_await child(); }
//   spawn(parent());                    // runs at once up to its first suspension; owns itself
//   event ready{core}; co_await ready.wait(); ... ready.set();   // set() from any thread
//
// Rules: a task that is spawned must not throw (an exception that escapes is a bug: it is logged and the task
// ends). One co_await a statement. Parameters by value, or references to what outlives the task.
// Threads: a task runs on one core only.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/assert.hpp"

namespace fairing::net {

template <class T>
class task;

namespace detail {

struct promise_base {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  struct final_awaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  final_awaiter final_suspend() noexcept { return {}; }
};

template <class T>
struct promise : promise_base {
  std::optional<T> value;
  std::exception_ptr exception;
  task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct promise<void> : promise_base {
  std::exception_ptr exception;
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::promise<T>;
  using handle = std::coroutine_handle<promise_type>;
  explicit task(handle h) noexcept : handle_(h) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  task& operator=(task&&) = delete;
  ~task() {
    if (handle_) handle_.destroy();
  }

  struct awaiter {
    handle child;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
      child.promise().continuation = parent;
      return child;
    }
    T await_resume() { return child.promise().take(); }
  };
  awaiter operator co_await() && noexcept { return awaiter{handle_}; }

 private:
  handle handle_;
};

namespace detail {
template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

struct detached {
  struct promise_type {
    detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { FAIRING_BUG("exception out of a spawned task"); }
  };
};
}  // namespace detail

// Starts a task on the calling core's thread; it destroys itself when it ends.
inline void spawn(task<void> t) {
  [](task<void> owned) -> detail::detached { co_await std::move(owned); }(std::move(t));
}

}  // namespace fairing::net
