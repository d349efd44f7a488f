#include "sql/session/state.hpp"

#include <algorithm>
#include <ctime>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "crypto/crypto.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

namespace {
constexpr std::size_t derive_queue = 256;
}

std::string pool_key::text() const {
  std::string t = user + '\0' + database + '\0' + static_cast<char>('0' + static_cast<int>(mode));
  t += (relayed ? 'r' : 'p') + std::to_string(home);
  for (const auto& [name, value] : parameters) t += '\0' + name + '\0' + value;
  return t;
}

std::optional<pool_key> key_ahead(const sql_runtime& r) {
  const auto& pool = r.config.pool;
  const auto& up = r.config.upstream;
  const bool named = !up.database.empty() && r.users.contains(up.user);
  if (pool.min_idle == 0 || pool.mode != pool_mode::transaction || !named) return std::nullopt;
  return pool_key{.user = up.user, .database = up.database, .parameters = {}};
}

namespace {
insight_options watch_options(const sql_config& c, bus::write_sets* writes) {
  return {.seed = process_seed(),
          .detect = c.n_plus_one.detect,
          .least = c.n_plus_one.least,
          .slow_us = 1000 * c.slow.count(),
          .writes = writes};
}
}  // namespace

core_part::core_part(plane_state& p, net::core& c)
    : plane(p),
      core(c),
      names(std::make_shared<net::resolver_cache>()),
      watch(std::make_unique<insight>(watch_options(p.runtime()->config, p.writes))),
      random_state_(process_seed() + 0x51 + c.index() * 0x9e3779b97f4a7c15ULL) {
  core.every_tick([this](instant) { tick(); });
  core.every_turn_end([this] { writes.send_held(); });
}

std::uint64_t core_part::random() noexcept { return mix64(random_state_ += 0x9e3779b97f4a7c15ULL); }

void core_part::tick() {
  const auto t = pool_now();
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  busy_permille.store(
      busy_.add(std::int64_t{used.tv_sec} * 1'000'000 + used.tv_nsec / 1'000, precise_us()),
      std::memory_order_relaxed);
  for (std::size_t i = 0; i < pools.size(); ++i) pools[i]->tick(t);
  count_loops(precise_us());
  if (core.index() == 0) plane.upstream.look(*this);
}

// A loop is seen to be over when nothing of it came for a second.
void core_part::count_loops(std::int64_t now_us) {
  constexpr std::int64_t second_us = 1'000'000;
  if (now_us - looked_us_ < second_us) return;
  looked_us_ = now_us;
  watch->flush(now_us);
  const auto found = watch->found().loops();
  plane.count.loops.add(found - loops_);
  loops_ = found;
}

plane_state::plane_state(net::core_group& c, metrics::registry& r, runtime_ptr first,
                         bus::write_sets* of_traces)
    : cores(c),
      registry(r),
      writes(of_traces),
      budget(first->pool_size),
      mock_seed(crypto::random_bytes(32).value_or(std::to_string(process_seed()))),
      deriving(std::make_unique<net::offload>("sql-keys", derive_queue, false)),
      began_(pool_now()),
      runtime_(first) {
  const auto login = [&r](const char* outcome) {
    return r.add_counter("fairing_sql_logins_total", "Log-ins of clients", {{"outcome", outcome}});
  };
  count.logins = login("ok");
  count.logins_failed = login("failed");
  count.logins_refused = login("refused");
  const auto cancel = [&r](const char* outcome) {
    return r.add_counter("fairing_sql_cancels_total", "Cancel requests of clients",
                         {{"outcome", outcome}});
  };
  count.cancels = cancel("taken");
  count.cancels_unknown = cancel("unknown");
  count.loops = r.add_counter("fairing_n_plus_one_total", "N+1 loops, by what was done about them",
                              {{"plane", "sql"}, {"action", "detected"}});
  for (std::uint32_t i = 0; i < cores.size(); ++i) {
    parts_.push_back(std::make_unique<core_part>(*this, cores.at(i)));
    parts_.back()->runtime = first;
  }
}

plane_state::~plane_state() = default;

runtime_ptr plane_state::runtime() const {
  const std::lock_guard lock(mutex_);
  return runtime_;
}

void plane_state::set_runtime(runtime_ptr r) {
  bool other_place = false;
  bool other_servers = false;
  {
    const std::lock_guard lock(mutex_);
    other_place = runtime_->config.upstream.host != r->config.upstream.host ||
                  runtime_->config.upstream.port != r->config.upstream.port;
    other_servers = !same_servers(runtime_->config, r->config);
    runtime_ = r;
  }
  if (other_servers) upstream.forget();
  secrets.ask_again();
  budget.set_limit(r->pool_size);
  for (auto& p : parts_)
    p->core.post([part = p.get(), r, other_place] {
      part->runtime = r;
      part->watch->set(watch_options(r->config, part->plane.writes));
      if (other_place) part->names = std::make_shared<net::resolver_cache>();
      for (const auto& pool : part->pools) pool->apply(r);
    });
  open_ahead();
}

void plane_state::open_ahead() {
  const auto key = key_ahead(*runtime());
  const auto pool = key ? pool_for(*key) : nullptr;
  if (pool) pool->expected.fetch_sub(1);  // nobody is on his way
}

std::shared_ptr<sql_pool> plane_state::pool_for(const pool_key& key) {
  auto missing = key;
  {
    const std::lock_guard lock(mutex_);
    const auto split = homes_.find(key.text());
    const auto homes = split == homes_.end() ? 1U : split->second;
    std::shared_ptr<sql_pool> best;
    bool all = true;
    for (std::uint32_t i = 0; i < homes; ++i) {
      auto each = key;
      each.home = i;
      const auto at = pools_.find(each.text());
      if (at == pools_.end()) {
        missing = each;
        all = false;
        break;
      }
      if (!best || at->second->expected.load() < best->expected.load()) best = at->second;
    }
    if (!all && pools_.size() >= most_pools) {
      all = best != nullptr;
      if (!all && !dismiss_longest_unused()) return nullptr;
    }
    if (all) {
      best->expected.fetch_add(1);
      return best;
    }
  }
  return add_pool(missing, emptiest_core(missing));
}

// The one with the fewest clients, but for those that are a home of this pool already.
core_part& plane_state::emptiest_core(const pool_key& key) {
  std::vector<std::int64_t> load(parts_.size(), 0);
  constexpr std::int64_t taken = std::int64_t{1} << 40;
  auto first = key;
  first.home = 0;
  const auto text = first.text();
  for (const auto& p : pools()) {
    auto other = p->key;
    other.home = 0;
    load[p->home.core.index()] += 1 + p->expected.load() + (other.text() == text ? taken : 0);
  }
  const auto least = std::min_element(load.begin(), load.end()) - load.begin();
  return *parts_[static_cast<std::size_t>(least)];
}

void plane_state::look_at_homes(sql_pool& first) {
  const auto core_count = static_cast<std::uint32_t>(parts_.size());
  if (core_count < 2 || first.key.relayed || first.key.home != 0) return;
  if (first.machine().size() < pool::pool_homes::rules{}.servers_each) {
    (void)first.homes.look({}, now().mono);
    return;
  }
  const auto text = first.key.text();
  std::vector<std::shared_ptr<sql_pool>> all;
  {
    const std::lock_guard lock(mutex_);
    const auto split = homes_.find(text);
    const auto homes = split == homes_.end() ? 1U : split->second;
    for (std::uint32_t i = 0; i < homes; ++i) {
      auto each = first.key;
      each.home = i;
      if (const auto at = pools_.find(each.text()); at != pools_.end()) all.push_back(at->second);
    }
    if (all.size() < homes) return;  // the last one that was added has no client yet
  }
  pool::pool_homes::view v{.homes = static_cast<std::uint32_t>(all.size()),
                           .cores = core_count,
                           .servers = 0,
                           .busy_permille = 1000};
  for (const auto& p : all) {
    v.servers += p->snapshot().size;
    v.busy_permille = std::min(v.busy_permille, p->home.busy_permille.load());
  }
  if (!first.homes.look(v, now().mono)) return;
  {
    const std::lock_guard lock(mutex_);
    homes_[text] = v.homes + 1;
  }
  log::info("sql_pool_split", {{"user", first.key.user},
                               {"database", first.key.database},
                               {"homes", std::to_string(v.homes + 1)}});
}

void plane_state::pause(const std::string& database, bool on) {
  bool changed = true;
  {
    const std::lock_guard lock(mutex_);
    if (on)
      changed = paused_.insert(database).second;
    else if (database.empty())
      changed = !std::exchange(paused_, {}).empty();
    else
      changed = paused_.erase(database) > 0;
  }
  if (changed)
    log::info(on ? "sql_paused" : "sql_resumed",
              {{"database", database.empty() ? std::string_view("(all)") : database}});
  for (const auto& p : pools())
    p->home.core.post([p] { p->set_paused(p->plane.paused(p->key.database)); });
}

bool plane_state::paused(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return paused_.contains("") || paused_.contains(database);
}

bool plane_state::paused_itself(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return paused_.contains(database);
}

bool plane_state::has_database(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(pools_, [&](const auto& p) { return p.second->key.database == name; });
}

std::shared_ptr<sql_pool> plane_state::relay_pool(core_part& home) {
  pool_key key{.user = "(relay)", .database = "(any)", .parameters = {}};
  key.mode = pool_mode::session;
  key.relayed = true;
  key.home = home.core.index();
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = pools_.find(key.text()); at != pools_.end()) {
      at->second->expected.fetch_add(1);
      return at->second;
    }
  }
  return add_pool(key, home);
}

std::shared_ptr<sql_pool> plane_state::add_pool(const pool_key& key, core_part& home) {
  const auto made = sql_pool::make(*this, home, key);
  std::shared_ptr<sql_pool> chosen;
  {
    const std::lock_guard lock(mutex_);
    chosen = pools_.try_emplace(key.text(), made).first->second;
    chosen->expected.fetch_add(1);
  }
  if (chosen == made)
    made->home.core.post([made] {
      made->apply(made->home.runtime);
      made->set_paused(made->plane.paused(made->key.database));
      made->home.pools.push_back(made);
    });
  return chosen;
}

std::vector<std::shared_ptr<sql_pool>> plane_state::pools() const {
  std::vector<std::shared_ptr<sql_pool>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [text, p] : pools_) all.push_back(p);
  return all;
}

void plane_state::retire(sql_pool& p) {
  {
    const std::lock_guard lock(mutex_);
    if (p.expected.load() > 0 || !p.servers().empty()) return;
    forget(p);
  }
  std::erase_if(p.home.pools, [&p](const auto& each) { return each.get() == &p; });
}

void plane_state::forget(const sql_pool& p) {
  const auto known = pools_.find(p.key.text());
  if (known == pools_.end() || known->second.get() != &p) return;  // dismissed before
  pools_.erase(known);
  auto first = p.key;
  first.home = 0;
  if (const auto at = homes_.find(first.text()); at != homes_.end() && !p.key.relayed) {
    if (p.key.home == 0)
      homes_.erase(at);
    else if (at->second == p.key.home + 1)
      at->second = p.key.home;
  }
}

// False: all have clients.
bool plane_state::dismiss_longest_unused() {
  std::shared_ptr<sql_pool> oldest;
  for (const auto& [text, p] : pools_)
    if (p->expected.load() == 0 && (!oldest || p->left_at.load() < oldest->left_at.load()))
      oldest = p;
  if (!oldest) return false;
  forget(*oldest);
  oldest->home.core.post([oldest] { oldest->dismiss(); });
  return true;
}

bool plane_state::is_news(std::string what) {
  const auto t = now().mono;
  const std::lock_guard lock(mutex_);
  const auto at = told_.find(what);
  if (at != told_.end() && t - at->second < told_for) return false;
  if (at == told_.end() && told_.size() >= most_told) told_.clear();
  told_.insert_or_assign(std::move(what), t);
  return true;
}

metrics::labels plane_state::labels_of(const pool_key& key) {
  const std::lock_guard lock(mutex_);
  const std::pair<std::string, std::string> names{key.user, key.database};
  const bool known = labelled_.contains(names) ||
                     (labelled_.size() < most_labelled && labelled_.insert(names).second);
  const std::string other = "(other)";
  return {{"plane", "sql"},
          {"user", known ? key.user : other},
          {"database", known ? key.database : other}};
}

bool plane_state::admit() {
  const auto most = static_cast<std::int64_t>(runtime()->config.limits.connections);
  if (connections.fetch_add(1) < most) return true;
  connections.fetch_sub(1);
  return false;
}

pool::size_advice plane_state::sizing() const {
  const auto r = runtime();
  pool::period_list all{};
  std::uint32_t at_once = 0;
  for (const auto& p : pools()) {
    if (!p->transaction_mode()) continue;
    const auto s = p->snapshot();
    pool::add(all, s.periods);
    at_once += s.concurrency;
  }
  return pool::advise(pool::busiest(all, began_, pool_now(),
                                    {.size = r->pool_size,
                                     .formula = pool::auto_size(r->cores, r->config.pool.spindles),
                                     .concurrency = at_once}));
}

}  // namespace fairing::sql
