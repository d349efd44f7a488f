// pool_periods: what a pool's leases were in each five minutes of the last hour.
//
// Problem: advice on the size must come from the time when it mattered. Sums since the start are thinned by the night,
// those of the last minutes are chance.
//
// Flow (each pool, its core):   periods.tell(pool.totals(), used_us, now);        // each tick
//      (who asks, all pools):   add(sums, pool.periods.all());                    // a copy
//                               advise(busiest(sums, began, now, {size, formula, concurrency}))
// The periods of all pools begin at the same times, so that they can be added.
// Lifecycle: one a pool, as long as it lives. Threads: one. Cost: a few additions; 700 bytes.
#pragma once

#include <array>
#include <cstdint>

#include "pool/pool_size.hpp"
#include "pool/server_pool.hpp"

namespace fairing::pool {

struct period_sums {
  std::int64_t number = -1;    // of periods since the clock's beginning; -1: nothing yet
  std::uint64_t leases = 0;    // that ended
  std::uint64_t held_us = 0;   // summed over them
  std::uint64_t used_us = 0;   // of that, while PostgreSQL worked
  std::uint64_t waited = 0;    // leases that had to wait
  std::uint64_t wait_us = 0;   // summed over those
  std::uint64_t timeouts = 0;  // clients that got nothing
};
inline constexpr std::size_t periods_kept = 12;
using period_list = std::array<period_sums, periods_kept>;

class pool_periods {
 public:
  static constexpr microseconds length{300'000'000};

  // Sums since the pool's start.
  void tell(const pool_totals& all, std::uint64_t used_us, micro_time now) noexcept;
  [[nodiscard]] const period_list& all() const noexcept { return list_; }

 private:
  period_list list_{};
  period_sums before_;  // since the start, at the last tell()
};

void add(period_list& to, const period_list& more) noexcept;

// The one in which most was held and waited for; its numbers and those of `of` (size, formula, concurrency).
// `began`: nothing was told before.
[[nodiscard]] pool_period busiest(const period_list& all, micro_time began, micro_time now,
                                  pool_period of) noexcept;

}  // namespace fairing::pool
