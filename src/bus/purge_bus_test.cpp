#include "bus/purge_bus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace fairing::bus {
namespace {

using namespace std::chrono_literals;
using cache::purge_kind;
using cache::tag_hash;
using cache::tag_of;
using cache::url_tag_of;
using cache::verdict;

struct item : cache::value {
  item() : value(64) {}
};

// A tier that notes what it was told, and how far L1 was when it was.
struct scripted_tier : purge_tier {
  scripted_tier(std::string n, bool fills, tier_progress p, cache::purge_log& l)
      : called(std::move(n)), fills_(fills), answer(p), log(l) {}
  [[nodiscard]] std::string_view name() const noexcept override { return called; }
  [[nodiscard]] bool fills_l1() const noexcept override { return fills_; }
  tier_progress apply(const purge_request&, const purge_items& items) override {
    seen.push_back(items);
    seq_then = log.seq();
    return answer;
  }
  std::string called;
  bool fills_;
  tier_progress answer;
  cache::purge_log& log;
  std::vector<purge_items> seen;
  cache::purge_seq seq_then = 0;
};

struct bus_fixture : testing::Test {
  static std::vector<std::string> key(std::string_view url) {
    if (!url.starts_with("http://")) return {};
    return {std::string(url.substr(7))};
  }
  std::string total(std::string_view source) {
    const auto text = registry.render();
    const auto label = "fairing_purge_total{source=\"" + std::string(source) + "\"} ";
    const auto at = text.find(label);
    if (at == std::string::npos) return "absent";
    return text.substr(at + label.size(), text.find('\n', at) - at - label.size());
  }
  verdict check(tag_hash tag, cache::purge_seq since) {
    return log.check(std::array{tag}, "a.test/x", since);
  }
  cache::purge_log log{{}};
  metrics::registry registry;
  purge_bus bus{log, registry, key};
};

TEST_F(bus_fixture, purges_tags_urls_and_prefixes) {
  const auto s0 = log.seq();
  const auto done = bus.apply({.tags = {"t"},
                               .urls = {"http://a.test/p"},
                               .prefixes = {"http://a.test/x"},
                               .kind = purge_kind::soft,
                               .source = purge_source::cli});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->seq, log.seq());
  ASSERT_EQ(done->tiers.size(), 1U);
  EXPECT_EQ(done->tiers[0].tier, "l1");
  EXPECT_EQ(log.check(std::array{tag_of("t")}, "k", s0), verdict::stale);
  EXPECT_EQ(log.check(std::array{url_tag_of("a.test/p")}, "k", s0), verdict::stale);
  EXPECT_EQ(log.check({}, "a.test/xyz", s0), verdict::stale);
  EXPECT_EQ(log.check({}, "a.test/y", s0), verdict::fresh);
  EXPECT_EQ(total("cli"), "1");
  EXPECT_EQ(total("sql"), "0");
}

TEST_F(bus_fixture, all_is_one_floor) {
  const auto s0 = log.seq();
  const auto done = bus.apply({.tags = {"t"}, .all = true});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->seq, s0 + 1);
  EXPECT_EQ(log.check({}, "anything", s0), verdict::gone);
}

TEST_F(bus_fixture, tiers_come_in_order_and_l1_again_after_the_one_that_fills_it) {
  scripted_tier l2("l2", true, tier_progress::done, log);
  scripted_tier edge("edge", false, tier_progress::queued, log);
  bus.add_tier(l2);
  bus.add_tier(edge);
  const auto s0 = log.seq();
  const auto done = bus.apply({.tags = {"t"}});
  ASSERT_TRUE(done);
  EXPECT_EQ(l2.seq_then, s0 + 1) << "after L1";
  EXPECT_EQ(edge.seq_then, s0 + 2) << "after L1 again";
  EXPECT_EQ(done->seq, s0 + 2);
  EXPECT_EQ(check(tag_of("t"), s0 + 1), verdict::gone) << "filled from l2 between the two";
  ASSERT_EQ(done->tiers.size(), 3U);
  EXPECT_EQ(done->tiers[1].tier, "l2");
  EXPECT_EQ(done->tiers[2].progress, tier_progress::queued);
  ASSERT_EQ(l2.seen.size(), 1U);
  EXPECT_EQ(l2.seen[0].tags, std::vector<tag_hash>{tag_of("t")});
}

TEST_F(bus_fixture, a_bad_request_changes_nothing_and_says_why) {
  const auto s0 = log.seq();
  const auto code = [&](const purge_request& r) { return bus.apply(r).error().code; };
  EXPECT_EQ(code({}), errc::empty_purge);
  EXPECT_EQ(code({.tags = std::vector<std::string>(1001, "t")}), errc::too_many_items);
  EXPECT_EQ(code({.tags = {"ok", ""}}), errc::bad_tag);
  EXPECT_EQ(code({.tags = {std::string(257, 't')}}), errc::bad_tag);
  EXPECT_EQ(code({.tags = {"ok"}, .urls = {"/no/host"}}), errc::bad_url);
  EXPECT_EQ(bus.apply({.tags = {"ok"}, .prefixes = {"ftp://x"}}).error().message(),
            "prefixes[0] is not of the form http://host[:port]/path");
  EXPECT_EQ(log.seq(), s0);
  EXPECT_EQ(total("api"), "0");
  EXPECT_TRUE(bus.apply({.tags = std::vector<std::string>(1000, std::string(256, 't'))}));
}

TEST_F(bus_fixture, a_dry_run_counts_and_purges_nothing) {
  manual_clock clock;
  cache::store store({.budget_bytes = 1 << 20, .shards = 2}, log);
  for (int i = 0; i < 20; ++i) {
    const auto k = "a.test/" + std::to_string(i);
    const std::array tags{tag_of(i % 2 == 0 ? "even" : "odd"), url_tag_of(k)};
    store.put(store.hash(k), k, cache::value_ptr(new item),
              {.ttl = 10s, .tags = tags, .began = log.seq()}, clock.now());
  }
  const auto s0 = log.seq();
  const auto matched = [&](const purge_request& r) {
    return bus.count(r, store, clock.now())->matched_hint;
  };
  EXPECT_EQ(matched({.tags = {"even"}}), 10U);
  EXPECT_EQ(matched({.tags = {"even"}, .urls = {"http://a.test/1", "http://a.test/2"}}), 11U);
  EXPECT_EQ(matched({.prefixes = {"http://a.test/1"}}), 11U);
  EXPECT_EQ(matched({.all = true}), 20U);
  EXPECT_FALSE(bus.count({}, store, clock.now()));
  EXPECT_EQ(log.seq(), s0);
}

}  // namespace
}  // namespace fairing::bus
