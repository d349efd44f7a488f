// The store under threads: a reader never gets what is older than the last completed purge of its
// tag.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cache/store.hpp"

namespace fairing::cache {
namespace {

using namespace std::chrono_literals;

struct versioned : value {
  versioned(std::size_t t, std::uint64_t given, std::size_t cost)
      : value(cost), tag(t), version(given) {}
  std::size_t tag;
  std::uint64_t version;
};

constexpr std::size_t tag_count = 8;
constexpr int key_count = 400;

struct stress {
  purge_log log{{}};
  store cache{{.budget_bytes = 96 << 10, .shards = 4}, log};
  manual_clock clock;
  // The origin's data, and the version every reader must at least see once a purge is done.
  std::array<std::atomic<std::uint64_t>, tag_count> data{};
  std::array<std::atomic<std::uint64_t>, tag_count> purged{};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> over_budget{0};
  std::atomic<std::uint64_t> hits{0};

  void purger() {
    std::mt19937 random(1);
    for (int i = 0; i < 4000 || (hits < 1000 && i < 400'000); ++i) {
      const std::size_t t = random() % tag_count;
      const auto version = data[t].fetch_add(1) + 1;  // the data changes, then it is purged
      if (i % 100 == 0)
        log.purge_all(purge_kind::hard);
      else
        log.purge_tag(tag_of(std::to_string(t)), purge_kind::hard);
      purged[t].store(version);
      if (i % 2 == 0) std::this_thread::yield();
    }
    stop = true;
  }

  void filler(unsigned seed) {
    std::mt19937 random(seed);
    while (!stop) {
      const auto n = random() % key_count;
      const auto key = std::to_string(n);
      const std::size_t t = n % tag_count;
      const std::array tags{tag_of(std::to_string(t))};
      const auto began = log.seq();
      const auto version = data[t].load();
      if (random() % 4 == 0) std::this_thread::yield();
      cache.put(cache.hash(key), key, value_ptr(new versioned(t, version, 100 + random() % 400)),
                {.ttl = 60s, .tags = tags, .began = began}, clock.now());
      if (cache.stats().bytes > cache.budget_bytes()) ++over_budget;
      if (random() % 50 == 0) cache.erase(cache.hash(key), key);
    }
  }

  void reader(unsigned seed) {
    std::mt19937 random(seed);
    while (!stop) {
      const auto n = random() % key_count;
      const auto key = std::to_string(n);
      const auto at_least = purged[n % tag_count].load();
      const auto check = [&](const value& v, lookup_state) {
        const auto& got = static_cast<const versioned&>(v);
        ++hits;
        if (got.tag != n % tag_count || got.version < at_least) ++wrong;
      };
      if (random() % 2 == 0) {
        cache.visit(cache.hash(key), key, clock.now(), check);
      } else if (const auto r = cache.find(cache.hash(key), key, clock.now()); r.value) {
        check(*r.value, r.state);
        if (random() % 16 == 0)
          cache.replace(cache.hash(key), key, r.value.get(),
                        value_ptr(new versioned(
                            n % tag_count, static_cast<const versioned&>(*r.value).version, 50)),
                        clock.now());
      }
    }
  }
};

TEST(store_threads, no_reader_gets_what_a_completed_purge_forbids) {
  stress s;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { s.purger(); });
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back([&s, i] { s.filler(10 + i); });
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back([&s, i] { s.reader(20 + i); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(s.wrong, 0U);
  EXPECT_EQ(s.over_budget, 0U);
  EXPECT_GE(s.hits, 1000U);
}

TEST(store_threads, listing_clearing_sweeping_and_resizing_meanwhile) {
  stress s;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { s.purger(); });
  threads.emplace_back([&] { s.filler(1); });
  threads.emplace_back([&] { s.reader(2); });
  threads.emplace_back([&] {
    std::mt19937 random(3);
    while (!s.stop) {
      s.cache.for_each(s.clock.now(),
                       [](std::string_view key, const value&) { return key.size() < max_tags; });
      s.cache.sweep(s.clock.now(), 10);
      if (random() % 8 == 0) s.cache.clear();
      std::this_thread::yield();
    }
  });
  for (auto& t : threads) t.join();
  EXPECT_EQ(s.wrong, 0U);
  s.cache.set_budget(40 << 10);
  EXPECT_LE(s.cache.stats().bytes, 40U << 10);
}

}  // namespace
}  // namespace fairing::cache
