#include "cache/store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "cache/shard.hpp"

namespace fairing::cache {
namespace {

using namespace std::chrono_literals;

struct text : value {
  explicit text(std::string t, std::size_t cost = 100) : value(cost), body(std::move(t)) {}
  std::string body;
};

struct fixture : testing::Test {
  put_result put(std::string_view key, std::string body, milliseconds ttl = 60s,
                 std::vector<tag_hash> tags = {}, std::size_t cost = 100) {
    return cache.put(cache.hash(key), key, value_ptr(new text(std::move(body), cost)),
                     {.ttl = ttl, .tags = tags, .began = log.seq()}, clock.now());
  }
  lookup find(std::string_view key) { return cache.find(cache.hash(key), key, clock.now()); }
  std::string get(std::string_view key) {
    const auto r = find(key);
    if (r.state == lookup_state::miss) return "miss";
    return (r.state == lookup_state::purged ? "purged:" : "") +
           static_cast<const text&>(*r.value).body;
  }
  std::uint64_t removed(removal r) { return cache.stats().removed[static_cast<std::size_t>(r)]; }

  purge_log log{{}};
  manual_clock clock;
  store cache{{.budget_bytes = 1 << 20, .shards = 4}, log};
};

TEST_F(fixture, stores_and_finds) {
  EXPECT_EQ(get("a"), "miss");
  EXPECT_EQ(put("a", "1"), put_result::stored);
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(put("a", "2"), put_result::stored);
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(removed(removal::replaced), 1U);
  EXPECT_EQ(cache.stats().entries, 1U);
  EXPECT_EQ(put("", "empty key"), put_result::stored);
  EXPECT_EQ(get(""), "empty key");
}

TEST_F(fixture, visit_calls_only_on_an_entry) {
  put("a", "1");
  std::string seen;
  const auto f = [&](const value& v, lookup_state) { seen = static_cast<const text&>(v).body; };
  EXPECT_EQ(cache.visit(cache.hash("b"), "b", clock.now(), f), lookup_state::miss);
  EXPECT_EQ(seen, "");
  EXPECT_EQ(cache.visit(cache.hash("a"), "a", clock.now(), f), lookup_state::hit);
  EXPECT_EQ(seen, "1");
}

TEST_F(fixture, expires_to_the_millisecond) {
  put("a", "1", 1500ms);
  clock.advance(1499ms);
  EXPECT_EQ(get("a"), "1");
  clock.advance(1ms);
  EXPECT_EQ(get("a"), "miss");
  EXPECT_EQ(removed(removal::expired), 1U);
}

TEST_F(fixture, refuses) {
  EXPECT_EQ(put("a", "1", 0ms), put_result::no_ttl);
  EXPECT_EQ(put("a", "1", -5ms), put_result::no_ttl);
  EXPECT_EQ(put("a", "1", 1s, std::vector<tag_hash>(max_tags + 1, 1)), put_result::too_many_tags);
  EXPECT_EQ(put("a", "1", 1s, std::vector<tag_hash>(max_tags, 1)), put_result::stored);
  EXPECT_EQ(put("b", "1", 1s, {}, (1 << 18) + 1), put_result::too_large);
  EXPECT_EQ(put("b", "1", 1s, {}, (1 << 18) - 64), put_result::stored);
  EXPECT_EQ(put(std::string(65'536, 'k'), "1"), put_result::too_large);
  EXPECT_EQ(put(std::string(65'535, 'k'), "1"), put_result::stored);
  EXPECT_EQ(put("c", "1", milliseconds::max()), put_result::stored);
  EXPECT_EQ(get("c"), "1");
}

TEST_F(fixture, a_large_object_fits_one_of_many_shards) {
  store big({.budget_bytes = 256 << 20, .shards = 32}, log);
  EXPECT_EQ(big.put(1, "a", value_ptr(new text("x", 8 << 20)),
                    {.ttl = 1s, .tags = {}, .began = log.seq()}, clock.now()),
            put_result::stored);
}

TEST_F(fixture, hard_purges_are_never_served) {
  put("a", "1", 60s, {tag_of("t")});
  put("b", "2", 60s, {tag_of("u")});
  log.purge_tag(tag_of("t"), purge_kind::hard);
  EXPECT_EQ(get("a"), "miss");
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(removed(removal::purged), 1U);
  log.purge_prefix("b", purge_kind::hard);
  EXPECT_EQ(get("b"), "miss");
  put("c", "3");
  log.purge_all(purge_kind::hard);
  EXPECT_EQ(get("c"), "miss");
}

TEST_F(fixture, soft_purges_stay_known_until_the_entry_is_put_again) {
  put("a", "1", 60s, {tag_of("t")});
  log.purge_tag(tag_of("t"), purge_kind::soft);
  EXPECT_EQ(get("a"), "purged:1");
  EXPECT_EQ(get("a"), "purged:1");
  log.purge_tag(tag_of("other"), purge_kind::hard);
  EXPECT_EQ(get("a"), "purged:1");
  put("a", "2", 60s, {tag_of("t")});
  EXPECT_EQ(get("a"), "2");
  log.purge_tag(tag_of("t"), purge_kind::soft);
  log.purge_tag(tag_of("t"), purge_kind::hard);
  EXPECT_EQ(get("a"), "miss");
}

TEST_F(fixture, a_purge_during_the_fill_is_seen_at_its_end) {
  const std::array tags{tag_of("t")};
  const auto fill = [&](purge_seq began) {
    return cache.put(cache.hash("a"), "a", value_ptr(new text("old")),
                     {.ttl = 60s, .tags = tags, .began = began}, clock.now());
  };
  const auto began = log.seq();
  log.purge_tag(tag_of("t"), purge_kind::hard);
  EXPECT_EQ(fill(began), put_result::purged_meanwhile);
  EXPECT_EQ(get("a"), "miss");
  const auto again = log.seq();
  log.purge_tag(tag_of("t"), purge_kind::soft);
  EXPECT_EQ(fill(again), put_result::stored);
  EXPECT_EQ(get("a"), "purged:old");
}

TEST_F(fixture, replace_needs_the_expected_value) {
  put("a", "1", 2s, {tag_of("t")});
  const auto held = find("a").value;
  EXPECT_TRUE(
      cache.replace(cache.hash("a"), "a", held.get(), value_ptr(new text("1z", 50)), clock.now()));
  EXPECT_EQ(get("a"), "1z");
  EXPECT_FALSE(
      cache.replace(cache.hash("a"), "a", held.get(), value_ptr(new text("no")), clock.now()));
  EXPECT_FALSE(
      cache.replace(cache.hash("b"), "b", held.get(), value_ptr(new text("no")), clock.now()));
  log.purge_tag(tag_of("t"), purge_kind::soft);
  const auto now_held = find("a").value;
  EXPECT_TRUE(
      cache.replace(cache.hash("a"), "a", now_held.get(), value_ptr(new text("1y")), clock.now()));
  EXPECT_EQ(get("a"), "purged:1y") << "the sequence stays";
  clock.advance(2s);
  EXPECT_EQ(get("a"), "miss") << "the ttl stays";
}

TEST_F(fixture, erase_and_clear_give_everything_back) {
  const auto empty = cache.stats().bytes;
  put("a", "1");
  EXPECT_TRUE(cache.erase(cache.hash("a"), "a"));
  EXPECT_FALSE(cache.erase(cache.hash("a"), "a"));
  for (int i = 0; i < 2000; ++i) put(std::to_string(i), "x");
  EXPECT_GT(cache.stats().bytes, empty + 2000 * 132);
  cache.clear();
  EXPECT_EQ(cache.stats().bytes, empty);
  EXPECT_EQ(cache.stats().entries, 0U);
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
}

TEST_F(fixture, a_value_in_use_stays_counted_and_outlives_the_store) {
  value_ptr held;
  {
    store small({.budget_bytes = 1 << 20, .shards = 1}, log);
    const auto empty = small.stats().bytes;
    small.put(1, "a", value_ptr(new text("x", 10'000)), {.ttl = 1s, .tags = {}, .began = log.seq()},
              clock.now());
    held = small.find(1, "a", clock.now()).value;
    small.clear();
    EXPECT_EQ(small.stats().bytes, empty + 10'000);
    small.put(1, "a", held, {.ttl = 1s, .tags = {}, .began = log.seq()}, clock.now());
    small.put(2, "b", held, {.ttl = 1s, .tags = {}, .began = log.seq()}, clock.now());
    EXPECT_LT(small.stats().bytes, empty + 16'000) << "counted once under two keys";
    small.clear();
    EXPECT_EQ(small.stats().bytes, empty + 10'000);
  }
  EXPECT_EQ(static_cast<const text&>(*held).body, "x");
}

TEST_F(fixture, what_readers_hold_leaves_no_room) {
  std::vector<value_ptr> held;
  for (int i = 0; i < 5; ++i) {
    put(std::to_string(i), "x", 60s, {}, 200'000);
    if (auto v = find(std::to_string(i)).value) held.push_back(std::move(v));
  }
  EXPECT_EQ(put("more", "x", 60s, {}, 250'000), put_result::too_large);
  EXPECT_LE(cache.stats().bytes, cache.budget_bytes());
  held.clear();
  EXPECT_EQ(put("more", "x", 60s, {}, 250'000), put_result::stored);
}

TEST_F(fixture, the_expired_go_before_anything_live) {
  for (int i = 0; i < 300; ++i) put("short" + std::to_string(i), "x", 5s, {}, 1000);
  for (int i = 0; i < 500; ++i) put("long" + std::to_string(i), "x", 1h, {}, 1000);
  clock.advance(7s);
  for (int i = 0; i < 350; ++i) put("new" + std::to_string(i), "x", 1h, {}, 1000);
  EXPECT_EQ(removed(removal::evicted), 0U);
  EXPECT_GT(removed(removal::expired), 100U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(get("long" + std::to_string(i)), "x");
}

TEST_F(fixture, sweep_is_bounded_and_complete) {
  for (int i = 0; i < 500; ++i) put(std::to_string(i), "x", milliseconds(1 + i * 10));
  put("stays", "x", 1h);
  EXPECT_EQ(cache.sweep(clock.now(), 1000), 0U);
  clock.advance(10s);
  EXPECT_EQ(cache.sweep(clock.now(), 70), 70U);
  EXPECT_EQ(cache.sweep(clock.now(), 1000), 430U);
  EXPECT_EQ(cache.stats().entries, 1U);
  clock.advance(std::chrono::hours(24 * 400));
  while (cache.stats().entries > 0) cache.sweep(clock.now(), 10);
}

TEST_F(fixture, a_hot_set_survives_a_scan) {
  for (int i = 0; i < 200; ++i) put("hot" + std::to_string(i), "x", 1h, {}, 1000);
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 200; ++i) get("hot" + std::to_string(i));
  for (int i = 0; i < 10'000; ++i) {  // ten times the budget
    put("scan" + std::to_string(i), "x", 1h, {}, 1000);
    if (i % 10 == 0) get("hot" + std::to_string(i / 10 % 200));
  }
  int kept = 0;
  for (int i = 0; i < 200; ++i) kept += get("hot" + std::to_string(i)) != "miss";
  EXPECT_GE(kept, 195);
}

TEST_F(fixture, a_key_that_returns_after_its_eviction_goes_to_main) {
  for (int i = 0; i < 1500; ++i) put("fill" + std::to_string(i), "x", 1h, {}, 1000);
  int last = 1499;  // the youngest that was evicted: surely among the ghosts still
  while (last >= 0 && get("fill" + std::to_string(last)) != "miss") --last;
  ASSERT_GE(last, 0);
  const std::string evicted = "fill" + std::to_string(last);
  put(evicted, "back", 1h, {}, 1000);
  put("once", "x", 1h, {}, 1000);
  for (int i = 0; i < 3000; ++i) put("scan" + std::to_string(i), "x", 1h, {}, 1000);
  EXPECT_EQ(get("once"), "miss");
  EXPECT_EQ(get(evicted), "back");
}

TEST_F(fixture, the_budget_shrinks_and_grows) {
  for (int i = 0; i < 5000; ++i) put(std::to_string(i), "x");
  cache.set_budget(100'000);
  EXPECT_LE(cache.stats().bytes, 100'000U);
  EXPECT_GT(cache.stats().entries, 200U);
  for (int i = 0; i < 5000; ++i) put(std::to_string(i), "x");
  EXPECT_LE(cache.stats().bytes, 100'000U);
  cache.set_budget(1 << 20);
  for (int i = 0; i < 5000; ++i) put(std::to_string(i), "x");
  EXPECT_GT(cache.stats().entries, 4000U);
}

TEST_F(fixture, slabs_shrink_when_small_entries_give_way_to_large) {
  for (int i = 0; i < 6000; ++i) put("small" + std::to_string(i), "", 1h, {}, 0);
  for (int i = 0; i < 3000; ++i) put("large" + std::to_string(i), "", 1h, {}, 20'000);
  EXPECT_GE(cache.stats().entries, 40U);
  EXPECT_LE(cache.stats().bytes, cache.budget_bytes());
}

TEST_F(fixture, listings_show_tags_and_skip_what_is_gone) {
  put("a", "1", 10s, {tag_of("t"), 7});
  put("b", "2", 1s);
  put("c", "3", 10s, {tag_of("gone")});
  put("d", "4", 10s, {tag_of("soft")});
  clock.advance(1s);
  log.purge_tag(tag_of("gone"), purge_kind::hard);
  log.purge_tag(tag_of("soft"), purge_kind::soft);
  std::vector<std::string> seen;
  cache.for_each_entry(clock.now(), [&](const entry_view& e) {
    seen.emplace_back(e.key);
    if (e.key == "a") {
      EXPECT_EQ(e.tags.size(), 2U);
      EXPECT_EQ(e.tags[1], 7U);
    }
    EXPECT_EQ(e.state, e.key == "d" ? lookup_state::purged : lookup_state::hit);
    EXPECT_EQ(e.remaining, 9s);
    return true;
  });
  std::ranges::sort(seen);
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "d"}));
  int calls = 0;
  cache.for_each(clock.now(), [&](std::string_view, const value&) { return ++calls < 1; });
  EXPECT_EQ(calls, 1);
}

TEST_F(fixture, entries_of_a_purged_tag_do_not_stay_for_their_popularity) {
  for (int i = 0; i < 300; ++i) put("t" + std::to_string(i), "x", 1h, {tag_of("t")}, 1000);
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 300; ++i) get("t" + std::to_string(i));
  log.purge_tag(tag_of("t"), purge_kind::hard);
  for (int i = 0; i < 3000; ++i) put("n" + std::to_string(i), "x", 1h, {}, 1000);
  EXPECT_EQ(removed(removal::purged), 300U);
}

// What an entry costs besides key, tags and value, counted over growth: between two table growths.
TEST_F(fixture, overhead_is_at_most_48_bytes_an_entry) {
  store big({.budget_bytes = 1UL << 30, .shards = 4}, log);
  const auto fixed = big.stats().bytes;
  double sum = 0;
  int samples = 0;
  for (std::size_t i = 1; i <= 300'000; ++i) {
    const auto key = std::to_string(1'000'000 + i);  // 7 bytes
    big.put(big.hash(key), key, value_ptr(new text("", 0)),
            {.ttl = 1h, .tags = {}, .began = log.seq()}, clock.now());
    if (i < 100'000 || i % 5'000 != 0) continue;
    const std::size_t block = heap_bytes(key_block::size(7, 0)) - sizeof(std::uint16_t);
    sum += static_cast<double>(big.stats().bytes - fixed) / static_cast<double>(i) -
           static_cast<double>(block);
    ++samples;
  }
  const double mean = sum / samples;
  RecordProperty("overhead_bytes", std::to_string(mean));
  EXPECT_LE(mean, 48.0);
  EXPECT_NEAR(mean, overhead_per_entry, 3.0);
}

}  // namespace
}  // namespace fairing::cache
