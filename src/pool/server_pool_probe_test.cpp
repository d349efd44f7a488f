#include "pool/server_pool_probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairing::pool {
namespace {

using testing::HasSubstr;

TEST(server_pool_probe, counts_under_the_reasons_and_takes_its_levels_back) {
  metrics::registry r;
  {
    server_pool_probe probe(r, {{"user", "u"}, {"database", "d"}});
    probe.waited(milliseconds{3});
    probe.held(milliseconds{20});
    probe.used(milliseconds{7});
    probe.closed(close_reason::yielded, seconds{30});
    probe.refused(refusal::timeout, seconds{10});
    probe.pinned(pin_reason::temp_table);
    probe.pin_refused();
    probe.sizes({.idle = 1, .leased = 2, .waiting = 3, .size = 4, .concurrency = 4});
    probe.sizes({.idle = 1, .leased = 5, .waiting = 0, .size = 6, .concurrency = 2, .gathers = 1});
    const auto text = r.render();
    const std::string of = "{user=\"u\",database=\"d\"";
    EXPECT_THAT(text, HasSubstr("fairing_pool_wait_seconds_count" + of + "} 2"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_hold_seconds_sum" + of + "} 0.02"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_connection_age_seconds_count" + of + "} 1"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_closed_total" + of + ",reason=\"yielded\"} 1"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_refused_total" + of + ",reason=\"timeout\"} 1"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_pins_total" + of + ",reason=\"temp_table\"} 1"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_leased" + of + "} 5"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_size" + of + "} 6"));
    EXPECT_THAT(text, HasSubstr("fairing_pool_gathers" + of + "} 1"));
  }
  EXPECT_THAT(r.render(), HasSubstr("fairing_pool_size{user=\"u\",database=\"d\"} 0"));
}

}  // namespace
}  // namespace fairing::pool
