// server_pool: who waits, who leases, which server opens and which closes, for one pool (user,
// database, start-up set) on its home core. A pure machine: no IO, no timer, no allocation.
//
// Problem: a server that comes free must go to the client that waits longest, at once and past
// nobody (newcomers that steal it are where p99 goes); a surplus must age out; a broken PostgreSQL
// must fail clients fast and be probed gently; and pools share one budget of connections.
//
// Flow (the session layer owns sql_server : server and sql_client : waiter):
//   auto a = pool.acquire(client, now);
//     granted: a.to is leased to the client. waiting: release(), opened() will name the client, or
//     events.give_up() will. refused: a.why (and, for server_refuses, the error of the last login).
//   at ReadyForQuery 'I', without pins:  auto r = pool.release(server, now);
//     r.to != null: it belongs to that client now: start its statement.
//   on any doubt, or when the server died (idle or leased):  pool.discard(server, why, now); close
//     the socket; pool.closed(server, now).
//   events.open(): make a server, start its login; later pool.opened(server, now, random) (the same
//     answer as release) or pool.open_failed(server, now, random), after which it may be destroyed.
//   events.close(server, why): send Terminate, close, and when PostgreSQL has closed its end too (or
//     after a second): pool.closed(server, now); then destroy it. closed() may be called at once.
//   every 100 ms, and when the waker is called:  pool.tick(now).
//   a client leaves while it waits: pool.cancel(client).
//   the oldest waiter's statement is sent before another's on that server has ended (ADR 27):
//     if (auto* w = pool.may_stand_behind(server, now)) { send it; pool.stand_behind(server); }
//     release(server) then leases to that one; after pool.step_back(server) it waits again as before.
//   a server must be kept beyond its transaction:  if (!pool.try_pin(server, why)) refuse to run it.
// Events are called with the pool in order; but for closed() they must not call it back: post.
// Idle servers are reused last in first out, so that the surplus reaches idle_timeout; among the
// newest `look` of them one with the client's session state is preferred.
// Concurrency: at most so many leases run at once (pool_options), as more of them than the database has
// cores make each other slow. A lease does not count any more when it is pinned or older than
// `step_aside`: a long statement, or a transaction whose client thinks, keeps nobody else back.
// Invariant: nobody waits beside an idle server, unless paused or unless so many run; what comes free
// by time alone is handed on by pass(), which the owner calls soon while held_back() holds.
// While logins fail, they are tried again after a growing, jittered pause; when `connect_attempts`
// failed in a row and no server is left, clients are refused at once and one probe at a time goes on.
// Lifecycle: drain(), then until size() is 0, or abandon() what is left; then destroy. Threads: home core; the budget is shared.
// Cost: acquire() of an idle server and release(): a few ns each, no atomic read-modify-write.
// Source: hand-off and reasons as measured against PgBouncer; HikariCP for jitter of lifetimes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "pool/concurrency_limit.hpp"
#include "pool/pool_budget.hpp"
#include "pool/pool_nodes.hpp"

namespace fairing::pool {

class pool_events {
 public:
  // Make a server and start to connect it; null when that is not possible now (counts as a failed
  // login). The answer must come later, not from inside this call.
  [[nodiscard]] virtual server* open() noexcept = 0;
  virtual void close(server& s, close_reason why, microseconds age) noexcept = 0;
  virtual void give_up(waiter& w, refusal why, microseconds waited) noexcept = 0;

 protected:
  ~pool_events() = default;
};

enum class acquire_kind : std::uint8_t {
  granted,  // a server is leased to the client
  waiting,  // the client is queued
  refused,  // neither; see the refusal
};
struct acquired {
  acquire_kind kind;
  refusal why = refusal::none;
  server* to = nullptr;
};

struct released {
  waiter* to = nullptr;    // has the server now; null: it is idle or being closed
  microseconds held{0};    // how long the lease lasted that ended (0 for opened())
  microseconds waited{0};  // how long `to` had waited
};

// An idle server that a waiter got, because fewer run than may.
struct passed {
  server* from = nullptr;  // null: nothing to pass
  waiter* to = nullptr;
  microseconds waited{0};
};

struct pool_options {
  std::uint32_t size = 10;                 // servers at most, those being closed included
  std::uint32_t min_idle = 0;              // opened ahead, and not closed by idle_timeout
  std::uint32_t max_waiters = 10'000;      // beyond it: queue_full
  std::uint32_t max_pinned = 5;            // at a time, of all pools; at least 1 is taken
  std::uint32_t open_parallel = 4;         // logins at a time
  std::uint32_t connect_attempts = 1;      // failed logins in a row that fail the waiters; 0: never
  std::uint32_t look = 4;                  // idle servers looked at for the client's state
  std::uint32_t concurrency = UINT32_MAX;  // leases that run at once, at most; at least 1 is taken
  bool adapt = false;  // concurrency_limit finds how many, up to size; `concurrency` is not used
  bool gather = true;  // with `adapt`: gather() may ask the core to sleep on while clients wait
  bool ahead =
      true;  // with `adapt`: clients that wait may stand behind others, where that is found to be faster
  bool always_ahead = false;        // or whenever they wait
  microseconds step_aside{10'000};  // an older lease does not count among them
  milliseconds wait_timeout{10'000};
  milliseconds idle_timeout{600'000};
  milliseconds max_lifetime{3'600'000};  // less up to a tenth, by chance
  milliseconds backoff{100};             // pause after a failed login, doubled with each ...
  milliseconds backoff_max{10'000};      // ... up to this; each half to whole of it, by chance
};

// Since the start of the pool; for SHOW STATS and for advice on its size.
struct pool_totals {
  std::uint64_t granted = 0;      // leases
  std::uint64_t waited = 0;       // of them, those that had to wait
  std::uint64_t wait_us = 0;      // summed over them
  std::uint64_t max_wait_us = 0;  // the longest
  std::uint64_t released = 0;     // leases that ended
  std::uint64_t held_us = 0;      // summed over them
  std::uint64_t opened = 0;
  std::uint64_t open_failed = 0;
  std::uint64_t closed = 0;
  std::uint64_t refused = 0;  // for whatever reason
  std::uint64_t no_room = 0;  // of them, timeouts and full queues
  std::uint64_t pins_refused = 0;
};

class server_pool {
 public:
  // `me` is this pool's membership of the budget; the pool leaves it when destroyed.
  server_pool(pool_options o, pool_budget& budget, member_id me, pool_events& events) noexcept;
  ~server_pool();
  server_pool(const server_pool&) = delete;
  server_pool& operator=(const server_pool&) = delete;

  [[nodiscard]] acquired acquire(waiter& w, micro_time now) noexcept;
  // The idle server itself, for the owner's own purposes; `w` waits for nothing.
  void take(server& s, waiter& w, micro_time now) noexcept;
  [[nodiscard]] released release(server& s, micro_time now) noexcept;
  // An idle, leased or pinned one is not to be used any more; the caller closes it. Its pins end.
  // Answers how long the lease lasted, 0 for an idle one.
  microseconds discard(server& s, micro_time now) noexcept;
  [[nodiscard]] released opened(server& s, micro_time now, std::uint64_t random) noexcept;
  void open_failed(server& s, micro_time now, std::uint64_t random) noexcept;
  void closed(server& s, micro_time now) noexcept;
  // The process ends before it has gone: forgotten, whatever it is; nothing is done for it. Then it may be destroyed.
  void abandon(server& s, micro_time now) noexcept;
  // Somebody waits beside an idle server, or one that is not opened because so many run: pass() is to be called
  // within a few milliseconds.
  [[nodiscard]] bool held_back() const noexcept {
    return !waiters_.empty() && !paused_ && (!idle_.empty() || (total_ < options_.size && full()));
  }
  [[nodiscard]] bool can_pass() const noexcept {
    return !waiters_.empty() && !idle_.empty() && !paused_ && !full();
  }
  // To be called until nothing is passed.
  [[nodiscard]] passed pass(micro_time now) noexcept;
  // False when it does not wait (any more).
  bool cancel(waiter& w, micro_time now) noexcept;
  void tick(micro_time now) noexcept;

  // False when max_pinned servers of all pools are pinned already; then nothing has changed.
  [[nodiscard]] bool try_pin(server& s, pin_reason why) noexcept;
  // One reason less; true when none is left, so that the server may be released again.
  bool unpin(server& s, pin_reason why) noexcept;

  void set_options(pool_options o, micro_time now) noexcept;
  // Servers of now are not used again: the idle ones close now, the others when released.
  void retire_all(micro_time now) noexcept;
  void pause(micro_time now) noexcept;  // all wait; servers close as they are released
  void resume(micro_time now) noexcept;
  void drain(micro_time now) noexcept;  // newcomers are refused; who waits is still served

  [[nodiscard]] std::uint32_t size() const noexcept { return total_; }
  [[nodiscard]] std::uint32_t opening() const noexcept { return opening_; }
  [[nodiscard]] std::uint32_t idle() const noexcept { return idle_.size(); }
  [[nodiscard]] std::uint32_t leased() const noexcept { return leased_; }  // pinned ones included
  [[nodiscard]] std::uint32_t pinned() const noexcept { return pinned_; }
  [[nodiscard]] std::uint32_t pinned_in_all() const noexcept { return budget_.pinned(); }
  [[nodiscard]] std::uint32_t running() const noexcept { return running_.size(); }
  // How many may run at once: no more than size.
  [[nodiscard]] std::uint32_t concurrency() const noexcept {
    return std::min(options_.adapt ? limit_.chosen() : std::max(options_.concurrency, 1U),
                    options_.size);
  }
  // How long the core may sleep beyond the first message that comes, as clients wait anyway; 0: not at all.
  [[nodiscard]] microseconds gather() const noexcept {
    return options_.adapt && waiting() > 0 ? limit_.gather(running_.size() + behind_)
                                           : microseconds{0};
  }
  // While clients wait, so many of the oldest ones' statements may be sent to a server that still works for another.
  [[nodiscard]] std::uint32_t most_behind() const noexcept {
    if (options_.always_ahead) return concurrency_limit::most_behind;
    return options_.adapt ? limit_.behind() : 0;
  }
  // Who may stand behind the holder of that server, and behind those who do already; null: nobody.
  [[nodiscard]] waiter* may_stand_behind(const server& s, micro_time now) const noexcept;
  // The oldest waiter has that server next, after them.
  void stand_behind(server& s) noexcept;
  // Those who stand behind its holder are the oldest waiters again.
  void step_back(server& s, micro_time now) noexcept;
  // Whether it does so while clients wait.
  [[nodiscard]] bool gathers() const noexcept { return options_.adapt && limit_.gathers(); }
  [[nodiscard]] std::uint32_t closing() const noexcept { return closing_.size(); }
  // Those that stand behind others included.
  [[nodiscard]] std::uint32_t waiting() const noexcept { return waiters_.size() + behind_; }
  // It was chosen to send statements ahead.
  [[nodiscard]] bool ahead() const noexcept {
    return options_.always_ahead || (options_.adapt && limit_.chosen_behind() > 0);
  }
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  // Logins fail and no server is left: clients are refused.
  [[nodiscard]] bool refusing() const noexcept;
  [[nodiscard]] const pool_totals& totals() const noexcept { return totals_; }
  [[nodiscard]] const pool_options& options() const noexcept { return options_; }
  [[nodiscard]] std::uint32_t max_pinned() const noexcept {
    return std::max(options_.max_pinned, 1U);
  }

 private:
  [[nodiscard]] acquired acquire_slow(waiter& w, micro_time now) noexcept;
  [[nodiscard]] server* choose_idle(const waiter& w) noexcept;
  [[nodiscard]] bool must_close(const server& s, micro_time now, close_reason& why) const noexcept;
  [[nodiscard]] member_id yields_to(micro_time now, microseconds idle_for) noexcept;
  [[nodiscard]] released next_for(server& s, micro_time now) noexcept;
  [[nodiscard]] std::uint32_t at_once() const noexcept {
    return options_.adapt ? limit_.now() : std::max(options_.concurrency, 1U);
  }
  [[nodiscard]] bool full() const noexcept { return running_.size() >= at_once() && !draining_; }
  microseconds lease_to_oldest(server& s, micro_time now) noexcept;
  microseconds lease_to(server& s, waiter& w, micro_time now) noexcept;
  void leave(server& s, waiter& w) noexcept;
  void set_aside(server& s) noexcept;
  void end_pin(server& s) noexcept;
  void set_aside_old(micro_time now) noexcept;
  microseconds end_lease(server& s, micro_time now) noexcept;
  void lease(server& s, waiter& w, micro_time now) noexcept;
  void to_idle(server& s, micro_time now) noexcept;
  void from_idle(server& s) noexcept;
  void start_close(server& s, close_reason why, micro_time now) noexcept;
  void forget(server& s, micro_time now) noexcept;
  void enqueue(waiter& w, micro_time now) noexcept;
  void dequeue(waiter& w) noexcept;
  void refuse(waiter& w, refusal why, micro_time now) noexcept;
  void count(refusal why) noexcept {
    ++totals_.refused;
    totals_.no_room += why == refusal::timeout || why == refusal::queue_full;
  }
  void pursue(micro_time now) noexcept;
  [[nodiscard]] bool start_open(micro_time now) noexcept;
  void failed(micro_time now, std::uint64_t random) noexcept;
  void close_idle(close_reason why, micro_time now) noexcept;
  void age_idle(micro_time now) noexcept;
  void donate_idle(micro_time now) noexcept;
  void expire_waiters(micro_time now) noexcept;
  void prewarm(micro_time now) noexcept;

  pool_options options_;
  pool_budget& budget_;
  pool_events& events_;
  member_id me_;
  pool_list<server> idle_;     // the oldest first
  pool_list<waiter> waiters_;  // the oldest first
  pool_list<server> closing_;
  pool_list<server> running_;  // leases that count, the oldest first
  pool_list<server> aside_;    // leases that do not
  concurrency_limit limit_;
  std::uint32_t total_ = 0;
  std::uint32_t opening_ = 0;
  std::uint32_t leased_ = 0;
  std::uint32_t pinned_ = 0;
  std::uint32_t behind_ = 0;    // waiters that stand behind holders
  std::uint32_t spare_ = 0;     // permits collected and not yet used
  std::uint32_t era_ = 0;       // retire_all() counts it up
  std::uint32_t failures_ = 0;  // logins failed in a row
  bool paused_ = false;
  bool draining_ = false;
  bool probe_asked_ = false;          // a client was refused since the last probe
  micro_time retry_at_{};             // no login before
  micro_time next_look_{};            // no look at other pools' claims before
  micro_time next_deadline_ = never;  // no waiter's is earlier
  pool_totals totals_;
};

}  // namespace fairing::pool
