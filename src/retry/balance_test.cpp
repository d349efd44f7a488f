#include "retry/balance.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fairing::retry {
namespace {

std::string turns(balancer& b, const std::vector<upstream_view>& upstreams, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += static_cast<char>('a' + b.choose(upstreams, 0)->index);
  return out;
}

std::vector<int> draws(const std::vector<upstream_view>& upstreams, int n) {
  std::mt19937_64 random(7);
  balancer b(balance_policy::least, upstreams.size());
  std::vector<int> counts(upstreams.size());
  for (int i = 0; i < n; ++i) ++counts[b.choose(upstreams, random())->index];
  return counts;
}

TEST(balance, without_upstreams_there_is_no_choice) {
  balancer b(balance_policy::least, 0);
  EXPECT_FALSE(b.choose({}, 0));
}

TEST(balance, round_robin_is_smooth_by_weight) {
  balancer b(balance_policy::round_robin, 3);
  EXPECT_EQ(turns(b, {{5}, {1}, {1}}, 14), "aabacaaaabacaa");
  balancer even(balance_policy::round_robin, 3);
  EXPECT_EQ(turns(even, {{1}, {1}, {1}}, 6), "abcabc");
}

TEST(balance, round_robin_skips_what_is_out) {
  balancer b(balance_policy::round_robin, 3);
  EXPECT_EQ(turns(b, {{1}, {1, 0, false}, {1}}, 4), "acac");
}

TEST(balance, least_takes_the_less_loaded_of_two) {
  const auto counts = draws({{1, 10}, {1, 0}}, 1000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_EQ(counts[1], 1000);
}

TEST(balance, least_compares_load_by_weight) {
  EXPECT_EQ(draws({{10, 5}, {1, 1}}, 100)[1], 0);  // 0.5 a unit of weight against 1
}

TEST(balance, least_spreads_idle_upstreams_by_weight) {
  const auto counts = draws({{3}, {1}}, 4000);
  EXPECT_NEAR(counts[0], 3000, 150);
  const auto even = draws({{1}, {1}, {1}}, 3000);
  for (int c : even) EXPECT_NEAR(c, 1000, 120);
}

TEST(balance, what_is_out_or_of_weight_zero_gets_nothing) {
  const auto counts = draws({{1, 0, false}, {1, 50}, {0, 0}}, 100);
  EXPECT_EQ(counts[1], 100);
}

TEST(balance, when_all_are_out_all_are_used) {
  const std::vector<upstream_view> out{{1, 0, false}, {0, 0, false}};
  balancer b(balance_policy::round_robin, 2);
  const auto c = b.choose(out, 0);
  EXPECT_TRUE(c->panic);
  const auto counts = draws(out, 200);
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[1], 0);
  EXPECT_FALSE(b.choose(std::vector<upstream_view>{{1}, {1}}, 0)->panic);
}

TEST(balance, a_retry_goes_elsewhere_if_there_is_an_elsewhere) {
  std::mt19937_64 random(7);
  for (const auto policy : {balance_policy::least, balance_policy::round_robin}) {
    balancer b(policy, 3);
    for (int i = 0; i < 100; ++i)
      EXPECT_NE(b.choose(std::vector<upstream_view>(3), random(), 1)->index, 1U);
    EXPECT_EQ(b.choose(std::vector<upstream_view>{{1}, {1, 0, false}}, random(), 0)->index, 0U);
  }
}

TEST(balance, extreme_weights_and_randoms_stay_in_range) {
  const std::vector<upstream_view> wide{{UINT32_MAX, UINT32_MAX}, {1, UINT32_MAX}, {UINT32_MAX, 0}};
  balancer b(balance_policy::least, 3);
  for (std::uint64_t r :
       {std::uint64_t{0}, UINT64_MAX, std::uint64_t{0xFFFF'FFFF}, std::uint64_t{1} << 63})
    EXPECT_LT(b.choose(wide, r)->index, 3U);
}

TEST(balance, policies_are_read_by_name) {
  EXPECT_EQ(balance_policy_from("least"), balance_policy::least);
  EXPECT_EQ(balance_policy_from("round_robin"), balance_policy::round_robin);
  EXPECT_EQ(balance_policy_from("random"), std::nullopt);
}

}  // namespace
}  // namespace fairing::retry
