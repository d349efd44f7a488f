// shard: one part of the store, a pure machine: table, S3-FIFO queues, ghost, expiry wheel and
// purge checks.
//
// Problem: everything that happens to an entry happens under one short lock, and what is slow
// (destroying values) or takes other locks (making room elsewhere) must happen outside it.
//
// Flow: the store locks mutex(), calls one function with a `trash`, unlocks, and lets the trash go.
//   lookup_state s = look(hash, key, now_ms, found, trash);
//   insert(entry, trash) takes what the caller has reserved on the ledger.
// A removed entry leaves table and wheel at once and frees its key and value; its node stays linked
// in its queue until it is reached there, or until such nodes are a quarter of all and are swept
// out together. Threads: every call but bytes(), growth_bytes() and wheel_behind() under mutex().
// Source: S3-FIFO (Yang et al., SOSP 2023) with promotion at two hits. What is kept at eviction is
// checked against the purge log, so that the purged do not stay because they once were popular.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/short_lock.hpp"
#include "cache/ghost.hpp"
#include "cache/ledger.hpp"
#include "cache/node.hpp"
#include "cache/store.hpp"
#include "cache/table.hpp"
#include "cache/ttl_wheel.hpp"

namespace fairing::cache {

// Values on their way out, destroyed when this is: declare it before the lock is taken.
class trash {
 public:
  static constexpr std::size_t room = 32;
  trash() = default;
  ~trash() { clear(); }
  trash(const trash&) = delete;
  trash& operator=(const trash&) = delete;
  [[nodiscard]] bool full() const noexcept { return count_ == room; }
  void take(const value* v) noexcept {
    if (full()) clear();  // rather under the lock than unbounded
    values_[count_++] = v;
  }
  void clear() noexcept {
    while (count_ > 0) intrusive_ptr_release(values_[--count_]);
  }

 private:
  std::array<const value*, room> values_;
  std::size_t count_ = 0;
};

class alignas(64) shard {
 public:
  // An entry about to be stored. `reserved` bytes of the ledger are the caller's until insert takes
  // them.
  struct incoming {
    std::uint64_t hash;
    std::string_view key;
    std::byte* block;  // freed by insert if it refuses
    std::size_t tags;
    value_ptr held;
    std::uint64_t expiry_ms;
    std::uint64_t now_ms;
    purge_seq began;
    std::size_t reserved;  // heap bytes of block, plus the value's cost
  };

  shard() = default;
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;
  void open(ledger& l, const purge_log& log, std::uint64_t seed);

  [[nodiscard]] short_lock& mutex() noexcept { return mutex_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool wheel_behind(std::uint64_t now_ms) const noexcept {
    return now_ms / 1000 > swept_second_.load(std::memory_order_relaxed);
  }

  // What the next new entry makes the slab and perhaps the table grow by; 0 when there is room. A
  // hint.
  [[nodiscard]] std::size_t growth_bytes() const noexcept {
    return growth_bytes_.load(std::memory_order_relaxed);
  }

  // Counts the hit. `found` stays valid while the lock is held.
  lookup_state look(std::uint64_t hash, std::string_view key, std::uint64_t now_ms,
                    const value*& found, trash& out);
  put_result insert(incoming& in, trash& out);
  bool replace(std::uint64_t hash, std::string_view key, const value* expected, value_ptr& v,
               std::uint64_t now_ms, trash& out);
  bool erase(std::uint64_t hash, std::string_view key, trash& out);
  // Gives everything back, tables and slab too, in turns: true once nothing is left.
  bool clear(trash& out);

  // Removes entries that are due, at most as many as the trash takes; returns how many.
  std::size_t reclaim(std::uint64_t now_ms, std::size_t limit, trash& out);
  // Evicts until `wanted` bytes of entries are gone or the trash is full; returns how many bytes.
  std::size_t evict(std::size_t wanted, trash& out);
  // Moves into a smaller slab and table when most nodes are free, or when told to.
  void compact(bool now);

  void add_stats(store_stats& stats) const;
  [[nodiscard]] std::size_t overhead_bytes() const noexcept {
    return nodes_.bytes() + table_.bytes() + ghost_.bytes();
  }
  bool for_each(std::uint64_t now_ms, const std::function<bool(const entry_view&)>& f) const;

 private:
  struct queue {
    std::uint32_t oldest = no_node;
    std::uint32_t newest = no_node;
    std::size_t bytes = 0;  // of live entries: key blocks and values
  };

  [[nodiscard]] std::uint64_t hash_of(const node& n) const noexcept;
  [[nodiscard]] static std::size_t charge(const node& n) noexcept;
  [[nodiscard]] queue& queue_of(const node& n) noexcept { return n.in_main ? main_ : small_; }
  [[nodiscard]] std::uint32_t locate(std::uint64_t hash, std::string_view key) const;
  [[nodiscard]] verdict recheck(node& n);
  void push(queue& q, std::uint32_t i);
  [[nodiscard]] std::uint32_t pop_live(queue& q);
  void account(queue& q, std::size_t added, std::size_t removed) noexcept;
  void swap_value(node& n, value_ptr& v, trash& out);
  void strip(std::uint32_t i, std::uint64_t hash, removal why, trash& out);
  void remove(std::uint32_t i, removal why, trash& out);
  std::size_t evict_one(trash& out);
  [[nodiscard]] bool keep_in_main(std::uint32_t i, bool promoted);
  void overwrite(std::uint32_t i, incoming& in, trash& out);
  [[nodiscard]] std::uint32_t take_node(trash& out);
  [[nodiscard]] bool make_slot(std::uint64_t hash, std::uint32_t i, trash& out);
  [[nodiscard]] bool rebuild_table(std::size_t buckets);
  void grow_ghost();
  void note_growth() noexcept;
  void sweep_dead();
  void sweep_dead(queue& q);

  short_lock mutex_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> swept_second_{0};
  std::atomic<std::size_t> growth_bytes_{0};
  ledger* ledger_ = nullptr;
  const purge_log* log_ = nullptr;
  std::uint64_t seed_ = 0;
  slab nodes_;
  table table_;
  ghost ghost_;
  queue small_;
  queue main_;
  std::size_t dead_ = 0;  // nodes still queued whose entry is gone
  std::array<std::uint64_t, removal_count> removed_{};
  ttl_wheel wheel_;
};

// The price of an entry besides key, tags and value, at the usual load: the table between 7/12 and
// 7/8 full (1.39 slots an entry, 1.45 with what two choices leave), ghosts for nine entries in ten
// with a mean slack of a sixteenth, a chunk's heap and directory share, and the key length in the
// key's block.
inline constexpr double overhead_per_entry =
    static_cast<double>(slab::chunk_bytes) / slab::chunk_nodes + 1.45 * 4 + 0.9 * 4 * 1.0625 +
    sizeof(std::uint16_t);
static_assert(overhead_per_entry <= 48.0);

}  // namespace fairing::cache
