// core: one event loop bound to one thread, and the group of them.
//
// Problem: everything of a connection happens on one core without locks; cores talk by posting to each other.
// A core owns its Asio context, its sweep list (deadlines) and a coarse tick.
//
// Flow:
//   core_group cores{2}; cores.start(); cores.at(0).post([]{ ... }); ... cores.stop(); // joins
// Deadlines: an object derives from `timed`, is added to its core's sweep list, and sets deadline() with a plain
// store; the sweep (every 100 ms) calls on_deadline() once the time has come. No timer per operation.
// Threads: post() from any thread; the rest on the core's own thread.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "net/reactor.hpp"

namespace fairing::net {

namespace asio = boost::asio;

// Something with an absolute deadline, in its core's sweep list while it lives.
class timed {
 public:
  timed() = default;
  timed(const timed&) = delete;
  timed& operator=(const timed&) = delete;
  virtual ~timed() { unlink(); }
  // Called on the core once per expiry; the deadline is cleared before. It closes a socket or posts: it must not
  // destroy a timed object.
  virtual void on_deadline() = 0;

  void set_deadline(mono_time when) noexcept { deadline_ = when; }
  void clear_deadline() noexcept { deadline_ = mono_time::max(); }
  [[nodiscard]] mono_time deadline() const noexcept { return deadline_; }

 private:
  friend class core;
  void unlink() noexcept {
    if (!prev_) return;
    prev_->next_ = next_;
    if (next_) next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }
  timed* prev_ = nullptr;
  timed* next_ = nullptr;
  mono_time deadline_ = mono_time::max();
};

class core {
 public:
  explicit core(std::uint32_t index);
  ~core();
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] asio::io_context& context() noexcept { return context_; }

  [[nodiscard]] net::reactor& reactor() noexcept { return reactor_; }

  // Runs f on this core, later; from any thread.
  template <class F>
  void post(F&& f) {
    asio::post(context_, std::forward<F>(f));
  }

  void watch(timed& t) noexcept;  // adds to the sweep list; removed by t's destructor
  // f(now) on every tick (100 ms), until the core stops; registered before start.
  void every_tick(std::function<void(instant)> f) { ticks_.push_back(std::move(f)); }

  void run();   // the loop, on the calling thread, until stop()
  void stop();  // from any thread

 private:
  struct sentinel final : timed {
    void on_deadline() override {}
  };
  void arm();
  void sweep();

  std::uint32_t index_;
  asio::io_context context_;
  net::reactor reactor_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  sentinel first_;
  std::vector<std::function<void(instant)>> ticks_;
};

class core_group {
 public:
  explicit core_group(std::uint32_t count);
  ~core_group();
  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(cores_.size());
  }
  [[nodiscard]] core& at(std::uint32_t i) noexcept { return *cores_[i]; }
  void start();  // one named thread a core
  void stop();   // stops and joins

 private:
  std::vector<std::unique_ptr<core>> cores_;
  std::vector<std::thread> threads_;
};

}  // namespace fairing::net
