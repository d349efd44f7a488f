#include "pool/pool_homes.hpp"

#include <gtest/gtest.h>

namespace fairing::pool {
namespace {

mono_time at(int ms) { return mono_time{milliseconds{1'000'000 + ms}}; }
constexpr pool_homes::view busy{.homes = 1, .cores = 4, .servers = 40, .busy_permille = 900};

TEST(pool_homes, adds_one_after_three_busy_seconds) {
  pool_homes h;
  for (int ms = 0; ms < 3000; ms += 100) EXPECT_FALSE(h.look(busy, at(ms))) << ms;
  EXPECT_TRUE(h.look(busy, at(3000)));
  // And counts anew: 40 servers are not enough for a third.
  auto two = busy;
  two.homes = 2;
  for (int ms = 3100; ms < 9000; ms += 100) EXPECT_FALSE(h.look(two, at(ms))) << ms;
  two.servers = 48;
  for (int ms = 9000; ms < 12'000; ms += 100) EXPECT_FALSE(h.look(two, at(ms))) << ms;
  EXPECT_TRUE(h.look(two, at(12'000)));
}

TEST(pool_homes, a_pause_begins_anew) {
  pool_homes h;
  auto idle = busy;
  idle.busy_permille = 849;
  for (int ms = 0; ms < 20'000; ms += 100)
    EXPECT_FALSE(h.look(ms % 2900 == 0 ? idle : busy, at(ms))) << ms;
}

TEST(pool_homes, every_home_keeps_sixteen_servers_and_a_core_of_its_own) {
  for (std::uint32_t homes = 1; homes < 6; ++homes)
    for (std::uint32_t cores = 1; cores < 6; ++cores)
      for (const std::uint32_t servers : {0U, 15U, 16U, 31U, 32U, 47U, 48U, 200U}) {
        pool_homes h;
        const pool_homes::view v{homes, cores, servers, 1000};
        EXPECT_FALSE(h.look(v, at(0)));
        EXPECT_EQ(h.look(v, at(3000)), homes < cores && servers >= 16 * (homes + 1));
      }
}

TEST(busy_meter, is_the_share_since_the_last_look) {
  busy_meter m;
  EXPECT_EQ(m.add(5'000, 1'000'000), 0U);
  EXPECT_EQ(m.add(55'000, 1'100'000), 500U);
  EXPECT_EQ(m.add(55'000, 1'200'000), 0U);
  EXPECT_EQ(m.add(255'000, 1'300'000), 1000U);
  EXPECT_EQ(m.add(260'000, 1'300'000), 0U);
}

}  // namespace
}  // namespace fairing::pool
