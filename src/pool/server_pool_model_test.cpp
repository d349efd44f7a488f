// Random steps on three pools under one small budget, beside a naive reference of lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "base/assert.hpp"
#include "pool/test_pool.hpp"

namespace fairing::pool {
namespace {

constexpr milliseconds old{200};  // a lease that does not count any more

// What a naive pool would know: who waits in which order, who has what, which servers are idle.
struct reference {
  std::deque<test_client*> queue;
  std::vector<test_server*> idle;  // the newest last
  std::map<test_server*, test_client*> leases;
  std::map<test_server*, bool> pinned;
  std::set<test_server*> set_aside;  // leases that do not count among those that run
  std::set<test_server*>
      beyond;  // leases of who stood behind: they may be more than may run at once
  std::map<test_server*, std::deque<test_client*>> behind;  // who has a leased one next, in turn
  [[nodiscard]] std::size_t all_behind() const {
    std::size_t n = 0;
    for (const auto& [s, clients] : behind) n += clients.size();
    return n;
  }
};

class model {
 public:
  model(std::uint32_t seed, std::uint32_t concurrency) : random_(seed), concurrency_(concurrency) {
    const pool_options o{.size = 4,
                         .min_idle = 1,
                         .max_waiters = 6,
                         .max_pinned = 2,
                         .open_parallel = 2,
                         .connect_attempts = 2,
                         .look = 1,
                         .concurrency = concurrency,
                         .always_ahead = true,
                         .step_aside = old,
                         .wait_timeout = milliseconds{400},
                         .idle_timeout = milliseconds{1500},
                         .max_lifetime = milliseconds{4000},
                         .backoff = milliseconds{20},
                         .backoff_max = milliseconds{200}};
    for (auto& p : pools_) {
      p = std::make_unique<test_pool>(o, budget_);
      p->close_at_once = false;
    }
  }

  void step() {
    now_ += microseconds{chance(20'000)};
    at_ = chance(3);
    p().now = now_;
    act(chance(112));
    settle_events();
    pass();
    if (chance(4) == 0) pass_wakes();
    check();
  }

  // Everything returns and every login succeeds: who waits gets a server.
  void finish() {
    for (auto& p : pools_)
      if (p->pool.paused()) p->pool.resume(now_);
    for (int round = 0; round < 2000; ++round) {
      now_ += milliseconds{5};
      bool waiting = false;
      for (at_ = 0; at_ < 3; ++at_) {
        p().now = now_;
        while (!p().connecting.empty()) login(true);
        while (!p().closings.empty()) close_one();
        if (!ref().leases.empty()) release();
        p().tick();
        settle_events();
        pass();
        check();
        waiting = waiting || !ref().queue.empty() || !ref().behind.empty();
      }
      if (!waiting) return;
    }
    FAIL() << "somebody still waits";
  }

  void empty() {
    for (at_ = 0; at_ < 3; ++at_) {
      p().pool.drain(now_);
      while (!ref().leases.empty()) release();
      while (!p().connecting.empty()) login(true);
      while (!p().closings.empty()) close_one();
      settle_events();
      for (auto& q : pools_) q->pool.tick(now_);
      EXPECT_EQ(p().pool.size(), 0U);
    }
    EXPECT_EQ(budget_.wanted(), 0U);
    EXPECT_EQ(budget_.in_use(), 0U);
  }

  std::uint64_t granted = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t passed_on = 0;
  std::uint64_t held_back = 0;
  std::uint64_t yielded = 0;
  std::uint64_t stood_behind = 0;
  std::uint64_t stepped_back = 0;

 private:
  std::uint32_t chance(std::uint32_t below) {
    return static_cast<std::uint32_t>(random_() % below);
  }
  test_pool& p() { return *pools_[at_]; }
  reference& ref() { return refs_[at_]; }
  test_server* any_lease() {
    auto it = ref().leases.begin();
    std::advance(it, chance(static_cast<std::uint32_t>(ref().leases.size())));
    return it->first;
  }

  void act(std::uint32_t dice) {
    if (dice < 35) return acquire();
    if (dice < 62) return ref().leases.empty() ? void() : release();
    if (dice < 75) return p().connecting.empty() ? void() : login(chance(5) != 0);
    if (dice < 84) return p().closings.empty() ? void() : close_one();
    if (dice < 90) return p().tick();
    if (dice < 93) return cancel();
    if (dice < 95) return ref().leases.empty() ? void() : pin();
    if (dice < 97) return discard();
    if (dice < 98) return chance(10) == 0 ? retire() : void();
    if (dice >= 100) return chance(3) != 0 ? stand_behind() : step_back();
    if (p().pool.paused())
      p().pool.resume(now_);
    else if (chance(10) == 0)
      p().pool.pause(now_);
  }

  void acquire() {
    auto& c = p().client();
    const auto a = p().pool.acquire(c, now_);
    settle_events();  // idle ones that were too old were closed on the way
    if (a.kind == acquire_kind::waiting) {
      ref().queue.push_back(&c);
    } else if (a.kind == acquire_kind::granted) {
      ASSERT_TRUE(ref().queue.empty()) << "past a waiter";
      auto* s = static_cast<test_server*>(a.to);
      ASSERT_FALSE(ref().idle.empty());
      ASSERT_EQ(ref().idle.back(), s) << "the newest";
      ref().idle.pop_back();
      lease(s, &c);
    } else {
      ASSERT_TRUE(ref().idle.empty() || p().pool.paused() || full(at_))
          << "refused beside an idle server";
    }
  }
  void lease(test_server* s, test_client* c) {
    ASSERT_TRUE(ref().leases.emplace(s, c).second) << "two holders of one server";
    ++granted;
  }
  // What a server that came free led to.
  void took(test_server* s, const released& r) {
    if (r.to != nullptr) {
      ASSERT_FALSE(ref().queue.empty());
      ASSERT_EQ(ref().queue.front(), r.to) << "not the oldest";
      ref().queue.pop_front();
      lease(s, static_cast<test_client*>(r.to));
      ++handed_over;
    } else if (s->state() == server_state::idle) {
      ASSERT_TRUE(ref().queue.empty() || full(at_)) << "idle beside a waiter";
      ref().idle.push_back(s);
    } else {
      ASSERT_EQ(s->state(), server_state::closing);
    }
  }
  // Leases that are pinned or old do not count.
  bool full(std::size_t i) const {
    return std::count_if(refs_[i].leases.begin(), refs_[i].leases.end(), [&](const auto& l) {
             return !refs_[i].set_aside.contains(l.first);
           }) >= concurrency_;
  }
  // What the owner of a pool does within milliseconds.
  void pass() {
    for (const auto& [s, c] : ref().leases)
      if (s->since() + old <= now_) ref().set_aside.insert(s);
    while (true) {
      const auto r = p().pool.pass(now_);
      settle_events();
      if (r.from == nullptr) break;
      auto* s = static_cast<test_server*>(r.from);
      ASSERT_FALSE(full(at_)) << "more at once than may be";
      ASSERT_FALSE(ref().idle.empty());
      ASSERT_EQ(ref().idle.back(), s) << "the newest";
      ref().idle.pop_back();
      ASSERT_EQ(ref().queue.front(), r.to) << "not the oldest";
      ref().queue.pop_front();
      lease(s, static_cast<test_client*>(r.to));
      ++passed_on;
    }
    if (p().pool.held_back()) ++held_back;
    ASSERT_TRUE(!p().pool.held_back() || full(at_)) << "an idle server beside a waiter";
  }
  void release() {
    auto* s = any_lease();
    const auto next = ref().behind.find(s);
    if (next == ref().behind.end()) {
      forget(s);
      took(s, p().pool.release(*s, now_));
      return;
    }
    auto* c = next->second.front();
    next->second.pop_front();
    if (next->second.empty()) ref().behind.erase(next);
    forget(s);
    ASSERT_EQ(p().pool.release(*s, now_).to, c) << "not who stood behind";
    lease(s, c);
    ref().beyond.insert(s);
  }
  void stand_behind() {
    if (ref().leases.empty()) return;
    auto* s = any_lease();
    const auto* w = p().pool.may_stand_behind(*s, now_);
    ASSERT_TRUE(w == nullptr || (!ref().queue.empty() && w == ref().queue.front()));
    if (w == nullptr) return;
    ASSERT_LT(ref().behind[s].size(), concurrency_limit::most_behind);
    p().pool.stand_behind(*s);
    ref().behind[s].push_back(ref().queue.front());
    ref().queue.pop_front();
    ++stood_behind;
  }
  void step_back() {
    if (ref().behind.empty()) return;
    auto* s = ref().behind.begin()->first;
    back(s);
    p().pool.step_back(*s, now_);
  }
  void back(test_server* s) {
    const auto at = ref().behind.find(s);
    if (at == ref().behind.end()) return;
    for (auto& clients = at->second; !clients.empty(); clients.pop_back(), ++stepped_back)
      ref().queue.push_front(clients.back());
    ref().behind.erase(at);
  }
  void forget(test_server* s) {
    ref().leases.erase(s);
    ref().pinned.erase(s);
    ref().set_aside.erase(s);
    ref().beyond.erase(s);
  }
  void login(bool works) {
    auto* s = p().connecting.front();
    p().connecting.erase(p().connecting.begin());
    if (works)
      took(s, p().pool.opened(*s, now_, random_()));
    else
      p().pool.open_failed(*s, now_, random_());
  }
  void close_one() {
    auto* s = p().closings.front();
    p().closings.erase(p().closings.begin());
    p().pool.closed(*s, now_);
  }
  void cancel() {
    if (!ref().behind.empty() && chance(2) == 0) {
      const auto at = ref().behind.begin();
      auto& clients = at->second;
      const auto i = chance(static_cast<std::uint32_t>(clients.size()));
      ASSERT_TRUE(p().pool.cancel(*clients[i], now_));
      clients.erase(clients.begin() + i);
      if (clients.empty()) ref().behind.erase(at);
      return;
    }
    if (ref().queue.empty()) return;
    const auto i = chance(static_cast<std::uint32_t>(ref().queue.size()));
    ASSERT_TRUE(p().pool.cancel(*ref().queue[i], now_));
    ref().queue.erase(ref().queue.begin() + i);
  }
  void pin() {
    auto* s = any_lease();
    const bool had = ref().pinned.contains(s);
    const bool ok = p().pool.try_pin(*s, static_cast<pin_reason>(chance(pin_reasons)));
    ASSERT_EQ(ok, had || pinned_in_all() < 2) << "the quota is one for all pools";
    if (ok) ref().set_aside.insert(s);
    if (ok) ref().pinned[s] = true;
  }
  [[nodiscard]] std::size_t pinned_in_all() const {
    std::size_t n = 0;
    for (const auto& r : refs_) n += r.pinned.size();
    return n;
  }
  void discard() {
    test_server* s = nullptr;
    if (!ref().leases.empty() && chance(2) == 0) {
      s = any_lease();
      back(s);
      forget(s);
    } else if (!ref().idle.empty()) {
      s = ref().idle.front();
      ref().idle.erase(ref().idle.begin());
    } else {
      return;
    }
    (void)p().pool.discard(*s, now_);
    p().closings.push_back(s);
  }
  void retire() { p().pool.retire_all(now_); }

  // The reference follows what the events said: closed idle servers, clients that gave up.
  void settle_events() {
    std::erase_if(ref().idle, [](auto* s) { return s->state() == server_state::closing; });
    for (auto* c : p().gone) {
      const auto it = std::find(ref().queue.begin(), ref().queue.end(), c);
      ASSERT_NE(it, ref().queue.end()) << "gave up one that did not wait";
      ref().queue.erase(it);
    }
    p().gone.clear();
    for (const auto& line : p().happened())
      if (line.ends_with("yielded")) ++yielded;
  }
  void pass_wakes() {
    const auto kept = at_;
    for (at_ = 0; at_ < 3; ++at_) {
      if (!p().woken) continue;
      p().now = now_;
      p().tick();
      settle_events();
    }
    at_ = kept;
  }

  void check() {
    std::uint32_t permits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& pool = pools_[i]->pool;
      const auto& r = refs_[i];
      ASSERT_EQ(pool.waiting(), r.queue.size() + r.all_behind()) << "a lost waiter";
      for (const auto& [s, clients] : r.behind) {
        ASSERT_EQ(s->next_holder(), clients.front());
        ASSERT_EQ(s->behind(), clients.size());
        for (const auto* c : clients) ASSERT_EQ(c->behind(), s);
      }
      ASSERT_EQ(pool.leased(), r.leases.size());
      ASSERT_EQ(pool.idle(), r.idle.size());
      ASSERT_EQ(pool.pinned(), r.pinned.size());
      ASSERT_EQ(pool.pinned_in_all(), pinned_in_all());
      ASSERT_EQ(pool.closing(), pools_[i]->closings.size());
      ASSERT_EQ(pool.opening(), pools_[i]->connecting.size());
      ASSERT_EQ(pool.size(), pool.opening() + pool.idle() + pool.leased() + pool.closing());
      ASSERT_LE(pool.size(), 4U);
      ASSERT_LE(pool.waiting(), 6U + 4U * concurrency_limit::most_behind);
      ASSERT_LE(pool.running(), std::uint64_t{concurrency_} + r.beyond.size());
      permits += pool.size();
      for (const auto& [s, c] : r.leases) ASSERT_EQ(s->holder(), c);
    }
    ASSERT_LE(permits, budget_.in_use());
    ASSERT_LE(budget_.in_use(), 6U);
  }

  std::mt19937 random_;
  std::uint32_t concurrency_;
  pool_budget budget_{6, 3};
  std::unique_ptr<test_pool> pools_[3];
  reference refs_[3];
  std::size_t at_ = 0;
  micro_time now_ = at_us(1'000'000'000);
};

struct course {
  std::uint32_t seed;
  std::uint32_t concurrency;
};
class server_pool_model : public testing::TestWithParam<course> {};

TEST_P(server_pool_model, agrees_with_the_reference_over_random_steps) {
  const auto bugs_before = bug_count();
  model m(GetParam().seed, GetParam().concurrency);
  for (int i = 0; i < 100'000; ++i) {
    m.step();
    if (HasFatalFailure()) FAIL() << "at step " << i;
  }
  m.finish();
  m.empty();
  EXPECT_EQ(bug_count(), bugs_before);
  EXPECT_GT(m.granted, 10'000U);
  EXPECT_GT(m.handed_over, 1000U);
  EXPECT_GT(m.yielded, 100U);
  EXPECT_GT(m.stood_behind, 100U);
  EXPECT_GT(m.stepped_back, 20U);
  if (GetParam().concurrency >= 4) {
    EXPECT_LE(m.passed_on + m.held_back, m.stepped_back)
        << "nobody else ever waits beside an idle server";
  } else {
    EXPECT_GT(m.passed_on, 200U);
    EXPECT_GT(m.held_back, 200U);
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, server_pool_model,
                         testing::Values(course{1, UINT32_MAX}, course{20261123, UINT32_MAX},
                                         course{2, 1}, course{3, 2}));

}  // namespace
}  // namespace fairing::pool
