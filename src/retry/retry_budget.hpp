// retry_budget: retries as a share of requests, so that a failing upstream is not buried under
// retries.
//
// Problem: three tries a request triple the load just when the upstream is weakest. Each request
// pays a share of a token in, each retry takes a whole one; a small reserve a second lets quiet
// sites retry at all.
//
// Flow:
//   budget.on_request();                            // each first attempt
//   if (failed && budget.try_retry(now)) retry      // else answer with the failure
// What is saved is bounded (`saved_max` tokens): a long good time does not pay for a storm.
// Threads: any.
// Cost: a compare-and-swap.
// Source: Finagle's RetryBudget, in words.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace fairing::retry {

class retry_budget {
 public:
  struct options {
    double share = 0.1;                // retries for each request, 0 to 1
    std::uint32_t min_per_second = 1;  // retries that are allowed whatever the share says
    std::uint32_t saved_max = 100;     // retries that can be saved up
  };

  explicit retry_budget(options o) noexcept
      : deposit_(static_cast<std::int64_t>(std::clamp(o.share, 0.0, 1.0) * token)),
        saved_max_(static_cast<std::int64_t>(o.saved_max) * token),
        min_per_second_(o.min_per_second) {}

  void on_request() noexcept {
    if (deposit_ == 0) return;
    auto saved = saved_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::min(saved + deposit_, saved_max_);
      if (next == saved) return;
    } while (!saved_.compare_exchange_weak(saved, next, std::memory_order_relaxed));
  }

  // Takes the right to one retry, if there is one: first from the reserve of this second.
  [[nodiscard]] bool try_retry(mono_time now) noexcept {
    if (take_reserve(now)) return true;
    auto saved = saved_.load(std::memory_order_relaxed);
    do {
      if (saved < token) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
    } while (!saved_.compare_exchange_weak(saved, saved - token, std::memory_order_relaxed));
    return true;
  }

  // Retries that were not allowed, for metrics.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t token = 1000;

  // One word holds the second and what was taken in it, so that both change together.
  [[nodiscard]] bool take_reserve(mono_time now) noexcept {
    if (min_per_second_ == 0) return false;
    const auto second =
        static_cast<std::uint64_t>(std::chrono::floor<seconds>(now).time_since_epoch().count()) &
        0xFFFF'FFFFU;
    auto seen = reserve_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
      const auto taken = (seen >> 32) == second ? seen & 0xFFFF'FFFFU : 0;
      if (taken >= min_per_second_) return false;
      next = (second << 32) | (taken + 1);
    } while (!reserve_.compare_exchange_weak(seen, next, std::memory_order_relaxed));
    return true;
  }

  const std::int64_t deposit_;
  const std::int64_t saved_max_;
  const std::uint32_t min_per_second_;
  std::atomic<std::int64_t> saved_{0};  // in thousandths of a retry
  std::atomic<std::uint64_t> reserve_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace fairing::retry
