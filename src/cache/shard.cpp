#include "cache/shard.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace fairing::cache {

namespace {
std::size_t block_heap_bytes(const node& n) noexcept {
  return heap_bytes(key_block::size(n.key().size(), n.tag_count));
}
}  // namespace

void shard::open(ledger& l, const purge_log& log, std::uint64_t seed) {
  ledger_ = &l;
  log_ = &log;
  seed_ = seed;
  ledger_->add(sizeof(shard) + overhead_bytes());
}

shard::~shard() {
  for (bool empty = false; !empty;) {
    trash out;
    empty = clear(out);
  }
  ledger_->sub(sizeof(shard) + overhead_bytes());
}

std::uint64_t shard::hash_of(const node& n) const noexcept { return hash64(n.key(), seed_); }

std::size_t shard::charge(const node& n) noexcept {
  return block_heap_bytes(n) + n.held()->cost_bytes();
}

std::uint32_t shard::locate(std::uint64_t hash, std::string_view key) const {
  return table_.find(hash, [&](std::uint32_t i) {
    const node& n = nodes_[i];
    __builtin_prefetch(n.held());  // needed as soon as the key has matched, and a miss of its own
    return n.key() == key;
  });
}

// The sequence is read before the log is asked: what the check does not see is newer than what is
// remembered.
verdict shard::recheck(node& n) {
  const purge_seq s = log_->seq();
  if (n.checked_seq() != s) {
    const verdict v = log_->check(n.tags(), n.key(), n.checked_seq());
    if (v == verdict::gone) return v;
    if (v == verdict::stale) n.soft = 1;
    n.set_checked_seq(s);
  }
  return n.soft ? verdict::stale : verdict::fresh;
}

lookup_state shard::look(std::uint64_t hash, std::string_view key, std::uint64_t now_ms,
                         const value*& found, trash& out) {
  const std::uint32_t i = locate(hash, key);
  if (i == no_node) return lookup_state::miss;
  node& n = nodes_[i];
  if (n.expiry_ms() <= now_ms) {
    remove(i, removal::expired, out);
    return lookup_state::miss;
  }
  const verdict v = recheck(n);
  if (v == verdict::gone) {
    remove(i, removal::purged, out);
    return lookup_state::miss;
  }
  if (n.frequency < 3) n.frequency = (n.frequency + 1) & 3U;
  found = n.held();
  return v == verdict::stale ? lookup_state::purged : lookup_state::hit;
}

put_result shard::insert(incoming& in, trash& out) {
  const std::span<const tag_hash> tags{reinterpret_cast<const tag_hash*>(in.block), in.tags};
  const purge_seq s = log_->seq();
  const verdict v = log_->check(tags, in.key, in.began);
  const auto refuse = [&](put_result why) {
    key_block::destroy(in.block);
    ledger_->sub(in.reserved);
    return why;
  };
  if (v == verdict::gone) return refuse(put_result::purged_meanwhile);

  wheel_.settle(in.now_ms);
  std::uint32_t i = locate(in.hash, in.key);
  if (i != no_node) {
    overwrite(i, in, out);
  } else {
    i = take_node(out);
    if (i == no_node) return refuse(put_result::too_large);
    if (!make_slot(in.hash, i, out)) {
      nodes_.give_back(i);
      return refuse(put_result::too_large);
    }
    node& n = nodes_[i];
    n.live = 1;
    n.frequency = 0;
    n.set_block(in.block, in.tags);
    n.hold(nullptr);
    swap_value(n, in.held, out);
    queue& q = ghost_.take(in.hash) ? main_ : small_;
    push(q, i);
    account(q, charge(n), 0);
    grow_ghost();
  }
  node& n = nodes_[i];
  n.set_expiry_ms(in.expiry_ms);
  wheel_.link(nodes_, i);
  // After a soft purge the old sequence stays, so the next look-up finds it stale.
  n.soft = 0;
  n.set_checked_seq(v == verdict::stale ? in.began : s);
  return put_result::stored;
}

// The new value's bytes are on the ledger already; if they were counted before, they are given
// back.
void shard::swap_value(node& n, value_ptr& v, trash& out) {
  if (!v->attach(*ledger_)) ledger_->sub(v->cost_bytes());
  if (n.held() != nullptr) out.take(n.held());
  n.hold(v.detach());
}

void shard::overwrite(std::uint32_t i, incoming& in, trash& out) {
  node& n = nodes_[i];
  const std::size_t before = charge(n);
  wheel_.unlink(nodes_, i);
  ledger_->sub(block_heap_bytes(n));
  key_block::destroy(n.block());
  n.set_block(in.block, in.tags);
  swap_value(n, in.held, out);
  account(queue_of(n), charge(n), before);
  ++removed_[static_cast<std::size_t>(removal::replaced)];
}

bool shard::replace(std::uint64_t hash, std::string_view key, const value* expected, value_ptr& v,
                    std::uint64_t now_ms, trash& out) {
  const std::uint32_t i = locate(hash, key);
  if (i == no_node) return false;
  node& n = nodes_[i];
  if (n.held() != expected || n.expiry_ms() <= now_ms) return false;
  if (recheck(n) == verdict::gone) {
    remove(i, removal::purged, out);
    return false;
  }
  const std::size_t before = charge(n);
  swap_value(n, v, out);
  account(queue_of(n), charge(n), before);
  ++removed_[static_cast<std::size_t>(removal::replaced)];
  return true;
}

bool shard::erase(std::uint64_t hash, std::string_view key, trash& out) {
  const std::uint32_t i = locate(hash, key);
  if (i == no_node) return false;
  remove(i, removal::erased, out);
  return true;
}

// Takes the entry out of everything but its queue's links.
void shard::strip(std::uint32_t i, std::uint64_t hash, removal why, trash& out) {
  node& n = nodes_[i];
  table_.erase(hash, i);
  wheel_.unlink(nodes_, i);
  account(queue_of(n), 0, charge(n));
  ledger_->sub(block_heap_bytes(n));
  key_block::destroy(n.block());
  out.take(n.held());
  n.live = 0;
  ++removed_[static_cast<std::size_t>(why)];
}

void shard::remove(std::uint32_t i, removal why, trash& out) {
  strip(i, hash_of(nodes_[i]), why, out);
  ++dead_;
  if (dead_ >= 256 && dead_ * 4 >= nodes_.capacity()) {
    sweep_dead();
    compact(false);
  }
}

std::size_t shard::reclaim(std::uint64_t now_ms, std::size_t limit, trash& out) {
  limit = std::min(limit, trash::room);
  std::size_t steps = limit * 8 + 1024;
  std::size_t count = 0;
  while (count < limit && !out.full()) {
    const std::uint32_t i = wheel_.next_due(nodes_, now_ms, steps);
    if (i == no_node) break;
    remove(i, removal::expired, out);
    ++count;
  }
  if (!wheel_.behind(now_ms)) swept_second_.store(now_ms / 1000, std::memory_order_relaxed);
  return count;
}

bool shard::clear(trash& out) {
  while (!out.full()) {
    std::uint32_t i = pop_live(small_);
    if (i == no_node) i = pop_live(main_);
    if (i == no_node) {
      const std::size_t before = overhead_bytes();
      nodes_ = slab{};
      table_ = table{};
      ghost_ = ghost{};
      ledger_->add(overhead_bytes());
      ledger_->sub(before);
      return true;
    }
    strip(i, hash_of(nodes_[i]), removal::erased, out);
    nodes_.give_back(i);
  }
  return false;
}

void shard::add_stats(store_stats& stats) const {
  stats.entries += table_.size();
  for (std::size_t i = 0; i < removal_count; ++i) stats.removed[i] += removed_[i];
}

bool shard::for_each(std::uint64_t now_ms, const std::function<bool(const entry_view&)>& f) const {
  bool go_on = true;
  table_.for_each([&](std::uint32_t i) {
    const node& n = nodes_[i];
    if (!go_on || n.expiry_ms() <= now_ms) return;
    const verdict v = log_->check(n.tags(), n.key(), n.checked_seq());
    if (v == verdict::gone) return;
    const bool soft = n.soft || v == verdict::stale;
    go_on =
        f(entry_view{n.key(), n.tags(), *n.held(), soft ? lookup_state::purged : lookup_state::hit,
                     milliseconds{static_cast<std::int64_t>(n.expiry_ms() - now_ms)}});
  });
  return go_on;
}

}  // namespace fairing::cache
