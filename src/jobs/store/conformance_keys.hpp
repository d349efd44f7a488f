// Conformance: keys, FIFO queues, rates, priorities, pause. Included by conformance_test.hpp.
#pragma once

#include <string>
#include <vector>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

TYPED_TEST_P(jobs_conformance, a_job_of_a_key_waits_for_the_one_before) {
  auto p = this->plane(this->with({.name = "mails", .key_concurrency = 2}));
  std::vector<job_id> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(p.put("mails", new_job{.key = "acme"}));
  const auto other = p.put("mails", new_job{.key = "bob"});
  EXPECT_EQ(p.counts("mails").parked, 2);
  auto got = p.take_some("mails", 10);
  ASSERT_EQ(got.size(), 3);
  EXPECT_EQ(got[2].work.id, other);  // nobody waits for another's key
  ASSERT_TRUE(p.done(got[0]));
  EXPECT_EQ(p.counts("mails").parked, 1);
  EXPECT_EQ(p.take("mails").work.id, ids[2]);
  ASSERT_TRUE(p.failed(got[1]));  // waits a minute: its place is free meanwhile
  p.reopen();
  EXPECT_EQ(p.take("mails").work.id, ids[3]);
  EXPECT_EQ(p.counts("mails").parked, 0);
}

TYPED_TEST_P(jobs_conformance, jobs_of_a_key_are_let_in_when_its_limit_goes) {
  auto p = this->plane(this->with({.name = "mails", .key_concurrency = 1}));
  std::vector<job_id> ids;
  for (int i = 0; i < 600; ++i) ids.push_back(p.put("mails", new_job{.key = i < 20 ? "a" : "b"}));
  const auto held = p.take_some("mails", 2);
  ASSERT_EQ(held.size(), 2);
  ASSERT_EQ(p.counts("mails").parked, 598);
  p.configure([](jobs_config& c) { c.queues[0].key_concurrency.reset(); });
  p.begin();
  ASSERT_TRUE(p.rules().tick(p.now));
  p.lose();
  EXPECT_EQ(p.counts("mails").parked, 598);
  p.turn();
  EXPECT_EQ(p.counts("mails").parked, 98);
  EXPECT_EQ(p.rules().next_wake_steady_ms(p.now), p.now.steady_ms);  // it goes on by itself
  p.reopen();
  p.turn();
  EXPECT_EQ(p.counts("mails").parked, 0);
  for (std::size_t got = 0, left = 598; left > 0; left -= got) {
    got = p.take_some("mails", 100).size();
    ASSERT_NE(got, 0);
  }
  ASSERT_TRUE(p.done(held[0]));
  p.turn();
  EXPECT_NE(p.rules().next_wake_steady_ms(p.now), p.now.steady_ms);
}

TYPED_TEST_P(jobs_conformance, a_fifo_queue_keeps_the_order_over_retries) {
  auto p = this->plane();
  const auto a1 = p.put("orders.fifo", new_job{.key = "a"});
  const auto a2 = p.put("orders.fifo", new_job{.priority = 100, .key = "a"});
  const auto b1 = p.put("orders.fifo", new_job{.key = "b"});
  auto got = p.take_some("orders.fifo", 10);
  ASSERT_EQ(got.size(), 2);
  EXPECT_EQ(got[0].work.id, a1);
  EXPECT_EQ(got[1].work.id, b1);
  ASSERT_TRUE(p.failed(got[0]));
  const auto a3 = p.put("orders.fifo", new_job{.key = "a"});
  p.reopen();
  EXPECT_EQ(p.take("orders.fifo").work.id, 0);  // a1 waits for its retry, and all of a with it
  p.pass(seconds{60});
  for (const auto id : {a1, a2, a3}) {
    const auto j = p.take("orders.fifo");
    ASSERT_EQ(j.work.id, id);
    EXPECT_EQ(p.take("orders.fifo").work.id, 0);
    ASSERT_TRUE(p.done(j));
  }
}

TYPED_TEST_P(jobs_conformance, a_key_over_its_rate_waits) {
  auto p = this->plane(this->with({.name = "mails", .key_limit = rate{6, seconds{60}}}));
  for (int i = 0; i < 4; ++i) p.put("mails", new_job{.key = "acme"});
  p.put("mails", new_job{.key = "bob"});
  EXPECT_EQ(p.take_some("mails", 10).size(), 2);  // one of each
  EXPECT_EQ(p.count("mails", job_state::scheduled), 3);
  for (int i = 0; i < 3; ++i) {
    p.pass(milliseconds{9'999});
    EXPECT_EQ(p.take_some("mails", 10).size(), 0);
    p.pass(milliseconds{1});
    EXPECT_EQ(p.take_some("mails", 10).size(), 1);
  }
}

// Turns of jobs that are gone hold nobody back, and no more than the rate runs in their stead.
TYPED_TEST_P(jobs_conformance, lost_turns_starve_no_key) {
  auto p = this->plane(this->with({.name = "mails", .key_limit = rate{1, seconds{1}}}));
  std::vector<job_id> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(p.put("mails", new_job{.key = "acme"}));
  EXPECT_EQ(p.take_some("mails", 1).size(), 1);
  EXPECT_EQ(p.take_some("mails", 1).size(), 0);
  ASSERT_EQ(p.count("mails", job_state::scheduled), 299);
  ASSERT_TRUE(p.apply(cancel_job{ids[1]}));
  EXPECT_EQ(p.take_some("mails", 100).size(), 0);
  std::size_t got = 0;
  for (int i = 0; i < 10; ++i) p.pass(seconds{1}), got += p.take_some("mails", 100).size();
  EXPECT_EQ(got, 9);  // one a second, but for the one that was called off
  ASSERT_TRUE(p.apply(purge_queue{"mails"}));
  for (int i = 0; i < 4; ++i) p.turn();
  for (int i = 0; i < 4; ++i) p.put("mails", new_job{.key = "acme"});
  EXPECT_EQ(p.take_some("mails", 100).size(), 0);  // the last lease was in this second
  for (int i = 0; i < 4; ++i) {
    p.pass(seconds{1});
    EXPECT_EQ(p.take_some("mails", 100).size(), 1) << i;
  }
}

TYPED_TEST_P(jobs_conformance, concurrency_and_rate_hold_a_queue_back) {
  auto p = this->plane(this->with({.name = "mails", .concurrency = 2}));
  for (int i = 0; i < 5; ++i) p.put("mails");
  auto got = p.take_some("mails", 10);
  ASSERT_EQ(got.size(), 2);
  ASSERT_TRUE(p.done(got[0]));
  p.reopen();
  EXPECT_EQ(p.take_some("mails", 10).size(), 1);
  p.configure([](jobs_config& c) {
    c.queues[0].concurrency.reset();
    c.queues[0].limit = rate{60, seconds{60}};
  });
  p.turn();
  EXPECT_EQ(p.take_some("mails", 10).size(), 1);
  EXPECT_EQ(p.take_some("mails", 10).size(), 0);
  ASSERT_TRUE(p.apply(
      lease{.queue = "mails", .wait_until_steady_ms = p.now.steady_ms + 9'000, .waiter = 5}));
  EXPECT_TRUE(p.said.replies.empty());
  p.pass(milliseconds{250});  // and the oldest job's age has been looked up
  EXPECT_EQ(p.rules().next_wake_steady_ms(p.now), p.now.steady_ms + 750);
  p.pass(milliseconds{750});
  ASSERT_EQ(p.said.replies.size(), 1);
}

TYPED_TEST_P(jobs_conformance, priorities_age) {
  auto p = this->plane(this->with({.name = "mails", .ageing = seconds{60}}));
  const auto low = p.put("mails", new_job{.priority = -1});
  const auto high = p.put("mails", new_job{.priority = 1});
  EXPECT_EQ(p.take("mails").work.id, high);
  p.pass(seconds{121});  // two steps of priority are worth two minutes
  p.put("mails", new_job{.priority = 1});
  EXPECT_EQ(p.take("mails").work.id, low);
}

// The oldest is the one that has been ready for longest, whatever comes first by priority.
TYPED_TEST_P(jobs_conformance, the_oldest_job_is_the_one_ready_longest) {
  auto p = this->plane(this->with({.name = "mails", .ageing = seconds{60}}));
  const auto oldest_age = [&] {
    const auto at = p.counts("mails").oldest_ready_ms;
    return at == 0 ? -1 : p.now.wall_ms - at;
  };
  EXPECT_EQ(oldest_age(), -1);
  p.put("mails", new_job{.delay = seconds{3'600}});
  p.pass(seconds{3'600});
  EXPECT_EQ(oldest_age(), 0);  // it has only become ready
  p.pass(seconds{4});
  for (int i = 0; i < 3; ++i) p.put("mails", new_job{.priority = 5});
  p.put("mails", new_job{.priority = -5});
  p.pass(seconds{1});
  EXPECT_EQ(oldest_age(), 5'000);  // behind three new ones
  p.reopen();
  EXPECT_EQ(oldest_age(), 5'000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(p.take("mails").work.priority, 5);
  const auto plain = p.take("mails");
  EXPECT_EQ(plain.work.priority, 0);
  const auto next = p.rules().next_wake_steady_ms(p.now);
  ASSERT_TRUE(next);
  EXPECT_LE(*next, p.now.steady_ms + 250);  // looked up again without anybody's doing
  p.pass(seconds{1});
  EXPECT_EQ(oldest_age(), 2'000);  // the one of priority -5
  ASSERT_TRUE(p.apply(fail_job{.token = plain.token, .release = true}));
  p.pass(seconds{1});
  EXPECT_EQ(oldest_age(), 7'000);  // given back, it stands where it stood
  EXPECT_EQ(p.take_some("mails", 9).size(), 2);
  EXPECT_EQ(oldest_age(), -1);
}

TYPED_TEST_P(jobs_conformance, a_paused_queue_gives_nothing) {
  auto p = this->plane();
  p.put("mails");
  ASSERT_TRUE(p.apply(set_paused{"mails", true}));
  EXPECT_EQ(p.take("mails").work.id, 0);
  p.reopen();
  EXPECT_EQ(p.take("mails").work.id, 0);
  ASSERT_TRUE(p.apply(set_paused{"mails", false}));
  EXPECT_NE(p.take("mails").work.id, 0);
  EXPECT_EQ(p.apply(set_paused{"nothing", true}).error().code, errc::not_found);
}

}  // namespace fairing::jobs::test
