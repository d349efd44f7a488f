// concurrency_limit: how many servers of a pool may be at work at once, found by trying.
//
// Problem: more statements at once than the database has cores (and disks) for make each of them slower and, past the
// best point, all of them together: 16 on one core did 45 % of what 2 did. The right number is not in the
// configuration: it depends on the machine, on what it is shared with and on the statements, and it changes.
//
// Flow:  concurrency_limit limit(size);
//        at the end of each lease:  limit.ended(somebody_waits, now);
//        before a lease:            running < limit.now()
// How: while clients wait, it compares the rate at which leases end under the limit of now (A) with that under half or
// twice of it (B), in the order A B B A, so that a load that grows or falls does not decide. It goes down only when
// that is clearly faster (`better`), and up unless that is clearly slower (`worse`): where statements wait for disks,
// for locks or for the application, more at once is faster and the limit stays at the size of the pool. When a change
// brought nothing it rests, each time for longer. A rate that falls to half while it rests takes it back to the size:
// what was measured is not true any more. Without waiters nothing is tried, as the limit then holds nobody back.
// Units: rates are compared only among themselves. Cost: ended() is a few ns; no allocation.
// Threads: one. Source: hill climbing as in Welsh and Culler, "Adaptive Overload Control for Busy Internet Servers"
// (USITS 2003), with paired windows against drift.
#pragma once

#include <array>
#include <cstdint>

#include "pool/pool_types.hpp"

namespace fairing::pool {

class concurrency_limit {
 public:
  struct rules {
    std::uint32_t window_ends = 512;       // a window is over after so many leases and ...
    microseconds window_least{25'000};     // ... so long; or after ...
    microseconds window_most{1'000'000};   // ... so long, with at least ...
    std::uint32_t window_ends_least = 16;  // ... so many
    double better = 1.05;                  // B over A: goes down
    double worse = 0.97;                   // B over A: does not go up
    double plain = 1.3;                    // either way: the first pair of windows decides
    std::uint32_t rest = 4;         // windows between trials; doubled after each round of two ...
    std::uint32_t rest_most = 256;  // ... that changed nothing, up to this
  };

  explicit concurrency_limit(std::uint32_t size) noexcept : concurrency_limit(size, rules{}) {}
  concurrency_limit(std::uint32_t size, rules r) noexcept;

  [[nodiscard]] std::uint32_t now() const noexcept { return now_; }
  // The limit that was chosen; during a trial now() may be another.
  [[nodiscard]] std::uint32_t chosen() const noexcept { return chosen_; }
  // The size of the pool: no limit is higher. Another size begins anew with that.
  void set_size(std::uint32_t size) noexcept;

  void ended(bool somebody_waits, micro_time now) noexcept {
    if (size_ < 2) return;
    // Nobody waited, and then nothing came for a while: the load paused, and says nothing of the limit.
    if (alone_ && now - last_ > rules_.window_least) [[unlikely]]
      begin_window(now_, now);
    last_ = now;
    alone_ = !somebody_waits;
    ++ends_;
    if (alone_) ++ends_alone_;
    if (ends_ >= rules_.window_ends_least) [[unlikely]]
      look(now);
  }

 private:
  enum class phase : std::uint8_t { resting, trying };
  struct pair {
    double ends = 0, us = 0;
    [[nodiscard]] double rate() const noexcept { return us > 0 ? ends / us : 0; }
  };
  void look(micro_time now) noexcept;
  void rested(double rate, bool waited, micro_time now) noexcept;
  void tried(double us, bool waited, micro_time now) noexcept;
  void decide(double a, double b) noexcept;
  void begin_trial() noexcept;
  void begin_window(std::uint32_t limit, micro_time now) noexcept;
  void rest_again(bool changed) noexcept;
  void start_over() noexcept;

  rules rules_;
  std::uint32_t size_;
  std::uint32_t chosen_;
  std::uint32_t now_;
  std::uint32_t other_ = 0;  // the B of a trial
  phase phase_ = phase::resting;
  std::uint8_t step_ = 0;   // of A B B A
  bool down_ = true;        // where the next trial looks
  bool turned_ = false;     // the other way brought nothing either
  bool settling_ = true;    // leases that began under another limit are not counted
  double rate_ = 0;         // at the chosen limit, when it last was measured; 0: not yet
  std::uint32_t rest_ = 0;  // of now
  std::uint32_t left_ = 0;  // windows to rest
  std::uint32_t ends_ = 0;  // of this window
  std::uint32_t ends_alone_ = 0;
  bool alone_ = false;  // at the last end nobody waited
  micro_time last_{};   // of an end
  micro_time began_{};
  std::array<pair, 2> seen_;  // A, B
};

}  // namespace fairing::pool
