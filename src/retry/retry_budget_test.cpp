#include "retry/retry_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fairing::retry {
namespace {

constexpr mono_time start{milliseconds{1'000'000}};

int retries(retry_budget& budget, mono_time now, int wanted) {
  int got = 0;
  for (int i = 0; i < wanted; ++i) got += budget.try_retry(now) ? 1 : 0;
  return got;
}

TEST(retry_budget, allows_a_share_of_requests) {
  retry_budget budget({.share = 0.1, .min_per_second = 0});
  EXPECT_EQ(retries(budget, start, 1), 0);
  for (int i = 0; i < 50; ++i) budget.on_request();
  EXPECT_EQ(retries(budget, start, 50), 5);
  EXPECT_EQ(budget.refused(), 46U);
}

TEST(retry_budget, a_quiet_site_may_retry_a_little_each_second) {
  retry_budget budget({.share = 0, .min_per_second = 2});
  budget.on_request();
  EXPECT_EQ(retries(budget, start, 5), 2);
  EXPECT_EQ(retries(budget, start + milliseconds{999}, 5), 0);
  EXPECT_EQ(retries(budget, start + seconds{1}, 5), 2);
  EXPECT_EQ(retries(budget, start + seconds{60}, 5), 2) << "the reserve is not saved up";
}

TEST(retry_budget, what_is_saved_is_bounded) {
  retry_budget budget({.share = 1, .min_per_second = 0, .saved_max = 10});
  for (int i = 0; i < 1000; ++i) budget.on_request();
  EXPECT_EQ(retries(budget, start, 1000), 10);
}

TEST(retry_budget, threads_together_take_no_more_than_there_is) {
  retry_budget budget({.share = 0.5, .min_per_second = 3, .saved_max = 1'000'000});
  std::atomic<int> got{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) budget.on_request();
    });
  for (auto& t : threads) t.join();
  threads.clear();
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { got += retries(budget, start, 1000); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(got, 2003);
}

}  // namespace
}  // namespace fairing::retry
