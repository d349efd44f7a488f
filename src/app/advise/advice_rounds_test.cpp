#include "app/advise/advice_rounds.hpp"

#include <gtest/gtest.h>

namespace fairing::app::advise {
namespace {

using workload = std::vector<indexes::workload_statement>;

const mono_time start = mono_time{} + std::chrono::hours{5};
const workload one = {{"select a", 1, 1}};
const workload two = {{"select a", 1, 1}, {"select b", 1, 1}};

TEST(advice_rounds, no_round_without_statements) {
  advice_rounds r;
  EXPECT_TRUE(r.due(0));  // max_connections is looked at
  EXPECT_FALSE(r.due(0));
  EXPECT_TRUE(r.due(3));
  EXPECT_FALSE(r.due(3));
}

TEST(advice_rounds, plans_are_made_when_there_is_news) {
  advice_rounds r;
  EXPECT_FALSE(r.news(start, {}, "m"));
  EXPECT_TRUE(r.news(start, one, "m"));
  r.advised(start, one, "m");
  EXPECT_FALSE(r.news(start, one, "m"));
  EXPECT_TRUE(r.news(start, two, "m"));
  EXPECT_TRUE(r.news(start, one, "an index more"));
  EXPECT_FALSE(r.news(start + std::chrono::minutes{59}, one, "m"));
  EXPECT_TRUE(r.news(start + std::chrono::minutes{60}, one, "m"));
  r.advised(start, two, "m");
  EXPECT_FALSE(r.news(start, one, "m"));
}

TEST(heaviest, those_that_took_most_time_and_can_be_planned) {
  const auto h = heaviest({{"select a", "select", 9, 10},
                           {"begin", "begin", 100, 500},
                           {"select long ...", "select", 9, 400},
                           {"update b", "update", 1, 30},
                           {"(other)", "other", 7, 900},
                           {"delete c", "delete", 0, 90}},
                          5);
  ASSERT_EQ(h.size(), 2U);
  EXPECT_EQ(h[0].text, "update b");
  EXPECT_EQ(h[1].text, "select a");
  EXPECT_EQ(h[1].calls, 9);
  EXPECT_EQ(heaviest({{"a", "select", 1, 1}, {"b", "select", 1, 2}}, 1).at(0).text, "b");
}

}  // namespace
}  // namespace fairing::app::advise
