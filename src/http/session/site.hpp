// site: one configured http site made ready to serve: routes compiled, upstreams, limits, metrics.
//
// Lifecycle: immutable once made (but for its counters); a reload makes a new one and each core switches to it between
// two requests; requests in flight keep the old one alive.
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cache/purge_log.hpp"
#include "http/logic/route.hpp"
#include "http/logic/site_config.hpp"
#include "http/session/upstream.hpp"
#include "limit/gcra.hpp"
#include "metrics/registry.hpp"
#include "net/ip_set.hpp"
#include "net/tls.hpp"

namespace fairing::http {

// What the cache did with a request; label `result` of fairing_cache_requests_total.
enum class cache_result : std::uint8_t {
  hit,          // answered from the cache, fresh
  stale,        // answered from the cache inside a stale window
  revalidated,  // the origin confirmed the stored answer
  miss,         // fetched, by this request
  collapsed,    // fetched, by another request
  bypass,       // not a matter for the cache
  error,        // answered with an error of Fairing's own
};
inline constexpr std::size_t cache_result_count = 7;
[[nodiscard]] std::string_view to_string(cache_result r) noexcept;

struct route_runtime {
  const compiled_route* compiled = nullptr;
  const route_config* config = nullptr;  // never null: the fallback's is the site's default
  std::vector<cache::tag_hash> tags;     // of every answer of the route
  bool cache_on = true;
  bool compression = true;
  std::shared_ptr<std::atomic<bool>> bypass =
      std::make_shared<std::atomic<bool>>(false);  // `fairing bypass`
  [[nodiscard]] bool bypassed() const noexcept { return bypass->load(std::memory_order_relaxed); }
  std::uint64_t limiter_id = 0;
  limit::params limiter;  // if config->rate_limit
  // metrics, by status class (1xx..5xx) and cache result
  metrics::histogram duration[5];
};

class site_runtime {
 public:
  // `former`: the site of this name until now; its backends' state and connections are kept where nothing about them
  // has changed.
  static result<std::shared_ptr<const site_runtime>> make(
      const site_config& config, const std::vector<std::string>& trusted_proxies, std::size_t index,
      metrics::registry& registry, const site_runtime* former = nullptr);

  [[nodiscard]] const route_runtime& route_of(const http1::request_head& request) const {
    return routes_[table_->match(request).index];
  }
  [[nodiscard]] std::chrono::milliseconds total_timeout(const route_runtime& r) const noexcept {
    return r.config->timeout.value_or(config.timeouts.total);
  }

  // A number for requests of one cache key, route and status (checklist::http_exchange::likeness); not of two sites.
  [[nodiscard]] std::uint64_t likeness(std::uint64_t key_hash, const route_runtime& r,
                                       std::uint16_t status) const noexcept {
    const auto route = static_cast<std::uint64_t>(&r - routes_.data());
    return key_hash ^ (number_ << 32 | route << 16 | status);
  }

  const site_config config;
  const std::size_t index;  // in the configuration's list: the cores keep their links by it
  std::shared_ptr<upstream_group> upstreams;
  std::shared_ptr<net::tls_context> tls;  // of the listener, or null
  net::ip_set trusted;
  net::ip_set may_purge;
  metrics::counter results[cache_result_count];
  metrics::histogram upstream_duration;
  metrics::counter retries;
  bool puts_off = false;  // some route does
  [[nodiscard]] const std::vector<route_runtime>& routes() const noexcept { return routes_; }
  // A reload has put another in its place: requests that still end here are no evidence of what runs now.
  mutable std::atomic<bool> replaced{false};

 private:
  site_runtime(const site_config& c, std::size_t i, metrics::registry& r)
      : config(c), index(i), metrics_(r) {}
  void compile_routes();
  static inline std::atomic<std::uint64_t> made_{0};
  const std::uint64_t number_ =
      ++made_;              // of all that were made, those of former configurations too
  metrics::scope metrics_;  // a route that is gone leaves /metrics
  std::unique_ptr<route_table> table_;
  std::vector<route_runtime> routes_;  // by compiled_route::index; the fallback last
};

}  // namespace fairing::http
