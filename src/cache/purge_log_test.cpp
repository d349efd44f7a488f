#include "cache/purge_log.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

namespace fairing::cache {
namespace {

verdict check_tag(const purge_log& log, tag_hash tag, purge_seq since) {
  return log.check(std::array{tag}, "k", since);
}

TEST(purge_log, a_purge_concerns_what_was_read_before_it) {
  purge_log log({});
  const auto before = log.seq();
  const auto done = log.purge_tag(tag_of("a"), purge_kind::hard);
  EXPECT_EQ(done, before + 1);
  EXPECT_EQ(log.seq(), done);
  EXPECT_EQ(check_tag(log, tag_of("a"), before), verdict::gone);
  EXPECT_EQ(check_tag(log, tag_of("a"), done), verdict::fresh);
  EXPECT_EQ(check_tag(log, tag_of("b"), before), verdict::fresh);
}

TEST(purge_log, soft_and_hard_are_kept_apart) {
  purge_log log({});
  const auto s0 = log.seq();
  const auto s1 = log.purge_tag(tag_of("a"), purge_kind::hard);
  log.purge_tag(tag_of("a"), purge_kind::soft);
  EXPECT_EQ(check_tag(log, tag_of("a"), s0), verdict::gone);
  EXPECT_EQ(check_tag(log, tag_of("a"), s1), verdict::stale);
  EXPECT_EQ(check_tag(log, tag_of("a"), log.seq()), verdict::fresh);
}

TEST(purge_log, a_url_and_a_tag_of_the_same_bytes_differ) {
  EXPECT_NE(tag_of("x"), url_tag_of("x"));
}

TEST(purge_log, prefixes_match_keys) {
  purge_log log({});
  const auto s0 = log.seq();
  log.purge_prefix("http://a/p", purge_kind::soft);
  EXPECT_EQ(log.check({}, "http://a/products", s0), verdict::stale);
  EXPECT_EQ(log.check({}, "http://a/q", s0), verdict::fresh);
  log.purge_prefix("http://a/p", purge_kind::hard);
  EXPECT_EQ(log.check({}, "http://a/products", s0), verdict::gone);
  EXPECT_EQ(log.overflows(), 0U);
}

TEST(purge_log, all_is_a_floor) {
  purge_log log({});
  const auto s0 = log.seq();
  log.purge_all(purge_kind::soft);
  const auto s1 = log.seq();
  EXPECT_EQ(log.check({}, "k", s0), verdict::stale);
  log.purge_all(purge_kind::hard);
  EXPECT_EQ(log.check({}, "k", s1), verdict::gone);
  EXPECT_EQ(log.check({}, "k", log.seq()), verdict::fresh);
}

TEST(purge_log, a_full_ban_list_folds_the_oldest_into_the_floor) {
  purge_log log({.tags = 16, .prefixes = 2});
  const auto s0 = log.seq();
  const auto s1 = log.purge_prefix("a", purge_kind::hard);
  log.purge_prefix("b", purge_kind::hard);
  const auto s3 = log.purge_prefix("c", purge_kind::hard);
  EXPECT_EQ(log.overflows(), 1U);
  EXPECT_EQ(log.check({}, "z", s0), verdict::gone) << "over-invalidated";
  EXPECT_EQ(log.check({}, "z", s1), verdict::fresh) << "checked since the folded ban";
  EXPECT_EQ(log.check({}, "b1", s1), verdict::gone);
  EXPECT_EQ(log.check({}, "c1", s3), verdict::fresh);
}

TEST(purge_log, without_a_ban_list_a_prefix_purges_all) {
  purge_log log({.tags = 16, .prefixes = 0});
  const auto s0 = log.seq();
  log.purge_prefix("a", purge_kind::hard);
  EXPECT_EQ(log.check({}, "z", s0), verdict::gone);
}

TEST(purge_log, grows_and_forgets_nothing) {
  purge_log log({});
  const auto s0 = log.seq();
  for (int i = 0; i < 50'000; ++i) log.purge_tag(tag_of(std::to_string(i)), purge_kind::hard);
  for (int i = 0; i < 50'000; ++i)
    ASSERT_EQ(check_tag(log, tag_of(std::to_string(i)), s0), verdict::gone) << i;
  int fresh = 0;
  for (int i = 50'000; i < 60'000; ++i)
    fresh += check_tag(log, tag_of(std::to_string(i)), s0) == verdict::fresh;
  EXPECT_EQ(fresh, 10'000) << "exact until the limit";
  EXPECT_EQ(log.overflows(), 0U);
}

TEST(purge_log, overflow_over_invalidates_and_never_misses) {
  purge_log log({.tags = 64, .prefixes = 4});
  const auto s0 = log.seq();
  for (int i = 0; i < 2000; ++i) log.purge_tag(tag_of(std::to_string(i)), purge_kind::hard);
  EXPECT_EQ(log.overflows(), 2000U - 48U) << "64 slots, filled to 3/4";
  for (int i = 0; i < 2000; ++i)
    ASSERT_EQ(check_tag(log, tag_of(std::to_string(i)), s0), verdict::gone) << i;
  EXPECT_EQ(check_tag(log, tag_of("1999"), log.seq()), verdict::fresh);
  EXPECT_LT(log.bytes(), 2U << 20);
}

TEST(purge_log, the_zero_tag_is_a_tag) {
  purge_log log({});
  const auto s0 = log.seq();
  EXPECT_EQ(check_tag(log, 0, s0), verdict::fresh);
  log.purge_tag(0, purge_kind::hard);
  EXPECT_EQ(check_tag(log, 0, s0), verdict::gone);
}

TEST(purge_log, bytes_stay_bounded) {
  purge_log log({.tags = 1 << 12, .prefixes = 8});
  for (int i = 0; i < 20'000; ++i) {
    log.purge_tag(tag_of(std::to_string(i)), purge_kind::soft);
    log.purge_prefix(std::to_string(i), purge_kind::soft);
  }
  EXPECT_LT(log.bytes(), 2 * 24 * (1U << 12) + 65536U * 16 + 16'384);
}

// Whoever reads the sequence of a purge sees its mark, in whatever table it was written.
TEST(purge_log, readers_see_every_published_purge_while_the_table_grows) {
  purge_log log({});
  constexpr int count = 20'000;
  const auto s0 = log.seq();
  std::atomic<bool> missed{false};
  std::thread reader([&] {
    for (;;) {
      const auto s = log.seq();
      if (s > s0) {  // purge number n had sequence s0 + n
        const auto last = std::to_string(s - s0);
        if (check_tag(log, tag_of(last), s - 1) != verdict::gone) missed = true;
      }
      if (s == s0 + count) return;
    }
  });
  for (int i = 1; i <= count; ++i) log.purge_tag(tag_of(std::to_string(i)), purge_kind::hard);
  reader.join();
  EXPECT_FALSE(missed);
}

}  // namespace
}  // namespace fairing::cache
