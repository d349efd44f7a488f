// gcra: a table of rate limits, one entry a key, by the generic cell rate algorithm.
//
// Problem: fixed windows let twice the rate through at their boundary; token buckets need two
// numbers a key. GCRA keeps one: the theoretical arrival time (TAT), the moment at which the key's
// allowance is whole again. The table never grows: peers choose the keys.
//
// Flow:
//   limit::gcra_table table({.max_keys = 100'000});
//   auto p = limit::params::from(rate{10, 60s}, burst);
//   auto d = table.take(limit::key_hash(limiter_id, client_address), p, now);
//   if (!d.allowed) answer 429 with d.retry_after
//
// Bounded: 32 to 64 bytes a key of max_keys, allocated at once. A key lives in one set of 8 slots;
// in a full set the entry with the oldest TAT gives way: an expired one costs nothing (its key
// starts whole in any case), one that was still running lets its key start anew and is counted in
// evicted_live().
// Threads: any; one small lock a shard.
// Cost: a hash, a lock, two cache lines.
// Source: ITU-T I.371, the virtual scheduling form of GCRA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace fairing::limit {

struct params {
  std::int64_t emission_us =
      1'000'000;           // one request is given back each so many microseconds, >= 1
  std::int64_t burst = 1;  // the most requests back to back, >= 1

  // One request each period / count, rounded up to a microsecond (a rate over 1,000,000 a second is
  // that). Both are brought into the range in which nothing overflows: an allowance is whole after
  // 100 years at most.
  [[nodiscard]] static params from(rate r, std::uint64_t burst) noexcept;
};

struct decision {
  bool allowed = false;
  std::uint64_t remaining = 0;  // requests that would be allowed right now, after this one
  milliseconds retry_after{
      0};  // until the next one would be allowed, rounded up; 0 while remaining > 0
  milliseconds reset_after{0};  // until the whole burst is there again, rounded up
};

// The key of a client under one limiter; seeded, so that nobody can choose keys that collide.
[[nodiscard]] std::uint64_t key_hash(std::uint64_t limiter_id, std::string_view key) noexcept;

class gcra_table {
 public:
  struct options {
    std::size_t max_keys = 100'000;  // that may be limited at once
  };
  explicit gcra_table(options o);

  // Asks for one request. A refused request takes nothing from the allowance.
  [[nodiscard]] decision take(std::uint64_t key_hash, const params& p, mono_time now) noexcept;

  [[nodiscard]] std::size_t bytes() const noexcept;  // of the whole table; constant
  [[nodiscard]] std::size_t key_count() const;       // entries held, expired ones too; not hot
  [[nodiscard]] std::uint64_t evicted_live() const;  // keys that lost a running allowance for room

 private:
  static constexpr std::size_t ways = 8;
  static constexpr std::size_t shard_count = 32;

  struct slot {
    std::uint64_t key = 0;  // 0: empty
    std::int64_t tat_us = 0;
  };
  struct alignas(64) set {
    slot slots[ways];
  };
  struct alignas(64) shard {
    mutable std::mutex mutex;
    std::vector<set> sets;
    std::uint64_t evicted_live = 0;
  };

  [[nodiscard]] static slot& place(shard& s, set& in, std::uint64_t key,
                                   std::int64_t now_us) noexcept;

  std::size_t sets_per_shard_;  // a power of two
  std::unique_ptr<shard[]> shards_;
};

}  // namespace fairing::limit
