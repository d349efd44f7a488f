// ttl_wheel: which nodes expire in which second, so that the expired go before anything live.
//
// Problem: finding the expired must not cost a walk over the live. Two rings of 256 lists: seconds,
// and blocks of 256 seconds whose nodes move to seconds when their block begins; what lies beyond
// 18 hours waits in the farthest block and is placed anew. Lists are doubly linked through the
// nodes, so leaving is O(1).
//
// Flow: settle(now_ms); link(slab, i) after set_expiry_ms; unlink(slab, i);
//       while ((i = next_due(slab, now_ms, steps)) != no_node) remove(i);
// A node is due once its second has passed: up to a second after its exact expiry, which look-ups
// compare. Threads: none of its own. Cost: 2 KiB a wheel, 8 bytes a node; every call is bounded by
// `steps`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "cache/node.hpp"

namespace fairing::cache {

class ttl_wheel {
 public:
  ttl_wheel() noexcept { heads_.fill(no_node); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // The first second not yet looked through: everything that expired before it has been handed out.
  [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }

  // Skips the past while nothing is linked; to be called before the first link.
  void settle(std::uint64_t now_ms) noexcept {
    if (size_ == 0) cursor_ = std::max(cursor_, now_ms / 1000);
  }

  void link(slab& nodes, std::uint32_t i) noexcept {
    const std::uint64_t due = nodes[i].expiry_ms() / 1000;
    const std::uint32_t slot = slot_for(due);
    const std::uint32_t first = heads_[slot];
    nodes[i].wheel_prev = head_flag | slot;
    nodes[i].wheel_next = first;
    if (first != no_node) nodes[first].wheel_prev = i;
    heads_[slot] = i;
    ++size_;
  }

  void unlink(slab& nodes, std::uint32_t i) noexcept {
    const std::uint32_t next = nodes[i].wheel_next;
    const std::uint32_t prev = nodes[i].wheel_prev;
    if ((prev & head_flag) != 0)
      heads_[prev & ~head_flag] = next;
    else
      nodes[prev].wheel_next = next;
    if (next != no_node) nodes[next].wheel_prev = prev;
    --size_;
  }

  // A node that is due, still linked; no_node when there is none or `steps` ran out (then steps is
  // 0).
  [[nodiscard]] std::uint32_t next_due(slab& nodes, std::uint64_t now_ms,
                                       std::size_t& steps) noexcept {
    const std::uint64_t second = now_ms / 1000;
    settle(now_ms);
    if (size_ == 0) return no_node;
    for (; cursor_ < second && steps > 0; --steps) {
      const std::uint32_t block = static_cast<std::uint32_t>(cursor_ / 256 % 256) + 256;
      if (cursor_ % 256 == 0 && heads_[block] != no_node) {
        const std::uint32_t moved = heads_[block];
        unlink(nodes, moved);
        link(nodes, moved);
        continue;
      }
      const std::uint32_t first = heads_[cursor_ % 256];
      if (first != no_node) return first;
      ++cursor_;
    }
    return no_node;
  }

  // Whether next_due might hand out something at this time.
  [[nodiscard]] bool behind(std::uint64_t now_ms) const noexcept {
    return size_ != 0 && cursor_ < now_ms / 1000;
  }

 private:
  static constexpr std::uint32_t head_flag = 0x80000000U;

  [[nodiscard]] std::uint32_t slot_for(std::uint64_t due) const noexcept {
    due = std::max(due, cursor_);
    if (due - cursor_ < 256) return static_cast<std::uint32_t>(due % 256);
    const std::uint64_t farthest = cursor_ / 256 + 255;
    return static_cast<std::uint32_t>(std::min(due / 256, farthest) % 256) + 256;
  }

  std::array<std::uint32_t, 512> heads_;
  std::uint64_t cursor_ = 0;
  std::size_t size_ = 0;
};

}  // namespace fairing::cache
