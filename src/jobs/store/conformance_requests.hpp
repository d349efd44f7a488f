// Requests that the http plane put off: nobody else is given them, whatever the configuration says of their queue.
#pragma once

#include <optional>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

inline new_job kept_request() {
  return {.payload = "POST /reports HTTP/1.1\r\n\r\n",
          .content_type = "message/http",
          .owner = "principal:1"};
}
inline jobs_config requests_in(const std::string& queue) {
  jobs_config c;
  queue_config q{.name = queue};
  q.requests = true;
  c.queues.push_back(std::move(q));
  return c;
}
inline leased_job run_of(plane_under_test& p, const std::string& queue) {
  auto r = p.as<leased>(p.apply(lease{.queue = queue, .requests = true}));
  return r && !r->jobs.empty() ? std::move(r->jobs.front()) : leased_job{};
}
inline std::optional<errc> refusal(plane_under_test& p, const command& c) {
  const auto r = p.apply(c);
  if (r) return std::nullopt;
  return static_cast<errc>(r.error().code.value());
}
inline bool of_requests(plane_under_test& p, const std::string& queue) {
  for (const auto& q : p.rules().queues(p.now))
    if (q.row.name == queue) return q.config.requests;
  return false;
}

TYPED_TEST_P(jobs_conformance, kept_requests_are_for_nobody_else) {
  auto p = this->plane(requests_in("reports"));
  const auto first = p.put("reports", kept_request());
  const auto second = p.put("reports", kept_request());
  p.configure([](jobs_config& c) { c.queues.clear(); });
  p.reopen();
  for (const auto wait : {std::int64_t{0}, p.now.steady_ms + 1'000})
    EXPECT_EQ(refusal(p, lease{.queue = "reports", .wait_until_steady_ms = wait, .waiter = 7}),
              errc::conflict);
  EXPECT_EQ(refusal(p, redrive{.queue = "reports", .to = "mails"}), errc::conflict);
  EXPECT_EQ(refusal(p, set_queue{.queue = "reports", .attributes = "{}"}), errc::conflict);
  EXPECT_TRUE(of_requests(p, "reports"));
  auto j = run_of(p, "reports");
  EXPECT_EQ(j.work.id, first);
  ASSERT_TRUE(p.done(j));
  j = run_of(p, "reports");
  EXPECT_EQ(j.work.id, second);
  // A batch that is lost takes the end of it back.
  p.begin();
  ASSERT_TRUE(p.done(j));
  ASSERT_TRUE(p.rules().tick(p.now));
  EXPECT_FALSE(of_requests(p, "reports"));
  p.lose();
  EXPECT_TRUE(of_requests(p, "reports"));
  ASSERT_TRUE(p.done(j));
  // The last of them has ended: a queue like any, but what died there stays there.
  EXPECT_FALSE(of_requests(p, "reports"));
  p.reopen();
  EXPECT_FALSE(of_requests(p, "reports"));
  const auto native = p.put("reports");
  EXPECT_EQ(p.take("reports").work.id, native);
}

TYPED_TEST_P(jobs_conformance, a_worker_that_waits_is_given_no_kept_request) {
  auto p = this->plane();
  p.put("reports");
  ASSERT_TRUE(p.done(p.take("reports")));
  ASSERT_TRUE(p.apply(
      lease{.queue = "reports", .wait_until_steady_ms = p.now.steady_ms + 60'000, .waiter = 7}));
  // The route is there before the engine knows of it.
  const auto id = p.put("reports", kept_request());
  ASSERT_EQ(p.said.replies.size(), 1);
  ASSERT_TRUE(p.said.replies[0].jobs);
  EXPECT_TRUE(p.said.replies[0].jobs->jobs.empty());
  EXPECT_TRUE(of_requests(p, "reports"));
  p.reopen();
  EXPECT_EQ(refusal(p, lease{.queue = "reports"}), errc::conflict);
  EXPECT_EQ(run_of(p, "reports").work.id, id);
}

TYPED_TEST_P(jobs_conformance, dead_requests_go_to_no_other_queue) {
  auto p = this->plane(requests_in("reports"));
  const auto id = p.put("reports", kept_request());
  const auto j = run_of(p, "reports");
  ASSERT_TRUE(p.apply(fail_job{.token = j.token, .error = "broke off", .dead = true}));
  p.configure([](jobs_config& c) { c.queues.clear(); });
  p.turn();
  EXPECT_FALSE(of_requests(p, "reports"));
  EXPECT_EQ(refusal(p, redrive{.queue = "reports", .id = id, .to = "mails"}), errc::conflict);
  ASSERT_TRUE(p.apply(redrive{.queue = "reports", .to = "mails"}));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_EQ(p.look(id).state, job_state::dead);
  // Where they came from they are run: the queue is one of requests again.
  ASSERT_TRUE(p.apply(redrive{.queue = "reports"}));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_TRUE(of_requests(p, "reports"));
  EXPECT_EQ(run_of(p, "reports").work.id, id);
}

}  // namespace fairing::jobs::test
