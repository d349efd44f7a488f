#include "net/spin_guess.hpp"

#include <gtest/gtest.h>

namespace fairing::net {
namespace {

struct work {
  // Of so many sleeps, how many polled first.
  int sleeps(int count, bool something_comes) {
    int polled = 0;
    for (int i = 0; i < count; ++i) {
      if (!guess.polls(served)) continue;
      ++polled;
      guess.polled(something_comes);
    }
    return polled;
  }
  spin_guess guess;
  const void* served = reinterpret_cast<const void*>(0x1000);
};

TEST(spin_guess, tries_one_sleep_in_64_where_nothing_comes) {
  work w;
  EXPECT_EQ(w.sleeps(63, false), 0);
  EXPECT_EQ(w.sleeps(1, false), 1);
  EXPECT_EQ(w.sleeps(6400, false), 100);
}

TEST(spin_guess, polls_each_time_after_something_came_twice) {
  work w;
  EXPECT_EQ(w.sleeps(128, true), 2);
  EXPECT_EQ(w.sleeps(1000, true), 1000);
}

TEST(spin_guess, one_miss_is_forgiven_and_two_are_not) {
  work w;
  w.sleeps(1000, true);
  EXPECT_EQ(w.sleeps(1, false), 1);
  EXPECT_EQ(w.sleeps(10, true), 10);
  EXPECT_EQ(w.sleeps(2, false), 2);
  EXPECT_EQ(w.sleeps(63, false), 0);
}

TEST(spin_guess, each_object_has_its_own) {
  work w;
  w.sleeps(1000, true);
  w.served = reinterpret_cast<const void*>(0x1010);
  EXPECT_EQ(w.sleeps(63, false), 0);
  w.served = reinterpret_cast<const void*>(0x1000);
  EXPECT_EQ(w.sleeps(1, true), 1);
}

}  // namespace
}  // namespace fairing::net
