// Conformance: lost batches, counts, redrive, purge, queues, order of look-ups. Included by conformance_test.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

inline void expect_same(const queue_counts& a, const queue_counts& b) {
  for (std::size_t i = 0; i < job_state_count; ++i)
    EXPECT_EQ(a.of[i], b.of[i]) << to_string(static_cast<job_state>(i));
  EXPECT_EQ(a.parked, b.parked);
  EXPECT_EQ(a.finished_bytes, b.finished_bytes);
}

TYPED_TEST_P(jobs_conformance, a_lost_batch_leaves_nothing) {
  auto p = this->plane();
  p.put("mails");
  p.put("mails");
  const auto j = p.take("mails");
  const auto before = p.counts("mails");
  ASSERT_TRUE(p.apply(lease{
      .queue = "mails", .most = 9, .wait_until_steady_ms = p.now.steady_ms + 9'000, .waiter = 7}));
  ASSERT_EQ(p.said.replies.size(), 1);
  ASSERT_TRUE(p.apply(fail_job{.token = p.said.replies[0].jobs->jobs[0].token, .release = true}));
  ASSERT_TRUE(p.apply(set_paused{"mails", true}));
  ASSERT_TRUE(p.apply(
      lease{.queue = "mails", .wait_until_steady_ms = p.now.steady_ms + 9'000, .waiter = 8}));
  p.begin();
  ASSERT_TRUE(p.apply(ack{.token = j.token}));
  ASSERT_TRUE(p.apply(set_paused{"mails", false}));
  ASSERT_TRUE(p.apply(enqueue{.queue = "news", .jobs = {new_job{}}}));
  dispatched out;
  ASSERT_TRUE(p.rules().dispatch(p.now, out));
  ASSERT_EQ(out.replies.size(), 1);
  p.lose();
  expect_same(p.counts("mails"), before);
  EXPECT_EQ(p.rules().queues(p.now).size(), 1);
  EXPECT_EQ(p.look(j.work.id).state, job_state::leased);
  EXPECT_TRUE(p.done(j));
  ASSERT_TRUE(p.apply(set_paused{"mails", false}));
  ASSERT_EQ(p.said.replies.size(), 1);  // whoever waited still waits
  EXPECT_EQ(p.said.replies[0].waiter, 8);
}

TYPED_TEST_P(jobs_conformance, counts_are_the_same_after_opening) {
  auto p = this->plane(this->with({.name = "mails", .key_concurrency = 1}));
  for (int i = 0; i < 30; ++i)
    p.put("mails",
          new_job{.delay = seconds{i % 3}, .key = i % 2 == 0 ? "a" : "", .attempts = {seconds{0}}});
  auto got = p.take_some("mails", 6);
  ASSERT_EQ(got.size(), 6);
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(i % 2 == 0 ? p.done(got[i]) : p.failed(got[i]));
  const auto before = p.counts("mails");
  EXPECT_GT(before.parked, 0);
  p.reopen();
  expect_same(p.counts("mails"), before);
  std::uint64_t all = 0;
  for (const auto n : before.of) all += n;
  EXPECT_EQ(all, 30);
}

TYPED_TEST_P(jobs_conformance, dead_jobs_are_redriven) {
  auto p = this->plane();
  std::vector<job_id> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(p.put("mails", new_job{.attempts = {seconds{0}}}));
    ASSERT_TRUE(p.failed(p.take("mails"), i % 2 == 0 ? "user 17 unknown" : "timeout after 30 s"));
  }
  ASSERT_TRUE(p.apply(redrive{.queue = "mails", .id = ids[5]}));
  auto j = p.take("mails");
  EXPECT_EQ(j.work.id, ids[5]);
  EXPECT_EQ(j.work.attempt, 1);
  EXPECT_EQ(j.work.history.size(), 2);  // what happened before is still told
  EXPECT_EQ(p.apply(redrive{.queue = "mails", .id = ids[5]}).error().code, errc::conflict);
  ASSERT_TRUE(
      p.apply(redrive{.queue = "mails", .error = "user N unknown", .to = "again", .most = 2}));
  p.turn();
  EXPECT_EQ(p.count("again", job_state::queued), 2);
  EXPECT_EQ(p.count("mails", job_state::dead), 3);
  EXPECT_EQ(p.take("again").work.id, ids[0]);
}

TYPED_TEST_P(jobs_conformance, a_redrive_takes_what_died_while_the_clock_was_ahead) {
  auto p = this->plane();
  p.now.wall_ms += 3'600'000;
  for (int i = 0; i < 3; ++i) {
    p.put("mails", new_job{.attempts = {seconds{0}}});
    ASSERT_TRUE(p.failed(p.take("mails")));
  }
  p.now.wall_ms -= 3'600'000;
  ASSERT_TRUE(p.apply(redrive{.queue = "mails"}));
  p.turn();
  EXPECT_EQ(p.count("mails", job_state::queued), 3);
  for (auto& j : p.take_some("mails", 3)) ASSERT_TRUE(p.failed(j));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_EQ(p.count("mails", job_state::dead), 3);  // what died again is not the same redrive's
}

// As SQS moves messages: a name that is taken keeps none from its dead letter queue, nor from the way back.
TYPED_TEST_P(jobs_conformance, a_move_asks_for_no_name) {
  auto p = this->plane();
  const auto there = p.put("dead", new_job{.unique = "k"});
  const auto id = p.put("mails", new_job{.unique = "k", .attempts = {seconds{0}}});
  ASSERT_TRUE(p.failed(p.take("mails")));
  EXPECT_EQ(p.apply(redrive{.queue = "mails", .id = id, .to = "dead"}).error().code,
            errc::conflict);
  ASSERT_TRUE(p.apply(redrive{.queue = "mails", .id = id, .to = "dead", .moves = true}));
  EXPECT_EQ(p.count("dead", job_state::queued), 2);
  EXPECT_EQ(p.count("mails", job_state::dead), 0);
  EXPECT_EQ(p.enqueue_one("dead", new_job{.unique = "k"})->jobs[0].id, there);
  const auto other = p.put("mails", new_job{.unique = "k"});
  const auto move = [&] {
    return p.template as<counted>(p.apply(
        redrive{.queue = "dead", .to = "mails", .most = 50, .waiting = true, .moves = true}));
  };
  EXPECT_EQ(move()->count, 2);
  EXPECT_EQ(move()->count, 0);  // which ends a move task
  EXPECT_EQ(p.count("mails", job_state::queued), 3);
  for (auto& j : p.take_some("mails", 9)) ASSERT_TRUE(p.done(j));
  EXPECT_NE(p.put("mails", new_job{.unique = "k"}), other);  // free again
}

TYPED_TEST_P(jobs_conformance, a_redrive_goes_on_after_a_crash) {
  auto p = this->plane();
  for (int i = 0; i < 20; ++i) p.put("mails", new_job{.attempts = {seconds{0}}});
  for (auto& j : p.take_some("mails", 20)) ASSERT_TRUE(p.failed(j));
  ASSERT_TRUE(p.apply(redrive{.queue = "mails", .pace = rate{60, seconds{60}}}));
  for (int i = 0; i < 4; ++i) p.pass(seconds{1});
  EXPECT_EQ(p.count("mails", job_state::queued), 5);
  p.reopen();
  for (int i = 0; i < 30; ++i) p.pass(seconds{1});
  EXPECT_EQ(p.count("mails", job_state::queued), 20);
  EXPECT_EQ(p.count("mails", job_state::dead), 0);
}

TYPED_TEST_P(jobs_conformance, a_purge_leaves_what_came_later) {
  auto p = this->plane(this->with({.name = "mails", .key_concurrency = 1}));
  for (int i = 0; i < 1'200; ++i) p.put("mails", new_job{.key = i % 3 == 0 ? "a" : ""});
  p.put("mails", new_job{.delay = seconds{600}});
  p.begin();
  const auto purged = p.template as<counted>(p.apply(purge_queue{"mails"}));
  EXPECT_EQ(purged->count, 1'201);
  p.commit();
  const auto later = p.put("mails", new_job{.key = "a"});
  for (int i = 0; i < 6; ++i) p.turn();
  EXPECT_EQ(p.count("mails", job_state::queued), 1);
  EXPECT_EQ(p.count("mails", job_state::scheduled), 0);
  EXPECT_EQ(p.take("mails").work.id, later);  // not parked behind what is gone
}

// One row that cannot be read stops nobody: not its queue, not its key, not the timers.
TYPED_TEST_P(jobs_conformance, a_row_that_cannot_be_read_is_set_aside) {
  auto p = this->plane(this->with({.name = "mails", .key_concurrency = 1}));
  const auto good = p.put("mails");
  const auto number = p.look(good).queue;
  ASSERT_TRUE(p.stored().begin());
  for (const auto state :
       {job_state::queued, job_state::scheduled, job_state::leased, job_state::dead}) {
    job bad{.id = 10 + static_cast<job_id>(state), .queue = number, .state = state};
    bad.attempts.resize(2'000);  // more than can be read again
    bad.due_ms = p.now.steady_ms + 1'000;
    if (state == job_state::queued) bad.key = "a", bad.holds_key = true;
    if (state == job_state::dead) bad.finished_ms = p.now.wall_ms;
    ASSERT_TRUE(p.stored().put(bad));
  }
  ASSERT_TRUE(p.stored().commit());
  p.reopen();
  ASSERT_EQ(p.count("mails", job_state::queued), 2);
  const auto behind = p.put("mails", new_job{.key = "a"});
  ASSERT_EQ(p.counts("mails").parked, 1);
  EXPECT_EQ(p.take("mails").work.id, good);
  EXPECT_EQ(p.said.damaged, std::vector<job_id>{10});
  EXPECT_EQ(p.take("mails").work.id, behind);
  p.pass(seconds{1});
  EXPECT_EQ(p.said.damaged.size(), 2);
  ASSERT_TRUE(p.apply(redrive{.queue = "mails"}));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_EQ(p.count("mails", job_state::dead), 0);
  expect_same(p.counts("mails"), *p.stored().counts(number));
  EXPECT_EQ(p.apply(cancel_job{11}).error().code, errc::not_found);
  p.put("mails");
  EXPECT_NE(p.take("mails").work.id, 0);
  const auto before = p.counts("mails");
  p.reopen();
  expect_same(p.counts("mails"), before);
}

TYPED_TEST_P(jobs_conformance, queues_appear_and_are_dropped) {
  auto p = this->plane();
  EXPECT_EQ(p.apply(lease{.queue = "mails"}).error().code, errc::not_found);
  ASSERT_TRUE(p.apply(set_queue{.queue = "mails", .attributes = R"({"VisibilityTimeout":"30"})"}));
  p.put("mails");
  p.reopen();
  ASSERT_EQ(p.rules().queues(p.now).size(), 1);
  EXPECT_EQ(p.rules().queues(p.now)[0].row.attributes, R"({"VisibilityTimeout":"30"})");
  ASSERT_TRUE(p.apply(set_queue{.queue = "mails", .drop = true}));
  EXPECT_TRUE(p.rules().queues(p.now).empty());
  EXPECT_EQ(p.apply(set_queue{.queue = "bad name"}).error().code, errc::bad_request);
  p.put("mails");
  EXPECT_EQ(p.count("mails", job_state::queued), 1);
}

TYPED_TEST_P(jobs_conformance, a_lease_may_wait_in_a_queue_that_is_not_there_yet) {
  auto p = this->plane();
  const auto asked = [&](std::uint64_t waiter) {
    return lease{.queue = "mails",
                 .wait_until_steady_ms = p.now.steady_ms + 9'000,
                 .waiter = waiter,
                 .creates = true};
  };
  p.begin();
  ASSERT_TRUE(p.apply(asked(1)));
  p.lose();
  EXPECT_TRUE(p.rules().queues(p.now).empty());
  ASSERT_TRUE(p.apply(asked(2)));
  EXPECT_TRUE(p.said.recounted);  // it is shown
  const auto id = p.put("mails");
  ASSERT_EQ(p.said.replies.size(), 1);
  EXPECT_EQ(p.said.replies[0].waiter, 2);
  EXPECT_EQ(p.said.replies[0].jobs->jobs[0].work.id, id);
  EXPECT_EQ(p.apply(lease{.queue = "bad name", .creates = true}).error().code, errc::bad_request);
  EXPECT_EQ(p.apply(lease{.queue = "news", .most = 0, .creates = true}).error().code,
            errc::bad_request);
  p.configure([](jobs_config& next) { next.create_queues = false; });
  EXPECT_EQ(p.apply(lease{.queue = "news", .creates = true}).error().code, errc::not_found);
  EXPECT_EQ(p.rules().queues(p.now).size(), 1);
}

// The store itself: orders and bounds of what it finds.
TYPED_TEST_P(jobs_conformance, look_ups_are_in_order) {
  const auto s = this->maker_();
  ASSERT_TRUE(s->begin());
  const auto queue = s->add_queue("mails");
  ASSERT_TRUE(queue);
  EXPECT_EQ(s->add_queue("mails").value(), *queue);
  for (int i = 0; i < 10; ++i) {
    job j{.id = static_cast<job_id>(100 + i), .queue = *queue, .rank = 10 - i / 2};
    if (i >= 6) j.state = job_state::scheduled, j.due_ms = 1'000 - i;
    ASSERT_TRUE(s->put(j));
  }
  ASSERT_TRUE(s->commit());
  std::vector<job_id> order;
  const auto ready = s->ready(*queue, 4, UINT64_MAX / 2);
  for (const auto& j : *ready) order.push_back(j.id);
  EXPECT_EQ(order, (std::vector<job_id>{104, 105, 102, 103}));
  EXPECT_EQ(s->due(clock_kind::steady, 992, 9).value(), (std::vector<job_id>{109, 108}));
  EXPECT_EQ(s->due(clock_kind::wall, 9'999, 9)->size(), 0);
  EXPECT_EQ(s->next_due(clock_kind::steady).value(), 991);
  EXPECT_EQ(s->last_id().value(), 109);
  EXPECT_EQ(s->load(55, false).error().code, errc::not_found);
  EXPECT_EQ(s->fact("x").value(), std::nullopt);
  ASSERT_TRUE(s->begin());
  ASSERT_TRUE(s->set_fact("x", "1"));
  for (const job_id id : {100U, 101U, 102U}) {
    auto j = s->load(id, true).value();
    j.state = job_state::dead;
    j.finished_ms = 50;
    j.bytes = id;
    ASSERT_TRUE(s->save(j, +part::state));
  }
  const auto first = s->finished_before(*queue, job_state::dead, {}, 51, 2);
  ASSERT_EQ(first->size(), 2);
  const auto rest = s->finished_before(*queue, job_state::dead, first->back(), 51, 2);
  ASSERT_EQ(rest->size(), 1);
  EXPECT_EQ(rest->front().id, 102);
  EXPECT_EQ(rest->front().bytes, 102);
  EXPECT_EQ(s->finished_before(*queue, job_state::dead, {}, 50, 2)->size(), 0);
  s->rollback();
  EXPECT_EQ(s->fact("x").value(), std::nullopt);
  EXPECT_EQ(s->counts(*queue)->of[static_cast<std::size_t>(job_state::dead)], 0);
}

}  // namespace fairing::jobs::test
