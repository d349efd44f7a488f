// state: what the sql plane's parts share: one plane_state a process, one core_part a core.
//
// Problem: sessions need their core's scratch space, the configuration of now, the pools and the registry of cancel
// keys, and must not know the plane itself.
//
// Lifecycle: plane_state outlives the cores' threads. Threads: core_part its core's own; of plane_state what says so.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics/registry.hpp"
#include "net/core.hpp"
#include "net/dialer.hpp"
#include "net/event.hpp"
#include "net/offload.hpp"
#include "pool/pool_budget.hpp"
#include "pool/pool_homes.hpp"
#include "pool/pool_size.hpp"
#include "sql/logic/insight.hpp"
#include "sql/session/cancel_keys.hpp"
#include "sql/session/login_guard.hpp"
#include "sql/session/outlet.hpp"
#include "sql/session/runtime.hpp"
#include "sql/session/secrets.hpp"
#include "sql/session/upstream_watch.hpp"

namespace fairing::sql {

class sql_pool;
struct plane_state;
class login;

// What tells pools apart: servers of one pool are alike for all of its clients.
struct pool_key {
  std::string user;
  std::string database;
  // Of the client's start-up, by name, in lower case, what a session must begin with; in session pooling all but
  // application_name.
  std::vector<std::pair<std::string, std::string>> parameters;
  pool_mode mode = pool_mode::transaction;
  // Of whoever PostgreSQL itself lets in, one a core: each client logs in through a server of its own.
  bool relayed = false;
  std::uint32_t home = 0;  // which of the pools that are alike but for their core
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool operator==(const pool_key&) const = default;
};
// Of the pool that is known before any client comes: by user, password and database of sql.upstream. nullopt: there is
// none, or nothing is to be opened ahead.
[[nodiscard]] std::optional<pool_key> key_ahead(const sql_runtime& r);

class core_part {
 public:
  core_part(plane_state& p, net::core& c);

  plane_state& plane;
  net::core& core;
  runtime_ptr runtime;  // of now
  // Every read goes here; what is not used at once is copied. Never kept across a suspension.
  std::array<char, 64 * 1024> scratch;
  write_scratch writes;
  std::shared_ptr<net::resolver_cache> names;    // of the upstream of now
  std::vector<std::shared_ptr<sql_pool>> pools;  // whose home this core is
  std::vector<login*> logins;
  std::unique_ptr<insight> watch;         // statistics and N+1 of this core's statements
  std::uint32_t auth_queries = 0;         // under way
  std::uint32_t refusing = 0;             // clients too many that are being told so
  std::vector<net::event*> auth_waiting;  // log-ins that wait for one of them

  std::atomic<std::uint32_t> busy_permille{0};  // of its thread, over the last tick; any thread

  [[nodiscard]] std::uint64_t random() noexcept;

 private:
  void tick();
  void count_loops(std::int64_t now_us);
  std::uint64_t random_state_;
  std::int64_t looked_us_ = 0;  // for loops that are over
  std::uint64_t loops_ = 0;     // counted
  pool::busy_meter busy_;
};

struct sql_counters {
  metrics::counter logins, logins_failed, logins_refused, cancels, cancels_unknown, tls_failed;
  metrics::counter loops;
};

struct plane_state {
  plane_state(net::core_group& c, metrics::registry& r, runtime_ptr first, bus::write_sets* writes);
  ~plane_state();

  net::core_group& cores;
  metrics::registry& registry;
  bus::write_sets* const writes;  // of watched traces; null: nobody asks
  pool::pool_budget budget;       // servers of all pools; any thread
  cancel_keys keys;               // any thread
  secret_cache secrets;           // any thread
  login_guard guard;              // any thread
  upstream_watch upstream;        // any thread
  sql_counters count;
  std::string mock_seed;  // of the secrets of users that do not exist
  std::atomic<std::int64_t> connections{0};
  std::atomic<bool> draining{false};
  std::atomic<bool> closing{false};
  // Derives keys from passwords. Last but one, so that its jobs end before what they use.
  std::unique_ptr<net::offload> deriving;

  [[nodiscard]] core_part& part_of(const net::core& c) noexcept { return *parts_[c.index()]; }
  [[nodiscard]] runtime_ptr runtime() const;
  void set_runtime(runtime_ptr r);  // main thread; the cores follow
  // Of a key's homes the pool with the fewest clients, made if need be, with one client more that is on its way to it; null: there are too many, all with clients.
  [[nodiscard]] std::shared_ptr<sql_pool> pool_for(const pool_key& key);
  // The same for log-ins that are relayed from that core.
  [[nodiscard]] std::shared_ptr<sql_pool> relay_pool(core_part& home);
  [[nodiscard]] std::vector<std::shared_ptr<sql_pool>> pools() const;
  // min_idle servers of the pool that sql.upstream names, if it does, before any client comes. Main thread.
  void open_ahead();
  // What the waits of the last hour say about sql.pool.size. Of transaction pools: a session is no lease that ends.
  [[nodiscard]] pool::size_advice sizing() const;
  // Looks whether a pool, by its first home, needs another; that home's core.
  void look_at_homes(sql_pool& first);
  // Of a database, or of all (""): nobody gets a server, in the pools of now and those made meanwhile. Any thread.
  void pause(const std::string& database, bool on);
  [[nodiscard]] bool paused(const std::string& database) const;
  // By name, not as one of all.
  [[nodiscard]] bool paused_itself(const std::string& database) const;
  // A pool has it.
  [[nodiscard]] bool has_database(std::string_view name) const;
  // Nobody uses it any more: forgotten, unless a client is on its way. Its home core.
  void retire(sql_pool& p);
  // Of its metrics. Names are a client's words, so there is a limit to how many are told apart.
  [[nodiscard]] metrics::labels labels_of(const pool_key& key);
  // False if it was asked within the last minute: then the log need not say it again. Any thread.
  [[nodiscard]] bool is_news(std::string what);
  // True if this many clients may come in; counts it.
  [[nodiscard]] bool admit();

  std::vector<std::unique_ptr<core_part>> parts_;

 private:
  const pool::micro_time began_;
  [[nodiscard]] core_part& emptiest_core(const pool_key& key);
  [[nodiscard]] std::shared_ptr<sql_pool> add_pool(const pool_key& key, core_part& home);
  // With mutex_ held.
  void forget(const sql_pool& p);
  [[nodiscard]] bool dismiss_longest_unused();
  static constexpr std::size_t most_pools = 256;
  static constexpr std::size_t most_labelled = 200;
  static constexpr std::size_t most_told = 4096;
  static constexpr seconds told_for{60};
  mutable std::mutex mutex_;
  runtime_ptr runtime_;
  std::unordered_map<std::string, std::shared_ptr<sql_pool>> pools_;
  std::unordered_map<std::string, std::uint32_t> homes_;  // of pools that have more than one
  std::set<std::string> paused_;                          // databases; "": all
  std::set<std::pair<std::string, std::string>> labelled_;
  std::unordered_map<std::string, mono_time> told_;
};

}  // namespace fairing::sql
