#include "net/core.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "base/assert.hpp"

namespace fairing::net {

namespace {
constexpr std::size_t kept_jobs = 4096;       // room that a burst may leave behind
constexpr std::size_t queued_look_ups = 256;  // then a look-up fails at once
}  // namespace

core::ticker::ticker(net::reactor& r)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  const timespec period{0, std::chrono::nanoseconds(tick).count()};
  const itimerspec each{period, period};
  if (!timer_.is_open() || ::timerfd_settime(timer_.native(), 0, &each, nullptr) != 0 ||
      !r.add(*this, timer_.native()))
    FAIRING_PANIC("timerfd failed: no deadlines without it");
}

void core::ticker::on_ready(std::uint32_t /*events*/) {
  std::uint64_t passed;  // the timer goes on when it is read
  if (::read(timer_.native(), &passed, sizeof passed) == sizeof passed) due_ = true;
}

core::core(std::uint32_t index) : index_(index) {}

core::~core() {
  look_ups_.reset();  // its last results are posted
  // What is still suspended dies with the jobs that hold it; it must not find the list's head gone.
  timed* t = first_.next_;
  first_.next_ = nullptr;
  while (t) {
    timed* next = t->next_;
    t->prev_ = t->next_ = nullptr;
    t = next;
  }
  drop_jobs();
}

void core::drop_jobs() {
  later_.clear();
  // A job's end may post once more.
  for (;;) {
    take_inbox();
    if (jobs_.empty() && running_.empty()) return;
    running_.clear();
    jobs_.clear();
    done_ = 0;
  }
}

offload& core::look_ups() {
  if (!look_ups_)
    look_ups_ =
        std::make_unique<offload>("names-" + std::to_string(index_), queued_look_ups, false);
  return *look_ups_;
}

void core::watch(timed& t) noexcept {
  t.prev_ = &first_;
  t.next_ = first_.next_;
  if (first_.next_) first_.next_->prev_ = &t;
  first_.next_ = &t;
}

void core::post(job j) {
  if (is_here()) {
    // What others have posted before may be what this job follows from.
    if (inbox_full_.load(std::memory_order_acquire)) take_inbox();
    jobs_.push_back(std::move(j));
    return;
  }
  {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(std::move(j));
    inbox_full_.store(true);
  }
  if (asleep_.exchange(false)) reactor_.wake();
}

void core::take_inbox() {
  const std::lock_guard lock(inbox_mutex_);
  inbox_full_.store(false, std::memory_order_relaxed);
  if (jobs_.empty()) return jobs_.swap(inbox_);
  std::move(inbox_.begin(), inbox_.end(), std::back_inserter(jobs_));
  inbox_.clear();
}

void core::run_jobs() {
  if (inbox_full_.load(std::memory_order_acquire)) take_inbox();
  if (done_ == running_.size()) {
    running_.clear();
    done_ = 0;
    if (running_.capacity() > kept_jobs) running_.shrink_to_fit();
    running_.swap(jobs_);
  }
  // What these post is for the next turn: sockets and yielding coroutines go between.
  const auto end = std::min(running_.size(), done_ + jobs_a_turn);
  while (done_ < end && !stopping_.load(std::memory_order_relaxed)) {
    auto next = std::move(running_[done_++]);
    next();
  }
}

void core::after(milliseconds delay, job j) {
  const auto when = fairing::now().mono + delay;
  later_.emplace_back(when, std::move(j));
  next_later_ = std::min(next_later_, when);
}

void core::run_later(mono_time by) {
  std::vector<job> due;
  next_later_ = mono_time::max();
  std::erase_if(later_, [&](auto& each) {
    if (each.first > by) {
      next_later_ = std::min(next_later_, each.first);
      return false;
    }
    due.push_back(std::move(each.second));
    return true;
  });
  for (auto& j : due) j();
}

void core::sweep() {
  const auto t_now = now_;
  for (timed* t = first_.next_; t; t = t->next_) {
    if (t->deadline_ > t_now.mono) continue;
    t->clear_deadline();
    t->on_deadline();
  }
  gather({});
  for (auto& f : ticks_) f(t_now);
}

// How long the next turn may wait; -1: until the tick. Not 0: others know from now on that this core sleeps.
int core::wait_ms() noexcept {
  if (!jobs_.empty() || done_ < running_.size() || reactor_.has_again()) return 0;
  int wait = -1;
  if (next_later_ < now_.mono + tick) {
    wait = static_cast<int>((next_later_ - now_.mono).count());
    if (wait <= 0) return 0;
  }
  asleep_.store(true);
  if (!inbox_full_.load() && !stopping_.load()) return wait;
  asleep_.store(false, std::memory_order_relaxed);
  return 0;
}

void core::run() {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  // gather() counts in tens of microseconds; the usual slack is 50.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  now_ = fairing::now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const auto until = next_later_;
    const int wait = wait_ms();
    const bool any = reactor_.wait(wait, gather_, polls_);
    if (wait != 0) asleep_.store(false, std::memory_order_relaxed);
    now_ = fairing::now();
    reactor_.serve();
    run_jobs();
    // The coarse clock is a few milliseconds late: a wait that came to its end is believed, too.
    const auto by = any || wait == 0 ? now_.mono : std::max(now_.mono, until);
    if (next_later_ <= by) run_later(by);
    if (ticker_.take()) sweep();
    for (const auto& f : turn_ends_) f();
  }
  owner_.store({}, std::memory_order_relaxed);
}

void core::stop() {
  stopping_.store(true);
  if (asleep_.exchange(false)) reactor_.wake();
}

core_group::core_group(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) cores_.push_back(std::make_unique<core>(i));
}

core_group::~core_group() { stop(); }

void core_group::start() {
  for (auto& c : cores_) {
    threads_.emplace_back([core = c.get()] {
      const auto name = "core-" + std::to_string(core->index());
      ::pthread_setname_np(::pthread_self(), name.c_str());
      core->run();
    });
  }
}

void core_group::stop() {
  for (auto& c : cores_) c->stop();
  for (auto& t : threads_) t.join();
  threads_.clear();
  // While what they belong to is there, and before any core goes: what one of them drops may post to another.
  for (auto& c : cores_) c->drop_jobs();
}

}  // namespace fairing::net
