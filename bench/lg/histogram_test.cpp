#include "bench/lg/histogram.hpp"

#include <gtest/gtest.h>

namespace fairing::bench {
namespace {

TEST(histogram, of_nothing_is_zero) {
  const histogram h;
  EXPECT_EQ(h.percentile_us(0.5), 0);
  EXPECT_EQ(h.max_us(), 0);
}

TEST(histogram, percentiles_are_within_the_step) {
  histogram h;
  for (std::uint64_t us = 1; us <= 100'000; ++us) h.add(us * 1000);
  EXPECT_EQ(h.total(), 100'000U);
  EXPECT_NEAR(h.percentile_us(0.50), 50'000, 50'000 * 0.016);
  EXPECT_NEAR(h.percentile_us(0.99), 99'000, 99'000 * 0.016);
  EXPECT_NEAR(h.percentile_us(0.999), 99'900, 99'900 * 0.016);
  EXPECT_EQ(h.percentile_us(1.0), 100'000);
}

TEST(histogram, one_slow_request_shows_in_the_tail_only) {
  histogram h;
  for (int i = 0; i < 999; ++i) h.add(10'000);
  h.add(5'000'000'000);
  EXPECT_NEAR(h.percentile_us(0.99), 10, 0.2);
  EXPECT_EQ(h.percentile_us(1.0), 5'000'000);
  EXPECT_EQ(h.max_us(), 5'000'000);
}

TEST(histogram, beyond_its_range_counts_in_the_last_bucket) {
  histogram h;
  h.add(~std::uint64_t{0});
  EXPECT_EQ(h.total(), 1U);
  EXPECT_GT(h.percentile_us(0.5), 1e9);
}

TEST(histogram, tiny_values_are_exact) {
  histogram h;
  h.add(0);
  h.add(63);
  h.add(64);
  h.add(127);
  EXPECT_EQ(h.percentile_us(0.25), 0);
  EXPECT_EQ(h.percentile_us(0.50), 0.063);
  EXPECT_EQ(h.percentile_us(0.75), 0.064);
}

}  // namespace
}  // namespace fairing::bench
