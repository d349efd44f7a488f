#include "cache/store.hpp"

#include <algorithm>
#include <bit>
#include <mutex>

#include "base/hash.hpp"
#include "cache/shard.hpp"

namespace fairing::cache {

namespace {
constexpr std::size_t max_shards = 256;
constexpr std::size_t largest_share = 4;  // no object over a quarter of the budget

std::uint64_t ms_of(instant now) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.mono.time_since_epoch().count()));
}
}  // namespace

struct store::impl {
  impl(config c, purge_log& l)
      : log(l),
        count(std::bit_ceil(std::clamp<std::size_t>(c.shards, 1, max_shards))),
        bytes(new ledger(c.budget_bytes)),
        shards(std::make_unique<shard[]>(count)) {
    for (std::size_t i = 0; i < count; ++i) shards[i].open(*bytes, log, seed);
  }
  ~impl() {
    shards.reset();
    bytes->release();
  }

  [[nodiscard]] std::size_t index_of(std::uint64_t hash) const noexcept {
    return hash & (count - 1);
  }
  [[nodiscard]] shard& of(std::uint64_t hash) noexcept { return shards[index_of(hash)]; }

  // Puts `need` bytes on the ledger, making room if it must: the expired of all shards first, then
  // the live of the fuller of `own` and a rotating other shard. False: what is left is held by
  // readers.
  bool reserve(std::size_t need, std::uint64_t now_ms, std::size_t own) {
    while (!bytes->try_add(need)) {
      if (reclaim_some(now_ms)) continue;
      const std::size_t used = bytes->used();
      const std::size_t budget = bytes->budget();
      if (need > budget) return false;
      const std::size_t over = used > budget - need ? used - (budget - need) : 1;
      if (evict_some(over, own) == 0) return false;
    }
    return true;
  }

  // If the shard must grow to take one more, makes room for that too, so that the growing itself
  // need not evict in that shard what is live while another holds what is expired.
  void make_growth_room(std::uint64_t hash, std::uint64_t now_ms) {
    const std::size_t growth = of(hash).growth_bytes();
    if (growth == 0 || bytes->used() + growth <= bytes->budget()) return;
    if (reserve(growth, now_ms, index_of(hash))) bytes->sub(growth);
  }

  // True if something expired was found (or might still be: a wheel far behind needs several
  // turns).
  bool reclaim_some(std::uint64_t now_ms) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!shards[i].wheel_behind(now_ms)) continue;
      trash out;
      const std::lock_guard lock(shards[i].mutex());
      if (shards[i].reclaim(now_ms, trash::room, out) > 0 || shards[i].wheel_behind(now_ms))
        return true;
    }
    return false;
  }

  // Evicts about `wanted` bytes, a batch at most; 0 if there is nothing left to evict.
  std::size_t evict_some(std::size_t wanted, std::size_t own) {
    std::size_t victim = rotation.fetch_add(1, std::memory_order_relaxed) & (count - 1);
    if (shards[own].bytes() >= shards[victim].bytes()) victim = own;
    if (shards[victim].bytes() == 0)
      for (std::size_t i = 0; i < count; ++i)
        if (shards[i].bytes() > shards[victim].bytes()) victim = i;
    if (shards[victim].bytes() == 0) return 0;
    trash out;
    const std::lock_guard lock(shards[victim].mutex());
    return std::max<std::size_t>(1, shards[victim].evict(wanted, out));
  }

  purge_log& log;
  const std::uint64_t seed = process_seed();
  const std::size_t count;
  ledger* const bytes;
  std::unique_ptr<shard[]> shards;
  std::atomic<std::size_t> rotation{0};
  std::atomic<std::size_t> sweep_from{0};
};

store::store(config c, purge_log& log) : impl_(std::make_unique<impl>(c, log)) {}
store::~store() = default;

std::uint64_t store::hash(std::string_view key) const noexcept { return hash64(key, impl_->seed); }

lookup store::find(std::uint64_t hash, std::string_view key, instant now) {
  shard& s = impl_->of(hash);
  trash out;
  lookup result;
  const std::lock_guard lock(s.mutex());
  const value* found = nullptr;
  result.state = s.look(hash, key, ms_of(now), found, out);
  if (result.state != lookup_state::miss) result.value = value_ptr(found);
  return result;
}

lookup_state store::visit_erased(std::uint64_t hash, std::string_view key, instant now,
                                 void (*f)(void*, const value&, lookup_state), void* context) {
  shard& s = impl_->of(hash);
  trash out;
  const std::lock_guard lock(s.mutex());
  const value* found = nullptr;
  const lookup_state state = s.look(hash, key, ms_of(now), found, out);
  if (state != lookup_state::miss) f(context, *found, state);
  return state;
}

put_result store::put(std::uint64_t hash, std::string_view key, value_ptr v,
                      const put_options& options, instant now) {
  if (options.ttl <= milliseconds{0}) return put_result::no_ttl;
  if (options.tags.size() > max_tags) return put_result::too_many_tags;
  if (key.size() > max_key_bytes) return put_result::too_large;
  const std::size_t block = heap_bytes(key_block::size(key.size(), options.tags.size()));
  const std::size_t largest = impl_->bytes->budget() / largest_share;
  if (block > largest || v->cost_bytes() > largest - block) return put_result::too_large;

  const std::uint64_t now_ms = ms_of(now);
  const std::size_t need = block + v->cost_bytes();
  if (!impl_->reserve(need, now_ms, impl_->index_of(hash))) return put_result::too_large;
  const auto ttl_ms = std::min(static_cast<std::uint64_t>(options.ttl.count()), max_expiry_ms);
  shard::incoming in{hash,
                     key,
                     key_block::make(key, options.tags),
                     options.tags.size(),
                     std::move(v),
                     now_ms + ttl_ms,
                     now_ms,
                     options.began,
                     need};
  impl_->make_growth_room(hash, now_ms);
  shard& s = impl_->of(hash);
  trash out;
  const std::lock_guard lock(s.mutex());
  return s.insert(in, out);
}

bool store::replace(std::uint64_t hash, std::string_view key, const value* expected, value_ptr v,
                    instant now) {
  const std::size_t cost = v->cost_bytes();
  const std::uint64_t now_ms = ms_of(now);
  if (cost > impl_->bytes->budget() / largest_share) return false;
  if (!impl_->reserve(cost, now_ms, impl_->index_of(hash))) return false;
  shard& s = impl_->of(hash);
  trash out;
  const std::lock_guard lock(s.mutex());
  const bool done = s.replace(hash, key, expected, v, now_ms, out);
  if (!done) impl_->bytes->sub(cost);
  return done;
}

bool store::erase(std::uint64_t hash, std::string_view key) {
  shard& s = impl_->of(hash);
  trash out;
  const std::lock_guard lock(s.mutex());
  return s.erase(hash, key, out);
}

void store::clear() {
  for (std::size_t i = 0; i < impl_->count; ++i)
    for (bool empty = false; !empty;) {
      trash out;
      const std::lock_guard lock(impl_->shards[i].mutex());
      empty = impl_->shards[i].clear(out);
    }
}

std::size_t store::sweep(instant now, std::size_t limit) {
  const std::uint64_t now_ms = ms_of(now);
  const std::size_t first = impl_->sweep_from.fetch_add(1, std::memory_order_relaxed);
  std::size_t removed = 0;
  for (std::size_t turn = 0; turn < impl_->count; ++turn) {
    shard& s = impl_->shards[(first + turn) & (impl_->count - 1)];
    while (removed < limit && s.wheel_behind(now_ms)) {
      trash out;
      const std::lock_guard lock(s.mutex());
      const std::size_t count = s.reclaim(now_ms, limit - removed, out);
      removed += count;
      if (count == 0) break;
    }
  }
  return removed;
}

void store::for_each_entry(instant now, const std::function<bool(const entry_view&)>& f) const {
  for (std::size_t i = 0; i < impl_->count; ++i) {
    const std::lock_guard lock(impl_->shards[i].mutex());
    if (!impl_->shards[i].for_each(ms_of(now), f)) return;
  }
}

void store::for_each(instant now,
                     const std::function<bool(std::string_view key, const value&)>& f) const {
  for_each_entry(now, [&](const entry_view& e) { return f(e.key, e.held); });
}

store_stats store::stats() const {
  store_stats stats;
  for (std::size_t i = 0; i < impl_->count; ++i) {
    const std::lock_guard lock(impl_->shards[i].mutex());
    impl_->shards[i].add_stats(stats);
  }
  stats.bytes = impl_->bytes->used();
  return stats;
}

std::size_t store::budget_bytes() const noexcept { return impl_->bytes->budget(); }

void store::set_budget(std::size_t bytes) {
  const bool shrinks = bytes < impl_->bytes->budget();
  impl_->bytes->set_budget(bytes);
  if (!shrinks) return;
  const auto over = [&] {
    const std::size_t used = impl_->bytes->used();
    return used > bytes ? used - bytes : 0;
  };
  const auto evict_down = [&](std::size_t wanted) {
    for (std::size_t freed = 0; freed < wanted;) {
      const std::size_t got = impl_->evict_some(wanted - freed, 0);
      if (got == 0) return;
      freed += got;
    }
  };
  // By halves, since what the evicted leave in slabs and tables comes back when those are
  // compacted.
  for (int round = 0; round < 24 && over() > 0; ++round) {
    evict_down(over() / 2 + 1);
    for (std::size_t i = 0; i < impl_->count; ++i) {
      const std::lock_guard lock(impl_->shards[i].mutex());
      impl_->shards[i].compact(true);
    }
  }
  evict_down(over());
}

}  // namespace fairing::cache
