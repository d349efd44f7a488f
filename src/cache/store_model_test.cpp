// The store against a plain map under random operations and time.
//
// A miss is always allowed (eviction); a hit must be exactly what the model has: right value, not
// expired, not purged hard since its fill began, and `purged` if purged softly. The budget holds
// after every put.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/store.hpp"

namespace fairing::cache {
namespace {

using namespace std::chrono_literals;

struct number : value {
  number(std::uint64_t given, std::size_t cost) : value(cost), n(given) {}
  std::uint64_t n;
};

struct model_entry {
  std::uint64_t n = 0;
  mono_time expiry;
  std::vector<int> tags;
  bool soft = false;
};

class world {
 public:
  world(std::uint64_t seed, std::size_t budget, std::size_t shards, std::size_t keys,
        purge_log::limits limits)
      : random_(seed), log_(limits), cache_({budget, shards}, log_), keys_(keys) {}

  void step() {
    const auto dice = below(1000);
    if (dice < 400) return put();
    if (dice < 850) return find();
    if (dice < 890) return replace();
    if (dice < 920) return erase();
    if (dice < 960) return clock_.advance(milliseconds(below(dice < 925 ? 400'000 : 900)));
    if (dice < 970) return void(cache_.sweep(clock_.now(), below(50)));
    purge();
  }
  void clear() {
    cache_.clear();
    model_.clear();
  }
  [[nodiscard]] std::size_t bytes() const { return cache_.stats().bytes; }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] store& cache() { return cache_; }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::string key() {
    const auto n = std::min(below(keys_), below(keys_));
    return (n % 3 == 0 ? "a/" : n % 3 == 1 ? "b/" : "c/") + std::to_string(n);
  }
  static tag_hash tag(int n) { return tag_of("tag" + std::to_string(n)); }

  void put() {
    const auto k = key();
    model_entry e{.n = ++made_, .expiry = {}, .tags = {}};
    std::vector<tag_hash> tags;
    for (auto left = below(4); left > 0; --left) {
      e.tags.push_back(static_cast<int>(below(30)));
      tags.push_back(tag(e.tags.back()));
    }
    const auto cost = below(50) == 0 ? below(60'000) : below(600);
    const milliseconds ttl{1 + static_cast<std::int64_t>(below(below(2) == 0 ? 3000 : 500'000))};
    e.expiry = clock_.now().mono + ttl;
    const auto began = log_.seq();
    // Now and then something is purged between the fill's start and its end.
    const auto during = below(20);
    if (during == 0) purge();
    const bool hard = during == 0 && last_kind_ == purge_kind::hard && concerns(k, e);
    e.soft = during == 0 && last_kind_ == purge_kind::soft && concerns(k, e);
    const auto result = cache_.put(cache_.hash(k), k, value_ptr(new number(e.n, cost)),
                                   {.ttl = ttl, .tags = tags, .began = began}, clock_.now());
    ASSERT_LE(cache_.stats().bytes, cache_.budget_bytes());
    if (hard && result != put_result::too_large) ASSERT_EQ(result, put_result::purged_meanwhile);
    if (result == put_result::stored) model_[k] = e;
  }

  void find() {
    const auto k = key();
    const auto got = cache_.find(cache_.hash(k), k, clock_.now());
    if (got.state == lookup_state::miss) return;
    ++hits_;
    const auto at = model_.find(k);
    ASSERT_NE(at, model_.end()) << k;
    ASSERT_EQ(static_cast<const number&>(*got.value).n, at->second.n);
    ASSERT_GT(at->second.expiry, clock_.now().mono);
    if (at->second.soft) ASSERT_EQ(got.state, lookup_state::purged);
    if (!at->second.soft && log_.overflows() == 0) ASSERT_EQ(got.state, lookup_state::hit);
  }

  void replace() {
    const auto k = key();
    const auto got = cache_.find(cache_.hash(k), k, clock_.now());
    if (!got.value) return;
    const auto n = ++made_;
    if (cache_.replace(cache_.hash(k), k, got.value.get(), value_ptr(new number(n, below(900))),
                       clock_.now()))
      model_.at(k).n = n;
  }

  void erase() {
    const auto k = key();
    cache_.erase(cache_.hash(k), k);  // true also for what was purged but not yet looked at
    ASSERT_EQ(cache_.find(cache_.hash(k), k, clock_.now()).state, lookup_state::miss);
    model_.erase(k);
  }

  void purge() {
    last_kind_ = below(2) == 0 ? purge_kind::hard : purge_kind::soft;
    last_tag_ = -1;
    last_prefix_.reset();
    if (const auto what = below(40); what == 0) {
      log_.purge_all(last_kind_);
      last_prefix_ = "";
    } else if (what < 4) {
      last_prefix_ = key().substr(0, 3 + below(2));
      log_.purge_prefix(*last_prefix_, last_kind_);
    } else {
      last_tag_ = static_cast<int>(below(30));
      log_.purge_tag(tag(last_tag_), last_kind_);
    }
    for (auto at = model_.begin(); at != model_.end();) {
      const bool concerned = concerns(at->first, at->second);
      if (concerned && last_kind_ == purge_kind::hard) {
        at = model_.erase(at);
        continue;
      }
      at->second.soft = at->second.soft || concerned;
      ++at;
    }
  }
  [[nodiscard]] bool concerns(const std::string& k, const model_entry& e) const {
    if (last_prefix_) return k.starts_with(*last_prefix_);
    return std::ranges::find(e.tags, last_tag_) != e.tags.end();
  }

  std::mt19937_64 random_;
  manual_clock clock_;
  purge_log log_;
  store cache_;
  std::size_t keys_;
  std::unordered_map<std::string, model_entry> model_;
  std::uint64_t made_ = 0;
  std::uint64_t hits_ = 0;
  purge_kind last_kind_ = purge_kind::hard;
  int last_tag_ = -1;
  std::optional<std::string> last_prefix_;
};

void run(std::size_t budget, std::size_t shards, std::size_t keys, purge_log::limits limits) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    world w(seed, budget, shards, keys, limits);
    const auto empty = w.bytes();
    for (int i = 0; i < 25'000; ++i) {
      ASSERT_NO_FATAL_FAILURE(w.step()) << "seed " << seed << " step " << i;
      if (i % 9000 == 8999) w.clear();
    }
    EXPECT_GT(w.hits(), 150U) << "the test must see hits";
    w.clear();
    EXPECT_EQ(w.bytes(), empty) << "every byte counted came back";
  }
}

TEST(store_model, roomy) { run(16 << 20, 4, 500, {}); }
TEST(store_model, tight_so_that_everything_is_evicted) { run(256 << 10, 2, 3000, {}); }
TEST(store_model, one_shard) { run(64 << 10, 1, 300, {}); }
TEST(store_model, purge_tables_that_overflow) { run(4 << 20, 4, 500, {.tags = 8, .prefixes = 2}); }

}  // namespace
}  // namespace fairing::cache
