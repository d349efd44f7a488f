// permits: one count of connections over all cores, without a lock.
//
// Problem: upstream connections live on the core that opened them, but the backend bears
// `max_connections` in all. A core that cannot get a permit says that it wants one, so that others
// give up idle connections.
//
// Flow:  if (!p.try_take()) { p.want(); if (p.try_take()) p.unwant(); else wait; } ... p.give();
// After want() the count is read once more: either the taker sees a permit given back at that
// moment, or the giver sees the wish. (All operations are sequentially consistent for this.)
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace fairing::pool {

class permits {
 public:
  explicit permits(std::uint32_t limit) noexcept : limit_(limit) {}
  permits(const permits&) = delete;
  permits& operator=(const permits&) = delete;

  [[nodiscard]] bool try_take() noexcept {
    auto used = in_use_.load();
    do {
      if (used >= limit_.load()) return false;
    } while (!in_use_.compare_exchange_weak(used, used + 1));
    return true;
  }
  void give() noexcept { in_use_.fetch_sub(1); }

  void want() noexcept { wanted_.fetch_add(1); }
  void unwant() noexcept { wanted_.fetch_sub(1); }

  // A lower limit takes effect as connections are released.
  void set_limit(std::uint32_t limit) noexcept { limit_.store(limit); }

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_.load(); }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_.load(); }
  [[nodiscard]] std::uint32_t wanted() const noexcept {
    return wanted_.load();
  }  // waiters over all cores
  [[nodiscard]] bool over_limit() const noexcept { return in_use_.load() > limit_.load(); }

 private:
  std::atomic<std::uint32_t> limit_;
  std::atomic<std::uint32_t> in_use_{0};
  std::atomic<std::uint32_t> wanted_{0};
};

}  // namespace fairing::pool
