#include "retry/deadline.hpp"

#include <gtest/gtest.h>

namespace fairing::retry {
namespace {

constexpr mono_time start{milliseconds{1'000'000}};

TEST(deadline, expires_at_its_moment) {
  const auto d = deadline::after(start, seconds{5});
  EXPECT_FALSE(d.expired(start + milliseconds{4999}));
  EXPECT_TRUE(d.expired(start + seconds{5}));
  EXPECT_EQ(d.remaining(start), seconds{5});
  EXPECT_EQ(d.remaining(start + milliseconds{4999}), milliseconds{1});
  EXPECT_EQ(d.remaining(start + seconds{9}), milliseconds{0});
  EXPECT_TRUE(deadline::after(start, milliseconds{0}).expired(start));
  EXPECT_TRUE(deadline::after(start, seconds{-1}).expired(start));
}

TEST(deadline, never_never_expires) {
  EXPECT_FALSE(deadline::never().expired(mono_time::max()));
  EXPECT_EQ(deadline::never().remaining(start), milliseconds::max());
  EXPECT_TRUE(deadline::after(start, milliseconds::max()).is_never());
}

TEST(deadline, min_is_the_earlier) {
  const auto early = deadline::after(start, seconds{1});
  const auto late = deadline::after(start, seconds{2});
  EXPECT_EQ(min(early, late), early);
  EXPECT_EQ(min(late, early), early);
  EXPECT_EQ(min(deadline::never(), late), late);
}

}  // namespace
}  // namespace fairing::retry
