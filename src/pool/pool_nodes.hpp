// pool_nodes: what a server_pool knows of one server and of one waiting client.
//
// Problem: the pool must not allocate, so its nodes live inside the session layer's own objects.
//
// Flow:  struct sql_server : pool::server { socket, parser, ... };
//        struct sql_client : pool::waiter { ... };       // static_cast back in the pool's events
// Lifecycle: a server is absent before pool_events::open() returns it and after closed(); a waiter
// is not queued before acquire() and after it was granted, given up or cancelled. Destroying either
// at another time is a bug, which a debug build asserts.
// Threads: the pool's home core.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "pool/pool_budget.hpp"
#include "pool/pool_list.hpp"
#include "pool/pool_types.hpp"

namespace fairing::pool {

class server;

class waiter {
 public:
  waiter() = default;
  ~waiter() { FAIRING_ASSERT(!queued()); }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  std::uint64_t state_id = 0;  // session state the client needs; a server that has it is preferred
  const void* favourite = nullptr;  // a server that it would rather have; only compared
  micro_time deadline = never;      // its own, if sooner than wait_timeout

  // It waits, in the queue or behind others at one server.
  [[nodiscard]] bool queued() const noexcept { return queued_ || behind_ != nullptr; }
  [[nodiscard]] server* behind() const noexcept { return behind_; }   // at which it stands so
  [[nodiscard]] micro_time since() const noexcept { return since_; }  // of acquire()

 private:
  friend class server_pool;
  template <class>
  friend class pool_list;
  waiter* next_ = nullptr;
  waiter* prev_ = nullptr;
  micro_time since_{};
  micro_time until_{};
  server* behind_ = nullptr;
  bool queued_ = false;
};

class server {
 public:
  server() = default;
  ~server() { FAIRING_ASSERT(state_ == server_state::absent); }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  std::uint64_t state_id = 0;  // session state it has now; kept by the session layer

  [[nodiscard]] server_state state() const noexcept { return state_; }
  [[nodiscard]] waiter* holder() const noexcept { return holder_; }  // leased or pinned: by whom
  [[nodiscard]] waiter* next_holder() const noexcept { return behind_.front(); }  // who has it next
  [[nodiscard]] std::uint32_t behind() const noexcept {
    return behind_.size();
  }  // how many have it next
  [[nodiscard]] std::uint32_t pins() const noexcept { return pins_; }  // bits of pin_reason
  [[nodiscard]] bool pinned_for(pin_reason r) const noexcept { return (pins_ & bit(r)) != 0; }
  [[nodiscard]] micro_time opened_at() const noexcept { return opened_; }
  [[nodiscard]] micro_time since() const noexcept { return since_; }  // of idle or of its lease
  [[nodiscard]] std::uint64_t leases() const noexcept { return leases_; }  // ever

 private:
  friend class server_pool;
  template <class>
  friend class pool_list;
  [[nodiscard]] static constexpr std::uint32_t bit(pin_reason r) noexcept {
    return 1U << static_cast<unsigned>(r);
  }
  server* next_ = nullptr;
  server* prev_ = nullptr;
  waiter* holder_ = nullptr;
  pool_list<waiter> behind_;  // the holder, in turn
  micro_time since_{};        // of idle or of the lease
  micro_time expires_{};      // max_lifetime less jitter; retired: the past
  micro_time opened_{};
  std::uint64_t leases_ = 0;
  std::uint32_t pins_ = 0;
  std::uint32_t era_ = 0;           // of retire_all
  member_id promised_to_ = nobody;  // closing: whose its permit is then
  bool running_ = false;            // leased or pinned: counts for the pool's concurrency
  server_state state_ = server_state::absent;
};

}  // namespace fairing::pool
