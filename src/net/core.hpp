// core: one event loop bound to one thread, and the group of them.
//
// Problem: everything of a connection happens on one core without locks; cores talk by posting to each other.
// A core owns its reactor (sockets), its jobs (what was posted), its sweep list (deadlines) and a coarse tick.
//
// Flow:
//   core_group cores{2}; cores.start(); cores.at(0).post([]{ ... }); ... cores.stop(); // joins
// A turn: wait for sockets (not at all if a job waits), serve those that are ready, run the jobs that are there by
// then, at most `jobs_a_turn`, every 100 ms the sweep, and what was registered for a turn's end. A post from the core
// itself costs no system call, one from another thread one only if the core sleeps. Posts run in the order in which
// they were made, wherever that order is known. What fits into two words is posted without an allocation: a coroutine handle, a shared_ptr.
// Deadlines: an object derives from `timed`, is added to its core's sweep list, and sets deadline() with a plain
// store; the sweep (every 100 ms) calls on_deadline() once the time has come. No timer per operation. What must be
// done sooner than a sweep comes, once for many, is given to after().
// The tick is a timer among the sockets, set once: a wait that has a time-out of its own would set one at every sleep.
// Lifecycle: what is still posted after stop() is destroyed with the core (or group), without being run.
// Threads: post() and stop() from any thread; the rest on the core's own thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "net/offload.hpp"
#include "net/reactor.hpp"
#include "net/socket.hpp"

namespace fairing::net {

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
  using job = std::move_only_function<void()>;

  explicit core(std::uint32_t index);
  ~core();
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] net::reactor& reactor() noexcept { return reactor_; }
  // Is the calling thread the one that runs this core?
  [[nodiscard]] bool is_here() const noexcept {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  // The time at which this turn began: what a request that is answered at once asks for it.
  [[nodiscard]] instant now() const noexcept { return now_; }

  // Runs j on this core, later; from any thread.
  void post(job j);

  // Runs j on this core in about `delay`: the clock is coarse, so a few milliseconds sooner or later. On the core.
  void after(milliseconds delay, job j);

  // While what is served waits for something else anyway: a turn that finds nothing sleeps for so long before it waits
  // for sockets, so that they wake nobody and more of them are served at once. `polls`: with no such pause it may poll
  // them before it sleeps. Both hold until they are said anew, at most until the next tick. On the core.
  void gather(std::chrono::microseconds pause, bool polls = true) noexcept {
    gather_ = std::min<std::chrono::microseconds>(pause, tick);
    polls_ = polls;
  }

  void watch(timed& t) noexcept;  // adds to the sweep list; removed by t's destructor
  // f(now) on every tick (100 ms), until the core stops; registered before start.
  void every_tick(std::function<void(instant)> f) { ticks_.push_back(std::move(f)); }
  // f() at the end of every turn, before the core waits; registered before start.
  void every_turn_end(std::function<void()> f) { turn_ends_.push_back(std::move(f)); }
  // The thread for this core's name look-ups, which block; started when it is first asked for.
  [[nodiscard]] offload& look_ups();

  void run();   // the loop, on the calling thread, until stop()
  void stop();  // from any thread
  // Destroys what is posted, unrun; after run() has ended.
  void drop_jobs();

 private:
  struct sentinel final : timed {
    void on_deadline() override {}
  };
  // Every 100 ms a turn in which take() is true, once; ticks that were missed are one.
  class ticker final : public watched {
   public:
    explicit ticker(net::reactor& r);
    void on_ready(std::uint32_t events) override;
    [[nodiscard]] bool take() noexcept { return std::exchange(due_, false); }

   private:
    socket timer_;
    bool due_ = false;
  };
  static constexpr milliseconds tick{100};
  static constexpr std::size_t jobs_a_turn = 256;
  [[nodiscard]] int wait_ms() noexcept;
  void take_inbox();
  void run_jobs();
  void run_later(mono_time by);
  void sweep();

  std::uint32_t index_;
  instant now_ = fairing::now();
  std::chrono::microseconds gather_{0};
  bool polls_ = true;
  net::reactor reactor_;
  ticker ticker_{reactor_};
  std::atomic<std::thread::id> owner_{};  // the thread inside run()
  std::atomic<bool> stopping_{false};

  // From other threads. `asleep_` and `inbox_full_` are a pair: who posts sets the second and then looks at the first,
  // the core sets the first and then looks at the second, so one of them sees the other.
  std::mutex inbox_mutex_;
  std::vector<job> inbox_;
  std::atomic<bool> inbox_full_{false};
  std::atomic<bool> asleep_{false};

  std::vector<job> jobs_;     // the next batch
  std::vector<job> running_;  // the batch in hand, from done_ on
  std::size_t done_ = 0;

  std::vector<std::pair<mono_time, job>> later_;  // few; in no order
  mono_time next_later_ = mono_time::max();       // the earliest of them

  sentinel first_;
  std::vector<std::function<void(instant)>> ticks_;
  std::vector<std::function<void()>> turn_ends_;
  std::unique_ptr<offload> look_ups_;
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
