// http_pool: which upstream connection a request of this core gets; one machine an upstream and
// core.
//
// Problem: reuse the warmest connection, open no more than allowed over all cores, and when there
// is none hand a released one straight to the oldest waiter, so that newcomers cannot steal it
// (that is where p99 goes).
//
// Flow (the caller keeps sockets by conn_id, coroutines by ticket):
//   auto a = pool.acquire(now);
//     - reuse: a.id is leased, its socket is open. Should it turn out dead: renew(a.id, now), and
//       open a new socket.
//     - open: a.id is leased: open a socket for it. If that fails: release(a.id, false, now).
//     - reopen: as open, but close the old socket of a.id first (it was idle too long).
//     - wait: sleep until some release() or tick() names a.waiting; at the deadline
//       cancel(a.waiting): false means it was served meanwhile, and what it got must be released.
//     - refuse: the queue is full: answer 503.
//   auto r = pool.release(id, reusable, now);
//     - keep: it is idle now; leave the socket open, and call drop(id) should the peer close it.
//     - close: close the socket; the id is free.
//     - hand: wake r.to: it leases id with its open socket.
//     - hand_reopen: close the socket, wake r.to: it leases id and opens a new socket.
//   every 100 ms, and when another core asks: pool.tick(now, out)
// `ask_others` (of a wait) and `wake_others` (of a release or tick): post a tick to the other cores
// now instead of waiting for their timer.
// Lifecycle: drain() before it is destroyed: idle ones are closed by the next tick, leased ones
// when released.
// Threads: one core; `permits` is shared.
// Bounded: connections by the permits, waiters by queue_limit.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "pool/permits.hpp"

namespace fairing::pool {

using conn_id = std::uint32_t;  // small and dense, used again after close
using ticket = std::uint64_t;   // never used again
inline constexpr conn_id no_conn = UINT32_MAX;

enum class acquire_kind : std::uint8_t {
  reuse,   // an idle connection, the newest
  open,    // a new connection may be opened
  reopen,  // an idle connection's place, but not its socket
  wait,    // all are busy: queued
  refuse,  // the queue is full
};
struct acquired {
  acquire_kind kind;
  conn_id id = no_conn;     // reuse, open, reopen
  ticket waiting = 0;       // wait
  bool ask_others = false;  // wait: other cores hold connections that may be idle
};

enum class release_kind : std::uint8_t {
  keep,         // idle, for later
  close,        // its socket must be closed
  hand,         // belongs to `to` now, socket and all
  hand_reopen,  // its place belongs to `to` now; the socket must be closed
};
struct released {
  release_kind kind;
  ticket to = 0;             // hand, hand_reopen
  bool wake_others = false;  // a permit is free that another core waits for
};

struct ticked {
  std::vector<conn_id> close;                    // sockets to close; the ids are free
  std::vector<std::pair<ticket, conn_id>> open;  // waiters that may open a socket for their id
  bool wake_others = false;
  void clear();
};

class pool_fsm {
 public:
  struct options {
    milliseconds idle_timeout{60'000};  // an idle connection is closed after this
    milliseconds max_lifetime{
        3'600'000};                    // not reused when older; up to a tenth less, spread by id
    std::uint32_t queue_limit = 1024;  // waiters of this core
  };
  pool_fsm(options o, permits& shared);
  ~pool_fsm();  // gives back its permits
  pool_fsm(const pool_fsm&) = delete;
  pool_fsm& operator=(const pool_fsm&) = delete;

  [[nodiscard]] acquired acquire(mono_time now);
  [[nodiscard]] released release(conn_id id, bool reusable, mono_time now);
  // A leased connection got a new socket: its lifetime starts anew.
  void renew(conn_id id, mono_time now);
  // An idle connection died. True when another core waits for the permit that is free now
  // (wake_others).
  bool drop(conn_id id);
  // Is this connection idle (and not leased again meanwhile)?
  [[nodiscard]] bool is_idle(conn_id id) const noexcept;
  // A waiter gives up. False when it is not waiting any more.
  bool cancel(ticket t);
  // Closes what is too old, serves waiters with permits that came free, gives up idle ones that
  // other cores want. `out` is cleared first.
  void tick(mono_time now, ticked& out);
  // From now on nothing is kept.
  void drain() noexcept { draining_ = true; }

  [[nodiscard]] std::uint32_t size() const noexcept { return idle_count_ + leased_count_; }
  [[nodiscard]] std::uint32_t idle() const noexcept { return idle_count_; }
  [[nodiscard]] std::uint32_t leased() const noexcept { return leased_count_; }
  [[nodiscard]] std::uint32_t waiting() const noexcept {
    return static_cast<std::uint32_t>(waiters_.size());
  }

 private:
  enum class slot_state : std::uint8_t {
    free,    // the id can be given out
    idle,    // in the idle list
    leased,  // in use, or being opened
  };
  struct slot {
    slot_state state = slot_state::free;
    mono_time opened;
    mono_time idle_since;
    conn_id older = no_conn;  // idle list
    conn_id newer = no_conn;
  };

  [[nodiscard]] conn_id lease_new(mono_time now);
  void free_slot(conn_id id);
  void idle_push(conn_id id, mono_time now);
  void idle_remove(conn_id id);
  [[nodiscard]] bool too_old(conn_id id, mono_time now) const noexcept;
  [[nodiscard]] ticket pop_waiter();

  options options_;
  permits& permits_;
  std::vector<slot> slots_;
  std::vector<conn_id> free_;
  std::deque<ticket> waiters_;  // oldest first; tickets grow
  ticket next_ticket_ = 1;
  conn_id oldest_ = no_conn;
  conn_id newest_ = no_conn;
  std::uint32_t idle_count_ = 0;
  std::uint32_t leased_count_ = 0;
  bool draining_ = false;
};

}  // namespace fairing::pool
