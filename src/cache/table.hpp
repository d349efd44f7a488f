// table: from a key's hash to its node's number, 4 bytes a slot.
//
// Problem: a look-up should touch one cache line and one node. A bucket is one line of 16 slots; a
// slot is 8 bits of the hash over 24 bits of (number + 1), 0 when free. A key lives in one of two
// buckets, the emptier one at its insertion, so removing needs no tombstone and the table fills to
// 7/8 before it must grow.
//
// Flow: find(hash, matches) where matches(number) compares the full key; insert; erase(hash,
// number). Threads: none of its own. Cost: growing (by half) recomputes every key's hash under the
// shard's lock.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "cache/ledger.hpp"
#include "cache/node.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fairing::cache {

class table {
 public:
  static constexpr std::size_t bucket_slots = 16;

  explicit table(std::size_t buckets = 1) : buckets_(buckets == 0 ? 1 : buckets) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t slots() const noexcept { return buckets_.size() * bucket_slots; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_for(buckets_.size()); }
  [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t buckets) noexcept {
    return heap_bytes(buckets * sizeof(bucket) + sizeof(bucket));
  }
  // How many buckets hold `entries` with room to grow by half.
  [[nodiscard]] static constexpr std::size_t buckets_for(std::size_t entries) noexcept {
    return entries * 12 / (7 * bucket_slots) + 1;
  }
  [[nodiscard]] std::size_t next_buckets() const noexcept {
    return buckets_.size() + buckets_.size() / 2 + 1;
  }

  template <class F>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, F&& matches) const {
    const auto [first, second] = homes(hash);
    __builtin_prefetch(&buckets_[second]);  // both lines on their way at once
    for (const std::size_t home : {first, second}) {
      const bucket& b = buckets_[home];
      for (std::uint32_t mask = matching(b, tag(hash)); mask != 0; mask &= mask - 1) {
        const auto at = static_cast<std::size_t>(std::countr_zero(mask));
        const std::uint32_t number = (b.slots[at] & 0xffffffU) - 1;
        if (b.slots[at] != 0 && matches(number)) return number;
      }
    }
    return no_node;
  }

  // False when it must grow first.
  [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t number) {
    const auto [first, second] = homes(hash);
    std::size_t home = first;
    std::uint32_t room = free_slots(buckets_[first]);
    if (const auto other = free_slots(buckets_[second]);
        std::popcount(other) > std::popcount(room)) {
      home = second;
      room = other;
    }
    if (room == 0) return false;
    buckets_[home].slots[static_cast<std::size_t>(std::countr_zero(room))] =
        tag(hash) | (number + 1);
    ++size_;
    return true;
  }

  bool erase(std::uint64_t hash, std::uint32_t number) noexcept {
    const auto [first, second] = homes(hash);
    for (const std::size_t home : {first, second})
      for (std::uint32_t& slot : buckets_[home].slots)
        if (slot == (tag(hash) | (number + 1))) {
          slot = 0;
          --size_;
          return true;
        }
    return false;
  }

  template <class F>
  void for_each(F&& f) const {
    for (const bucket& b : buckets_)
      for (const std::uint32_t slot : b.slots)
        if (slot != 0) f((slot & 0xffffffU) - 1);
  }

 private:
  struct alignas(64) bucket {
    std::array<std::uint32_t, bucket_slots> slots{};
  };

  [[nodiscard]] static std::uint32_t tag(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 56) << 24;
  }
  // Low hash bits choose the shard, so the range is scaled from the high ends of two 32-bit
  // windows.
  [[nodiscard]] std::pair<std::size_t, std::size_t> homes(std::uint64_t hash) const noexcept {
    const std::uint64_t n = buckets_.size();
    return {((hash & 0xffffffffU) * n) >> 32, (((hash >> 24) & 0xffffffffU) * n) >> 32};
  }
  // Slots with this tag; a free slot matches tag 0 and is told apart by the caller.
  [[nodiscard]] static std::uint32_t matching(const bucket& b, std::uint32_t wanted) noexcept {
#if defined(__SSE2__)
    const __m128i want = _mm_set1_epi32(static_cast<int>(wanted));
    const __m128i high = _mm_set1_epi32(static_cast<int>(0xff000000U));
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto* at = reinterpret_cast<const __m128i*>(b.slots.data() + 4 * i);
      const __m128i same = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(at), high), want);
      mask |= static_cast<std::uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(same))) << (4 * i);
    }
    return mask;
#else
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < bucket_slots; ++i)
      mask |= static_cast<std::uint32_t>((b.slots[i] & 0xff000000U) == wanted) << i;
    return mask;
#endif
  }
  [[nodiscard]] static std::uint32_t free_slots(const bucket& b) noexcept {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < bucket_slots; ++i)
      mask |= static_cast<std::uint32_t>(b.slots[i] == 0) << i;
    return mask;
  }

  std::vector<bucket> buckets_;
  std::size_t size_ = 0;
};

}  // namespace fairing::cache
