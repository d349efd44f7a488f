#include "jobs/logic/push_pace.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fairing::jobs {
namespace {

// Fills the room and ends all of it in one way.
void round_of(push_pace& p, push_strain s, std::int64_t now_ms) {
  std::vector<push_pace::ticket> all;
  while (p.room(now_ms) > 0) all.push_back(p.begin(now_ms));
  for (const auto& t : all) p.end(t, s, now_ms);
}

TEST(push_pace, grows_by_one_a_round_up_to_its_most) {
  push_pace p(6);
  EXPECT_EQ(p.room(0), 4U);
  round_of(p, push_strain::fine, 0);
  EXPECT_EQ(p.limit(), 5U);
  for (int i = 0; i < 10; ++i) round_of(p, push_strain::fine, 0);
  EXPECT_EQ(p.limit(), 6U);
}

TEST(push_pace, does_not_grow_while_nobody_uses_it) {
  push_pace p(100);
  for (int i = 0; i < 100; ++i) p.end(p.begin(0), push_strain::fine, 0);
  EXPECT_EQ(p.limit(), push_pace::first);
}

TEST(push_pace, a_strained_round_halves_it_once) {
  push_pace p(100);
  for (int i = 0; i < 12; ++i) round_of(p, push_strain::fine, 0);
  ASSERT_EQ(p.limit(), 16U);
  round_of(p, push_strain::strained, 0);
  EXPECT_EQ(p.limit(), 8U);
  for (int i = 0; i < 10; ++i) round_of(p, push_strain::strained, 0);
  EXPECT_EQ(p.limit(), 1U);
  EXPECT_EQ(p.room(0), 1U);  // never nothing: a strained target is there
}

TEST(push_pace, neutral_answers_change_nothing) {
  push_pace p(100);
  for (int i = 0; i < 50; ++i) round_of(p, push_strain::neutral, 0);
  EXPECT_EQ(p.limit(), push_pace::first);
  EXPECT_EQ(p.in_flight(), 0U);
}

TEST(push_pace, a_target_that_is_away_gets_one_push_a_pause) {
  push_pace p(100);
  round_of(p, push_strain::absent, 1000);  // four refused at once are one pause
  EXPECT_TRUE(p.target_is_away());
  EXPECT_EQ(p.room(1499), 0U);
  EXPECT_EQ(p.opens(1499), 1500);
  EXPECT_EQ(p.room(1500), 1U);
  EXPECT_EQ(p.opens(1500), std::nullopt);
  const auto probe = p.begin(1500);
  EXPECT_EQ(p.room(1500), 0U);
  p.end(probe, push_strain::absent, 1600);
  EXPECT_EQ(p.room(2599), 0U);
  EXPECT_EQ(p.room(2600), 1U);
  for (int i = 0; i < 20; ++i) {
    const auto at = p.opens(0).value_or(0);
    p.end(p.begin(at), push_strain::absent, at);
    EXPECT_LE(*p.opens(at), at + push_pace::longest_pause_ms);
  }
}

TEST(push_pace, any_answer_means_that_it_is_back) {
  push_pace p(100);
  round_of(p, push_strain::absent, 0);
  p.end(p.begin(500), push_strain::neutral, 500);
  EXPECT_FALSE(p.target_is_away());
  EXPECT_EQ(p.room(500), p.limit());
  round_of(p, push_strain::absent, 500);
  EXPECT_EQ(p.opens(500), 1000);  // and the pauses begin anew
}

}  // namespace
}  // namespace fairing::jobs
