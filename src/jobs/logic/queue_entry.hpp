// queue_entry: what the engine keeps of one queue in memory: its row, counts, who waits, its pace.
//
// Problem: counts and waiting leases are asked for with each command; a question to the store each time would cost more
// than the command.
//
// Counts are those of the batch at hand; `before` holds those of the last commit once the batch touched them.
// Threads: the engine's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "jobs/logic/engine.hpp"
#include "jobs/logic/pace.hpp"

namespace fairing::jobs {

// Events a second over the last minute.
class minute_rate {
 public:
  void add(std::uint64_t count, std::int64_t now_ms) noexcept {
    go_to(now_ms / 1000);
    of_[static_cast<std::size_t>(second_ % 60)] += count;
  }
  [[nodiscard]] double a_second(std::int64_t now_ms) const noexcept {
    std::uint64_t sum = 0;
    const auto now = now_ms / 1000;
    for (std::int64_t s = std::max<std::int64_t>(second_ - 59, now - 59); s <= second_; ++s)
      if (s >= 0) sum += of_[static_cast<std::size_t>(s % 60)];
    return static_cast<double>(sum) / 60;
  }

 private:
  void go_to(std::int64_t second) noexcept {
    if (second - second_ >= 60) {
      of_.fill(0);
    } else {
      for (auto s = second_ + 1; s <= second; ++s) of_[static_cast<std::size_t>(s % 60)] = 0;
    }
    second_ = std::max(second_, second);
  }
  std::array<std::uint64_t, 60> of_{};
  std::int64_t second_ = 0;
};

// Events of the last 24 hours, to the hour.
class day_count {
 public:
  void add(std::int64_t now_ms) noexcept {
    const auto hour = now_ms / hour_ms;
    if (hour - hour_ >= 24) of_.fill(0);
    for (auto h = std::max(hour_ + 1, hour - 23); h <= hour; ++h) of_[at(h)] = 0;
    hour_ = std::max(hour_, hour);
    ++of_[at(hour_)];
  }
  [[nodiscard]] std::uint64_t sum(std::int64_t now_ms) const noexcept {
    std::uint64_t out = 0;
    for (auto h = std::max<std::int64_t>({0, hour_ - 23, now_ms / hour_ms - 23}); h <= hour_; ++h)
      out += of_[at(h)];
    return out;
  }

 private:
  static constexpr std::int64_t hour_ms = 3'600'000;
  static std::size_t at(std::int64_t hour) noexcept { return static_cast<std::size_t>(hour % 24); }
  std::array<std::uint64_t, 24> of_{};
  std::int64_t hour_ = 0;
};

struct waiter {
  std::uint64_t name = 0;
  std::size_t most = 1;
  std::optional<milliseconds> length;
  std::int64_t until_ms = 0;  // steady
  milliseconds grace{0};
  bool tells_runs = true;
  bool requests = false;
};

struct queue_entry {
  queue_row row;
  queue_config config;
  queue_counts counts;
  queue_counts before;        // of the last commit
  std::uint64_t touched = 0;  // the batch in which `before` was taken
  pace paced;                 // leases against config.limit
  std::list<waiter> waiters;
  std::uint32_t purges = 0;  // that go on: no leases meanwhile
  minute_rate arrivals;
  minute_rate finishes;
  day_count done_today;  // since this process has the store
  day_count died_today;
  std::uint64_t expired = 0;            // leases that ended with nobody answering, since open()
  std::int64_t retention_ms = 0;        // steady: when finished jobs are looked at again
  std::int64_t failures_ms = 0;         // steady: when groups of failures are looked at again
  std::string retention_key;            // parked jobs of the keys up to that have been looked at
  std::int64_t oldest_ms = 0;           // steady: when counts.oldest_ready_ms was looked up
  std::int64_t plain_from = INT64_MIN;  // no ready job of priority 0 has a smaller rank

  [[nodiscard]] bool fifo() const noexcept { return row.name.ends_with(".fifo"); }
  // Jobs of one key that may be ready or leased at a time; nullopt: any number.
  [[nodiscard]] std::optional<std::uint32_t> key_concurrency() const noexcept {
    if (fifo()) return 1;
    return config.key_concurrency;
  }
  [[nodiscard]] std::uint64_t of(job_state s) const noexcept {
    return counts.of[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] std::uint64_t live() const noexcept {
    return of(job_state::queued) + of(job_state::scheduled) + of(job_state::leased);
  }
  [[nodiscard]] std::uint64_t ready() const noexcept {
    return of(job_state::queued) - counts.parked;
  }
};

}  // namespace fairing::jobs
