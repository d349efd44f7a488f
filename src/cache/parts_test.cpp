// table, ghost and ttl_wheel: the parts of a shard, each alone.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "base/hash.hpp"
#include "cache/ghost.hpp"
#include "cache/table.hpp"
#include "cache/ttl_wheel.hpp"

namespace fairing::cache {
namespace {

TEST(table, finds_what_was_inserted_and_not_what_was_erased) {
  table t(8);
  for (std::uint32_t i = 0; i < 60; ++i) ASSERT_TRUE(t.insert(mix64(i + 1), i));
  for (std::uint32_t i = 0; i < 60; i += 2) EXPECT_TRUE(t.erase(mix64(i + 1), i));
  EXPECT_FALSE(t.erase(mix64(1), 0));
  EXPECT_EQ(t.size(), 30U);
  for (std::uint32_t i = 0; i < 60; ++i) {
    const auto got = t.find(mix64(i + 1), [&](std::uint32_t n) { return n == i; });
    EXPECT_EQ(got, i % 2 == 1 ? i : no_node);
  }
}

TEST(table, equal_tags_are_told_apart_by_the_key) {
  table t(1);
  ASSERT_TRUE(t.insert(7, 1));
  ASSERT_TRUE(t.insert(7, 2));
  EXPECT_EQ(t.find(7, [](std::uint32_t n) { return n == 2; }), 2U);
  EXPECT_EQ(t.find(7, [](std::uint32_t) { return false; }), no_node);
}

TEST(table, fills_to_the_load_that_the_overhead_counts_on) {
  for (const std::size_t buckets : {64U, 1000U, 10'000U}) {
    table t(buckets);
    std::uint32_t i = 0;
    while (t.insert(mix64(i + 1), i)) ++i;
    EXPECT_GT(static_cast<double>(i) / static_cast<double>(t.slots()), 0.82) << buckets;
  }
}

TEST(ghost, remembers_about_its_capacity_of_the_latest) {
  ghost g;
  EXPECT_FALSE(g.take(1));
  g.resize(ghost::capacity_for(1000));
  for (std::uint64_t i = 0; i < 5000; ++i) g.insert(mix64(i + 1));
  int recent = 0;
  int old = 0;
  for (std::uint64_t i = 4500; i < 5000; ++i) recent += g.take(mix64(i + 1));
  for (std::uint64_t i = 0; i < 2000; ++i) old += g.take(mix64(i + 1));
  EXPECT_GT(recent, 450);
  EXPECT_LT(old, 40);
  EXPECT_FALSE(g.take(mix64(5000))) << "taken once is forgotten";
}

TEST(ghost, resizing_keeps_the_latest) {
  ghost g;
  g.resize(ghost::capacity_for(1000));
  for (std::uint64_t i = 0; i < 500; ++i) g.insert(mix64(i + 1));
  g.resize(ghost::capacity_for(4000));
  int kept = 0;
  for (std::uint64_t i = 0; i < 500; ++i) kept += g.take(mix64(i + 1));
  EXPECT_GT(kept, 480);
}

// Every node is handed out once, after its expiry and at most a second (of the wheel's clock) late.
TEST(ttl_wheel, hands_out_each_node_in_its_second) {
  slab nodes;
  ttl_wheel wheel;
  std::mt19937_64 random(1);
  std::uint64_t now_ms = 5'000'123;
  std::map<std::uint32_t, std::uint64_t> expiry;
  const auto add = [&](std::uint64_t ttl_ms) {
    std::uint32_t i = nodes.take();
    if (i == no_node) {
      nodes.grow();
      i = nodes.take();
    }
    nodes[i].set_expiry_ms(now_ms + ttl_ms);
    wheel.settle(now_ms);
    wheel.link(nodes, i);
    expiry[i] = now_ms + ttl_ms;
  };
  const std::uint64_t spans[] = {900, 5000, 300'000, 70'000'000, 900'000'000};
  for (int round = 0; round < 3000; ++round) {
    add(1 + random() % spans[random() % 5]);
    if (round % 7 == 0 && !expiry.empty()) {
      auto at = expiry.begin();
      std::advance(at, static_cast<long>(random() % expiry.size()));
      wheel.unlink(nodes, at->first);
      nodes.give_back(at->first);
      expiry.erase(at);
    }
    now_ms += random() % (round % 100 == 0 ? 3'000'000 : 3000);
    for (;;) {
      std::size_t steps = 1'000'000;
      const std::uint32_t i = wheel.next_due(nodes, now_ms, steps);
      if (i == no_node) break;
      ASSERT_TRUE(expiry.contains(i));
      ASSERT_LE(expiry[i], now_ms);
      wheel.unlink(nodes, i);
      nodes.give_back(i);
      expiry.erase(i);
    }
    ASSERT_FALSE(wheel.behind(now_ms));
    for (const auto& [i, at] : expiry) ASSERT_GE(at / 1000, now_ms / 1000);
    ASSERT_EQ(wheel.size(), expiry.size());
  }
}

TEST(ttl_wheel, bounded_steps_get_there_in_the_end) {
  slab nodes;
  ttl_wheel wheel;
  nodes.grow();
  wheel.settle(0);
  for (int n = 0; n < 100; ++n) {
    const std::uint32_t i = nodes.take();
    nodes[i].set_expiry_ms(1000ULL * 3600);
    wheel.link(nodes, i);
  }
  int handed_out = 0;
  int turns = 0;
  while (wheel.behind(1000ULL * 3601)) {
    std::size_t steps = 50;
    const std::uint32_t i = wheel.next_due(nodes, 1000ULL * 3601, steps);
    if (i != no_node) {
      wheel.unlink(nodes, i);
      ++handed_out;
    }
    ASSERT_LT(++turns, 1000);
  }
  EXPECT_EQ(handed_out, 100);
}

}  // namespace
}  // namespace fairing::cache
