// Conformance: put, lease, settle, ladder, fencing. Included by conformance_test.hpp.
#pragma once

#include <string>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

TYPED_TEST_P(jobs_conformance, a_job_is_put_leased_and_done) {
  auto p = this->plane();
  const auto id = p.put("mails", R"({"to":"a"})");
  EXPECT_EQ(p.look(id).state, job_state::queued);
  EXPECT_EQ(p.count("mails", job_state::queued), 1);
  const auto j = p.take("mails");
  EXPECT_EQ(j.work.id, id);
  EXPECT_EQ(j.work.payload, R"({"to":"a"})");
  EXPECT_EQ(j.work.attempt, 1);
  EXPECT_EQ(j.deadline_ms, p.now.wall_ms + 30'000);
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_EQ(p.done(j, "sent")->state, job_state::done);
  const auto after = p.look(id);
  EXPECT_EQ(after.result, "sent");
  ASSERT_EQ(after.history.size(), 1);
  EXPECT_EQ(after.history[0].error, "");
  EXPECT_EQ(p.count("mails", job_state::done), 1);
  EXPECT_EQ(p.count("mails", job_state::leased), 0);
}

// The delay before attempt n counts from the end of attempt n-1, to the millisecond.
TYPED_TEST_P(jobs_conformance, the_ladder_is_exact) {
  auto p = this->plane();
  const auto id = p.put("mails");
  for (const auto delay : {seconds{60}, seconds{300}, seconds{1800}}) {
    const auto j = p.take("mails");
    ASSERT_EQ(j.work.id, id);
    p.pass(milliseconds{1234});
    const auto next = p.failed(j, "smtp 421");
    ASSERT_TRUE(next);
    EXPECT_EQ(next->state, job_state::scheduled);
    EXPECT_EQ(next->next_attempt_ms, p.now.wall_ms + milliseconds{delay}.count());
    EXPECT_EQ(p.rules().next_wake_steady_ms(p.now),
              std::min(p.now.steady_ms + milliseconds{delay}.count(),
                       *p.rules().next_wake_steady_ms(p.now)));
    p.pass(delay - milliseconds{1});
    EXPECT_EQ(p.take("mails").work.id, 0);
    p.pass(milliseconds{1});
  }
  const auto last = p.take("mails");
  EXPECT_EQ(last.work.attempt, 4);
  EXPECT_EQ(p.failed(last, "smtp 550")->state, job_state::dead);
  const auto dead = p.look(id);
  ASSERT_EQ(dead.history.size(), 4);
  EXPECT_EQ(dead.history[0].error, "smtp 421");
  EXPECT_EQ(dead.history[3].error, "smtp 550");
  EXPECT_EQ(dead.history[3].attempt, 4);
}

TYPED_TEST_P(jobs_conformance, a_retry_after_is_honoured) {
  auto p = this->plane();
  const auto id = p.put("mails", new_job{.attempts = {seconds{5}, seconds{10}, seconds{10}}});
  EXPECT_EQ(p.take("mails").work.id, 0);  // the first step of its own ladder
  p.pass(seconds{5});
  auto j = p.take("mails");
  ASSERT_EQ(j.work.id, id);
  ASSERT_TRUE(p.apply(fail_job{.token = j.token, .error = "busy", .retry_after = seconds{77}}));
  p.pass(seconds{76});
  EXPECT_EQ(p.take("mails").work.id, 0);
  p.pass(seconds{1});
  j = p.take("mails");
  EXPECT_EQ(j.work.attempt, 2);
  const auto r = p.template as<settled>(
      p.apply(fail_job{.token = j.token, .error = "no such user", .dead = true}));
  EXPECT_EQ(r->state, job_state::dead);  // no point in the third
}

// What a push target asks for lengthens the ladder's delay, and never shortens it.
TYPED_TEST_P(jobs_conformance, not_before_is_the_later_of_two) {
  auto p = this->plane();
  const auto id = p.put("mails", new_job{.attempts = {seconds{0}, seconds{10}, seconds{10}}});
  for (const auto asked : {seconds{2}, seconds{30}}) {
    const auto j = p.take("mails");
    ASSERT_EQ(j.work.id, id);
    ASSERT_TRUE(p.apply(fail_job{.token = j.token, .error = "busy", .not_before = asked}));
    p.pass(std::max(asked, seconds{10}) - milliseconds{1});
    EXPECT_EQ(p.take("mails").work.id, 0);
    p.pass(milliseconds{1});
  }
  EXPECT_EQ(p.take("mails").work.attempt, 3);
}

TYPED_TEST_P(jobs_conformance, a_grace_comes_on_top_of_the_jobs_own_timeout) {
  auto p = this->plane();
  p.put("mails", new_job{.timeout = seconds{7}});
  const auto r = p.template as<leased>(p.apply(lease{.queue = "mails", .grace = seconds{5}}));
  ASSERT_TRUE(r);
  ASSERT_EQ(r->jobs.size(), 1);
  EXPECT_EQ(r->jobs[0].deadline_ms, p.now.wall_ms + 12'000);
}

TYPED_TEST_P(jobs_conformance, a_lease_that_ran_out_is_a_failed_attempt) {
  auto p = this->plane();
  const auto id =
      p.put("mails", new_job{.timeout = seconds{10}, .attempts = {seconds{0}, seconds{0}}});
  const auto first = p.take("mails");
  p.pass(milliseconds{9'999});
  EXPECT_EQ(p.look(id).state, job_state::leased);
  p.pass(milliseconds{1});
  ASSERT_EQ(p.said.events.size(), 1);
  EXPECT_EQ(p.said.events[0].what, job_event::kind::expired);
  const auto second = p.take("mails");
  ASSERT_EQ(second.work.id, id);
  ASSERT_EQ(second.work.history.size(), 2);
  EXPECT_TRUE(second.work.history[0].lease_expired);
  EXPECT_EQ(second.work.history[0].error, "lease expired");
  EXPECT_EQ(p.done(first).error().code, errc::stale_lease);
  p.reopen();
  EXPECT_EQ(p.done(first).error().code, errc::stale_lease);
  EXPECT_TRUE(p.done(second));  // a lease outlives the plane
}

TYPED_TEST_P(jobs_conformance, only_the_newest_lease_counts) {
  auto p = this->plane();
  p.put("mails", new_job{.attempts = {seconds{0}, seconds{0}, seconds{0}}});
  const auto first = p.take("mails");
  ASSERT_TRUE(p.failed(first));
  const auto second = p.take("mails");
  EXPECT_NE(first.token.secret, second.token.secret);
  const command late[] = {ack{.token = first.token}, fail_job{.token = first.token},
                          extend{.token = first.token, .length = seconds{5}},
                          progress{.token = first.token, .text = "50%"}};
  for (const auto& c : late) EXPECT_EQ(p.apply(c).error().code, errc::stale_lease);
  EXPECT_TRUE(p.apply(progress{.token = second.token, .text = "50%"}));
  EXPECT_TRUE(p.done(second));
  EXPECT_EQ(p.done(second).error().code, errc::stale_lease);
  EXPECT_EQ(p.look(first.work.id).progress, "50%");
  EXPECT_EQ(p.done(leased_job{.token = {.job = 77, .secret = 1}}).error().code, errc::not_found);
}

TYPED_TEST_P(jobs_conformance, a_lease_is_extended_and_given_back) {
  auto p = this->plane();
  const auto id = p.put("mails");
  p.put("mails", "second");
  auto j = p.take("mails");
  p.pass(seconds{29});
  ASSERT_TRUE(p.apply(extend{.token = j.token, .length = seconds{60}}));
  p.pass(seconds{59});
  ASSERT_TRUE(p.apply(fail_job{.token = j.token, .release = true}));
  j = p.take("mails");  // where it stood: before the second
  EXPECT_EQ(j.work.id, id);
  EXPECT_EQ(j.work.attempt, 1);
  EXPECT_EQ(j.work.history.size(), 1);
}

TYPED_TEST_P(jobs_conformance, a_cancelled_job_is_gone_for_its_worker) {
  auto p = this->plane();
  const auto id = p.put("mails");
  const auto j = p.take("mails");
  ASSERT_TRUE(p.apply(cancel_job{id}));
  EXPECT_EQ(p.done(j).error().code, errc::stale_lease);
  EXPECT_EQ(p.apply(cancel_job{id}).error().code, errc::conflict);
  EXPECT_EQ(p.apply(cancel_job{77}).error().code, errc::not_found);
  const auto later = p.put("mails", new_job{.delay = seconds{9}});
  ASSERT_TRUE(p.apply(cancel_job{later}));
  p.pass(seconds{10});
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_EQ(p.count("mails", job_state::cancelled), 2);
}

TYPED_TEST_P(jobs_conformance, bodies_of_any_size_come_back) {
  auto p = this->plane();
  for (const std::size_t size : {0UL, 1UL, 1'024UL, 1'025UL, 5'000UL, 1'048'576UL}) {
    std::string body(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>(i);
    const auto id = p.put("files", new_job{.payload = body,
                                           .content_type = "application/octet-stream",
                                           .fields = {{"a", "1"}, {"b", std::string("\0x", 2)}}});
    const auto j = p.take("files");
    EXPECT_EQ(j.work.payload, body);
    EXPECT_EQ(j.work.content_type, "application/octet-stream");
    ASSERT_EQ(j.work.fields.size(), 2);
    EXPECT_EQ(j.work.fields[1].second, std::string("\0x", 2));
    ASSERT_TRUE(p.done(j, body));
    p.reopen();
    EXPECT_EQ(p.look(id).result, body);
    EXPECT_EQ(p.look(id).payload, body);
  }
}

TYPED_TEST_P(jobs_conformance, leases_wait_in_line) {
  auto p = this->plane();
  p.put("mails");
  ASSERT_TRUE(p.done(p.take("mails")));
  const auto wait = [&](std::uint64_t name, milliseconds how_long) {
    return p.apply(lease{.queue = "mails",
                         .wait_until_steady_ms = p.now.steady_ms + how_long.count(),
                         .waiter = name});
  };
  ASSERT_TRUE(wait(1, seconds{5}));
  ASSERT_TRUE(wait(2, seconds{50}));
  ASSERT_TRUE(wait(3, seconds{50}));
  EXPECT_TRUE(p.said.replies.empty());
  ASSERT_TRUE(p.apply(forget_waiter{2}));
  p.pass(seconds{5});
  ASSERT_EQ(p.said.replies.size(), 1);  // nothing in time
  EXPECT_EQ(p.said.replies[0].waiter, 1);
  EXPECT_TRUE(p.said.replies[0].jobs->jobs.empty());
  const auto id = p.put("mails", "late");
  ASSERT_EQ(p.said.replies.size(), 1);
  EXPECT_EQ(p.said.replies[0].waiter, 3);
  ASSERT_EQ(p.said.replies[0].jobs->jobs.size(), 1);
  EXPECT_EQ(p.said.replies[0].jobs->jobs[0].work.id, id);
}

// A lease of many large jobs gives what fits into a batch, and what it does not give is not leased.
TYPED_TEST_P(jobs_conformance, a_lease_gives_as_much_as_a_batch_may_hold) {
  auto p = this->plane();
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) p.put("mails", large);
  const auto got = p.take_some("mails", 100);
  EXPECT_EQ(got.size(), 16);
  EXPECT_EQ(p.count("mails", job_state::leased), got.size());
  EXPECT_EQ(p.take("mails").work.payload, large);
  // Those who wait get theirs one batch after the other, without anybody asking.
  p.begin();
  for (const std::uint64_t waiter : {1U, 2U})
    ASSERT_TRUE(p.apply(lease{.queue = "mails",
                              .most = 100,
                              .wait_until_steady_ms = p.now.steady_ms + 9'000,
                              .waiter = waiter}));
  p.commit();
  std::vector<std::pair<std::uint64_t, std::size_t>> given;  // to whom, how many
  for (int i = 0; i < 2; ++i) {
    p.turn();
    if (i == 0) EXPECT_EQ(p.rules().next_wake_steady_ms(p.now), p.now.steady_ms);
    for (const auto& r : p.said.replies) given.emplace_back(r.waiter, r.jobs->jobs.size());
  }
  using pairs = decltype(given);
  EXPECT_EQ(given, (pairs{{1, 16}, {2, 7}}));
  EXPECT_EQ(p.count("mails", job_state::leased), 40);
}

// One queue's large jobs keep nobody else waiting, and one job goes out whatever its size.
TYPED_TEST_P(jobs_conformance, large_jobs_keep_no_other_queue_waiting) {
  jobs_config c;
  c.queues.push_back({.name = "films", .payload = 64ULL << 20});
  auto p = this->plane(c);
  for (int i = 0; i < 2; ++i) p.put("films", std::string(17 << 20, 'x'));
  p.put("mails");
  p.begin();
  for (const auto& [queue, waiter] : {std::pair{"films", 1U}, {"films", 2U}, {"mails", 3U}})
    ASSERT_TRUE(p.apply(lease{.queue = queue,
                              .most = 1,
                              .wait_until_steady_ms = p.now.steady_ms + 9'000,
                              .waiter = waiter}));
  p.commit();
  std::vector<std::uint64_t> served;
  for (int i = 0; i < 3; ++i) {
    p.turn();
    for (const auto& r : p.said.replies) served.push_back(r.waiter);
  }
  EXPECT_EQ(served, (std::vector<std::uint64_t>{1, 3, 2}));
}

// Leases that do not wait get one job each, until the batch holds what it may.
TYPED_TEST_P(jobs_conformance, a_batch_of_leases_has_an_end) {
  auto p = this->plane();
  for (int i = 0; i < 70; ++i) p.put("mails", std::string(1 << 20, 'x'));
  p.begin();
  std::size_t given = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 70; ++i) {
    const auto r = p.template as<leased>(p.apply(lease{.queue = "mails", .most = 1}));
    if (r)
      given += r->jobs.size();
    else
      refused += r.error().code == errc::overloaded ? 1 : 0;
  }
  p.commit();
  EXPECT_EQ(given, 64);
  EXPECT_EQ(refused, 6);
  EXPECT_EQ(p.count("mails", job_state::leased), given);
}

}  // namespace fairing::jobs::test
