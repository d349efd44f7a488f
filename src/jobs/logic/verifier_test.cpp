#include "jobs/logic/verifier.hpp"

#include <gtest/gtest.h>

namespace fairing::jobs {
namespace {

using kind = job_event::kind;

struct verifying {
  bus::write_sets sets;
  verifier book{sets};

  std::vector<verified> tell(kind what, job_id id, std::uint32_t attempt, verify_run run,
                             std::string error = {}) {
    const job_event e{.what = what,
                      .id = id,
                      .queue = 3,
                      .attempt = attempt,
                      .error = std::move(error),
                      .run = run};
    return book.on_events({&e, 1}, 1000);
  }
  void sql(job_id id, std::uint32_t attempt, std::uint64_t rows) {
    const auto key = bus::trace_key(run_trace(id, attempt));
    sets.saw_statement(key);
    sets.add(key, {.kind = bus::write_kind::insert, .rows = rows, .values = 9});
  }
};

TEST(verifier, compares_the_run_that_succeeded_with_the_one_after) {
  verifying v;
  EXPECT_TRUE(v.tell(kind::started, 7, 1, verify_run::first).empty());
  v.sql(7, 1, 5);
  v.tell(kind::failed, 7, 1, verify_run::none, "no");
  EXPECT_EQ(v.sets.open(), 0);
  v.tell(kind::started, 7, 2, verify_run::first);
  v.sql(7, 1, 5);  // late: nobody watches the first attempt any more
  v.sql(7, 2, 1);
  EXPECT_TRUE(v.tell(kind::succeeded, 7, 2, verify_run::first).empty());
  v.tell(kind::started, 7, 3, verify_run::second);
  v.sql(7, 3, 1);
  const auto said = v.tell(kind::verified, 7, 3, verify_run::second);
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].what.what, verdict::not_idempotent);
  EXPECT_EQ(said[0].what.rows_first, 1);
  EXPECT_EQ(v.sets.open(), 0);
  const auto s = v.book.summary_of(3);
  EXPECT_EQ(s.counts[static_cast<std::size_t>(verdict::not_idempotent)], 1);
  ASSERT_EQ(s.findings.size(), 1);
  EXPECT_EQ(s.findings[0].id, 7);
  EXPECT_TRUE(v.book.summary_of(4).findings.empty());
}

TEST(verifier, a_first_run_that_nobody_watched_is_not_seen) {
  verifying v;
  v.tell(kind::started, 7, 3, verify_run::second);
  auto said = v.tell(kind::verified, 7, 3, verify_run::second);
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].what.why, verdict_reason::not_watched);
  said = v.tell(kind::verified, 8, 3, verify_run::second);
  ASSERT_EQ(said.size(), 1);
  EXPECT_EQ(said[0].what.what, verdict::not_seen);
}

TEST(verifier, a_delivery_that_was_given_back_begins_anew) {
  verifying v;
  v.tell(kind::started, 7, 1, verify_run::first);
  v.sql(7, 1, 5);
  v.tell(kind::started, 7, 1, verify_run::first);
  v.sql(7, 1, 0);
  v.tell(kind::succeeded, 7, 1, verify_run::first);
  v.tell(kind::started, 7, 2, verify_run::second);
  v.sql(7, 2, 0);
  const auto said = v.tell(kind::verified, 7, 2, verify_run::second);
  EXPECT_EQ(said.at(0).what.what, verdict::idempotent);
}

TEST(verifier, the_oldest_makes_room_and_findings_are_told_apart) {
  verifying v;
  for (job_id id = 1; id <= verifier::most_jobs + 1; ++id)
    v.tell(kind::started, id, 1, verify_run::first);
  EXPECT_EQ(v.sets.open(), bus::write_sets::most_open);
  for (job_id id = 1; id <= 20; ++id) v.tell(kind::verified, 100'000 + id, 2, verify_run::second);
  const auto s = v.book.summary_of(3);
  EXPECT_EQ(s.counts[static_cast<std::size_t>(verdict::not_seen)], 20);
  EXPECT_EQ(s.findings.size(), 1);  // all for the same reason
}

TEST(verifier, jobs_that_are_not_chosen_cost_nothing) {
  verifying v;
  v.tell(kind::started, 7, 1, verify_run::none);
  v.tell(kind::succeeded, 7, 1, verify_run::none);
  EXPECT_EQ(v.sets.open(), 0);
}

TEST(verifier, run_traces_differ_by_attempt) {
  EXPECT_EQ(run_trace(7, 1).size(), 32);
  EXPECT_EQ(run_trace(7, 1), run_trace(7, 1));
  EXPECT_NE(run_trace(7, 1), run_trace(7, 2));
  EXPECT_NE(run_trace(7, 1), run_trace(8, 1));
}

}  // namespace
}  // namespace fairing::jobs
