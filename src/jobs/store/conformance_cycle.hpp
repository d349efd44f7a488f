// Conformance: put, lease, settle, ladder, fencing. Included by conformance_test.hpp.
#pragma once

#include "jobs/store/conformance_test.hpp"

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

REGISTER_TYPED_TEST_SUITE_P(jobs_conformance, a_job_is_put_leased_and_done);

}  // namespace fairing::jobs::test
