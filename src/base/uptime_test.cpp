#include "base/uptime.hpp"

#include <gtest/gtest.h>

namespace fairing {
namespace {

TEST(uptime, goes_on_within_one_start_of_the_machine) {
  const auto before = read_uptime();
  const auto after = read_uptime();
  EXPECT_GT(before.ms, 0);
  EXPECT_GE(after.ms, before.ms);
  EXPECT_LT(after.ms - before.ms, 60'000);
  EXPECT_EQ(after.boot, before.boot);
  EXPECT_EQ(before.boot.size(), 36) << before.boot;
}

}  // namespace
}  // namespace fairing
