// short_lock: a 4-byte lock for sections of tens of nanoseconds: spins briefly, then sleeps in the
// kernel.
//
// Problem: a hit holds its shard for a table probe and a key compare, its row of evidence for a few
// additions, and asks for nothing that can wait; sleeping at once on
// contention would cost a hundred times that, and spinning for ever would starve a holder that was
// descheduled. States: 0 free, 1 held, 2 held and someone sleeps. Source: Drepper, "Futexes Are
// Tricky", mutex 3. Threads: any. Cost: one compare-exchange to lock, one exchange to unlock.
#pragma once

#include <atomic>
#include <cstdint>

namespace fairing {

class short_lock {
 public:
  void lock() noexcept {
    std::uint32_t expected = 0;
    if (state_.compare_exchange_strong(expected, 1, std::memory_order_acquire)) return;
    lock_slow();
  }
  void unlock() noexcept {
    if (state_.exchange(0, std::memory_order_release) == 2) state_.notify_one();
  }

 private:
  static constexpr int spins = 64;

  void lock_slow() noexcept {
    for (int i = 0; i < spins; ++i) {
      std::uint32_t expected = 0;
      if (state_.load(std::memory_order_relaxed) == 0 &&
          state_.compare_exchange_weak(expected, 1, std::memory_order_acquire))
        return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    while (state_.exchange(2, std::memory_order_acquire) != 0)
      state_.wait(2, std::memory_order_relaxed);
  }

  std::atomic<std::uint32_t> state_{0};
};

}  // namespace fairing
