#include "pool/server_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/test_pool.hpp"

namespace fairing::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class server_pool_rules : public testing::Test {
 protected:
  ~server_pool_rules() override {  // all back, so that the pool ends as its lifecycle wants
    for (auto& c : p.clients) p.pool.cancel(*c, p.now);
    p.pool.drain(p.now);
    while (!p.connecting.empty()) (void)p.login();
    for (auto& s : p.servers)
      if (s->state() == server_state::leased || s->state() == server_state::pinned)
        (void)p.pool.release(*s, p.now);
    for (auto* s : p.closings) p.pool.closed(*s, p.now);
    EXPECT_EQ(p.pool.size(), 0U);
    EXPECT_EQ(budget.in_use(), 0U);
    EXPECT_EQ(budget.wanted(), 0U);
  }
  acquire_kind acquire() { return p.pool.acquire(p.client(), p.now).kind; }
  refusal refused() {
    const auto a = p.pool.acquire(p.client(), p.now);
    EXPECT_EQ(a.kind, acquire_kind::refused);
    return a.why;
  }
  std::uint32_t granted() {
    const auto a = p.pool.acquire(p.client(), p.now);
    EXPECT_EQ(a.kind, acquire_kind::granted);
    return a.to == nullptr ? 0 : test_pool::number(*a.to);
  }
  // n servers that are idle, the last of them the newest.
  void warm(std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(acquire(), acquire_kind::waiting);
    while (!p.connecting.empty()) (void)p.login();
    for (std::uint32_t i = 1; i <= n; ++i) EXPECT_EQ(p.release(i), 0U);
    (void)p.happened();
  }
  void pass(milliseconds t) { p.now += t; }

  pool_options options{.size = 3, .max_waiters = 4, .max_pinned = 1, .open_parallel = 2};
  pool_budget budget{100, 4};
  test_pool p{options, budget};
};

TEST_F(server_pool_rules, opens_for_those_who_wait_some_at_a_time_up_to_its_size) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_THAT(p.happened(), ElementsAre("open 1", "open 2"));
  EXPECT_EQ(p.login(), 1U) << "the client that waits longest";
  EXPECT_THAT(p.happened(), ElementsAre("open 3"));
  EXPECT_EQ(p.login(), 2U);
  EXPECT_EQ(p.login(), 3U);
  EXPECT_THAT(p.happened(), IsEmpty()) << "three are all";
  EXPECT_EQ(p.pool.waiting(), 1U);
  EXPECT_EQ(p.release(2), 4U);
  EXPECT_EQ(p.at(2).holder(), p.clients[3].get());
}

TEST_F(server_pool_rules, hands_to_the_oldest_and_newcomers_queue_behind) {
  warm(1);
  EXPECT_EQ(granted(), 1U);
  p.pool.set_options({.size = 1}, p.now);
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 3
  pass(milliseconds{7});
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 4
  const auto r = p.pool.release(p.at(1), p.now);
  EXPECT_EQ(test_pool::who(r), 3U);
  EXPECT_EQ(r.waited, milliseconds{7});
  EXPECT_EQ(r.held, milliseconds{7});
  EXPECT_EQ(p.release(1), 4U);
  EXPECT_EQ(p.release(1), 0U);
  EXPECT_EQ(p.pool.idle(), 1U);
  EXPECT_EQ(p.pool.totals().waited, 3U) << "the one that waited for the login too";
  EXPECT_EQ(p.pool.totals().max_wait_us, 7000U);
  EXPECT_THAT(p.happened(), IsEmpty());
}

TEST_F(server_pool_rules, the_newest_idle_is_reused_unless_another_saves_work) {
  warm(3);
  EXPECT_EQ(granted(), 3U);
  EXPECT_EQ(p.release(3), 0U);
  auto& c = p.client();
  p.at(1).state_id = 9;
  c.state_id = 9;
  EXPECT_EQ(p.pool.acquire(c, p.now).to, &p.at(1)) << "it has the session state";
  EXPECT_EQ(p.release(1), 0U);
  p.at(1).state_id = 0;
  p.at(3).state_id = c.state_id = 8;
  EXPECT_EQ(p.pool.acquire(c, p.now).to, &p.at(3));
}

TEST_F(server_pool_rules, a_favourite_comes_before_the_state_and_one_can_be_taken_by_its_owner) {
  warm(3);
  auto& c = p.client();
  p.at(2).state_id = c.state_id = 9;
  c.favourite = static_cast<const server*>(&p.at(1));
  EXPECT_EQ(p.pool.acquire(c, p.now).to, &p.at(1));
  EXPECT_EQ(p.release(1), 0U);
  p.pool.take(p.at(3), p.client(), p.now);
  EXPECT_EQ(p.pool.leased(), 1U);
  EXPECT_EQ(p.release(3), 0U);
}

TEST_F(server_pool_rules, looks_at_few_idle_ones_only) {
  warm(3);
  p.pool.set_options({.size = 3, .look = 2}, p.now);
  auto& c = p.client();
  p.at(1).state_id = c.state_id = 9;
  EXPECT_EQ(p.pool.acquire(c, p.now).to, &p.at(3));
}

TEST_F(server_pool_rules, a_client_past_its_time_is_told_so) {
  p.pool.set_options({.size = 1, .max_waiters = 3, .wait_timeout = milliseconds{100}}, p.now);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(acquire(), acquire_kind::waiting);
  auto& hurried = p.client();
  hurried.deadline = p.now + milliseconds{50};
  EXPECT_EQ(p.pool.acquire(hurried, p.now).kind, acquire_kind::waiting);
  EXPECT_EQ(refused(), refusal::queue_full);
  (void)p.happened();
  pass(milliseconds{49});
  p.tick();
  EXPECT_THAT(p.happened(), IsEmpty());
  pass(milliseconds{1});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 3 timeout"));
  pass(milliseconds{50});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 1 timeout", "give up 2 timeout"));
  EXPECT_EQ(p.pool.totals().no_room, 4U);
  EXPECT_FALSE(p.pool.cancel(hurried, p.now));
  EXPECT_EQ(p.login(), 0U) << "the server that was being opened is idle";
  EXPECT_EQ(p.pool.idle(), 1U);
}

TEST_F(server_pool_rules, one_that_leaves_the_queue_is_passed_over) {
  warm(1);
  EXPECT_EQ(granted(), 1U);
  p.pool.set_options({.size = 1}, p.now);
  (void)acquire();
  (void)acquire();
  EXPECT_TRUE(p.pool.cancel(*p.clients[2], p.now));
  EXPECT_EQ(p.release(1), 4U);
}

TEST_F(server_pool_rules, the_idle_age_out_and_the_old_are_replaced) {
  p.pool.set_options({.size = 3,
                      .min_idle = 1,
                      .idle_timeout = milliseconds{1000},
                      .max_lifetime = milliseconds{5000}},
                     p.now);
  warm(3);
  pass(milliseconds{1000});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("close 1 idle_timeout", "close 2 idle_timeout"));
  EXPECT_EQ(granted(), 3U);
  pass(milliseconds{5000});
  p.tick();
  EXPECT_EQ(p.at(3).state(), server_state::leased) << "a leased one is never closed";
  EXPECT_THAT(p.happened(), ElementsAre("open 4")) << "min_idle";
  (void)p.login();
  EXPECT_EQ(p.release(3), 0U);
  EXPECT_THAT(p.happened(), ElementsAre("close 3 max_lifetime"));
  pass(milliseconds{5000});
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_THAT(p.happened(), ElementsAre("close 4 max_lifetime", "open 5"));
}

TEST_F(server_pool_rules, lifetimes_are_spread_downward) {
  p.pool.set_options({.size = 2, .max_lifetime = milliseconds{1000}}, p.now);
  (void)acquire();
  (void)acquire();
  (void)p.pool.opened(*p.connecting[0], p.now, 50'000);  // microseconds less
  (void)p.pool.opened(*p.connecting[1], p.now, 0);
  p.connecting.clear();
  (void)p.release(1);
  (void)p.release(2);
  (void)p.happened();
  pass(milliseconds{950});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("close 1 max_lifetime"));
}

TEST_F(server_pool_rules, pins_have_a_quota_and_reasons) {
  warm(2);
  EXPECT_EQ(granted(), 2U);
  EXPECT_EQ(granted(), 1U);
  EXPECT_TRUE(p.pool.try_pin(p.at(1), pin_reason::temp_table));
  EXPECT_TRUE(p.pool.try_pin(p.at(1), pin_reason::listen)) << "one server, two reasons";
  EXPECT_FALSE(p.pool.try_pin(p.at(2), pin_reason::advisory_lock));
  EXPECT_EQ(p.pool.pinned(), 1U);
  EXPECT_EQ(p.at(1).state(), server_state::pinned);
  EXPECT_EQ(p.at(2).state(), server_state::leased);
  EXPECT_FALSE(p.pool.unpin(p.at(1), pin_reason::temp_table));
  EXPECT_TRUE(p.at(1).pinned_for(pin_reason::listen));
  EXPECT_TRUE(p.pool.unpin(p.at(1), pin_reason::listen));
  EXPECT_TRUE(p.pool.try_pin(p.at(2), pin_reason::advisory_lock));
  (void)p.release(2);
  EXPECT_EQ(p.pool.pinned(), 0U) << "a released server has no pins";
  EXPECT_EQ(p.at(2).pins(), 0U);
  EXPECT_EQ(p.pool.totals().pins_refused, 1U);
  p.pool.set_options({.size = 3, .max_pinned = 0}, p.now);
  EXPECT_EQ(p.pool.max_pinned(), 1U) << "there is always a way";
}

// Else each user and database would have its own half, and together they had all.
TEST_F(server_pool_rules, the_quota_of_pins_is_one_for_all_pools) {
  test_pool other{options, budget};
  warm(1);
  EXPECT_EQ(granted(), 1U);
  (void)other.pool.acquire(other.client(), other.now);
  EXPECT_EQ(other.login(), 1U);
  EXPECT_TRUE(p.pool.try_pin(p.at(1), pin_reason::temp_table));
  EXPECT_FALSE(other.pool.try_pin(other.at(1), pin_reason::listen));
  EXPECT_EQ(other.pool.pinned_in_all(), 1U);
  (void)p.pool.discard(p.at(1), p.now);
  EXPECT_TRUE(other.pool.try_pin(other.at(1), pin_reason::listen));
  EXPECT_FALSE(other.pool.unpin(other.at(1), pin_reason::temp_table)) << "it has another reason";
  EXPECT_EQ(p.pool.pinned_in_all(), 1U);
  other.pool.abandon(other.at(1), other.now);
  EXPECT_EQ(p.pool.pinned_in_all(), 0U);
  p.pool.closed(p.at(1), p.now);
}

TEST_F(server_pool_rules, a_dead_server_is_replaced_for_those_who_wait) {
  warm(3);
  for (int i = 0; i < 3; ++i) (void)granted();
  (void)acquire();  // client 7
  EXPECT_EQ(p.pool.discard(p.at(2), p.now), microseconds{0});
  EXPECT_THAT(p.happened(), IsEmpty()) << "it counts until it is closed";
  EXPECT_EQ(p.pool.closing(), 1U);
  p.pool.closed(p.at(2), p.now);
  EXPECT_THAT(p.happened(), ElementsAre("open 4"));
  EXPECT_EQ(p.login(), 7U);
  (void)p.release(1);
  (void)p.pool.discard(p.at(1), p.now);  // an idle one dies
  p.pool.closed(p.at(1), p.now);
  EXPECT_EQ(p.pool.size(), 2U);
}

TEST_F(server_pool_rules, clients_fail_fast_while_the_server_refuses_and_one_probe_goes_on) {
  (void)acquire();
  (void)acquire();
  EXPECT_THAT(p.happened(), ElementsAre("open 1", "open 2"));
  p.login_fails();
  EXPECT_THAT(p.happened(), ElementsAre("give up 1 server_refuses", "give up 2 server_refuses"));
  p.login_fails();  // of the same time: no second failure
  EXPECT_TRUE(p.pool.refusing());
  EXPECT_EQ(refused(), refusal::server_refuses);
  pass(milliseconds{50});  // half of 100 ms, the least that chance gives
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("open 3")) << "a client had asked";
  EXPECT_EQ(refused(), refusal::server_refuses) << "while the probe is under way";
  p.login_fails();
  pass(milliseconds{99});
  p.tick();
  EXPECT_THAT(p.happened(), IsEmpty()) << "the pause has doubled";
  pass(milliseconds{1});
  EXPECT_EQ(acquire(), acquire_kind::waiting) << "this client is the probe";
  EXPECT_THAT(p.happened(), ElementsAre("open 4"));
  EXPECT_EQ(p.login(), 5U);
  EXPECT_FALSE(p.pool.refusing());
  EXPECT_EQ(p.pool.totals().open_failed, 3U);
}

TEST_F(server_pool_rules, nobody_fails_while_servers_are_left) {
  warm(1);
  (void)granted();
  (void)acquire();  // client 3
  p.login_fails();
  EXPECT_THAT(p.happened(), ElementsAre("open 2"));
  EXPECT_EQ(p.pool.waiting(), 1U);
  EXPECT_EQ(p.release(1), 3U);
  (void)acquire();
  (void)p.pool.discard(p.at(1), p.now);
  p.pool.closed(p.at(1), p.now);
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 4 server_refuses"));
}

TEST_F(server_pool_rules, with_no_connect_attempts_clients_wait_out_their_time) {
  p.pool.set_options({.size = 1, .connect_attempts = 0, .wait_timeout = milliseconds{300}}, p.now);
  (void)acquire();
  p.login_fails();
  EXPECT_THAT(p.happened(), ElementsAre("open 1"));
  pass(milliseconds{60});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("open 2"));
  p.login_fails();
  pass(milliseconds{240});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 1 timeout"));
}

TEST_F(server_pool_rules, what_cannot_be_opened_at_all_is_tried_later) {
  p.cannot_open = true;
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 1 server_refuses"));
  EXPECT_EQ(budget.in_use(), 0U);
  p.cannot_open = false;
  pass(milliseconds{100});
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_EQ(p.login(), 2U);
}

TEST_F(server_pool_rules, prewarms_some_at_a_time) {
  p.pool.set_options({.size = 3, .min_idle = 3, .open_parallel = 2}, p.now);
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("open 1", "open 2"));
  (void)p.login();
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("open 3"));
  (void)p.login();
  (void)p.login();
  p.tick();
  EXPECT_THAT(p.happened(), IsEmpty());
  EXPECT_EQ(p.pool.idle(), 3U);
}

TEST_F(server_pool_rules, retire_closes_the_idle_now_and_the_others_when_they_come_back) {
  warm(2);
  EXPECT_EQ(granted(), 2U);
  (void)acquire();  // client 4: waits for server 3
  EXPECT_EQ(p.pool.idle(), 0U);
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_EQ(p.pool.idle(), 1U);
  (void)granted();  // server 2
  p.pool.retire_all(p.now);
  EXPECT_EQ(p.at(2).state(), server_state::leased);
  (void)p.happened();
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_THAT(p.happened(), ElementsAre("close 2 retired"));
}

TEST_F(server_pool_rules, pause_lets_all_wait_and_closes_what_comes_back) {
  warm(2);
  (void)granted();
  p.pool.pause(p.now);
  EXPECT_THAT(p.happened(), ElementsAre("close 1 paused"));
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_THAT(p.happened(), ElementsAre("close 2 paused"));
  EXPECT_EQ(p.pool.size(), 0U);
  p.tick();
  p.pool.resume(p.now);
  EXPECT_THAT(p.happened(), ElementsAre("open 3"));
  EXPECT_EQ(p.login(), 4U);
}

TEST_F(server_pool_rules, who_waits_in_a_pause_for_too_long_is_told_of_it) {
  p.pool.set_options({.size = 1, .max_waiters = 1, .wait_timeout = milliseconds{100}}, p.now);
  p.pool.pause(p.now);
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_EQ(refused(), refusal::paused);
  pass(milliseconds{100});
  p.tick();
  EXPECT_THAT(p.happened(), ElementsAre("give up 1 paused"));
  EXPECT_EQ(p.pool.totals().refused, 2U);
  EXPECT_EQ(p.pool.totals().no_room, 0U);
}

TEST_F(server_pool_rules, drain_serves_who_waits_and_refuses_who_comes) {
  warm(2);
  p.pool.set_options({.size = 1}, p.now);
  EXPECT_THAT(p.happened(), ElementsAre("close 1 surplus"));
  (void)granted();
  (void)acquire();  // client 4
  p.pool.drain(p.now);
  EXPECT_EQ(refused(), refusal::draining);
  EXPECT_EQ(p.release(2), 4U);
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_THAT(p.happened(), ElementsAre("close 2 draining"));
}

TEST_F(server_pool_rules, misuse_is_counted_and_harmless) {
  warm(1);
  const auto before = bug_count();
  (void)p.release(1);
  p.pool.closed(p.at(1), p.now);
  (void)p.pool.opened(p.at(1), p.now, 0);
  p.pool.open_failed(p.at(1), p.now, 0);
  EXPECT_FALSE(p.pool.try_pin(p.at(1), pin_reason::copy));
  EXPECT_EQ(bug_count() - before, 5U);
  EXPECT_EQ(p.pool.idle(), 1U);
}

TEST_F(server_pool_rules, no_more_run_at_once_than_may) {
  p.pool.set_options({.size = 3, .concurrency = 2}, p.now);
  warm(2);
  EXPECT_EQ(granted(), 2U);
  EXPECT_EQ(granted(), 1U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 5
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 6
  EXPECT_THAT(p.happened(), IsEmpty()) << "a third server would not help";
  EXPECT_TRUE(p.pool.held_back());
  EXPECT_FALSE(p.pool.can_pass());
  EXPECT_EQ(p.release(2), 5U) << "the oldest first";
  EXPECT_EQ(p.release(2), 6U);
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_EQ(p.pool.running(), 1U);
}

TEST_F(server_pool_rules, what_lasts_steps_aside_and_an_idle_one_is_passed_on) {
  warm(2);
  p.pool.set_options({.size = 3, .concurrency = 1}, p.now);
  EXPECT_EQ(granted(), 2U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 4
  EXPECT_TRUE(p.pool.held_back());
  pass(milliseconds{9});
  EXPECT_EQ(p.pool.pass(p.now).from, nullptr);
  pass(milliseconds{1});
  const auto got = p.pool.pass(p.now);
  EXPECT_EQ(got.from, &p.at(1));
  EXPECT_EQ(got.to, p.clients[3].get());
  EXPECT_EQ(got.waited, milliseconds{10});
  EXPECT_EQ(p.pool.leased(), 2U);
  EXPECT_EQ(p.pool.running(), 1U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 5
  EXPECT_EQ(p.release(2), 0U) << "one runs, and it was not this one";
  EXPECT_EQ(p.release(1), 5U);
}

TEST_F(server_pool_rules, when_what_runs_lasts_another_server_is_opened) {
  warm(1);
  p.pool.set_options({.size = 3, .concurrency = 1}, p.now);
  EXPECT_EQ(granted(), 1U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 3
  EXPECT_EQ(acquire(), acquire_kind::waiting);  // client 4
  EXPECT_TRUE(p.pool.held_back());
  EXPECT_THAT(p.happened(), IsEmpty());
  pass(milliseconds{10});
  EXPECT_EQ(p.pool.pass(p.now).from, nullptr);
  EXPECT_THAT(p.happened(), ElementsAre("open 2", "open 3"));
  EXPECT_EQ(p.login(), 3U);
  EXPECT_EQ(p.login(), 0U) << "one runs";
  pass(milliseconds{10});
  p.tick();
  EXPECT_EQ(p.pool.pass(p.now).to, p.clients[3].get());
}

TEST_F(server_pool_rules, what_is_pinned_keeps_nobody_back) {
  warm(2);
  p.pool.set_options({.size = 3, .max_pinned = 1, .concurrency = 1}, p.now);
  EXPECT_EQ(granted(), 2U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  EXPECT_TRUE(p.pool.try_pin(p.at(2), pin_reason::listen));
  EXPECT_TRUE(p.pool.can_pass());
  EXPECT_EQ(p.pool.pass(p.now).from, &p.at(1));
}

TEST_F(server_pool_rules, who_waits_beside_idle_servers_is_served_while_it_drains) {
  warm(2);
  p.pool.set_options({.size = 3, .concurrency = 1}, p.now);
  EXPECT_EQ(granted(), 2U);
  EXPECT_EQ(acquire(), acquire_kind::waiting);
  p.pool.drain(p.now);
  EXPECT_EQ(p.pool.pass(p.now).to, p.clients[3].get());
  EXPECT_EQ(p.release(1), 0U);
  EXPECT_EQ(p.release(2), 0U);
  EXPECT_EQ(p.pool.size(), 0U);
}

// The pool's destructor and those of the servers look after what is left of them.
TEST_F(server_pool_rules, what_is_abandoned_may_be_destroyed_in_any_state) {
  pool_budget small{100, 4};
  {
    test_pool other{options, small};
    for (int i = 0; i < 4; ++i) (void)other.pool.acquire(other.client(), other.now);
    (void)other.login();
    (void)other.login();
    ASSERT_TRUE(other.pool.try_pin(*other.servers[1], pin_reason::temp_table));
    (void)other.pool.discard(*other.servers[0], other.now);
    EXPECT_EQ(other.servers[0]->state(), server_state::closing);
    EXPECT_EQ(other.servers[1]->state(), server_state::pinned);
    EXPECT_EQ(other.servers[2]->state(), server_state::opening);
    for (auto& c : other.clients) other.pool.cancel(*c, other.now);
    for (auto& s : other.servers) other.pool.abandon(*s, other.now);
    for (auto& s : other.servers) EXPECT_EQ(s->state(), server_state::absent);
    EXPECT_EQ(other.pool.size(), 0U);
    EXPECT_EQ(
        other.pool.opening() + other.pool.leased() + other.pool.pinned() + other.pool.closing(),
        0U);
    EXPECT_EQ(small.in_use(), 0U);
    other.pool.abandon(*other.servers[0], other.now);  // once more is nothing
    EXPECT_EQ(small.in_use(), 0U);
  }
  EXPECT_EQ(small.in_use(), 0U);
}

}  // namespace
}  // namespace fairing::pool
