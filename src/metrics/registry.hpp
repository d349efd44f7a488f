// registry: counters, gauges and histograms, written per thread without contention, merged on
// scrape.
//
// Problem: the hot path counts several things a request and must not share a cache line with
// another core; a scrape may be slow. Each thread owns a block of plain 64-bit cells; a metric is
// an index into it.
//
// Flow:
//   auto hits = registry.add_counter("fairing_cache_requests_total", "help", {{"tier", "l1"}});
//   hits.add();         // any thread; a relaxed load and store on its own cell
//   registry.render()   // Prometheus text format 0.0.4
//
// Metrics are registered at start and on reload (the same name and labels again give the same
// metric), at most 32,768 cells a registry; beyond that registering returns a dead metric that counts
// nothing and is counted in fairing_metrics_refused_total. A name registered again as another type
// or a name that is not valid is a bug of ours: counted, dead metric.
// Label values come from a fixed set or from configuration (a route's template), never from a peer.
// Threads: everything from any thread. A thread's block outlives it: its sums stay, the next thread
// goes on with it. A metric may outlive its registry only if nobody uses it.
// What a reload replaces is registered through a scope, and goes when the last scope that registered
// it goes; so a hundred reloads with a hundred routes each leave the last hundred.
// Cost: add() is inline: a compare, a load, a store. 256 KiB a thread and registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairing::metrics {

using labels = std::vector<std::pair<std::string, std::string>>;
class registry;

namespace detail {
struct registry_impl;
struct series;

// The block of the registry this thread used last. One registry is the usual case; with several the
// slow path swaps it. An impl's address is not reused while a thread has it here.
struct block_cache {
  const registry_impl* owner = nullptr;
  std::atomic<std::uint64_t>* cells = nullptr;
};
extern constinit thread_local block_cache this_thread_block;
void add_slow(registry_impl* owner, std::uint32_t cell, std::uint64_t n) noexcept;

inline void add(registry_impl* owner, std::uint32_t cell, std::uint64_t n) noexcept {
  const auto& block = this_thread_block;
  if (owner == nullptr || block.owner != owner) [[unlikely]]
    return add_slow(owner, cell, n);
  auto& value = block.cells[cell];  // only this thread writes it: no read-modify-write is needed
  value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}
}  // namespace detail

class counter {
 public:
  counter() = default;
  void add(std::uint64_t n = 1) const noexcept { detail::add(owner_, cell_, n); }
  [[nodiscard]] std::uint64_t value() const;  // summed over threads; not hot

 private:
  friend class registry;
  friend class scope;
  detail::registry_impl* owner_ = nullptr;
  std::uint32_t cell_ = 0;
};

class gauge {  // a sum of per-thread signed parts: add and sub, from any thread
 public:
  gauge() = default;
  void add(std::int64_t n = 1) const noexcept {
    detail::add(owner_, cell_, static_cast<std::uint64_t>(n));  // parts add up modulo 2^64
  }
  void sub(std::int64_t n = 1) const noexcept { add(-n); }
  [[nodiscard]] std::int64_t value() const;

 private:
  friend class registry;
  detail::registry_impl* owner_ = nullptr;
  std::uint32_t cell_ = 0;
};

class histogram {
 public:
  histogram() = default;
  void observe_us(std::int64_t microseconds) const noexcept;
  // The bucket bound (seconds) under which a share q of the samples lies, 0 without samples; the
  // last bound when they lie beyond it (read it as "at least"). Not hot.
  [[nodiscard]] double quantile(double q) const;
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] double sum_seconds() const;

 private:
  friend class registry;
  friend class scope;
  detail::registry_impl* owner_ = nullptr;
  std::uint32_t cell_ = 0;  // first of: buckets..., +Inf, sum in microseconds
  std::uint32_t buckets_ = 0;
  const std::int64_t* bounds_us_ = nullptr;
};

// OpenTelemetry's advised bounds for http.server.request.duration, in seconds, with finer ones
// below.
[[nodiscard]] std::span<const double> duration_bounds() noexcept;

class registry {
 public:
  registry();
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  counter add_counter(std::string_view name, std::string_view help, labels l = {});
  gauge add_gauge(std::string_view name, std::string_view help, labels l = {});
  histogram add_histogram(std::string_view name, std::string_view help, labels l = {},
                          std::span<const double> bounds = duration_bounds());
  // A value computed at scrape time; type is "gauge" or "counter". The returned guard unregisters
  // it when destroyed and waits for a call in progress (so not from inside its own read). With the
  // same name and labels twice (during a reload) the newest is shown. read may use this registry.
  using guard = std::shared_ptr<void>;
  [[nodiscard]] guard add_callback(std::string_view name, std::string_view help,
                                   std::string_view type, labels l, std::function<double()> read);

  [[nodiscard]] std::string render() const;

 private:
  friend class scope;
  std::shared_ptr<detail::registry_impl> impl_;  // shared with the blocks of threads that used it
};

// Metrics that live as long as their owner: a site of one configuration. The same name and labels in
// two scopes are one metric. Destroy it only when nobody counts on its metrics any more.
class scope {
 public:
  explicit scope(registry& r) : impl_(r.impl_) {}
  ~scope();
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  counter add_counter(std::string_view name, std::string_view help, labels l = {});
  histogram add_histogram(std::string_view name, std::string_view help, labels l = {},
                          std::span<const double> bounds = duration_bounds());

 private:
  std::shared_ptr<detail::registry_impl> impl_;
  std::vector<const detail::series*> held_;
};

}  // namespace fairing::metrics
