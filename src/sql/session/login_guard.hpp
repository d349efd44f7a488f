// login_guard: how long the answer to a failed login waits, by the address it came from.
//
// Problem: guessing passwords must be slow, but a table of addresses must not grow with attackers, and waiting answers
// must not pile up.
//
// Flow:  wait = guard.failed(hash_of_address, now);   // 50 ms, doubled with each failure, up to a second
//        if (!guard.enter()) answer at once, without a reason; else { wait; answer; guard.leave(); }
// Threads: any; a short lock, at failures and at log-ins. Bounds: 1,024 addresses (two that share a place share its delay), 256 waiting answers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"

namespace fairing::sql {

class login_guard {
 public:
  static constexpr milliseconds first_delay{50};
  static constexpr milliseconds longest_delay{1000};
  static constexpr std::uint32_t most_waiting = 256;

  [[nodiscard]] milliseconds failed(std::uint64_t address_hash, mono_time now) noexcept {
    const std::lock_guard lock(mutex_);
    auto& p = places_[address_hash % places_.size()];
    if (now - p.last > forget_after) p.failures = 0;
    p.last = now;
    const auto delay = first_delay * (1U << std::min(p.failures, 10U));
    if (p.failures < 10) ++p.failures;
    return std::min<milliseconds>(delay, longest_delay);
  }
  void succeeded(std::uint64_t address_hash) noexcept {
    const std::lock_guard lock(mutex_);
    places_[address_hash % places_.size()].failures = 0;
  }
  [[nodiscard]] bool enter() noexcept {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= most_waiting) return false;
    ++waiting_;
    return true;
  }
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    --waiting_;
  }

 private:
  static constexpr milliseconds forget_after{60'000};
  struct place {
    mono_time last{};
    std::uint32_t failures = 0;
  };
  std::mutex mutex_;
  std::array<place, 1024> places_{};
  std::uint32_t waiting_ = 0;
};

}  // namespace fairing::sql
