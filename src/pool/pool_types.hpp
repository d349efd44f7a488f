// pool_types: the words of the server pool: states and reasons, each with its name and sentence.
//
// Problem: nobody trusts a pooler that pins, closes or refuses without saying why. Every such step
// carries one of these reasons; name() is the metric's label, sentence() is what a person reads.
//
// Flow:  log("closed: {}", sentence(why));  labels{{"reason", std::string(name(why))}}
// Units: micro_time is the steady clock in microseconds; a mono_time converts to it by itself.
// Threads: any; all is constant.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"

namespace fairing::pool {

using std::chrono::microseconds;

// Milliseconds are too coarse for the wait of a query, so the pool's time is finer. A caller that
// has only the loop's mono_time passes that; one that has precise_us() passes at_us() of it.
using micro_time = std::chrono::time_point<std::chrono::steady_clock, microseconds>;
[[nodiscard]] constexpr micro_time at_us(std::int64_t us) noexcept {
  return micro_time{microseconds{us}};
}
inline constexpr micro_time never = micro_time::max();

enum class server_state : std::uint8_t {
  absent,   // no part of a pool: not yet asked for, or gone
  opening,  // being connected and logged in
  idle,     // ready, nobody has it
  leased,   // a client has it until its transaction ends
  pinned,   // a client keeps it beyond its transaction, for at least one pin_reason
  closing,  // being closed; counts until closed() is told
};
[[nodiscard]] std::string_view name(server_state s) noexcept;

enum class pin_reason : std::uint8_t {
  temp_table,        // a temporary table lives in that server's session
  with_hold_cursor,  // a cursor declared WITH HOLD lives in that server's session
  advisory_lock,     // a session-level advisory lock is held
  listen,            // LISTEN is active: notifications come to that server's session only
  session_setting,   // SET of something that cannot be replayed elsewhere
  sequence,          // currval() or lastval() refers to that server's session
  large_object,      // a large object's descriptor is open
  prepared_sql,      // a statement of SQL's PREPARE that cannot be prepared elsewhere
  copy,              // COPY is under way
  two_phase,         // a transaction is prepared for commit in two phases
  unknown_state,     // something ran whose effect on the session is not known (DO, LOAD, a call)
  session_mode,      // session pooling: a server for as long as the client is connected
};
inline constexpr std::size_t pin_reasons = 12;
[[nodiscard]] std::string_view name(pin_reason r) noexcept;
[[nodiscard]] std::string_view sentence(pin_reason r) noexcept;

enum class close_reason : std::uint8_t {
  idle_timeout,    // idle for longer than idle_timeout
  max_lifetime,    // older than max_lifetime (less jitter)
  retired,         // opened before a reload or reconnect
  surplus,         // the pool was made smaller than the servers it has
  yielded,         // given up for another pool that waits
  paused,          // the pool is paused
  draining,        // the pool is being shut down
  server_gone,     // the server closed the connection or could not be reached
  protocol_doubt,  // what the server sent was not expected: never reused
  client_gone,     // its client left in the middle of something
  cancel_doubt,    // a cancel request may still be under way to it
  reset_failed,    // its session could not be brought back to a known state
  timed_out,       // a statement or an idle transaction passed its limit
  killed,          // an operator asked for it
  open_failed,     // it never became ready
  session_over,    // its client logged in through it and has left: nobody else may use it
};
inline constexpr std::size_t close_reasons = 16;
[[nodiscard]] std::string_view name(close_reason r) noexcept;
[[nodiscard]] std::string_view sentence(close_reason r) noexcept;

enum class refusal : std::uint8_t {
  none,            // not refused
  timeout,         // no server came free within wait_timeout
  queue_full,      // too many clients wait already
  server_refuses,  // new servers cannot be opened, and there are none
  draining,        // the pool is being shut down
  paused,          // the pool is paused, and was for as long as the client may wait
};
inline constexpr std::size_t refusals = 6;
[[nodiscard]] std::string_view name(refusal r) noexcept;
[[nodiscard]] std::string_view sentence(refusal r) noexcept;

}  // namespace fairing::pool
