// Conformance: cron, clocks, retention. Included by conformance_test.hpp.
#pragma once

#include <string>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

TYPED_TEST_P(jobs_conformance, cron_fires_once_a_time) {
  auto p = this->plane(this->with(
      {.name = "nightly", .cron = {{.name = "tidy", .schedule = "*/10 * * * *", .payload = "t"}}}));
  p.pass(seconds{599});
  EXPECT_EQ(p.count("nightly", job_state::queued), 0);
  p.pass(seconds{1});
  EXPECT_EQ(p.count("nightly", job_state::queued), 1);
  // The clock goes back over it, the plane starts anew: not again.
  p.now.wall_ms -= 300'000;
  p.reopen();
  p.pass(seconds{301});
  EXPECT_EQ(p.count("nightly", job_state::queued), 1);
  const auto j = p.take("nightly");
  EXPECT_EQ(j.work.payload, "t");
  ASSERT_EQ(j.work.fields.size(), 2);
  EXPECT_EQ(j.work.fields[1].second, "2026-01-01T00:10:00.000Z");
  // A batch that is lost with the job in it: the time comes again.
  p.now.wall_ms += 600'000;
  p.begin();
  ASSERT_TRUE(p.rules().tick(p.now));
  p.lose();
  EXPECT_EQ(p.count("nightly", job_state::queued), 0);
  p.turn();
  EXPECT_EQ(p.count("nightly", job_state::queued), 1);
}

TYPED_TEST_P(jobs_conformance, cron_misfires_by_policy) {
  queue_config q{.name = "nightly"};
  q.cron = {
      {.name = "once", .schedule = "@hourly", .payload = "once", .on_misfire = misfire::once},
      {.name = "skip", .schedule = "@hourly", .payload = "skip", .on_misfire = misfire::skip}};
  auto p = this->plane(this->with(q));
  p.now.wall_ms += 5 * 3'600'000 + 600'000;  // nobody ran for five hours
  p.reopen();
  p.turn();
  auto got = p.take_some("nightly", 10);
  ASSERT_EQ(got.size(), 1);
  EXPECT_EQ(got[0].work.payload, "once");
  p.pass(seconds{3'000});
  EXPECT_EQ(p.take_some("nightly", 10).size(), 2);  // six o'clock, in time
}

// A clock that was set to another year, and right again, stops no schedule until that year; also over a restart.
TYPED_TEST_P(jobs_conformance, cron_goes_on_when_the_clock_was_far_ahead) {
  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted);
    auto p = this->plane(
        this->with({.name = "nightly", .cron = {{.name = "tidy", .schedule = "@hourly"}}}));
    const std::int64_t year = 365LL * 86'400'000;
    p.now.wall_ms += year;
    p.turn();
    EXPECT_EQ(p.count("nightly", job_state::queued), 1);
    p.now.wall_ms -= year;
    if (restarted) p.reopen();
    p.turn();
    EXPECT_EQ(p.count("nightly", job_state::queued), 1);
    p.pass(seconds{3'600});
    EXPECT_EQ(p.count("nightly", job_state::queued), 2);
    // A day back is no such clock: what has fired does not fire again.
    p.now.wall_ms -= 86'000'000;
    p.pass(seconds{7'200});
    EXPECT_EQ(p.count("nightly", job_state::queued), 2);
    p.take_some("nightly", 10);
  }
}

TYPED_TEST_P(jobs_conformance, a_wall_clock_that_jumps_moves_no_lease) {
  auto p = this->plane();
  const auto retried = p.put("mails");
  ASSERT_TRUE(p.failed(p.take("mails")));
  const auto leased_one = p.put("mails");
  const auto j = p.take("mails");
  ASSERT_EQ(j.work.id, leased_one);
  const auto at_noon = p.put("mails", new_job{.run_at_ms = p.now.wall_ms + 1'800'000});
  p.now.wall_ms += 3'600'000;
  p.turn();
  EXPECT_EQ(p.take("mails").work.id, at_noon);  // wall time is what people wrote down
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_TRUE(p.done(j));
  p.now.wall_ms -= 7'200'000;
  p.pass(milliseconds{59'999});
  EXPECT_EQ(p.take("mails").work.id, 0);
  p.pass(milliseconds{1});
  EXPECT_EQ(p.take("mails").work.id, retried);
}

TYPED_TEST_P(jobs_conformance, finished_jobs_go_by_age_and_bytes) {
  queue_config q{.name = "mails", .keep_done = seconds{100}, .keep_dead = seconds{1'000}};
  auto p = this->plane(this->with(q));
  const auto done_one = p.put("mails");
  ASSERT_TRUE(p.done(p.take("mails")));
  const auto dead_one = p.put("mails", new_job{.attempts = {seconds{0}}});
  ASSERT_TRUE(p.failed(p.take("mails")));
  p.pass(seconds{99});
  EXPECT_EQ(p.look(done_one).state, job_state::done);
  p.pass(seconds{10});
  EXPECT_EQ(p.apply(read_job{done_one}).error().code, errc::not_found);
  EXPECT_EQ(p.look(dead_one).state, job_state::dead);
  p.pass(seconds{1'000});
  EXPECT_EQ(p.apply(read_job{dead_one}).error().code, errc::not_found);
  EXPECT_EQ(p.counts("mails").finished_bytes, 0);
  p.configure([](jobs_config& c) { c.queues[0].keep_bytes = 3'000; });
  for (int i = 0; i < 10; ++i) {
    p.put("mails", std::string(700, 'x'));
    ASSERT_TRUE(p.done(p.take("mails")));
  }
  p.pass(seconds{6});
  EXPECT_LE(p.counts("mails").finished_bytes, 3'000);
  EXPECT_GE(p.count("mails", job_state::done), 2);
}

TYPED_TEST_P(jobs_conformance, ids_go_up_when_the_clock_goes_back) {
  auto p = this->plane(this->with({.name = "mails", .keep_done = seconds{1}}));
  const auto first = p.put("mails");
  p.now.wall_ms -= 3'600'000;
  const auto second = p.put("mails");
  EXPECT_GT(second, first);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(p.done(p.take("mails")));
  p.now.wall_ms += 3'700'000;
  p.pass(seconds{20});
  EXPECT_EQ(p.count("mails", job_state::done), 0);  // both are gone
  p.now.wall_ms -= 7'200'000;
  p.reopen();
  EXPECT_GT(p.put("mails"), second);
}

// What waits or is tried again for longer than its queue keeps unfinished jobs is dead; what somebody works on is not.
TYPED_TEST_P(jobs_conformance, jobs_that_nobody_takes_die_of_age) {
  auto p = this->plane(this->with({.name = "mails", .retention = seconds{100}}));
  const auto waits = p.put("mails", new_job{.priority = 5});
  const auto later = p.put("mails", new_job{.delay = seconds{500}});
  const auto elsewhere = p.put("bills");
  p.pass(seconds{50});
  const auto young = p.put("mails");
  p.pass(seconds{50});
  EXPECT_EQ(p.look(waits).state, job_state::queued);
  p.pass(seconds{6});
  ASSERT_FALSE(p.said.events.empty());
  EXPECT_EQ(p.said.events.back().what, job_event::kind::died);
  const auto dead = p.look(waits);
  EXPECT_EQ(dead.state, job_state::dead);
  ASSERT_EQ(dead.history.size(), 1);
  EXPECT_EQ(dead.history[0].error, "retention passed");
  const auto j = p.take("mails");
  ASSERT_EQ(j.work.id, young);
  ASSERT_TRUE(p.apply(extend{.token = j.token, .length = seconds{1'000}}));
  p.pass(seconds{394});  // `later` has just become ready
  EXPECT_EQ(p.look(later).state, job_state::queued);
  EXPECT_EQ(p.take("mails").work.id, later);
  EXPECT_TRUE(p.done(j));
  EXPECT_EQ(p.look(elsewhere).state, job_state::queued);
  ASSERT_TRUE(p.apply(redrive{.queue = "mails", .id = waits}));
  EXPECT_EQ(p.take("mails").work.id, waits);  // its time begins anew
}

TYPED_TEST_P(jobs_conformance, retries_end_with_the_retention) {
  queue_config q{.name = "mails", .retention = seconds{100}};
  q.attempts = {seconds{0}, seconds{60}, seconds{60}, seconds{60}};
  auto p = this->plane(this->with(q));
  const auto fails = p.put("mails", "1");
  const auto first = p.take("mails");
  ASSERT_EQ(first.work.id, fails);
  ASSERT_TRUE(p.failed(first, "smtp 421"));
  p.pass(seconds{60});
  const auto second = p.take("mails");
  p.pass(seconds{20});
  EXPECT_EQ(p.failed(second, "smtp 421")->state, job_state::scheduled);
  p.pass(seconds{60});  // due again, and 140 s since its first attempt
  EXPECT_EQ(p.look(fails).state, job_state::dead);
  const auto slow = p.put("mails", new_job{.timeout = seconds{500}});
  const auto held = p.take("mails");
  ASSERT_EQ(held.work.id, slow);
  p.pass(seconds{101});
  const auto r = p.failed(held, "smtp 550");
  EXPECT_EQ(r->state, job_state::dead);
  const auto dead = p.look(slow);
  ASSERT_EQ(dead.history.size(), 2);
  EXPECT_EQ(dead.history[0].error, "smtp 550");
  EXPECT_EQ(dead.history[1].error, "retention passed");
}

TYPED_TEST_P(jobs_conformance, those_behind_a_key_die_of_age_too) {
  auto p = this->plane(this->with({.name = "orders.fifo", .retention = seconds{100}}));
  for (const char* key : {"a", "b", "a", "b", "a"}) p.put("orders.fifo", new_job{.key = key});
  p.pass(seconds{60});
  const auto young = p.put("orders.fifo", new_job{.key = "b"});
  p.pass(seconds{41});
  p.pass(seconds{5});
  EXPECT_EQ(p.count("orders.fifo", job_state::dead), 5);
  EXPECT_EQ(p.count("orders.fifo", job_state::queued), 1);
  EXPECT_EQ(p.counts("orders.fifo").parked, 0);
  EXPECT_EQ(p.take("orders.fifo").work.id, young);
}

// SQS's messages are gone then: no dead letters, and nobody receives them.
TYPED_TEST_P(jobs_conformance, messages_go_after_their_retention_period) {
  auto p = this->plane();
  ASSERT_TRUE(p.apply(set_queue{
      .queue = "mails", .attributes = R"({"attributes":{"MessageRetentionPeriod":"60"}})"}));
  const auto id = p.put("mails");
  p.pass(seconds{60});
  p.now.steady_ms += 1'000;  // nobody has looked yet
  p.now.wall_ms += 1'000;
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_EQ(p.look(id).state, job_state::cancelled);
  EXPECT_EQ(p.count("mails", job_state::queued), 0);
  const auto received = p.put("mails", new_job{.timeout = seconds{20}});
  p.pass(seconds{50});
  EXPECT_EQ(p.take("mails").work.id, received);
  p.pass(seconds{20});  // 70 s since it was sent, 20 s since it was received
  EXPECT_EQ(p.look(received).state, job_state::cancelled);
}

TYPED_TEST_P(jobs_conformance, groups_of_errors_go_with_their_dead) {
  auto p = this->plane(this->with({.name = "mails", .keep_dead = seconds{10'000}}));
  const auto number = p.stored().add_queue("mails");
  ASSERT_TRUE(number);
  const auto fail_one = [&](const std::string& why) {
    p.put("mails", new_job{.attempts = {seconds{0}}});
    EXPECT_TRUE(p.failed(p.take("mails"), why));
  };
  const auto groups_before = [&](std::int64_t wall_ms) {
    p.begin();
    const auto n = p.stored().drop_failures_before(*number, wall_ms);
    p.lose();
    return n ? *n : 99;
  };
  fail_one("old");
  p.pass(seconds{9'000});
  fail_one("new");
  fail_one("new");
  EXPECT_EQ(groups_before(INT64_MAX), 2);
  EXPECT_EQ(groups_before(p.now.wall_ms), 1);
  p.pass(seconds{5'000});
  EXPECT_EQ(groups_before(INT64_MAX), 1);
  EXPECT_EQ(groups_before(p.now.wall_ms - 5'000'000), 0);  // it is the new one
}

TYPED_TEST_P(jobs_conformance, what_ended_within_a_day_is_counted) {
  auto p = this->plane();
  const auto end = [&](bool well) {
    p.put("mails", new_job{.attempts = {seconds{0}}});
    const auto j = p.take("mails");
    EXPECT_TRUE(well ? p.done(j) : p.failed(j));
  };
  const auto today = [&] {
    const auto q = p.rules().queues(p.now).at(0);
    return std::pair{q.done_today, q.died_today};
  };
  end(true);
  end(false);
  p.pass(seconds{20 * 3'600});
  end(false);
  using counts = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(today(), counts(1, 2));
  p.pass(seconds{5 * 3'600});
  EXPECT_EQ(today(), counts(0, 1));
  end(true);
  EXPECT_EQ(today(), counts(1, 1));
  p.pass(seconds{90 * 3'600});
  EXPECT_EQ(today(), counts(0, 0));
  end(true);
  EXPECT_EQ(today(), counts(1, 0));
}

}  // namespace fairing::jobs::test
