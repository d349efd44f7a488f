// purge_log: the one sequence on which every purge and every fill is ordered.
//
// Problem: a purge must reach entries that bear a tag without visiting them (O(1) for a million),
// and a fill that read its data before the purge must not be stored or served after it.
//
// Flow:
//   const auto began = log.seq();                      // when the fill starts, before the origin
//   is asked
//   ... origin answers ...
//   if (log.check(tags, url, began) != verdict::fresh) // at the end, tags now known: do not store
//   ... on each hit: if (log.seq() != entry.checked_seq) check again, then remember
//   log.purge_tag(tag, purge_kind::hard);
//
// A tag's slot holds the sequence of its last hard and its last soft purge. The table is exact and
// bounded in bytes; when it is full, the purge falls into a coarse array indexed by hash bits,
// which over-invalidates (counted in overflows()) and never misses one. Prefix purges are a bounded
// list; when full, the one purged longest ago goes into the global floor, which drops only what was
// not checked since. Purge-all is the floor.
//
// Order: a purge first marks, then publishes its sequence. So read seq() before check(), and
// remember that value: a purge that check() did not see has a higher one, and the next look-up
// checks again. Threads: all calls from any thread; seq() is one acquire load; purges take one
// mutex. check() takes no lock unless a prefix was purged after `since`, then one shared lock.
// Cost: a purge is O(1) however many entries bear the tag; a check about one cache miss a tag.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace fairing::cache {

using tag_hash = std::uint64_t;  // hash of a tag's bytes with a fixed seed, see tag_of
using purge_seq = std::uint64_t;

[[nodiscard]] tag_hash tag_of(std::string_view tag) noexcept;
// The implicit tag that every entry of a URL (all its variants) bears; `key` is the primary cache
// key.
[[nodiscard]] tag_hash url_tag_of(std::string_view key) noexcept;

enum class purge_kind : std::uint8_t {
  hard,  // not served again
  soft,  // stale from now on: may be served inside its stale windows, revalidated at once
};

// The answer to "was this purged after sequence s?"
enum class verdict : std::uint8_t {
  fresh,  // no
  stale,  // softly
  gone,   // hard
};

class purge_log {
 public:
  struct limits {
    // Exact slots at most: 24 bytes each, doubled on demand, filled to 3/4. The tables outgrown
    // stay for readers still in them, together as large as the newest: 48 MiB in all by default, at
    // worst.
    std::size_t tags = 1 << 20;
    std::size_t prefixes = 256;  // bans kept at most
  };
  explicit purge_log(limits l);
  ~purge_log();
  purge_log(const purge_log&) = delete;
  purge_log& operator=(const purge_log&) = delete;

  [[nodiscard]] purge_seq seq() const noexcept { return seq_.load(std::memory_order_acquire); }

  purge_seq purge_tag(tag_hash tag, purge_kind kind);
  purge_seq purge_prefix(std::string_view key_prefix, purge_kind kind);
  purge_seq purge_all(purge_kind kind);

  // Was anything that concerns these tags or this key purged after `since`? The tag of the key's
  // URL is among `tags` if the caller put it there.
  [[nodiscard]] verdict check(std::span<const tag_hash> tags, std::string_view key,
                              purge_seq since) const noexcept;

  [[nodiscard]] std::uint64_t overflows() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct impl;
  std::atomic<purge_seq> seq_{1};
  std::unique_ptr<impl> impl_;
};

}  // namespace fairing::cache
