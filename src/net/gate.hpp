// gate: a bounded number of permits over all cores, handed to the oldest waiter.
//
// Problem: the backend gets at most `max_connections` exchanges at a time; who must wait waits in order, with a
// deadline, and a released permit goes straight to the oldest waiter, never past it.
//
// Flow:  auto permit = co_await gate.acquire(core, deadline);  if (!permit) -> timed out or queue full
//        // the permit is given back when it is destroyed
// Threads: any core. Cost: one short lock each way.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "net/core.hpp"
#include "net/event.hpp"
#include "net/task.hpp"

namespace fairing::net {

class gate : public std::enable_shared_from_this<gate> {
 public:
  gate(std::uint32_t permits, std::uint32_t max_waiting)
      : permits_(permits), free_(permits), max_waiting_(max_waiting) {}

  class permit {
   public:
    permit() = default;
    explicit permit(std::shared_ptr<gate> g) : gate_(std::move(g)) {}
    permit(permit&&) = default;
    permit& operator=(permit&& other) noexcept {
      release();
      gate_ = std::move(other.gate_);
      return *this;
    }
    ~permit() { release(); }
    explicit operator bool() const noexcept { return gate_ != nullptr; }
    void release() {
      if (auto g = std::move(gate_)) g->give();
      gate_ = nullptr;
    }

   private:
    std::shared_ptr<gate> gate_;
  };

  task<permit> acquire(core& c, mono_time deadline);
  // From now on so many in all. Fewer: those beyond are not given again as they come back.
  void resize(std::uint32_t permits);
  [[nodiscard]] std::uint32_t waiting() const;
  [[nodiscard]] std::uint32_t size() const;    // permits in all
  [[nodiscard]] std::uint32_t leased() const;  // of them given out

 private:
  struct waiter {
    waker wake;
    bool granted = false;
  };
  void give();
  mutable std::mutex mutex_;
  std::uint32_t permits_;
  std::int64_t free_;  // below 0 after a resize to fewer than are out
  std::uint32_t max_waiting_;
  std::deque<std::shared_ptr<waiter>> waiters_;
};

}  // namespace fairing::net
