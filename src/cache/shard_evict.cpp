// The part of a shard that makes room: queues, eviction, growth and shrinking.
#include <algorithm>
#include <tuple>

#include "base/hash.hpp"
#include "cache/shard.hpp"

namespace fairing::cache {

namespace {
// A round over main ends here even if all of it is hot, so that a lock is held for microseconds
// only.
constexpr int max_second_chances = 128;
constexpr std::size_t compact_from_nodes = 1024;
}  // namespace

// The table is taken to be full from 7/8 of what two choices let it reach.
void shard::note_growth() noexcept {
  std::size_t bytes = nodes_.free_nodes() == 0 ? slab::chunk_bytes : 0;
  if ((table_.size() + 1) * 5 > table_.slots() * 4)
    bytes += table::bytes_for(table_.next_buckets());
  growth_bytes_.store(bytes, std::memory_order_relaxed);
}

void shard::account(queue& q, std::size_t added, std::size_t removed) noexcept {
  q.bytes = q.bytes + added - removed;
  bytes_.store(small_.bytes + main_.bytes, std::memory_order_relaxed);
  note_growth();
}

void shard::push(queue& q, std::uint32_t i) {
  nodes_[i].fifo_next = no_node;
  nodes_[i].in_main = &q == &main_;
  if (q.newest == no_node)
    q.oldest = i;
  else
    nodes_[q.newest].fifo_next = i;
  q.newest = i;
}

// Unlinks the oldest that is live; the dead before it are freed. no_node when the queue is empty.
std::uint32_t shard::pop_live(queue& q) {
  while (q.oldest != no_node) {
    const std::uint32_t i = q.oldest;
    q.oldest = nodes_[i].fifo_next;
    if (q.oldest == no_node) q.newest = no_node;
    if (nodes_[i].live) return i;
    nodes_.give_back(i);
    --dead_;
  }
  return no_node;
}

// Another round in main for a node just popped, unless it was purged meanwhile.
bool shard::keep_in_main(std::uint32_t i, bool promoted) {
  node& n = nodes_[i];
  if (recheck(n) == verdict::gone) return false;
  const std::size_t bytes = charge(n);
  account(queue_of(n), 0, bytes);
  n.frequency = promoted ? 0 : (n.frequency - 1) & 3U;
  push(main_, i);
  account(main_, bytes, 0);
  return true;
}

// Evicts one entry; its bytes, or 0 when there is none.
std::size_t shard::evict_one(trash& out) {
  for (int chances = 0;;) {
    const bool small_is_full = small_.bytes * 10 > small_.bytes + main_.bytes;
    bool from_small = small_is_full || main_.oldest == no_node;
    std::uint32_t i = pop_live(from_small ? small_ : main_);
    if (i == no_node) {
      from_small = !from_small;
      i = pop_live(from_small ? small_ : main_);
      if (i == no_node) return 0;
    }
    node& n = nodes_[i];
    const bool used = from_small ? n.frequency > 1 : n.frequency > 0;
    removal why = removal::evicted;
    if (used && chances++ < max_second_chances) {
      if (keep_in_main(i, from_small)) continue;
      why = removal::purged;
    }
    const std::uint64_t hash = hash_of(n);
    if (from_small && why == removal::evicted) ghost_.insert(hash);
    const std::size_t bytes = charge(n);
    strip(i, hash, why, out);
    nodes_.give_back(i);
    return bytes;
  }
}

std::size_t shard::evict(std::size_t wanted, trash& out) {
  std::size_t freed = 0;
  while (freed < wanted && !out.full()) {
    const std::size_t bytes = evict_one(out);
    if (bytes == 0) break;
    freed += bytes;
  }
  compact(false);
  return freed;
}

// A node from the free list, from a new chunk if the budget allows, else from an eviction.
std::uint32_t shard::take_node(trash& out) {
  for (;;) {
    if (const std::uint32_t i = nodes_.take(); i != no_node) return i;
    if (nodes_.capacity() + slab::chunk_nodes <= slab::max_nodes &&
        ledger_->try_add(slab::chunk_bytes)) {
      nodes_.grow();
      continue;
    }
    if (evict_one(out) == 0 && nodes_.free_nodes() == 0) return no_node;
  }
}

bool shard::make_slot(std::uint64_t hash, std::uint32_t i, trash& out) {
  std::size_t buckets = table_.next_buckets();
  while (!table_.insert(hash, i)) {
    if (!ledger_->try_add(table::bytes_for(buckets))) {
      if (evict_one(out) == 0) return false;
      continue;
    }
    const std::size_t before = table_.bytes();
    const bool moved = rebuild_table(buckets);
    ledger_->sub(moved ? before : table::bytes_for(buckets));
    buckets += buckets / 2 + 1;
  }
  return true;
}

// False, and nothing changed, in the rare case that two choices do not fit all into so many
// buckets.
bool shard::rebuild_table(std::size_t buckets) {
  table next(buckets);
  bool fits = true;
  table_.for_each([&](std::uint32_t i) { fits = fits && next.insert(hash_of(nodes_[i]), i); });
  if (fits) table_ = std::move(next);
  return fits;
}

void shard::grow_ghost() {
  const std::size_t wanted = table_.size() * 9 / 10;
  if (wanted <= ghost_.capacity()) return;
  const std::size_t next = ghost::capacity_for(wanted);
  if (!ledger_->try_add(ghost::bytes_for(next))) return;  // older ghosts go a little sooner
  ledger_->sub(ghost_.bytes());
  ghost_.resize(next);
}

void shard::sweep_dead() {
  sweep_dead(small_);
  sweep_dead(main_);
}

void shard::sweep_dead(queue& q) {
  queue kept;
  kept.bytes = q.bytes;
  while (q.oldest != no_node) {
    const std::uint32_t i = q.oldest;
    q.oldest = nodes_[i].fifo_next;
    if (!nodes_[i].live) {
      nodes_.give_back(i);
      --dead_;
      continue;
    }
    nodes_[i].fifo_next = no_node;
    if (kept.newest == no_node)
      kept.oldest = i;
    else
      nodes_[kept.newest].fifo_next = i;
    kept.newest = i;
  }
  q = kept;
}

// Both slabs exist for a moment, the new one at most a quarter of the old (or what a reload asked
// for).
void shard::compact(bool now) {
  const bool sparse =
      nodes_.capacity() >= compact_from_nodes && nodes_.free_nodes() * 4 > nodes_.capacity() * 3;
  if (!sparse && !now) return;
  const std::size_t before = overhead_bytes();
  sweep_dead();
  slab old = std::move(nodes_);
  nodes_ = slab{};
  const std::uint64_t swept = wheel_.cursor();
  wheel_ = ttl_wheel{};
  wheel_.settle(swept * 1000);
  table next(table::buckets_for(table_.size()));
  std::swap(table_, next);
  for (queue* q : {&small_, &main_}) {
    std::uint32_t from = std::exchange(q->oldest, no_node);
    q->newest = no_node;
    while (from != no_node) {
      if (nodes_.free_nodes() == 0) nodes_.grow();
      const std::uint32_t to = nodes_.take();
      nodes_[to] = old[from];
      from = old[from].fifo_next;
      push(*q, to);
      wheel_.link(nodes_, to);
      const std::uint64_t hash = hash_of(nodes_[to]);
      for (std::size_t buckets = table_.next_buckets(); !table_.insert(hash, to);
           buckets += buckets / 2 + 1)
        std::ignore = rebuild_table(buckets);
    }
  }
  ghost_.resize(ghost::capacity_for(table_.size() * 9 / 10));
  ledger_->add(overhead_bytes());
  ledger_->sub(before);
}

}  // namespace fairing::cache
