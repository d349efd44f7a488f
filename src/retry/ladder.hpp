// ladder: the delays before each attempt, as data.
//
// Problem: retries of jobs, purges and webhooks follow one plan that an operator can read and
// change: four attempts at 0 s, 1 m, 5 m, 30 m, then dead letter.
//
// Flow:  if (auto d = ladder.delay_before(attempt)) run it at now + *d; else dead letter.
// Threads: immutable once made.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"

namespace fairing::retry {

inline constexpr std::size_t max_attempts = 32;
inline constexpr std::array<milliseconds, 4> default_attempts{
    seconds{0}, std::chrono::minutes{1}, std::chrono::minutes{5}, std::chrono::minutes{30}};

class ladder {
 public:
  ladder() : ladder(default_attempts) {}
  // Delays after max_attempts are dropped (configuration refuses them before); negative ones are 0.
  explicit ladder(std::span<const milliseconds> delays) {
    for (const auto delay : delays.first(std::min(delays.size(), max_attempts)))
      delays_.push_back(std::max(delay, milliseconds{0}));
  }

  // Attempts count from 1; the delay is counted from the end of the attempt before (from the
  // creation, for the first). nullopt: there is no such attempt.
  [[nodiscard]] std::optional<milliseconds> delay_before(std::size_t attempt) const noexcept {
    if (attempt == 0 || attempt > delays_.size()) return std::nullopt;
    return delays_[attempt - 1];
  }
  [[nodiscard]] std::size_t attempts() const noexcept { return delays_.size(); }

 private:
  std::vector<milliseconds> delays_;
};

}  // namespace fairing::retry
