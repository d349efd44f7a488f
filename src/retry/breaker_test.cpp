#include "retry/breaker.hpp"

#include <gtest/gtest.h>

namespace fairing::retry {
namespace {

class breaker_test : public testing::Test {
 protected:
  // One call that ends at once; true if it was let through.
  bool call(bool ok) {
    const auto p = b.allow(now);
    if (p.allowed) b.report(p, ok, now);
    return p.allowed;
  }
  void open_it() {
    for (int i = 0; i < 3; ++i) call(false);
    ASSERT_EQ(b.state(), breaker_state::open);
  }
  breaker b{{.failures = 3,
             .open_for = seconds{5},
             .open_max = seconds{15},
             .probes = 1,
             .successes = 2}};
  mono_time now{milliseconds{1'000'000}};
};

TEST_F(breaker_test, opens_after_failures_in_a_row) {
  call(false);
  call(false);
  call(true);
  call(false);
  call(false);
  EXPECT_EQ(b.state(), breaker_state::closed);
  EXPECT_TRUE(b.report(b.allow(now), false, now)) << "the change is told";
  EXPECT_EQ(b.state(), breaker_state::open);
  EXPECT_FALSE(call(true));
  EXPECT_EQ(b.retry_after(now), seconds{5});
}

TEST_F(breaker_test, probes_close_it) {
  open_it();
  now += milliseconds{4999};
  EXPECT_FALSE(call(true));
  now += milliseconds{1};
  EXPECT_TRUE(call(true));
  EXPECT_EQ(b.state(), breaker_state::half_open);
  EXPECT_TRUE(call(true));
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST_F(breaker_test, only_so_many_probes_at_a_time) {
  open_it();
  now += seconds{5};
  const auto probe = b.allow(now);
  EXPECT_TRUE(probe.allowed);
  EXPECT_FALSE(b.allow(now).allowed);
  EXPECT_FALSE(b.report(probe, true, now));
  EXPECT_TRUE(b.allow(now).allowed);
}

TEST_F(breaker_test, a_failed_probe_doubles_the_pause_up_to_its_limit) {
  open_it();
  for (const auto pause : {seconds{5}, seconds{10}, seconds{15}, seconds{15}}) {
    EXPECT_EQ(b.retry_after(now), pause);
    now += pause;
    EXPECT_TRUE(call(false));
  }
  now += seconds{15};
  call(true);
  call(true);
  EXPECT_EQ(b.state(), breaker_state::closed);
  open_it();
  EXPECT_EQ(b.retry_after(now), seconds{5}) << "closing forgives";
}

TEST_F(breaker_test, a_probe_that_is_never_reported_blocks_nothing) {
  open_it();
  now += seconds{5};
  EXPECT_TRUE(b.allow(now).allowed);
  EXPECT_FALSE(b.allow(now + seconds{4}).allowed);
  now += seconds{5};
  EXPECT_TRUE(call(true));
  EXPECT_TRUE(call(true));
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST_F(breaker_test, results_of_an_earlier_state_are_ignored) {
  const auto slow = b.allow(now);
  open_it();
  EXPECT_FALSE(b.report(slow, true, now));
  now += seconds{5};
  EXPECT_TRUE(call(true));
  EXPECT_FALSE(b.report(slow, false, now))
      << "a call from before it opened does not fail the probe";
  EXPECT_EQ(b.state(), breaker_state::half_open);
  EXPECT_FALSE(b.report({}, false, now));
}

}  // namespace
}  // namespace fairing::retry
