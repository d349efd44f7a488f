// repeat_table: the shadow measure of point 5: would a cache have had this answer?
//
// Problem: to tell what a cache would save on routes that have none, without storing an answer. A
// slot remembers the hash of a key's last answer and when a cache would have filled with it; the
// same answer again within the window is one the cache would have given.
//
// Flow:  if (table.see(key_hash, body_hash, now) == repeat_table::outcome::repeat) ...
// Lifecycle: 65,536 slots in groups of four; a new key takes the oldest of its group, so under more
// keys than slots repeats are missed, never invented (two keys of one 64-bit hash aside).
// Threads: any; a lock a stripe of groups. Cost: 1.5 MiB; about 30 ns.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.hpp"

namespace fairing::checklist {

class repeat_table {
 public:
  static constexpr std::size_t slots = 65'536;

  enum class outcome : std::uint8_t {
    first,    // not seen within the window
    repeat,   // the same answer as a cache filled within the window would hold
    changed,  // seen within the window with another answer
  };

  repeat_table() : slots_(slots) {}
  outcome see(std::uint64_t key_hash, std::uint64_t body_hash, mono_time now) noexcept;
  void reset() noexcept;

 private:
  static constexpr std::size_t group_size = 4;
  static constexpr std::size_t stripes = 64;

  struct slot {
    std::uint64_t key = 0;  // 0: empty
    std::uint64_t body = 0;
    mono_time filled;
  };

  std::vector<slot> slots_;
  std::array<std::mutex, stripes> locks_;
};

}  // namespace fairing::checklist
