#include "retry/health.hpp"

#include <gtest/gtest.h>

namespace fairing::retry {
namespace {

class health : public testing::Test {
 protected:
  bool check(bool ok) {
    now += seconds{5};
    EXPECT_TRUE(h.due(now));
    h.started(now);
    return h.finished(ok, now);
  }
  health_fsm h{{.interval = seconds{5}, .unhealthy_after = 3, .healthy_after = 2}};
  mono_time now{milliseconds{1'000'000}};
};

TEST_F(health, thresholds_are_results_in_a_row) {
  EXPECT_TRUE(h.healthy());
  EXPECT_FALSE(check(false));
  EXPECT_FALSE(check(false));
  EXPECT_FALSE(check(true));
  EXPECT_FALSE(check(false));
  EXPECT_FALSE(check(false));
  EXPECT_TRUE(check(false));
  EXPECT_FALSE(h.healthy());
  EXPECT_FALSE(check(true));
  EXPECT_FALSE(check(false));
  EXPECT_FALSE(check(true));
  EXPECT_TRUE(check(true));
  EXPECT_TRUE(h.healthy());
}

TEST_F(health, checks_follow_the_interval_one_at_a_time) {
  EXPECT_TRUE(h.due(now)) << "at once after the start";
  h.started(now);
  EXPECT_FALSE(h.due(now + seconds{60})) << "one is running";
  h.finished(true, now + seconds{1});
  EXPECT_FALSE(h.due(now + milliseconds{4999}));
  EXPECT_TRUE(h.due(now + seconds{5}));
}

}  // namespace
}  // namespace fairing::retry
