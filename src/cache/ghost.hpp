// ghost: fingerprints of what left the small queue lately, so that a key which returns goes to
// main.
//
// Problem: S3-FIFO wants a FIFO of as many ghosts as main has objects, and both "is it there" and
// "the oldest goes" must cost 4 bytes an object. Buckets of 8 fingerprints, each bucket a FIFO of
// its own: since keys spread evenly, the whole is a FIFO within a few per cent. A wrong match (1 in
// 500 million) only promotes. Threads: none of its own. Cost: one cache line a call.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/ledger.hpp"

namespace fairing::cache {

class ghost {
 public:
  static constexpr std::size_t bucket_slots = 8;

  [[nodiscard]] std::size_t capacity() const noexcept { return buckets_.size() * bucket_slots; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_for(capacity()); }
  [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t objects) noexcept {
    return objects == 0 ? 0 : heap_bytes(objects / bucket_slots * sizeof(bucket));
  }
  // The capacity to grow to when `objects` should be remembered: an eighth more, whole buckets.
  [[nodiscard]] static constexpr std::size_t capacity_for(std::size_t objects) noexcept {
    return (objects + objects / 8 + bucket_slots) / bucket_slots * bucket_slots;
  }

  void insert(std::uint64_t hash) noexcept {
    if (!buckets_.empty()) push(buckets_, fingerprint(hash));
  }

  // True if it was there; it is forgotten.
  bool take(std::uint64_t hash) noexcept {
    if (buckets_.empty()) return false;
    const std::uint32_t wanted = fingerprint(hash);
    bucket& b = buckets_[home(wanted, buckets_.size())];
    const auto found = std::find(b.begin(), b.end(), wanted);
    if (found == b.end()) return false;
    std::copy(found + 1, b.end(), found);
    b.back() = 0;
    return true;
  }

  // Keeps what is remembered, oldest first out. The caller has settled bytes_for(objects) with the
  // ledger.
  void resize(std::size_t objects) {
    std::vector<bucket> next(objects / bucket_slots);
    if (!next.empty())
      for (std::size_t age = bucket_slots; age-- > 0;)
        for (const bucket& b : buckets_)
          if (b[age] != 0) push(next, b[age]);
    buckets_ = std::move(next);
  }

 private:
  using bucket = std::array<std::uint32_t, bucket_slots>;  // newest first, 0 is free

  [[nodiscard]] static std::uint32_t fingerprint(std::uint64_t hash) noexcept {
    const auto f = static_cast<std::uint32_t>(hash >> 32);
    return f == 0 ? 1 : f;
  }
  [[nodiscard]] static std::size_t home(std::uint32_t f, std::size_t buckets) noexcept {
    return static_cast<std::size_t>((std::uint64_t{f * 0x9e3779b1U} * buckets) >> 32);
  }
  static void push(std::vector<bucket>& buckets, std::uint32_t f) noexcept {
    bucket& b = buckets[home(f, buckets.size())];
    std::copy_backward(b.begin(), b.end() - 1, b.end());
    b.front() = f;
  }

  std::vector<bucket> buckets_;
};

}  // namespace fairing::cache
