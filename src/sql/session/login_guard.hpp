// login_guard: how long the answer to a failed login waits, by the address it came from.
//
// Problem: guessing passwords must be slow, also for many at a time and for who breaks off when the answer is late, but a
// table of addresses must not grow with attackers.
//
// Flow:  login_place place(guard);
//        if (guard.suspects(hash_of_address, now)) co_await place.take(core, deadline);   // before the proof is looked at
//        if (it is wrong) { wait = guard.failed(hash, now);   // 50 ms, doubled with each failure, up to a second
//                           co_await place.take(core, deadline); wait; answer; }
//        place.leave();
// Threads: any; a short lock, at failures and at log-ins. Bounds: 1,024 addresses (two that share a place share its delay), 256 waiting answers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/clock.hpp"
#include "net/core.hpp"
#include "net/task.hpp"

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
  // Has one failed from there within the last minute?
  [[nodiscard]] bool suspects(std::uint64_t address_hash, mono_time now) noexcept {
    const std::lock_guard lock(mutex_);
    const auto& p = places_[address_hash % places_.size()];
    return p.failures > 0 && now - p.last <= forget_after;
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

// One of the places of those who wait, or none yet. On its log-in's core.
class login_place {
 public:
  explicit login_place(login_guard& g) noexcept : guard_(g) {}
  login_place(const login_place&) = delete;
  login_place& operator=(const login_place&) = delete;
  ~login_place() { leave(); }
  // False: none came free by then. True at once with one in hand.
  net::task<bool> take(net::core& c, mono_time by);
  void leave() noexcept {
    if (std::exchange(taken_, false)) guard_.leave();
  }

 private:
  login_guard& guard_;
  bool taken_ = false;
};

}  // namespace fairing::sql
