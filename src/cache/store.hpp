// store: the cache engine that every plane uses: keyed, tagged, bounded in bytes, never without a
// TTL.
//
// Problem: a hit must cost one hash, one short lock and no allocation; memory must stay inside the
// budget with all overhead counted; a flood of one-hit keys must not flush what is used (S3-FIFO);
// the expired go before anything live; what was purged is never served.
//
// Flow:
//   const auto h = store.hash(key);
//   auto hit = store.find(h, key, now);             // takes a reference; counts the hit
//   if (hit.state == lookup_state::hit) use(*static_cast<const my_value*>(hit.value.get()));
//   store.put(h, key, value, {.ttl = ..., .tags = ..., .began = seq_at_fill_start}, now);
//
// The budget is one count for all shards, so that one shard may hold an object far over its even
// share (an 8 MiB object in 256 MiB over 32 shards); room is made in the fuller of the putting
// shard and a rotating other one, which keeps shards level. put reserves the bytes before it
// stores: the count never passes the budget, not even for a moment.
//
// Lifecycle: values are immutable and reference-counted; an evicted value lives until its last
// reader lets go (those bytes are counted in stats().bytes until then, also after the store is
// gone). A value belongs to the first store that took it and is counted there once, under however
// many keys it is put. Threads: all calls from any thread. Shards have one small lock each, never
// held over a callback into another module but `visit`'s and `for_each`'s. Source: S3-FIFO (Yang et
// al., SOSP 2023), in bytes: small 10 %, main 90 %, ghost fingerprints.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/clock.hpp"
#include "cache/ledger.hpp"
#include "cache/purge_log.hpp"

namespace fairing::cache {

// What a plane stores. `cost_bytes` is all memory that dies with it (heap blocks rounded up, memfd
// pages), without key and tags, which the store holds and counts itself.
class value {
 public:
  explicit value(std::size_t cost_bytes) noexcept : cost_bytes_(cost_bytes) {}
  virtual ~value() {
    if (ledger* l = ledger_.load(std::memory_order_acquire)) {
      l->sub(cost_bytes_);
      l->release();
    }
  }
  value(const value&) = delete;
  value& operator=(const value&) = delete;
  [[nodiscard]] std::size_t cost_bytes() const noexcept { return cost_bytes_; }

  friend void intrusive_ptr_add_ref(const value* v) noexcept {
    v->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const value* v) noexcept {
    if (v->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete v;
  }

 private:
  friend class shard;
  // Makes the bytes, already counted there, this value's own. False if it has a ledger already.
  bool attach(ledger& to) const noexcept {
    ledger* none = nullptr;
    if (!ledger_.compare_exchange_strong(none, &to, std::memory_order_acq_rel)) return false;
    to.retain();
    return true;
  }

  mutable std::atomic<std::uint32_t> references_{0};
  mutable std::atomic<ledger*> ledger_{nullptr};  // where cost_bytes_ is counted
  std::size_t cost_bytes_;
};
using value_ptr = boost::intrusive_ptr<const value>;

enum class lookup_state : std::uint8_t {
  miss,    // not there, expired, or purged hard
  hit,     // there, not purged since it was stored
  purged,  // there, but purged softly: serve only inside a stale window
};

struct lookup {
  lookup_state state = lookup_state::miss;
  value_ptr value;
};

struct put_options {
  milliseconds ttl;                // how long the store may keep it: > 0, else put refuses
  std::span<const tag_hash> tags;  // at most max_tags
  purge_seq began;                 // purge_log::seq() when the fill started
};

enum class put_result : std::uint8_t {
  // It is in the store; if something of it was purged softly after `began`, the next look-up says
  // `purged`.
  stored,
  purged_meanwhile,  // one of its tags (or its prefix, or all) was purged hard after `began`
  // Over a quarter of the budget, a key over 65,535 bytes, or no room: what is left is held by
  // readers.
  too_large,
  no_ttl,         // ttl <= 0
  too_many_tags,  // over max_tags
};

enum class removal : std::uint8_t {
  evicted,   // made room
  expired,   // its ttl had passed
  purged,    // found purged hard
  replaced,  // put again under the same key, or its value replaced
  erased,    // erase() or clear()
};
inline constexpr std::size_t removal_count = 5;
inline constexpr std::size_t max_tags = 33;  // 32 of the answer and the URL's own

struct store_stats {
  std::size_t entries = 0;
  std::size_t bytes = 0;  // everything: values, keys, tags, nodes, tables, ghosts
  std::uint64_t removed[removal_count] = {};
};

// What a listing sees of an entry; valid inside the call only.
struct entry_view {
  std::string_view key;
  std::span<const tag_hash> tags;
  const value& held;
  lookup_state state;      // hit or purged
  milliseconds remaining;  // of its ttl
};

class store {
 public:
  struct config {
    std::size_t budget_bytes;
    std::size_t shards;  // rounded up to a power of two, 256 at most; about 2.2 KiB each
  };
  store(config c, purge_log& log);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept;

  // Takes a reference. A purged or expired entry found on the way is removed.
  [[nodiscard]] lookup find(std::uint64_t hash, std::string_view key, instant now);

  // Calls f(const value&, lookup_state) under the shard's lock instead of taking a reference; f
  // copies what it needs and must not call the store. Returns miss without calling f.
  template <class F>
  lookup_state visit(std::uint64_t hash, std::string_view key, instant now, F&& f) {
    using fn = std::remove_reference_t<F>;
    return visit_erased(
        hash, key, now,
        [](void* context, const value& v, lookup_state s) { (*static_cast<fn*>(context))(v, s); },
        const_cast<void*>(static_cast<const void*>(std::addressof(f))));
  }

  put_result put(std::uint64_t hash, std::string_view key, value_ptr v, const put_options& options,
                 instant now);
  // Swaps the value of an entry that still holds `expected` for a better one of the same content (a
  // refreshed head, one more encoding): ttl, tags, sequence and age in the queues stay. False if it
  // moved on.
  bool replace(std::uint64_t hash, std::string_view key, const value* expected, value_ptr v,
               instant now);
  bool erase(std::uint64_t hash, std::string_view key);
  void clear();

  // Removes up to `limit` expired entries; called now and then by a timer. Returns how many.
  std::size_t sweep(instant now, std::size_t limit);

  // Calls f for entries, shard by shard under its lock, until f returns false. For listings, not
  // hot.
  void for_each(instant now,
                const std::function<bool(std::string_view key, const value&)>& f) const;
  // The same with everything a listing shows. What expired or was purged hard is passed over.
  void for_each_entry(instant now, const std::function<bool(const entry_view&)>& f) const;

  [[nodiscard]] store_stats stats() const;
  [[nodiscard]] std::size_t budget_bytes() const noexcept;
  // Grows or shrinks the budget (reload); shrinking evicts at once.
  void set_budget(std::size_t bytes);

 private:
  lookup_state visit_erased(std::uint64_t hash, std::string_view key, instant now,
                            void (*f)(void*, const value&, lookup_state), void* context);
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace fairing::cache
