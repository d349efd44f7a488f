#include "retry/outlier.hpp"

#include <gtest/gtest.h>

namespace fairing::retry {
namespace {

class outlier : public testing::Test {
 protected:
  // Fails upstream i so often that it must be ejected; true if it was.
  bool fail(std::size_t i) {
    bool out = false;
    for (int k = 0; k < 3; ++k) out = o.report(i, false, now);
    return out;
  }
  outlier_detector o{4, {.failures = 3, .eject = seconds{10}, .max_ejected = 0.5}};
  mono_time now{milliseconds{1'000'000}};
};

TEST_F(outlier, failures_in_a_row_eject) {
  o.report(0, false, now);
  o.report(0, false, now);
  o.report(0, true, now);
  EXPECT_FALSE(o.report(0, false, now));
  EXPECT_FALSE(o.report(0, false, now));
  EXPECT_EQ(o.failures(0), 2U);
  EXPECT_FALSE(o.at_limit(0));
  EXPECT_TRUE(o.report(0, false, now));
  EXPECT_TRUE(o.ejected(0, now));
  EXPECT_FALSE(o.ejected(1, now));
}

TEST_F(outlier, an_ejection_ends_by_itself) {
  EXPECT_TRUE(fail(0));
  EXPECT_TRUE(o.ejected(0, now + milliseconds{9999}));
  EXPECT_EQ(o.out_for(0, now + milliseconds{9000}), milliseconds{1000});
  EXPECT_EQ(o.out_for(0, now + seconds{10}), milliseconds{0});
  EXPECT_FALSE(o.ejected(0, now + seconds{10}));
}

TEST_F(outlier, results_of_before_are_ignored_while_it_is_out) {
  EXPECT_TRUE(fail(0));
  EXPECT_FALSE(fail(0));
  now += seconds{10};
  EXPECT_FALSE(o.report(0, false, now)) << "it starts anew";
}

TEST_F(outlier, repeated_ejections_last_longer_up_to_ten_times) {
  for (int times = 1; times <= 12; ++times) {
    ASSERT_TRUE(fail(0));
    const auto length = seconds{10} * std::min(times, 10);
    EXPECT_TRUE(o.ejected(0, now + length - milliseconds{1})) << times;
    EXPECT_FALSE(o.ejected(0, now + length)) << times;
    now += length;
  }
}

TEST_F(outlier, good_time_forgives) {
  EXPECT_TRUE(fail(0));
  now += seconds{10};
  EXPECT_TRUE(fail(0));
  now += seconds{20} + seconds{25};  // out for 20 s, then two good stretches of 10 s
  EXPECT_TRUE(fail(0));
  EXPECT_FALSE(o.ejected(0, now + seconds{10}));
}

TEST_F(outlier, no_more_than_the_share_is_out_at_once) {
  EXPECT_TRUE(fail(0));
  EXPECT_TRUE(fail(1));
  EXPECT_FALSE(fail(2));
  EXPECT_EQ(o.ejected_count(now), 2U);
  now += seconds{10};
  EXPECT_EQ(o.ejected_count(now), 0U);
  EXPECT_TRUE(o.report(2, false, now)) << "still failing: ejected as soon as there is room";
}

TEST(outlier_single, the_only_upstream_is_never_ejected) {
  outlier_detector o(1, {.failures = 1});
  EXPECT_FALSE(o.report(0, false, mono_time{}));
}

}  // namespace
}  // namespace fairing::retry
