#include "limit/gcra.hpp"

#include <algorithm>
#include <bit>

#include "base/hash.hpp"

namespace fairing::limit {

namespace {

constexpr std::int64_t max_whole_us = 100LL * 365 * 24 * 3600 * 1'000'000;  // 100 years

milliseconds ceil_ms(std::int64_t us) { return milliseconds{(us + 999) / 1000}; }

}  // namespace

params params::from(rate r, std::uint64_t burst) noexcept {
  params out;
  // period <= 36500 days, so period_us fits; a count of 0 cannot be configured and means the
  // slowest.
  const auto period_us = std::clamp<std::int64_t>(r.period.count(), 1, max_whole_us / 1000) * 1000;
  const auto count = std::clamp<std::uint64_t>(r.count, 1, static_cast<std::uint64_t>(period_us));
  const auto count_signed = static_cast<std::int64_t>(count);
  out.emission_us = (period_us + count_signed - 1) / count_signed;
  const auto most = static_cast<std::uint64_t>(max_whole_us / out.emission_us);
  out.burst = static_cast<std::int64_t>(std::clamp<std::uint64_t>(burst, 1, most));
  return out;
}

std::uint64_t key_hash(std::uint64_t limiter_id, std::string_view key) noexcept {
  return hash64(key, process_seed() ^ mix64(limiter_id + 1));
}

gcra_table::gcra_table(options o) : shards_(std::make_unique<shard[]>(shard_count)) {
  // Twice as many slots as keys: with 8 ways almost no set is full before the table holds max_keys.
  const auto slots = std::max<std::size_t>(o.max_keys, 1) * 2;
  const auto sets = (slots + ways * shard_count - 1) / (ways * shard_count);
  sets_per_shard_ = std::bit_ceil(sets);
  for (std::size_t i = 0; i < shard_count; ++i) shards_[i].sets.resize(sets_per_shard_);
}

gcra_table::slot& gcra_table::place(shard& s, set& in, std::uint64_t key,
                                    std::int64_t now_us) noexcept {
  slot* oldest = &in.slots[0];
  slot* empty = nullptr;
  for (auto& candidate : in.slots) {
    if (candidate.key == key) return candidate;
    if (candidate.key == 0) {
      if (empty == nullptr) empty = &candidate;
    } else if (candidate.tat_us < oldest->tat_us) {
      oldest = &candidate;
    }
  }
  slot* chosen = empty != nullptr ? empty : oldest;
  if (chosen->key != 0 && chosen->tat_us > now_us) ++s.evicted_live;
  *chosen = {key, now_us};
  return *chosen;
}

decision gcra_table::take(std::uint64_t key_hash, const params& p, mono_time now) noexcept {
  const auto key = key_hash == 0 ? ~std::uint64_t{0} : key_hash;
  const auto now_us = now.time_since_epoch().count() * 1000;
  auto& s = shards_[key % shard_count];
  auto& in = s.sets[(key / shard_count) & (sets_per_shard_ - 1)];

  const auto whole = p.emission_us * p.burst;  // what an untouched allowance is worth
  const std::lock_guard lock(s.mutex);
  auto& entry = place(s, in, key, now_us);
  // A TAT further off than a whole allowance comes from before a reload with a stricter limit.
  const auto tat = std::clamp(entry.tat_us, now_us, now_us + whole);
  const auto earliest = tat + p.emission_us - whole;  // when this request may come

  decision d;
  d.allowed = earliest <= now_us;
  entry.tat_us = d.allowed ? tat + p.emission_us : tat;
  const auto used = entry.tat_us - now_us;
  d.remaining = static_cast<std::uint64_t>((whole - used) / p.emission_us);
  d.reset_after = ceil_ms(used);
  if (d.remaining == 0) d.retry_after = ceil_ms(used + p.emission_us - whole);
  return d;
}

std::size_t gcra_table::bytes() const noexcept {
  return shard_count * (sizeof(shard) + sets_per_shard_ * sizeof(set));
}

std::size_t gcra_table::key_count() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    for (const auto& in : shards_[i].sets)
      for (const auto& entry : in.slots) count += entry.key != 0 ? 1U : 0U;
  }
  return count;
}

std::uint64_t gcra_table::evicted_live() const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    count += shards_[i].evicted_live;
  }
  return count;
}

}  // namespace fairing::limit
