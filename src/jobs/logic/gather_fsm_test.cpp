#include "jobs/logic/gather_fsm.hpp"

#include <gtest/gtest.h>

namespace fairing::jobs {
namespace {

TEST(gather_fsm, begins_at_once_where_nobody_was_answered) {
  gather_fsm g;
  EXPECT_EQ(g.wait_us(1, 0), 0);
  g.answered(0, 4'000, 0, 10);
  EXPECT_EQ(g.wait_us(1, 20), 0);
}

TEST(gather_fsm, does_not_wait_for_anybody_but_those_who_were_answered) {
  gather_fsm g;
  g.answered(1, 4'000, 0, 0);
  EXPECT_EQ(g.wait_us(1, 5), 0);
  g.answered(1, 4'000, 3, 0);  // three more wait already
  EXPECT_EQ(g.enough(), 4U);
  EXPECT_EQ(g.wait_us(4, 5), 0);
}

TEST(gather_fsm, waits_as_long_as_they_come_back) {
  gather_fsm g;
  g.answered(64, 4'000, 0, 0);
  EXPECT_EQ(g.wait_us(1, 50), 500);
  EXPECT_EQ(g.wait_us(20, 550), 500);
  EXPECT_EQ(g.wait_us(40, 1'050), 500);
  EXPECT_EQ(g.wait_us(64, 1'300), 0);
}

TEST(gather_fsm, begins_when_no_more_come) {
  gather_fsm g;
  g.answered(64, 4'000, 0, 0);
  EXPECT_EQ(g.wait_us(10, 50), 500);
  EXPECT_EQ(g.wait_us(10, 550), 0);
}

TEST(gather_fsm, waits_no_longer_than_a_commit_takes) {
  gather_fsm g;
  g.answered(64, 1'000, 0, 0);
  EXPECT_EQ(g.wait_us(10, 950), 50);
  EXPECT_EQ(g.wait_us(11, 1'000), 0);
  g.answered(64, 1'000'000, 0, 2'000);  // one that took a second: others wait no longer for that
  EXPECT_EQ(g.wait_us(10, 2'000), 625);
  EXPECT_EQ(g.wait_us(11, 7'000), 0);
}

TEST(gather_fsm, a_quick_disk_is_hardly_waited_for) {
  gather_fsm g;
  g.answered(64, 40, 0, 0);
  EXPECT_EQ(g.wait_us(1, 10), 30);
  EXPECT_EQ(g.wait_us(2, 40), 0);
}

}  // namespace
}  // namespace fairing::jobs
