#include "limit/gcra.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace fairing::limit {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr mono_time start{milliseconds{1'000'000}};

class gcra : public testing::Test {
 protected:
  decision take(std::uint64_t key = 7) { return table.take(key, p, now); }
  gcra_table table{{.max_keys = 1000}};
  params p = params::from({10, minutes{1}}, 3);  // one each 6 s, 3 at once
  mono_time now = start;
};

TEST_F(gcra, burst_is_the_most_requests_back_to_back) {
  for (std::uint64_t left : {2U, 1U, 0U}) {
    const auto d = take();
    EXPECT_TRUE(d.allowed);
    EXPECT_EQ(d.remaining, left);
  }
  const auto d = take();
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.remaining, 0U);
  EXPECT_EQ(d.retry_after, seconds{6});
  EXPECT_EQ(d.reset_after, seconds{18});
}

TEST_F(gcra, a_refused_request_takes_nothing) {
  for (int i = 0; i < 3; ++i) (void)take();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(take().allowed);
  now += milliseconds{5999};
  const auto late = take();
  EXPECT_FALSE(late.allowed);
  EXPECT_EQ(late.retry_after, milliseconds{1});
  now += milliseconds{1};
  EXPECT_TRUE(take().allowed);
  EXPECT_FALSE(take().allowed);
}

TEST_F(gcra, retry_after_is_zero_only_while_a_request_is_left) {
  EXPECT_EQ(take().retry_after, milliseconds{0});
  (void)take();
  const auto last = take();
  EXPECT_TRUE(last.allowed);
  EXPECT_EQ(last.retry_after, seconds{6});
}

TEST_F(gcra, no_window_lets_more_than_rate_and_burst_through) {
  int allowed = 0;
  for (int i = 0; i < 600; ++i, now += milliseconds{100}) allowed += take().allowed ? 1 : 0;
  EXPECT_EQ(allowed, 3 + 9);  // the burst, and one each 6 s up to 59.9 s
}

TEST_F(gcra, the_allowance_is_whole_again_after_a_pause) {
  for (int i = 0; i < 3; ++i) (void)take();
  now += hours{1};
  const auto d = take();
  EXPECT_EQ(d.remaining, 2U);
  EXPECT_EQ(d.reset_after, seconds{6});
}

TEST_F(gcra, keys_do_not_share) {
  for (int i = 0; i < 3; ++i) (void)take(1);
  EXPECT_FALSE(take(1).allowed);
  EXPECT_TRUE(take(2).allowed);
  EXPECT_TRUE(take(0).allowed) << "0 is a key like others";
}

TEST_F(gcra, a_reload_to_a_milder_limit_acts_at_once) {
  p = params::from({1, hours{24}}, 1);
  EXPECT_TRUE(take().allowed);
  EXPECT_FALSE(take().allowed);
  p = params::from({10, seconds{1}}, 1);
  EXPECT_EQ(take().retry_after, milliseconds{100});
  now += milliseconds{100};
  EXPECT_TRUE(take().allowed);
}

TEST_F(gcra, a_clock_that_steps_back_never_gives_more) {
  for (int i = 0; i < 3; ++i) (void)take();
  now -= seconds{60};
  EXPECT_FALSE(take().allowed);
}

TEST(gcra_params, are_rounded_to_the_strict_side_and_never_overflow) {
  EXPECT_EQ(params::from({3, seconds{1}}, 1).emission_us, 333'334);
  EXPECT_EQ(params::from({1'000'000, seconds{1}}, 1).emission_us, 1);
  EXPECT_EQ(params::from({UINT64_MAX, milliseconds{1}}, 1).emission_us, 1);
  EXPECT_EQ(params::from({10, seconds{1}}, 0).burst, 1);
  gcra_table table({.max_keys = 1});
  const auto p = params::from({1, milliseconds::max()}, UINT64_MAX);
  EXPECT_TRUE(table.take(1, p, start).allowed);
  const auto many = params::from({1'000'000, seconds{1}}, UINT64_MAX);
  EXPECT_TRUE(table.take(2, many, start).allowed);
  EXPECT_GT(many.burst, 1'000'000);
}

TEST(gcra_table, never_grows_and_counts_what_it_forgets) {
  gcra_table table({.max_keys = 1000});
  const auto bytes = table.bytes();
  EXPECT_LE(bytes, 1000U * 64 + 32 * 128);
  const auto p = params::from({1, hours{1}}, 1);
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_TRUE(table.take(key_hash(1, std::to_string(i)), p, start).allowed);
  EXPECT_LT(table.evicted_live(), 50U) << "within max_keys next to nothing is forgotten";
  for (std::uint64_t i = 0; i < 100'000; ++i)
    (void)table.take(key_hash(1, "x" + std::to_string(i)), p, start);
  EXPECT_EQ(table.bytes(), bytes);
  EXPECT_LE(table.key_count(), 2048U);
  EXPECT_GT(table.evicted_live(), 97'000U);
}

TEST(gcra_table, the_expired_give_way_before_the_running) {
  gcra_table table({.max_keys = 1});  // 32 shards of one set
  const auto p = params::from({1, seconds{10}}, 1);
  const auto key = [](std::uint64_t i) { return i * 32; };  // all in one set
  for (std::uint64_t i = 1; i <= 4; ++i) (void)table.take(key(i), p, start);
  const auto later = start + seconds{5};
  for (std::uint64_t i = 5; i <= 8; ++i) (void)table.take(key(i), p, later);
  const auto now = start + seconds{11};  // 1 to 4 have expired
  for (std::uint64_t i = 9; i <= 12; ++i) EXPECT_TRUE(table.take(key(i), p, now).allowed);
  EXPECT_EQ(table.evicted_live(), 0U);
  for (std::uint64_t i = 5; i <= 8; ++i) EXPECT_FALSE(table.take(key(i), p, now).allowed);
  EXPECT_TRUE(table.take(key(13), p, now).allowed);
  EXPECT_EQ(table.evicted_live(), 1U);
}

TEST(gcra_table, threads_together_get_no_more_than_the_burst) {
  gcra_table table({.max_keys = 100});
  const auto p = params::from({1, hours{1}}, 500);
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        if (table.take(42, p, start).allowed) ++allowed;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(allowed, 500);
}

TEST(gcra_key_hash, differs_by_limiter_and_key) {
  EXPECT_NE(key_hash(1, "a"), key_hash(2, "a"));
  EXPECT_NE(key_hash(1, "a"), key_hash(1, "b"));
  EXPECT_EQ(key_hash(1, "a"), key_hash(1, "a"));
}

}  // namespace
}  // namespace fairing::limit
