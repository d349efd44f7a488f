// Conformance: unique names, Idempotency-Key, batches, limits. Included by conformance_test.hpp.
#pragma once

#include <string>

#include "jobs/store/conformance_suite.hpp"

namespace fairing::jobs::test {

TYPED_TEST_P(jobs_conformance, a_unique_name_is_free_when_its_job_has_ended) {
  auto p = this->plane();
  const new_job report{.payload = "r", .unique = "report"};
  const auto id = p.put("mails", report);
  auto again = p.enqueue_one("mails", report);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->jobs[0].existed);
  EXPECT_EQ(again->jobs[0].id, id);
  EXPECT_NE(p.put("others", report), id);  // names are a queue's own
  const auto j = p.take("mails");
  p.reopen();
  EXPECT_TRUE(p.enqueue_one("mails", report)->jobs[0].existed);
  ASSERT_TRUE(p.done(j));
  EXPECT_FALSE(p.enqueue_one("mails", report)->jobs[0].existed);
  enqueue twice{.queue = "twins", .jobs = {report, report}};
  const auto twins = p.template as<enqueued>(p.apply(twice));
  EXPECT_EQ(twins->jobs[0].id, twins->jobs[1].id);
  EXPECT_TRUE(twins->jobs[1].existed);
  EXPECT_EQ(p.count("twins", job_state::queued), 1);
}

TYPED_TEST_P(jobs_conformance, a_unique_name_stays_taken_for_a_time) {
  auto p = this->plane();
  const new_job n{.unique = "dedup", .unique_for = seconds{300}};
  const auto id = p.put("mails", n);
  ASSERT_TRUE(p.done(p.take("mails")));
  p.pass(seconds{299});
  EXPECT_EQ(p.put("mails", n), id);
  p.pass(seconds{2});
  EXPECT_NE(p.put("mails", n), id);
}

// As SQS deduplicates: for so long and no longer, whatever the job does meanwhile.
TYPED_TEST_P(jobs_conformance, a_name_by_time_ends_with_its_time) {
  auto p = this->plane();
  const new_job n{.unique = "k", .unique_for = seconds{300}, .unique_by_time = true};
  const auto id = p.put("mails", n);
  p.pass(milliseconds{299'999});
  EXPECT_EQ(p.put("mails", n), id);
  p.pass(milliseconds{1});
  const auto second = p.put("mails", n);
  EXPECT_NE(second, id);  // although the first one waits still
  for (auto& j : p.take_some("mails", 2)) ASSERT_TRUE(p.done(j));
  EXPECT_EQ(p.put("mails", n), second);
}

TYPED_TEST_P(jobs_conformance, an_idempotency_key_gives_the_same_job) {
  auto p = this->plane();
  new_job n{
      .payload = "a", .idempotency_key = "k1", .idempotency_scope = "shop", .fingerprint = "f1"};
  const auto id = p.put("mails", n);
  p.reopen();
  auto again = p.enqueue_one("mails", n);
  EXPECT_EQ(again->jobs[0].id, id);
  EXPECT_TRUE(again->jobs[0].existed);
  n.fingerprint = "f2";
  const auto other = p.enqueue_one("mails", n);
  EXPECT_EQ(other.error().code, errc::conflict);
  EXPECT_NE(other.error().detail.find("k1"), std::string::npos);
  n.idempotency_scope = "blog";
  EXPECT_NE(p.put("mails", n), id);
  n.idempotency_scope = "shop";
  p.pass(seconds{86'401});  // a day later it is new
  EXPECT_FALSE(p.enqueue_one("mails", n)->jobs[0].existed);
  // All or none: the first one of a refused request is not there either.
  const auto before = p.count("mails", job_state::queued);
  n.fingerprint = "f3";
  EXPECT_FALSE(p.apply(enqueue{.queue = "mails", .jobs = {new_job{}, n}}));
  EXPECT_EQ(p.count("mails", job_state::queued), before);
}

// A request that is sent again is answered as the first time, whatever has become of its jobs.
TYPED_TEST_P(jobs_conformance, a_batch_that_is_sent_again_is_not_put_again) {
  auto p = this->plane();
  const auto named = [](new_job n, const std::string& key) {
    n.idempotency_key = key;
    n.idempotency_scope = "parts";
    n.fingerprint = "f";
    return n;
  };
  const auto other = p.put("parts", new_job{.unique = "u"});
  enqueue c{.queue = "parts",
            .jobs = {named({}, "k"), named({.unique = "u"}, "k1"), named({.unique = "t"}, "k2"),
                     named({.unique = "t"}, "k3")}};
  c.on_complete = named({.payload = "all"}, "kc");
  c.on_complete_queue = "whole";
  const auto put = p.template as<enqueued>(p.apply(c));
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(put->jobs[1].id, other);
  EXPECT_EQ(put->jobs[2].id, put->jobs[3].id) << "one live job of a unique name";
  const auto check_again = [&] {
    const auto again = p.template as<enqueued>(p.apply(c));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->batch, put->batch);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(again->jobs[i].id, put->jobs[i].id) << i;
      EXPECT_TRUE(again->jobs[i].existed) << i;
    }
  };
  check_again();
  EXPECT_EQ(p.take("whole").work.id, 0) << "its parts have not ended";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(p.done(p.take("parts")));
  EXPECT_EQ(p.take("parts").work.id, 0);
  check_again();
  EXPECT_EQ(p.take("whole").work.payload, "all");
  EXPECT_EQ(p.take("whole").work.id, 0) << "called back twice";
}

// A unique name is many requests' own; an Idempotency-Key is one's.
TYPED_TEST_P(jobs_conformance, a_unique_name_is_asked_for_under_many_keys) {
  auto p = this->plane();
  new_job n{.unique = "report", .idempotency_key = "k1", .fingerprint = "f1"};
  const auto id = p.put("mails", n);
  n.idempotency_key = "k2";
  n.fingerprint = "f2";
  EXPECT_EQ(p.put("mails", n), id);
  ASSERT_TRUE(p.done(p.take("mails")));
  EXPECT_EQ(p.put("mails", n), id) << "k2 stands for it from then on";
  n.idempotency_key = "k3";
  EXPECT_NE(p.put("mails", n), id);
}

TYPED_TEST_P(jobs_conformance, a_batch_calls_back_when_all_have_ended) {
  auto p = this->plane();
  enqueue c{.queue = "parts", .jobs = {new_job{.attempts = {seconds{0}}}, new_job{}, new_job{}}};
  c.on_complete = new_job{.payload = "all"};
  c.on_complete_queue = "whole";
  const auto put = p.template as<enqueued>(p.apply(c));
  ASSERT_TRUE(put);
  EXPECT_NE(put->batch, 0);
  ASSERT_TRUE(p.failed(p.take("parts")));  // dead: ended as well
  ASSERT_TRUE(p.done(p.take("parts")));
  p.reopen();
  EXPECT_EQ(p.take("whole").work.id, 0);
  ASSERT_TRUE(p.apply(cancel_job{put->jobs[2].id}));
  EXPECT_EQ(p.take("whole").work.payload, "all");
  c.on_complete_queue = "whole.fifo";
  EXPECT_EQ(p.apply(c).error().code, errc::bad_request);
}

TYPED_TEST_P(jobs_conformance, a_batch_waits_for_jobs_that_were_there) {
  auto p = this->plane();
  const auto there = p.put("parts", new_job{.unique = "u"});
  const auto held = p.take("parts");
  ASSERT_EQ(held.work.id, there);
  const auto gone = p.put("rest", new_job{.unique = "u"});
  enqueue c{.queue = "parts", .jobs = {new_job{}, new_job{.unique = "u"}, new_job{.unique = "u"}}};
  c.on_complete = new_job{.payload = "all"};
  c.on_complete_queue = "whole";
  ASSERT_TRUE(p.apply(c));
  p.begin();
  ASSERT_TRUE(p.apply(ack{.token = held.token}));
  p.lose();
  c.queue = "rest";
  c.jobs.resize(2);  // two batches wait for one
  ASSERT_TRUE(p.apply(c));
  ASSERT_TRUE(p.apply(c));
  ASSERT_TRUE(p.done(p.take("parts")));
  p.reopen();
  EXPECT_EQ(p.take("whole").work.id, 0);
  ASSERT_TRUE(p.done(held));
  EXPECT_EQ(p.take("whole").work.payload, "all");
  EXPECT_EQ(p.look(gone).state, job_state::queued);
  ASSERT_TRUE(p.apply(purge_queue{"rest"}));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_EQ(p.take_some("whole", 9).size(), 2);
}

TYPED_TEST_P(jobs_conformance, a_purge_ends_the_batches_of_its_jobs) {
  auto p = this->plane();
  enqueue c{.queue = "parts", .jobs = {new_job{}, new_job{.delay = seconds{900}}, new_job{}}};
  c.on_complete = new_job{.payload = "all", .unique = "end"};
  c.on_complete_queue = "whole";
  ASSERT_TRUE(p.apply(c));
  const auto j = p.take("parts");
  EXPECT_EQ(p.apply(c).error().code, errc::conflict);  // its callback would be the first one's
  EXPECT_EQ(p.count("parts", job_state::queued), 1);
  ASSERT_TRUE(p.apply(purge_queue{"parts"}));
  for (int i = 0; i < 3; ++i) p.turn();
  EXPECT_EQ(p.take("whole").work.id, 0);
  ASSERT_TRUE(p.done(j));
  EXPECT_EQ(p.take("whole").work.payload, "all");
}

TYPED_TEST_P(jobs_conformance, what_is_too_much_is_refused) {
  auto c = this->with({.name = "mails", .payload = 10});
  c.max_jobs = 3;
  c.create_queues = false;
  auto p = this->plane(c);
  EXPECT_EQ(p.enqueue_one("mails", {.payload = "12345678901"}).error().code, errc::too_large);
  EXPECT_EQ(p.enqueue_one("others", {}).error().code, errc::not_found);
  EXPECT_EQ(p.enqueue_one("mails", {.priority = 101}).error().code, errc::bad_request);
  EXPECT_EQ(p.enqueue_one("mails", {.delay = seconds{-1}}).error().code, errc::bad_request);
  EXPECT_EQ(p.enqueue_one("mails", {.delay = seconds{1}, .run_at_ms = 5}).error().code,
            errc::bad_request);
  EXPECT_EQ(p.apply(enqueue{.queue = "mails"}).error().code, errc::bad_request);
  EXPECT_EQ(p.apply(lease{.queue = "mails", .most = 101}).error().code, errc::bad_request);
  p.put("mails");
  p.put("mails");
  const auto full = p.apply(enqueue{.queue = "mails", .jobs = {new_job{}, new_job{}}});
  EXPECT_EQ(full.error().code, errc::full);
  EXPECT_NE(full.error().detail.find("max_jobs"), std::string::npos);
  EXPECT_EQ(p.count("mails", job_state::queued), 2);
  if (p.stored().free_bytes() != 0) {
    p.configure([](jobs_config& next) { next.disk_reserve = INT64_MAX, next.max_jobs = 100; });
    p.pass(seconds{1});
    EXPECT_EQ(p.enqueue_one("mails", {}).error().code, errc::full);
    EXPECT_NE(p.take("mails").work.id, 0);  // what is there goes on
  }
}

TYPED_TEST_P(jobs_conformance, a_full_queue_stops_itself_and_no_other) {
  auto p = this->plane(this->with({.name = "mails", .max_jobs = 3}));
  for (const char* key : {"a", "b", "c"}) p.put("mails", new_job{.idempotency_key = key});
  const auto refused = p.enqueue_one("mails", {.payload = "d"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::full);
  EXPECT_NE(refused.error().message().find("queue mails"), std::string::npos);
  EXPECT_TRUE(p.enqueue_one("mails", {.idempotency_key = "c"}));  // it is there already
  p.put("bills");
  ASSERT_TRUE(p.done(p.take("mails")));
  enqueue two{.queue = "mails"};
  two.jobs.resize(2);
  EXPECT_EQ(p.apply(two).error().code, errc::full);
  p.reopen();
  p.put("mails", "d");
  EXPECT_EQ(p.enqueue_one("mails", {.payload = "e"}).error().code, errc::full);
  p.configure([](jobs_config& c) { c.queues[0].max_jobs = 4; });
  p.put("mails", "e");
}

}  // namespace fairing::jobs::test
