// ledger: the one count of bytes that a store may hold, shared with every value it ever took in.
//
// Problem: the budget must cover values that were evicted while a reader still uses them, and such
// a value may outlive the store. So the count lives in its own small heap object, kept by the store
// and by each value.
//
// Flow:
//   if (!ledger->try_add(n)) make_room(); ... ledger->sub(n);
// Threads: all calls from any thread. Cost: one atomic read-modify-write a call; none on a hit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fairing::cache {

// What a heap block of `n` bytes takes in glibc's malloc: 8 bytes of header, rounded up to 16, at
// least 32.
[[nodiscard]] constexpr std::size_t heap_bytes(std::size_t n) noexcept {
  const std::size_t rounded = (n + 8 + 15) & ~std::size_t{15};
  return rounded < 32 ? 32 : rounded;
}

class ledger {
 public:
  explicit ledger(std::size_t budget) noexcept : budget_(budget) {}
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;

  // Adds n if the sum stays within the budget.
  [[nodiscard]] bool try_add(std::size_t n) noexcept {
    const std::size_t budget = budget_.load(std::memory_order_relaxed);
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (n > budget || used > budget - n) return false;
    } while (!used_.compare_exchange_weak(used, used + n, std::memory_order_relaxed));
    return true;
  }
  void add(std::size_t n) noexcept { used_.fetch_add(n, std::memory_order_relaxed); }
  void sub(std::size_t n) noexcept { used_.fetch_sub(n, std::memory_order_relaxed); }

  [[nodiscard]] std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t budget() const noexcept {
    return budget_.load(std::memory_order_relaxed);
  }
  void set_budget(std::size_t bytes) noexcept { budget_.store(bytes, std::memory_order_relaxed); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~ledger() = default;

  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> budget_;
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace fairing::cache
