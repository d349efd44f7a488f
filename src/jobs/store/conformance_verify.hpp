// Conformance: a job that verify_idempotency chose is delivered once more after its success. Included by
// conformance_test.hpp.
#pragma once

#include <algorithm>
#include <string>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

inline std::string traceparent_in(const leased_job& j) {
  const auto at =
      std::ranges::find(j.work.fields, "traceparent", &std::pair<std::string, std::string>::first);
  return at == j.work.fields.end() ? std::string() : at->second;
}

TYPED_TEST_P(jobs_conformance, a_chosen_job_runs_once_more_and_is_done) {
  auto p = this->plane();
  p.configure([](jobs_config& c) { c.queues = {{.name = "mails", .verify_idempotency = 1}}; });
  new_job n{.payload = "a"};
  n.unique = "one";
  n.fields = {{"traceparent", "00-11111111111111111111111111111111-2222222222222222-01"}};
  const auto id = p.put("mails", n);
  const auto other = p.put("mails", "b");
  auto j = p.take("mails");
  EXPECT_EQ(j.run, verify_run::first);
  EXPECT_EQ(traceparent_in(j).substr(3, 32), run_trace(id, 1));
  ASSERT_TRUE(p.failed(j));
  p.pass(seconds{60});
  EXPECT_EQ(p.take("mails").work.id, other);
  j = p.take("mails");
  ASSERT_EQ(j.work.id, id);
  EXPECT_EQ(traceparent_in(j).substr(3, 32), run_trace(id, 2));
  EXPECT_EQ(p.done(j, "sent")->state, job_state::done);
  ASSERT_EQ(p.said.events.size(), 1);
  EXPECT_EQ(p.said.events[0].what, job_event::kind::succeeded);
  EXPECT_EQ(p.said.events[0].run, verify_run::first);
  EXPECT_EQ(p.count("mails", job_state::done), 0);
  p.reopen();  // what it is in the middle of is in the store
  EXPECT_EQ(p.apply(cancel_job{id}).error().code, errc::conflict);
  j = p.take("mails");
  ASSERT_EQ(j.work.id, id);
  EXPECT_EQ(j.run, verify_run::second);
  EXPECT_EQ(j.work.attempt, 3);
  EXPECT_EQ(j.work.payload, "a");
  EXPECT_EQ(traceparent_in(j).substr(3, 32), run_trace(id, 3));
  EXPECT_EQ(p.done(j, "sent again")->state, job_state::done);
  ASSERT_EQ(p.said.events.size(), 1);
  EXPECT_EQ(p.said.events[0].what, job_event::kind::verified);
  EXPECT_EQ(p.said.events[0].error, "");
  const auto after = p.look(id);
  EXPECT_EQ(after.state, job_state::done);
  EXPECT_EQ(after.result, "sent");
  ASSERT_EQ(after.history.size(), 3);
  EXPECT_EQ(after.fields, n.fields);
  EXPECT_EQ(p.count("mails", job_state::done), 1);
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_TRUE(p.enqueue_one("mails", n)->jobs[0].id != id);  // its name is free
}

TYPED_TEST_P(jobs_conformance, a_second_run_never_makes_a_job_dead) {
  auto p = this->plane();
  p.configure([](jobs_config& c) {
    queue_config q{.name = "mails", .verify_idempotency = 1};
    q.attempts = {milliseconds{0}};
    c.queues = {q};
  });
  const auto failing = p.put("mails");
  ASSERT_TRUE(p.done(p.take("mails")));
  EXPECT_EQ(p.failed(p.take("mails"), "taken")->state, job_state::done);
  EXPECT_EQ(p.said.events.at(0).error, "taken");
  EXPECT_EQ(p.look(failing).state, job_state::done);
  const auto silent = p.put("mails");
  ASSERT_TRUE(p.done(p.take("mails")));
  auto j = p.take("mails");
  ASSERT_TRUE(p.apply(fail_job{.token = j.token, .error = {}, .release = true}));
  j = p.take("mails");
  ASSERT_EQ(j.work.id, silent);
  EXPECT_EQ(j.run, verify_run::second);
  p.pass(seconds{31});
  ASSERT_EQ(p.said.events.size(), 1);
  EXPECT_EQ(p.said.events[0].what, job_event::kind::verified);
  EXPECT_EQ(p.said.events[0].error, "lease expired");
  EXPECT_EQ(p.look(silent).state, job_state::done);
  EXPECT_EQ(p.done(j).error().code, errc::stale_lease);
  EXPECT_EQ(p.count("mails", job_state::dead), 0);
}

TYPED_TEST_P(jobs_conformance, jobs_are_chosen_by_their_share) {
  auto p = this->plane();
  p.configure([](jobs_config& c) {
    queue_config requests{.name = "requests", .verify_idempotency = 1};
    requests.requests = true;
    c.queues = {{.name = "mails", .verify_idempotency = 0.25}, {.name = "none"}, requests};
  });
  int chosen = 0;
  for (int i = 0; i < 200; ++i) {
    p.put("mails");
    const auto j = p.take("mails");
    chosen += j.run == verify_run::first;
    ASSERT_TRUE(p.done(j));
    if (const auto again = p.take("mails"); again.work.id != 0) {
      EXPECT_EQ(again.work.id, j.work.id);
      ASSERT_TRUE(p.done(again));
    }
    p.now.wall_ms += 7;  // ids follow the clock
  }
  EXPECT_GT(chosen, 20);
  EXPECT_LT(chosen, 90);
  for (const auto* queue : {"none", "requests"}) {
    p.put(queue);
    auto got = p.template as<leased>(
        p.apply(lease{.queue = queue, .requests = std::string_view(queue) == "requests"}));
    ASSERT_TRUE(got && got->jobs.size() == 1);
    const auto j = std::move(got->jobs.front());
    EXPECT_EQ(j.run, verify_run::none);
    EXPECT_EQ(traceparent_in(j), "");
    EXPECT_EQ(p.done(j)->state, job_state::done);
    EXPECT_EQ(p.count(queue, job_state::queued), 0);
  }
  // A worker of the SQS API cannot be told of a second run.
  p.configure([](jobs_config& c) { c.queues = {{.name = "mails", .verify_idempotency = 1}}; });
  p.put("mails");
  ASSERT_TRUE(p.apply(ack{.token = p.take("mails").token, .repeatable = true}));
  EXPECT_EQ(p.take("mails").work.id, 0);
}

}  // namespace fairing::jobs::test
