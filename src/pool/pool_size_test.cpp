#include "pool/pool_size.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairing::pool {
namespace {

using testing::HasSubstr;

TEST(pool_size, the_formula) {
  EXPECT_EQ(auto_size(4, 1), 9U);
  EXPECT_EQ(auto_size(2, 0), 4U);
  EXPECT_EQ(auto_size(0, 1), 3U) << "one core at least";
  EXPECT_EQ(auto_size(UINT32_MAX, UINT32_MAX), 10'000U);
}

TEST(pool_size, instances_times_size_against_max_connections) {
  auto v = check_size({.instances = 4, .size = 30, .max_connections = 100, .others = 7});
  EXPECT_EQ(v.level, size_level::too_many);
  EXPECT_EQ(v.most, 22U);
  EXPECT_EQ(v.text,
            "4 instances x 30 servers = 120 connections; max_connections 100 - reserved 3 - others "
            "7 leaves 90: PostgreSQL will refuse logins; set sql.pool.size to 22 or less, or raise "
            "max_connections");
  v = check_size({.instances = 4, .size = 22, .beside = 1, .max_connections = 100, .others = 7});
  EXPECT_EQ(v.level, size_level::too_many);
  EXPECT_EQ(v.most, 21U);
  EXPECT_THAT(v.text, HasSubstr("4 instances x (22 servers + 1 for advice) = 92 connections"));
  v = check_size({.instances = 4, .size = 22, .max_connections = 100, .others = 7});
  EXPECT_EQ(v.level, size_level::tight);
  v = check_size({.instances = 1, .size = 9, .max_connections = 100});
  EXPECT_EQ(v.level, size_level::fits);
  EXPECT_THAT(v.text, HasSubstr("1 instance x 9"));
  v = check_size({.instances = 0, .size = 5, .max_connections = 10, .others = 10});
  EXPECT_EQ(v.level, size_level::too_many);
  EXPECT_EQ(v.most, 0U);
  EXPECT_THAT(v.text, HasSubstr("raise max_connections"));
}

// Ten seconds with 1,000 leases.
pool_period period(milliseconds held, milliseconds used, std::uint64_t waited, milliseconds wait) {
  return {.length = milliseconds{10'000},
          .leases = 1000,
          .held = 1000 * held,
          .used = 1000 * used,
          .waited = waited,
          .wait = static_cast<std::int64_t>(waited) * wait,
          .size = 4,
          .formula = 9};
}

TEST(pool_size, advice_from_waits) {
  auto p = period(milliseconds{20}, milliseconds{18}, 0, milliseconds{0});
  EXPECT_EQ(advise(p).change, size_change::keep);
  EXPECT_DOUBLE_EQ(advise(p).busy, 2.0) << "100 leases a second of 20 ms";
  p.size = 20;
  EXPECT_EQ(advise(p).change, size_change::shrink);
  EXPECT_EQ(advise(p).size, 5U) << "2 + 2 * sqrt(2)";

  p = period(milliseconds{38}, milliseconds{35}, 600, milliseconds{12});
  EXPECT_EQ(advise(p).change, size_change::grow);
  EXPECT_EQ(advise(p).size, 8U);
  EXPECT_THAT(advise(p).text, HasSubstr("3.8 of 4 servers leased on average"));
  EXPECT_THAT(advise(p).text, HasSubstr("60 % of leases waited"));

  p.size = 9;
  EXPECT_EQ(advise(p).change, size_change::database);
  p = period(milliseconds{38}, milliseconds{4}, 600, milliseconds{12});
  EXPECT_EQ(advise(p).change, size_change::shorten);
  EXPECT_THAT(advise(p).text, HasSubstr("idle for 89 % of their time"));

  p = period(milliseconds{38}, milliseconds{35}, 600, milliseconds{12});
  p.concurrency = 3;
  EXPECT_EQ(advise(p).change, size_change::database);
  EXPECT_THAT(advise(p).text, HasSubstr("fastest with 3 transactions at once"));
  p.held = seconds{900};
  EXPECT_DOUBLE_EQ(advise(p).busy, 4.0) << "leases that began long before";
  p = period(milliseconds{38}, milliseconds{4}, 600, milliseconds{12});

  p.leases = 5;
  EXPECT_EQ(advise(p).change, size_change::unknown);
  p = period(milliseconds{20}, milliseconds{18}, 0, milliseconds{0});
  p.timeouts = 1;
  EXPECT_EQ(advise(p).change, size_change::grow) << "a client got nothing";
}

}  // namespace
}  // namespace fairing::pool
