#include "pool/pool_budget.hpp"

#include <algorithm>
#include <thread>

namespace fairing::pool {

pool_budget::pool_budget(std::uint32_t limit, std::uint32_t max_members)
    : pool_budget(limit, max_members, rules{}) {}

pool_budget::pool_budget(std::uint32_t limit, std::uint32_t max_members, rules r)
    : rules_(r),
      max_members_(max_members),
      slots_(std::make_unique<slot[]>(max_members)),
      limit_(limit) {}

member_id pool_budget::join(budget_waker& waker) noexcept {
  for (member_id i = 0; i < max_members_; ++i) {
    auto& s = slots_[i];
    bool taken = false;
    if (!s.taken.compare_exchange_strong(taken, true)) continue;
    s.waker = &waker;
    s.woken.store(false);
    s.live.store(true);
    for (auto top = top_.load(); top <= i && !top_.compare_exchange_weak(top, i + 1);) {
    }
    return i;
  }
  return nobody;
}

void pool_budget::leave(member_id me) noexcept {
  auto& s = slots_[me];
  want(me, 0);
  s.live.store(false);
  s.waiting.store(none);
  s.idle.store(none);
  // What is handed over after this sees that it is not live and goes back by itself.
  in_use_.fetch_sub(s.held.exchange(0) + s.handed.exchange(0));
  while (s.calls.load() != 0) std::this_thread::yield();  // a wake() that only posts
  s.waker = nullptr;
  s.taken.store(false);
  settle();
}

bool pool_budget::take() noexcept {
  auto used = in_use_.load();
  do {
    if (used >= limit_.load()) return false;
  } while (!in_use_.compare_exchange_weak(used, used + 1));
  return true;
}

bool pool_budget::try_take(member_id me) noexcept {
  if (!take()) return false;
  slots_[me].held.fetch_add(1);
  return true;
}

bool pool_budget::try_pin(std::uint32_t most) noexcept {
  auto n = pinned_.load();
  do {
    if (n >= most) return false;
  } while (!pinned_.compare_exchange_weak(n, n + 1));
  return true;
}

void pool_budget::give(member_id me) noexcept {
  slots_[me].held.fetch_sub(1);
  in_use_.fetch_sub(1);
  settle();
}

std::uint32_t pool_budget::collect(member_id me) noexcept {
  auto& s = slots_[me];
  if (s.handed.load(std::memory_order_relaxed) == 0) return 0;
  const auto n = s.handed.exchange(0);
  s.held.fetch_add(n);
  return n;
}

void pool_budget::want(member_id me, std::uint32_t n) noexcept {
  auto& s = slots_[me];
  auto have = s.claims.load();
  while (have > n) {
    if (!s.claims.compare_exchange_weak(have, n)) continue;
    wanted_.fetch_sub(have - n);
    return;
  }
  if (have == n) return;
  // The order matters: a donor lowers claims before wanted_, so wanted_ never falls below zero if
  // it is raised first.
  wanted_.fetch_add(n - have);
  s.claims.fetch_add(n - have);
  era_.fetch_add(1);
  settle();
  if (s.claims.load() > 0) ask_idle(me);
}

// Gives free permits to claimants. Either the giver of a permit or the claimant sees the other: both
// write first and look then.
void pool_budget::settle() noexcept {
  while (wanted_.load() > 0) {
    const auto era = era_.load();
    if (!take()) return;
    const auto to = best_claimant(nobody);
    if (to != nobody && promise(slots_[to])) {
      hand(to);
      continue;
    }
    in_use_.fetch_sub(1);
    // A claim that came meanwhile may have found this permit taken by us.
    if (to == nobody && era_.load() == era) return;
  }
}

bool pool_budget::starving(const slot& s) const noexcept {
  return s.held.load() + s.promised.load() + s.handed.load() == 0;
}

member_id pool_budget::best_claimant(member_id except) const noexcept {
  member_id best = nobody;
  bool best_starves = false;
  std::int64_t best_since = 0;
  const auto top = top_.load();
  for (member_id i = 0; i < top; ++i) {
    const auto& s = slots_[i];
    if (i == except || s.claims.load() == 0 || !s.live.load()) continue;
    const bool starves = starving(s);
    const auto since = s.waiting.load();
    const bool better = starves != best_starves ? starves : since < best_since;
    if (best != nobody && !better) continue;
    best = i;
    best_starves = starves;
    best_since = since;
  }
  return best;
}

bool pool_budget::deserves(const slot& mine, const slot& other, donor d,
                           micro_time now) const noexcept {
  const auto held = mine.held.load();
  const micro_time since{microseconds{other.waiting.load()}};
  const bool starves = starving(other);
  if (d.oldest_wait == never) {
    if (starves) return true;
    return d.idle_for >= (held > 1 ? rules_.idle_grace : rules_.keep_last);
  }
  if (starves) return held > 1 || since < d.oldest_wait;
  if (held <= 1 || since == never) return false;
  return now - since > 2 * (now - d.oldest_wait) + rules_.move_after;
}

bool pool_budget::promise(slot& s) noexcept {
  s.promised.fetch_add(1);
  auto have = s.claims.load();
  while (have > 0) {
    if (!s.claims.compare_exchange_weak(have, have - 1)) continue;
    wanted_.fetch_sub(1);
    return true;
  }
  s.promised.fetch_sub(1);  // another donor was faster, or it wants no more
  return false;
}

member_id pool_budget::choose_claimant(member_id me, donor d, micro_time now) noexcept {
  auto& mine = slots_[me];
  const auto to = best_claimant(me);
  if (to == nobody || !deserves(mine, slots_[to], d, now) || !promise(slots_[to])) return nobody;
  mine.held.fetch_sub(1);
  return to;
}

void pool_budget::hand(member_id to) noexcept {
  auto& s = slots_[to];
  s.handed.fetch_add(1);
  s.promised.fetch_sub(1);
  if (s.live.load()) {
    wake(s);
    return;
  }
  if (const auto back = s.handed.exchange(0); back > 0) {
    in_use_.fetch_sub(back);
    settle();
  }
}

void pool_budget::wake(slot& s) noexcept {
  if (s.woken.exchange(true)) return;
  s.calls.fetch_add(1);
  if (s.live.load()) s.waker->wake();
  s.calls.fetch_sub(1);
}

bool pool_budget::ask_idle(member_id me) noexcept {
  member_id oldest = nobody;
  std::int64_t since = none;
  const auto top = top_.load();
  for (member_id i = 0; i < top; ++i) {
    const auto idle = slots_[i].idle.load();
    if (idle >= since) continue;
    since = idle;
    oldest = i;
  }
  if (oldest == me) return false;
  if (oldest != nobody) wake(slots_[oldest]);
  return true;
}

void pool_budget::set_limit(std::uint32_t limit) noexcept {
  limit_.store(limit);
  settle();
}

}  // namespace fairing::pool
