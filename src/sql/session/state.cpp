#include "sql/session/state.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "codec/scram/crypto.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

namespace {
constexpr std::size_t derive_queue = 256;
}

std::string pool_key::text() const {
  std::string t = user + '\0' + database + '\0' + static_cast<char>('0' + static_cast<int>(mode));
  for (const auto& [name, value] : parameters) t += '\0' + name + '\0' + value;
  return t;
}

namespace {
std::unique_ptr<insight> make_watch(const sql_config& c) {
  return std::make_unique<insight>(insight_options{.seed = process_seed(),
                                                   .detect = c.n_plus_one.detect,
                                                   .least = c.n_plus_one.least,
                                                   .slow_us = 1000 * c.slow.count()});
}
}  // namespace

core_part::core_part(plane_state& p, net::core& c)
    : plane(p),
      core(c),
      names(std::make_shared<net::resolver_cache>()),
      watch(make_watch(p.runtime()->config)),
      random_state_(process_seed() + 0x51 + c.index() * 0x9e3779b97f4a7c15ULL) {
  core.every_tick([this](instant) { tick(); });
}

std::uint64_t core_part::random() noexcept { return mix64(random_state_ += 0x9e3779b97f4a7c15ULL); }

void core_part::tick() {
  const auto t = pool_now();
  for (std::size_t i = 0; i < pools.size(); ++i) pools[i]->tick(t);
}

plane_state::plane_state(net::core_group& c, metrics::registry& r, runtime_ptr first)
    : cores(c),
      registry(r),
      budget(first->pool_size),
      mock_seed(scram::random_bytes(32).value_or(std::to_string(process_seed()))),
      deriving(std::make_unique<net::offload>("sql-keys", derive_queue, false)),
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
  {
    const std::lock_guard lock(mutex_);
    other_place = runtime_->config.upstream.host != r->config.upstream.host ||
                  runtime_->config.upstream.port != r->config.upstream.port;
    runtime_ = r;
  }
  secrets.ask_again();
  budget.set_limit(r->pool_size);
  for (auto& p : parts_)
    p->core.post([part = p.get(), r, other_place] {
      part->runtime = r;
      if (other_place) part->names = std::make_shared<net::resolver_cache>();
      for (const auto& pool : part->pools) pool->apply(r);
    });
}

std::shared_ptr<sql_pool> plane_state::pool_for(const pool_key& key) {
  const auto text = key.text();
  std::shared_ptr<sql_pool> made;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = pools_.find(text); at != pools_.end()) {
      at->second->expected.fetch_add(1);
      return at->second;
    }
    if (pools_.size() >= most_pools) return nullptr;
  }
  // Outside the lock: it registers metrics. The core with the fewest clients is its home.
  std::vector<std::int64_t> load(parts_.size(), 0);
  for (const auto& p : pools()) load[p->home.core.index()] += 1 + p->expected.load();
  const auto least = std::min_element(load.begin(), load.end()) - load.begin();
  made = sql_pool::make(*this, *parts_[static_cast<std::size_t>(least)], key);
  std::shared_ptr<sql_pool> chosen;
  {
    const std::lock_guard lock(mutex_);
    chosen = pools_.try_emplace(text, made).first->second;
    chosen->expected.fetch_add(1);
  }
  if (chosen == made)
    made->home.core.post([made] {
      made->apply(made->home.runtime);
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

bool plane_state::retire(sql_pool& p) {
  {
    const std::lock_guard lock(mutex_);
    if (p.expected.load() > 0 || !p.servers().empty()) return false;
    pools_.erase(p.key.text());
  }
  std::erase_if(p.home.pools, [&p](const auto& each) { return each.get() == &p; });
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

}  // namespace fairing::sql
