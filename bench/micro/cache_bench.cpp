// cache_bench: what a look-up and a put cost on one thread: a million entries of 100 bytes, Zipf
// 0.99.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cache/store.hpp"

namespace {

using namespace fairing;
using namespace fairing::cache;

struct blob : value {
  blob() : value(160) { body.fill('x'); }
  std::array<char, 100> body;
};

constexpr std::size_t entries = 1'000'000;

std::string key_of(std::size_t n) { return "http://example.test/products/" + std::to_string(n); }

// Draws from Zipf(0.99) by inverting the distribution; ranks are scattered over the keys.
std::vector<std::string> zipf_keys(std::size_t count) {
  std::vector<double> sums(entries);
  double sum = 0;
  for (std::size_t i = 0; i < entries; ++i)
    sums[i] = sum += 1 / std::pow(static_cast<double>(i + 1), 0.99);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<std::string> keys;
  keys.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto rank = std::ranges::lower_bound(sums, uniform(random)) - sums.begin();
    keys.push_back(key_of(static_cast<std::size_t>(rank) * 7919 % entries));
  }
  return keys;
}

struct filled {
  purge_log log{{}};
  instant now = fairing::now();
  store cache{{.budget_bytes = 1UL << 30, .shards = 8}, log};
  std::array<tag_hash, 2> tags{tag_of("products"), tag_of("shop")};
  filled() {
    for (std::size_t i = 0; i < entries; ++i) put(key_of(i));
  }
  void put(const std::string& key) {
    cache.put(cache.hash(key), key, value_ptr(new blob),
              {.ttl = std::chrono::hours(1), .tags = tags, .began = log.seq()}, now);
  }
};

filled& shared() {
  static filled f;
  return f;
}

void find_zipf(benchmark::State& state) {
  filled& f = shared();
  const auto keys = zipf_keys(1 << 20);
  std::size_t i = 0;
  std::size_t hits = 0;
  for (auto _ : state) {
    const std::string& key = keys[i++ & (keys.size() - 1)];
    hits += f.cache.find(f.cache.hash(key), key, f.now).state == lookup_state::hit;
  }
  state.counters["hit_ratio"] = static_cast<double>(hits) / static_cast<double>(state.iterations());
}
BENCHMARK(find_zipf);

// Ten thousand keys, so that it is the code that is measured and not the memory.
void find_hot(benchmark::State& state) {
  filled& f = shared();
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 10'000; ++i) keys.push_back(key_of(i));
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = keys[i = i + 1 < keys.size() ? i + 1 : 0];
    benchmark::DoNotOptimize(f.cache.find(f.cache.hash(key), key, f.now));
  }
}
BENCHMARK(find_hot);

void visit_and_copy_zipf(benchmark::State& state) {
  filled& f = shared();
  const auto keys = zipf_keys(1 << 20);
  std::array<char, 100> out{};
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = keys[i++ & (keys.size() - 1)];
    f.cache.visit(f.cache.hash(key), key, f.now, [&](const value& v, lookup_state) {
      std::memcpy(out.data(), static_cast<const blob&>(v).body.data(), out.size());
    });
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(visit_and_copy_zipf);

// A purge a look-up: every hit has to ask the log about its two tags again.
void find_zipf_while_purging(benchmark::State& state) {
  filled& f = shared();
  const auto keys = zipf_keys(1 << 20);
  const auto other = tag_of("other");
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = keys[i++ & (keys.size() - 1)];
    f.log.purge_tag(other, purge_kind::hard);
    benchmark::DoNotOptimize(f.cache.find(f.cache.hash(key), key, f.now));
  }
}
BENCHMARK(find_zipf_while_purging);

void find_miss(benchmark::State& state) {
  filled& f = shared();
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 1 << 16; ++i) keys.push_back(key_of(entries + i));
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = keys[i++ & (keys.size() - 1)];
    benchmark::DoNotOptimize(f.cache.find(f.cache.hash(key), key, f.now));
  }
}
BENCHMARK(find_miss);

void purge_a_tag_of_a_million(benchmark::State& state) {
  filled& f = shared();
  for (auto _ : state) f.log.purge_tag(f.tags[0], purge_kind::soft);
}
BENCHMARK(purge_a_tag_of_a_million);

// Every put evicts: a budget of a tenth of what is put.
void put_under_eviction(benchmark::State& state) {
  purge_log log{{}};
  store cache({.budget_bytes = 32 << 20, .shards = 8}, log);
  const instant now = fairing::now();
  const std::array tags{tag_of("products"), tag_of("shop")};
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < entries; ++i) keys.push_back(key_of(i));
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = keys[i++ % keys.size()];
    cache.put(cache.hash(key), key, value_ptr(new blob),
              {.ttl = std::chrono::hours(1), .tags = tags, .began = log.seq()}, now);
  }
}
BENCHMARK(put_under_eviction);

}  // namespace

BENCHMARK_MAIN();
