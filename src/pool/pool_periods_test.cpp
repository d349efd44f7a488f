#include "pool/pool_periods.hpp"

#include <gtest/gtest.h>

namespace fairing::pool {
namespace {

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t begin = 600 * minute;  // of a period

pool_totals totals(std::uint64_t leases, std::uint64_t held_us, std::uint64_t wait_us = 0) {
  pool_totals t;
  t.released = leases;
  t.held_us = held_us;
  t.waited = wait_us > 0 ? leases / 2 : 0;
  t.wait_us = wait_us;
  return t;
}

TEST(pool_periods, the_busiest_of_the_last_hour) {
  pool_periods p;
  p.tell(totals(10, 1'000), 500, at_us(begin + minute));
  p.tell(totals(1010, 601'000), 300'500, at_us(begin + 6 * minute));
  p.tell(totals(1020, 602'000), 301'000, at_us(begin + 12 * minute));
  const auto b = busiest(p.all(), at_us(begin), at_us(begin + 13 * minute), {.size = 4});
  EXPECT_EQ(b.length, pool_periods::length);
  EXPECT_EQ(b.leases, 1000U);
  EXPECT_EQ(b.held.count(), 600'000);
  EXPECT_EQ(b.used.count(), 300'000);
  EXPECT_EQ(b.size, 4U);
  // An hour later nothing is known of it.
  const auto later = busiest(p.all(), at_us(begin), at_us(begin + 90 * minute), {});
  EXPECT_EQ(later.leases, 0U);
}

TEST(pool_periods, one_that_has_only_begun_counts_for_as_long_as_it_was_seen) {
  pool_periods p;
  p.tell(totals(100, 50'000), 0, at_us(begin + minute));
  const auto b = busiest(p.all(), at_us(begin + minute / 2), at_us(begin + minute), {});
  EXPECT_EQ(b.length.count(), minute / 2);
  EXPECT_EQ(b.leases, 100U);
}

TEST(pool_periods, waits_weigh_as_much_as_leases) {
  pool_periods p;
  p.tell(totals(100, 500'000), 0, at_us(begin + minute));
  p.tell(totals(200, 600'000, 900'000), 0, at_us(begin + 6 * minute));
  const auto b = busiest(p.all(), at_us(begin), at_us(begin + 10 * minute), {});
  EXPECT_EQ(b.wait.count(), 900'000);
  EXPECT_EQ(b.waited, 100U);
}

TEST(pool_periods, of_several_pools_are_added_by_their_time) {
  pool_periods a;
  pool_periods b;
  a.tell(totals(100, 500'000), 0, at_us(begin + minute));
  b.tell(totals(30, 200'000), 0, at_us(begin + 2 * minute));
  b.tell(totals(40, 300'000), 0, at_us(begin + 7 * minute));
  period_list all;
  add(all, a.all());
  add(all, b.all());
  const auto first = busiest(all, at_us(begin), at_us(begin + 10 * minute), {});
  EXPECT_EQ(first.leases, 130U);
  EXPECT_EQ(first.held.count(), 700'000);
  // A later hour's period takes the place of an earlier one, whichever comes first.
  pool_periods later;
  later.tell(totals(5, 100), 0, at_us(begin + 61 * minute));
  period_list newer;
  add(newer, later.all());
  add(newer, a.all());
  add(all, later.all());
  const auto now = at_us(begin + 62 * minute);
  EXPECT_EQ(busiest(newer, at_us(begin), now, {}).leases, 5U);
  EXPECT_EQ(busiest(all, at_us(begin), now, {}).leases, 10U);
}

}  // namespace
}  // namespace fairing::pool
