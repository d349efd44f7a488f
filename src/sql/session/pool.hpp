// pool: one pool at its home core: the machine that decides, the servers and clients it decides about.
//
// Flow:  state.pool_for(key) -> post to pool->home: client::start(seed)
// Lifecycle: made by plane_state on any core; lives on `home`; forgotten when it has no servers and has had no clients for
// a while, or at once where PostgreSQL never let it in. Threads: its home core, but for the constructor, wake(),
// snapshot() and what is atomic.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics/registry.hpp"
#include "pool/pool_periods.hpp"
#include "pool/server_pool.hpp"
#include "pool/server_pool_probe.hpp"
#include "sql/logic/relay.hpp"
#include "sql/session/server.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

class client;

// What others are told of a pool; at most a tick old.
struct pool_snapshot {
  std::uint32_t clients = 0, size = 0, opening = 0, idle = 0, leased = 0, pinned = 0,
                max_pinned = 0, closing = 0, waiting = 0, running = 0, concurrency = 0;
  bool ahead = false, gathers = false, paused = false;
  server_error last_fault;  // of opening a server, ever
  pool::pool_totals totals;
  pool::period_list periods{};
};

class sql_pool final : public std::enable_shared_from_this<sql_pool>,
                       pool::pool_events,
                       pool::budget_waker {
 public:
  static std::shared_ptr<sql_pool> make(plane_state& plane, core_part& home, pool_key key);
  ~sql_pool();

  plane_state& plane;
  core_part& home;
  const pool_key key;
  pool_shared shared;
  pool::server_pool_probe probe;
  metrics::counter queries, queries_failed, queries_slow, sent_ahead, called_back;
  pool::pool_homes homes;                      // of a first home: whether it needs another
  std::atomic<std::int64_t> expected{0};       // clients: here, and on their way
  std::atomic<mono_time> left_at{now().mono};  // when the last of them left, or it was made

  [[nodiscard]] pool::server_pool& machine() noexcept { return machine_; }
  [[nodiscard]] bool transaction_mode() const noexcept {
    return key.mode == pool_mode::transaction;
  }

  void add(client& c);
  void remove(client& c);
  [[nodiscard]] client* find(std::uint32_t id) noexcept;
  [[nodiscard]] const std::unordered_map<std::uint32_t, client*>& clients() const noexcept {
    return clients_;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<server>>& servers() const noexcept {
    return servers_;
  }

  // Of a client: the machine's answer.
  [[nodiscard]] pool::acquired acquire(client& c);
  // From servers.
  void opened(server& s, const opened_server& how);
  void open_failed(server& s, const server_error& e);
  void give_back(server& s);
  // Who stands behind its client is to be served elsewhere; what was sent ahead is nobody's.
  void call_back(server& s);
  // A client that waits does not any more.
  void leave_queue(client& c);
  // What a client has left there unseen is ended, at once or when it is nobody's.
  void scrub(const server* s);
  // Not to be used again: the caller closes it.
  void discard(server& s, pool::close_reason why);
  void gone(server& s);  // destroys it

  void tick(pool::micro_time now);
  void apply(runtime_ptr r);  // after a reload: `runtime` is new
  void set_paused(bool on);
  void reconnect();  // the servers of now are not used again
  void dismiss();    // plane_state has forgotten it: it ends when its servers have
  void begin_drain();
  void close();  // ends every client and server

  // What a new client is told; empty until a server was opened.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& status() const noexcept {
    return status_;
  }
  [[nodiscard]] const server_error& last_error() const noexcept { return last_error_; }
  [[nodiscard]] const runtime_ptr& runtime() const noexcept { return runtime_; }
  [[nodiscard]] pool_snapshot snapshot() const;  // any thread
  [[nodiscard]] pool_snapshot live() const;      // as it is now: its home core
  [[nodiscard]] double wait_quantile(double q) const { return wait_.quantile(q); }
  [[nodiscard]] std::uint64_t closed(pool::close_reason r) const {
    return closed_[static_cast<std::size_t>(r)].value();
  }
  [[nodiscard]] std::uint64_t pins(pool::pin_reason r) const {
    return pins_[static_cast<std::size_t>(r)].value();
  }

 private:
  sql_pool(plane_state& p, core_part& h, pool_key k, runtime_ptr r, const metrics::labels& l);

  // pool_events
  pool::server* open() noexcept override;
  void close(pool::server& s, pool::close_reason why, pool::microseconds age) noexcept override;
  void give_up(pool::waiter& w, pool::refusal why, pool::microseconds waited) noexcept override;
  // budget_waker
  void wake() noexcept override;
  void publish();
  void tell_faults();
  void check_servers(mono_time now);
  [[nodiscard]] bool is_upstreams_own(const server_error& e) const;
  void forget_soon();
  void forget_if_never_let_in();
  void hand_over(const pool::released& r, server& s);
  void send_ahead(server& s);
  void call_back_soon();
  void pause_ahead();
  void pass_on();
  void pass_soon();
  void let_go(mono_time since);
  void let_go_soon();
  [[nodiscard]] static pool::pool_options options_of(const sql_runtime& r, const pool_key& k);

  runtime_ptr runtime_;
  const secret_cache::keeper secret_;  // of its user: what opens its servers
  pool::server_pool machine_;
  pool::pool_periods periods_;
  std::uint64_t used_us_ = 0;  // while PostgreSQL worked, of leases that ended
  std::vector<std::unique_ptr<server>> servers_;
  std::unordered_map<std::uint32_t, client*> clients_;
  std::vector<std::pair<std::string, std::string>> status_;
  server_error last_error_;  // of opening a server, since one was opened
  server_error last_fault_;  // the same, ever
  mono_time next_peer_check_{};
  pool::waiter janitor_;  // who has a server that is being scrubbed
  out_batch ahead_;
  mono_time ahead_again_{};                      // nothing is sent ahead until then
  milliseconds ahead_pause_{0};                  // the last one
  std::uint32_t sent_lately_ = 0, in_vain_ = 0;  // ahead; of them called back by time
  bool passing_soon_ = false;
  bool calling_back_soon_ = false;
  bool letting_go_ = false;
  bool dismissed_ = false;
  metrics::histogram wait_;
  std::array<metrics::counter, pool::close_reasons> closed_;
  std::array<metrics::counter, pool::pin_reasons> pins_;
  mutable std::mutex snapshot_mutex_;
  pool_snapshot snapshot_;
};

// The pool's clock: precise, as waits of a query are short.
[[nodiscard]] pool::micro_time pool_now() noexcept;

}  // namespace fairing::sql
