// spin_guess: whether what a core waits for comes so soon that it had better poll for it than sleep.
//
// Problem: to fall asleep and to be woken costs a core some 10 us in a virtual machine, and whoever wakes it as much
// again (an interrupt to another core). A client on the same machine that asks again at once is back after 10 to 20.
// What comes next depends on what was served last: after an answer the next request, after a request the database's
// answer. So it is guessed as branches are: for each object that was served there is a counter of two bits, one up if
// something came while the core polled, one down if not. Where the counter is low, one sleep in 64 is tried.
//
// Flow:  if (guess.polls(served_last)) { ...poll for `longest`, no longer...; guess.polled(something_came); }
// Cost: a few ns; where nothing ever comes soon, `longest` in 64 sleeps. 512 B; objects may share a counter.
// Threads: one.
// Source: Karlin, Li, Manasse, Owicki, "Empirical studies of competitive spinning for a shared-memory multiprocessor"
// (SOSP 1991): who polls for as long as a sleep costs never pays more than twice; Smith, "A study of branch prediction
// strategies" (ISCA 1981), for the counters.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fairing::net {

class spin_guess {
 public:
  static constexpr std::chrono::microseconds longest{25};
  static constexpr std::uint8_t one_in = 64;

  // `served`: what was served last; it is not looked at.
  [[nodiscard]] bool polls(const void* served) noexcept {
    last_ = (reinterpret_cast<std::uintptr_t>(served) >> 4) % counters_.size();
    auto& c = counters_[last_];
    if (c.trust >= trusted) return true;
    c.slept = static_cast<std::uint8_t>((c.slept + 1) % one_in);
    return c.slept == 0;
  }
  // How it went, after polls() was true.
  void polled(bool something_came) noexcept {
    auto& trust = counters_[last_].trust;
    if (something_came && trust < most) ++trust;
    if (!something_came && trust > 0) --trust;
  }

 private:
  static constexpr std::uint8_t trusted = 2;
  static constexpr std::uint8_t most = 3;
  struct counter {
    std::uint8_t trust = 0;
    std::uint8_t slept = 0;  // since the last try
  };
  std::array<counter, 256> counters_{};
  std::size_t last_ = 0;
};

}  // namespace fairing::net
