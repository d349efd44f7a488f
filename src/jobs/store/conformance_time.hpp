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

}  // namespace fairing::jobs::test
