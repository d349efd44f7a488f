#include "pool/http_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/assert.hpp"

namespace fairing::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class http_pool : public testing::Test {
 protected:
  conn_id open() {
    const auto a = pool.acquire(now);
    EXPECT_EQ(a.kind, acquire_kind::open);
    return a.id;
  }
  ticket wait() {
    const auto a = pool.acquire(now);
    EXPECT_EQ(a.kind, acquire_kind::wait);
    return a.waiting;
  }
  release_kind release(conn_id id, bool reusable = true) {
    return pool.release(id, reusable, now).kind;
  }
  const ticked& tick() {
    pool.tick(now, out);
    return out;
  }

  mono_time now{milliseconds{1'000'000}};
  permits shared{2};
  pool_fsm pool{{.idle_timeout = seconds{60}, .max_lifetime = seconds{3600}, .queue_limit = 2},
                shared};
  ticked out;
};

TEST_F(http_pool, opens_up_to_the_permits_then_waits_then_refuses) {
  (void)open();
  (void)open();
  EXPECT_EQ(shared.in_use(), 2U);
  (void)wait();
  (void)wait();
  EXPECT_EQ(pool.acquire(now).kind, acquire_kind::refuse);
  EXPECT_EQ(pool.leased(), 2U);
  EXPECT_EQ(pool.waiting(), 2U);
}

TEST_F(http_pool, the_newest_idle_is_used_first) {
  const auto a = open();
  const auto b = open();
  EXPECT_EQ(release(a), release_kind::keep);
  EXPECT_EQ(release(b), release_kind::keep);
  const auto first = pool.acquire(now);
  EXPECT_EQ(first.kind, acquire_kind::reuse);
  EXPECT_EQ(first.id, b);
  EXPECT_EQ(pool.acquire(now).id, a);
}

TEST_F(http_pool, a_released_one_goes_to_the_oldest_waiter) {
  const auto a = open();
  const auto b = open();
  const auto first = wait();
  const auto second = wait();
  auto r = pool.release(b, true, now);
  EXPECT_EQ(r.kind, release_kind::hand);
  EXPECT_EQ(r.to, first);
  const auto newcomer = wait();  // queues behind, though b was released
  r = pool.release(a, false, now);
  EXPECT_EQ(r.kind, release_kind::hand_reopen);
  EXPECT_EQ(r.to, second);
  EXPECT_EQ(shared.in_use(), 2U);
  EXPECT_EQ(pool.release(b, true, now).to, newcomer);
  EXPECT_EQ(shared.wanted(), 0U);
}

TEST_F(http_pool, a_waiter_that_gives_up_is_passed_over) {
  const auto a = open();
  (void)open();
  const auto first = wait();
  const auto second = wait();
  EXPECT_TRUE(pool.cancel(first));
  EXPECT_FALSE(pool.cancel(first));
  EXPECT_EQ(pool.release(a, true, now).to, second);
  EXPECT_FALSE(pool.cancel(second)) << "served in the meantime";
  EXPECT_EQ(shared.wanted(), 0U);
}

TEST_F(http_pool, one_that_cannot_be_reused_frees_its_permit) {
  const auto a = open();
  EXPECT_EQ(release(a, false), release_kind::close);
  EXPECT_EQ(shared.in_use(), 0U);
  EXPECT_EQ(open(), a) << "ids are used again";
}

TEST_F(http_pool, idle_ones_are_closed_after_their_time) {
  const auto a = open();
  const auto b = open();
  (void)release(a);
  now += seconds{30};
  (void)release(b);
  now += seconds{30};
  EXPECT_THAT(tick().close, ElementsAre(a));
  now += seconds{29};
  EXPECT_THAT(tick().close, IsEmpty());
  now += seconds{1};
  EXPECT_THAT(tick().close, ElementsAre(b));
  EXPECT_EQ(shared.in_use(), 0U);
}

TEST_F(http_pool, an_idle_one_past_its_time_is_not_reused) {
  const auto a = open();
  (void)release(a);
  now += seconds{60};
  const auto again = pool.acquire(now);
  EXPECT_EQ(again.kind, acquire_kind::reopen);
  EXPECT_EQ(again.id, a);
  EXPECT_EQ(release(a), release_kind::keep) << "its lifetime started anew";
}

TEST_F(http_pool, an_old_one_is_not_kept) {
  const auto a = open();
  now += seconds{3600};
  EXPECT_EQ(release(a), release_kind::close);
  const auto b = open();
  (void)open();
  const auto t = wait();
  now += seconds{3600};
  const auto r = pool.release(b, true, now);
  EXPECT_EQ(r.kind, release_kind::hand_reopen);
  EXPECT_EQ(r.to, t);
  EXPECT_TRUE(pool.cancel(wait()));
  now += seconds{3500};  // b's lifetime starts with its new socket
  EXPECT_EQ(release(b), release_kind::keep);
}

TEST_F(http_pool, renew_starts_the_lifetime_anew) {
  const auto a = open();
  now += seconds{3599};
  pool.renew(a, now);
  now += seconds{10};
  EXPECT_EQ(release(a), release_kind::keep);
}

TEST_F(http_pool, the_dead_are_dropped_only_while_idle) {
  const auto a = open();
  (void)pool.drop(a);
  EXPECT_EQ(pool.leased(), 1U);
  (void)release(a);
  EXPECT_TRUE(pool.is_idle(a));
  EXPECT_FALSE(pool.drop(a)) << "nobody waits";
  EXPECT_EQ(pool.size(), 0U);
  EXPECT_EQ(shared.in_use(), 0U);
  EXPECT_FALSE(pool.drop(a));
  EXPECT_EQ(shared.in_use(), 0U);
}

TEST_F(http_pool, draining_keeps_nothing) {
  const auto a = open();
  const auto b = open();
  (void)release(a);
  pool.drain();
  EXPECT_THAT(tick().close, ElementsAre(a));
  EXPECT_EQ(release(b), release_kind::close);
  EXPECT_EQ(pool.size(), 0U);
}

TEST_F(http_pool, releasing_twice_is_a_bug_and_harmless) {
  const auto a = open();
  (void)release(a, false);
  const auto before = bug_count();
  EXPECT_EQ(release(a), release_kind::close);
  EXPECT_EQ(release(77), release_kind::close);
  EXPECT_EQ(bug_count() - before, 2U);
  EXPECT_EQ(shared.in_use(), 0U);
}

class two_cores : public http_pool {
 protected:
  pool_fsm other{{}, shared};
};

TEST_F(two_cores, an_idle_connection_is_given_up_for_a_core_that_waits) {
  const auto a = open();
  const auto b = open();
  (void)release(a);
  const auto w = other.acquire(now);
  EXPECT_EQ(w.kind, acquire_kind::wait);
  EXPECT_TRUE(w.ask_others);
  EXPECT_THAT(tick().close, ElementsAre(a)) << "one is wanted, one is closed";
  EXPECT_TRUE(out.wake_others);
  other.tick(now, out);
  EXPECT_THAT(out.open, ElementsAre(Pair(w.waiting, 0U)));
  EXPECT_EQ(shared.wanted(), 0U);
  EXPECT_EQ(release(b), release_kind::keep);
}

TEST_F(two_cores, a_released_connection_is_not_kept_while_a_core_waits) {
  const auto a = open();
  (void)open();
  (void)other.acquire(now);
  const auto r = pool.release(a, true, now);
  EXPECT_EQ(r.kind, release_kind::close);
  EXPECT_TRUE(r.wake_others);
}

TEST_F(two_cores, a_waiter_behind_its_own_connections_asks_nobody) {
  (void)open();
  (void)open();
  EXPECT_FALSE(pool.acquire(now).ask_others);
}

TEST_F(http_pool, a_lower_limit_takes_effect_as_connections_come_back) {
  const auto a = open();
  const auto b = open();
  shared.set_limit(1);
  EXPECT_EQ(release(a), release_kind::close);
  EXPECT_EQ(release(b), release_kind::keep);
  shared.set_limit(0);
  EXPECT_THAT(tick().close, ElementsAre(b));
}

TEST_F(http_pool, a_destroyed_pool_gives_its_permits_back) {
  {
    pool_fsm gone{{}, shared};
    (void)gone.acquire(now);
    const auto a = gone.acquire(now);
    (void)gone.release(a.id, true, now);
    (void)gone.acquire(now);
    (void)gone.acquire(now);
  }
  EXPECT_EQ(shared.in_use(), 0U);
  EXPECT_EQ(shared.wanted(), 0U);
}

TEST(permits, never_more_than_the_limit_over_threads) {
  permits p{10};
  std::atomic<std::uint32_t> highest{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!p.try_take()) continue;
        if (const auto used = p.in_use(); used > highest.load()) highest = used;
        p.give();
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_LE(highest, 10U);
  EXPECT_EQ(p.in_use(), 0U);
}

// Random steps on two cores: ids are never leased twice, permits always match, nobody waits beside
// an idle one.
TEST(http_pool_model, invariants_hold_over_random_steps) {
  std::mt19937 random(11);
  permits shared{5};
  pool_fsm a{{.idle_timeout = seconds{3}, .max_lifetime = seconds{20}, .queue_limit = 4}, shared};
  pool_fsm b{{.idle_timeout = seconds{3}, .max_lifetime = seconds{20}, .queue_limit = 4}, shared};
  pool_fsm* pools[] = {&a, &b};
  std::set<conn_id> leased[2];
  std::set<ticket> waiting[2];
  mono_time now{milliseconds{1'000'000}};
  ticked out;
  const auto lease = [&](std::size_t core, conn_id id) {
    ASSERT_TRUE(leased[core].insert(id).second);
  };
  for (int step = 0; step < 20'000; ++step) {
    now += milliseconds{random() % 200};
    const std::size_t core = random() % 2;
    auto& p = *pools[core];
    switch (random() % 5) {
      case 0:
      case 1: {
        const auto got = p.acquire(now);
        if (got.kind == acquire_kind::wait)
          waiting[core].insert(got.waiting);
        else if (got.kind != acquire_kind::refuse)
          lease(core, got.id);
        break;
      }
      case 2: {
        if (leased[core].empty()) break;
        const auto id = *leased[core].begin();
        leased[core].erase(id);
        const auto r = p.release(id, random() % 4 != 0, now);
        if (r.to != 0) {
          ASSERT_EQ(*waiting[core].begin(), r.to) << "the oldest";
          waiting[core].erase(r.to);
          lease(core, id);
        }
        break;
      }
      case 3: {
        p.tick(now, out);
        for (const auto& [to, id] : out.open) {
          ASSERT_EQ(waiting[core].erase(to), 1U);
          lease(core, id);
        }
        break;
      }
      default:
        if (!waiting[core].empty()) {
          const auto t = *waiting[core].rbegin();
          ASSERT_TRUE(p.cancel(t));
          waiting[core].erase(t);
        }
    }
    ASSERT_EQ(p.leased(), leased[core].size());
    ASSERT_EQ(p.waiting(), waiting[core].size());
    ASSERT_EQ(shared.in_use(), a.size() + b.size());
    ASSERT_EQ(shared.wanted(), a.waiting() + b.waiting());
    ASSERT_LE(shared.in_use(), 5U);
    ASSERT_TRUE(p.waiting() == 0 || p.idle() == 0);
  }
}

}  // namespace
}  // namespace fairing::pool
