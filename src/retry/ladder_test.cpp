#include "retry/ladder.hpp"

#include <gtest/gtest.h>

namespace fairing::retry {
namespace {

TEST(ladder, four_attempts_by_default) {
  const ladder l;
  EXPECT_EQ(l.attempts(), 4U);
  EXPECT_EQ(l.delay_before(0), std::nullopt);
  EXPECT_EQ(l.delay_before(1), seconds{0});
  EXPECT_EQ(l.delay_before(2), seconds{60});
  EXPECT_EQ(l.delay_before(3), seconds{300});
  EXPECT_EQ(l.delay_before(4), seconds{1800});
  EXPECT_EQ(l.delay_before(5), std::nullopt);
}

TEST(ladder, is_bounded) {
  const std::vector<milliseconds> many(100, milliseconds{-1});
  const ladder l(many);
  EXPECT_EQ(l.attempts(), max_attempts);
  EXPECT_EQ(l.delay_before(32), milliseconds{0});
  EXPECT_EQ(ladder(std::span<const milliseconds>{}).delay_before(1), std::nullopt);
}

}  // namespace
}  // namespace fairing::retry
