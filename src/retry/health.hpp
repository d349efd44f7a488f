// health: when to check an upstream actively, and when the checks' results change what is believed
// of it.
//
// Flow (one a checked upstream):
//   if (h.due(now)) { h.started(now); probe; ... if (h.finished(ok, now)) log the change; }
//   usable = h.healthy();
// An upstream is believed healthy until checks say otherwise: a fresh start must not refuse
// everything.
// Threads: one (a core's own). Pure: `now` is given.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"

namespace fairing::retry {

class health_fsm {
 public:
  struct options {
    milliseconds interval{5000};
    std::uint32_t unhealthy_after = 3;  // failures in a row
    std::uint32_t healthy_after = 2;    // successes in a row
  };
  explicit health_fsm(options o) noexcept : options_(o) {}

  // Is it time to check? Never while a check is running; at once after the start.
  [[nodiscard]] bool due(mono_time now) const noexcept { return !running_ && now >= next_; }
  void started(mono_time now) noexcept {
    running_ = true;
    next_ = now + options_.interval;
  }
  // The running check ended. True when this changed healthy().
  bool finished(bool ok, mono_time now) noexcept {
    running_ = false;
    next_ = std::max(next_, now);  // a check longer than the interval is not followed by a burst
    if (ok == healthy_) {
      against_ = 0;
      return false;
    }
    const auto needed = std::max(healthy_ ? options_.unhealthy_after : options_.healthy_after, 1U);
    if (++against_ < needed) return false;
    healthy_ = ok;
    against_ = 0;
    return true;
  }
  [[nodiscard]] bool healthy() const noexcept { return healthy_; }

 private:
  options options_;
  mono_time next_ = mono_time::min();
  std::uint32_t against_ = 0;  // results in a row that contradict healthy_
  bool running_ = false;
  bool healthy_ = true;
};

}  // namespace fairing::retry
