#include "cache/purge_log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/hash.hpp"

namespace fairing::cache {

namespace {

// Fixed, so that a tag hashes alike in every process that shares an L2.
constexpr std::uint64_t tag_seed = 0x6661'6972'696e'6701ULL;
constexpr std::uint64_t url_seed = 0x6661'6972'696e'6702ULL;
constexpr std::size_t first_slots = 1024;
constexpr std::size_t coarse_slots = 65536;

struct marks {
  std::atomic<purge_seq> hard{0};
  std::atomic<purge_seq> soft{0};

  void set(purge_kind kind, purge_seq s) noexcept {
    (kind == purge_kind::hard ? hard : soft).store(s, std::memory_order_release);
  }
  [[nodiscard]] bool gone(purge_seq since) const noexcept {
    return hard.load(std::memory_order_acquire) > since;
  }
  [[nodiscard]] bool stale(purge_seq since) const noexcept {
    return soft.load(std::memory_order_acquire) > since;
  }
};

struct tag_slot {
  std::atomic<tag_hash> tag{0};  // 0 is free; stored last, so who sees the tag sees its marks
  marks at;
};
static_assert(sizeof(tag_slot) == 24);

// Open addressing, linear, never over 3/4 full; one writer, any number of readers.
struct tag_table {
  explicit tag_table(std::size_t n) : slots(n) {}

  [[nodiscard]] std::size_t home(tag_hash tag) const noexcept {
    return static_cast<std::size_t>(mix64(tag ^ process_seed())) & (slots.size() - 1);
  }
  [[nodiscard]] const tag_slot* find(tag_hash tag) const noexcept {
    for (std::size_t i = home(tag);; i = (i + 1) & (slots.size() - 1)) {
      const tag_hash seen = slots[i].tag.load(std::memory_order_acquire);
      if (seen == tag) return &slots[i];
      if (seen == 0) return nullptr;
    }
  }
  // The tag must not be there yet, and there must be room.
  void insert(tag_hash tag, purge_seq hard, purge_seq soft) noexcept {
    std::size_t i = home(tag);
    while (slots[i].tag.load(std::memory_order_relaxed) != 0) i = (i + 1) & (slots.size() - 1);
    slots[i].at.hard.store(hard, std::memory_order_relaxed);
    slots[i].at.soft.store(soft, std::memory_order_relaxed);
    slots[i].tag.store(tag, std::memory_order_release);
  }

  std::vector<tag_slot> slots;
};

struct prefix_ban {
  std::string prefix;
  purge_seq hard = 0;
  purge_seq soft = 0;
  [[nodiscard]] purge_seq newest() const noexcept { return std::max(hard, soft); }
};

constexpr tag_hash never_zero(tag_hash tag) noexcept { return tag == 0 ? 1 : tag; }

void raise(std::atomic<purge_seq>& floor, purge_seq to) noexcept {
  if (floor.load(std::memory_order_relaxed) < to) floor.store(to, std::memory_order_release);
}

}  // namespace

tag_hash tag_of(std::string_view tag) noexcept { return never_zero(hash64(tag, tag_seed)); }
tag_hash url_tag_of(std::string_view key) noexcept { return never_zero(hash64(key, url_seed)); }

struct purge_log::impl {
  using coarse_array = std::array<marks, coarse_slots>;

  explicit impl(limits l) : limit(l), max_slots(std::max<std::size_t>(4, std::bit_floor(l.tags))) {
    tables.push_back(std::make_unique<tag_table>(std::min(first_slots, max_slots)));
    exact.store(tables.back().get(), std::memory_order_release);
  }

  // A tag's marks, making them where there is room, else the coarse ones.
  void mark(tag_hash tag, purge_kind kind, purge_seq s) {
    tag_table* table = tables.back().get();
    if (const tag_slot* slot = table->find(tag)) {
      const_cast<tag_slot*>(slot)->at.set(kind, s);
      return;
    }
    if ((tags + 1) * 4 > table->slots.size() * 3) {
      if (table->slots.size() >= max_slots) {
        mark_coarse(tag, kind, s);
        return;
      }
      table = grow();
    }
    const bool hard = kind == purge_kind::hard;
    table->insert(tag, hard ? s : 0, hard ? 0 : s);
    ++tags;
  }

  // Readers may be in the old table for as long as they like: it stays. All old ones together are
  // no larger than the newest. What they lack is newer than the sequence those readers have read.
  tag_table* grow() {
    const tag_table& old = *tables.back();
    auto next = std::make_unique<tag_table>(old.slots.size() * 2);
    for (const tag_slot& slot : old.slots)
      if (const tag_hash tag = slot.tag.load(std::memory_order_relaxed); tag != 0)
        next->insert(tag, slot.at.hard.load(std::memory_order_relaxed),
                     slot.at.soft.load(std::memory_order_relaxed));
    tables.push_back(std::move(next));
    exact.store(tables.back().get(), std::memory_order_release);
    return tables.back().get();
  }

  void mark_coarse(tag_hash tag, purge_kind kind, purge_seq s) {
    if (!coarse_owner) {
      coarse_owner = std::make_unique<coarse_array>();
      coarse.store(coarse_owner.get(), std::memory_order_release);
    }
    (*coarse_owner)[coarse_index(tag)].set(kind, s);
    overflows.fetch_add(1, std::memory_order_relaxed);
  }

  void ban(std::string_view prefix, purge_kind kind, purge_seq s) {
    const std::unique_lock lock(prefix_mutex);
    auto at = std::ranges::find(bans, prefix, &prefix_ban::prefix);
    if (at == bans.end()) {
      if (bans.size() >= limit.prefixes) fold_oldest();
      at = bans.insert(bans.end(), prefix_ban{std::string(prefix), 0, 0});
    }
    (kind == purge_kind::hard ? at->hard : at->soft) = s;
    newest_ban.store(s, std::memory_order_release);
  }

  // Forgets the ban purged longest ago: what was not looked at since then counts as purged with it.
  void fold_oldest() {
    overflows.fetch_add(1, std::memory_order_relaxed);
    const auto oldest = std::ranges::min_element(bans, {}, &prefix_ban::newest);
    if (oldest == bans.end()) return;
    raise(floor.hard, oldest->hard);
    raise(floor.soft, oldest->soft);
    bans.erase(oldest);
  }

  [[nodiscard]] static std::size_t coarse_index(tag_hash tag) noexcept {
    return static_cast<std::size_t>(mix64(tag)) % coarse_slots;
  }

  const limits limit;
  const std::size_t max_slots;
  mutable std::mutex writer;  // orders purges: marks first, then the sequence is published
  std::vector<std::unique_ptr<tag_table>> tables;
  std::size_t tags = 0;
  std::unique_ptr<coarse_array> coarse_owner;
  std::atomic<const tag_table*> exact{nullptr};
  std::atomic<const coarse_array*> coarse{nullptr};
  std::atomic<purge_seq> newest_ban{0};
  mutable std::shared_mutex prefix_mutex;
  std::vector<prefix_ban> bans;
  marks floor;
  std::atomic<std::uint64_t> overflows{0};
};

purge_log::purge_log(limits l) : impl_(std::make_unique<impl>(l)) {}
purge_log::~purge_log() = default;

purge_seq purge_log::purge_tag(tag_hash tag, purge_kind kind) {
  const std::lock_guard lock(impl_->writer);
  const purge_seq next = seq_.load(std::memory_order_relaxed) + 1;
  impl_->mark(never_zero(tag), kind, next);
  seq_.store(next, std::memory_order_release);
  return next;
}

purge_seq purge_log::purge_prefix(std::string_view key_prefix, purge_kind kind) {
  const std::lock_guard lock(impl_->writer);
  const purge_seq next = seq_.load(std::memory_order_relaxed) + 1;
  if (impl_->limit.prefixes == 0) {
    impl_->overflows.fetch_add(1, std::memory_order_relaxed);
    impl_->floor.set(kind, next);
  } else {
    impl_->ban(key_prefix, kind, next);
  }
  seq_.store(next, std::memory_order_release);
  return next;
}

purge_seq purge_log::purge_all(purge_kind kind) {
  const std::lock_guard lock(impl_->writer);
  const purge_seq next = seq_.load(std::memory_order_relaxed) + 1;
  impl_->floor.set(kind, next);
  seq_.store(next, std::memory_order_release);
  return next;
}

verdict purge_log::check(std::span<const tag_hash> tags, std::string_view key,
                         purge_seq since) const noexcept {
  const impl& log = *impl_;
  // Acquires everything that was purged up to now; only then may the tables be read.
  if (seq_.load(std::memory_order_acquire) < since) return verdict::gone;  // from another log
  if (log.floor.gone(since)) return verdict::gone;
  bool stale = log.floor.stale(since);

  const tag_table& exact = *log.exact.load(std::memory_order_acquire);
  const impl::coarse_array* coarse = log.coarse.load(std::memory_order_acquire);
  for (const tag_hash given : tags) {
    const tag_hash tag = never_zero(given);
    if (const tag_slot* slot = exact.find(tag)) {
      if (slot->at.gone(since)) return verdict::gone;
      stale = stale || slot->at.stale(since);
    }
    if (coarse == nullptr) continue;
    const marks& shared = (*coarse)[impl::coarse_index(tag)];
    if (shared.gone(since)) return verdict::gone;
    stale = stale || shared.stale(since);
  }

  if (log.newest_ban.load(std::memory_order_acquire) > since) {
    const std::shared_lock lock(log.prefix_mutex);
    // A ban that was folded since the look above is in the floor now, and no longer in the list.
    if (log.floor.gone(since)) return verdict::gone;
    stale = stale || log.floor.stale(since);
    for (const prefix_ban& ban : log.bans) {
      if (ban.newest() <= since || !key.starts_with(ban.prefix)) continue;
      if (ban.hard > since) return verdict::gone;
      stale = true;
    }
  }
  return stale ? verdict::stale : verdict::fresh;
}

std::uint64_t purge_log::overflows() const noexcept {
  return impl_->overflows.load(std::memory_order_relaxed);
}

std::size_t purge_log::bytes() const noexcept {
  const std::lock_guard lock(impl_->writer);
  std::size_t total = sizeof(impl) + (impl_->coarse_owner ? sizeof(impl::coarse_array) : 0);
  for (const auto& table : impl_->tables) total += table->slots.size() * sizeof(tag_slot);
  for (const prefix_ban& ban : impl_->bans) total += sizeof(prefix_ban) + ban.prefix.capacity();
  return total;
}

}  // namespace fairing::cache
