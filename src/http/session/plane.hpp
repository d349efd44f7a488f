// plane: the http plane of one process: cache, flights, limits, sites, and each core's part of them.
//
// Flow:   http_plane plane{cores, options, registry};  plane.set_sites(configs)  (start and reload)
//         plane.accept(core, site index, socket, listener)    // from the listeners' on_accept
//         plane.begin_drain(); ... plane.connections() == 0; plane is destroyed after the cores have stopped
// Threads: construction, set_sites, drain: main thread. core_state: its own core.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/purge_bus.hpp"
#include "cache/store.hpp"
#include "checklist/http_evidence.hpp"
#include "http/session/access_log.hpp"
#include "http/session/buffers.hpp"
#include "http/session/decisions.hpp"
#include "http/session/fetch.hpp"
#include "http/session/offload.hpp"
#include "http/session/site.hpp"
#include "limit/gcra.hpp"
#include "metrics/registry.hpp"
#include "net/core.hpp"
#include "net/offload.hpp"

namespace fairing::http {

class http_plane;
class connection;

struct plane_options {
  std::size_t memory_bytes = 256 * 1024 * 1024;
};

// One core's part: scratch space, connections to backends, the ring of decisions.
class core_state {
 public:
  core_state(http_plane& p, net::core& c);
  ~core_state();

  http_plane& plane;
  net::core& core;

  // Scratch for the synchronous path: never kept across a suspension.
  http1::request_head head;
  std::string key;
  std::string text;
  std::vector<net::part> parts;

  decision_ring decisions;
  std::string access_lines;

  [[nodiscard]] std::uint64_t random() noexcept;
  [[nodiscard]] double uniform() noexcept {
    return static_cast<double>(random() >> 11) * 0x1.0p-53;
  }
  // Kept for the sites of now. For a request that began before a reload they are its own, and close after it.
  [[nodiscard]] std::shared_ptr<core_links> links_of(const site_runtime& site);
  [[nodiscard]] const std::shared_ptr<const site_runtime>& site(std::size_t index) {
    return sites_[index];
  }
  void set_sites(std::vector<std::shared_ptr<const site_runtime>> sites);

  // Blocks of output text, lent to connections while they write.
  void lend_block(out_queue& to);
  void take_back(out_queue& from);

  // What an Accept-Encoding says. Most clients send one of a few: the last is remembered. Valid until the next call.
  [[nodiscard]] const compress::accepted& accepted_of(std::string_view accept_encoding);

  void finish(const exchange_record& r);  // ring and access log
  void tick(instant now);

  // Connections of this core, for drain.
  std::vector<connection*> connections;

 private:
  std::uint64_t random_state_;
  std::vector<std::shared_ptr<const site_runtime>> sites_;
  std::vector<std::shared_ptr<core_links>> links_;
  std::vector<std::string> blocks_;
  std::string accept_encoding_;  // of accepted_
  compress::accepted accepted_ = compress::parse_accept_encoding({});
  std::uint64_t ticks_ = 0;
};

class http_plane {
 public:
  http_plane(net::core_group& cores, const plane_options& options, metrics::registry& registry,
             std::unique_ptr<access_log> log);
  ~http_plane();

  // Makes all sites or none. Called at start and on reload; cores switch between requests.
  result<void> set_sites(const std::vector<site_config>& configs,
                         const std::vector<std::string>& trusted);
  // A client connection of site `index`, on its core.
  void accept(net::core& c, std::size_t index, net::socket s);

  void begin_drain();
  [[nodiscard]] bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t connections() const noexcept { return connections_.load(); }

  [[nodiscard]] core_state& state_of(const net::core& c) noexcept { return *states_[c.index()]; }
  [[nodiscard]] std::vector<std::shared_ptr<const site_runtime>> sites() const;

  // Primary keys of a URL (or of a URL's beginning), one a site. Empty if it is none.
  [[nodiscard]] std::vector<std::string> keys_of_url(std::string_view url) const;

  // Invalidates one URL's answers, all variants, by its primary key.
  cache::purge_seq purge_key(std::string_view key, bus::purge_source source,
                             cache::purge_kind kind = cache::purge_kind::hard);

  // `what` is "http" (the whole plane), a site's name or a route's `match`: cache, limits and compression off for it.
  // An error names what there is. Survives a reload.
  result<std::vector<std::string>> set_bypass(const std::string& what, bool off);
  [[nodiscard]] std::vector<std::string> bypassed_rules() const;

  // Newest first, all cores; at most `limit`.
  [[nodiscard]] std::vector<decision> decisions(std::string_view url, std::string_view trace,
                                                std::size_t limit) const;
  // Asks the encoder thread for one more coding of a stored answer.
  void encode_later(std::string key, stored_ptr v, compress::coding c, compress::effort e);

  // Where requests are put off to; null: nowhere. Set before the cores start; it outlives them.
  offload_store* offload = nullptr;
  std::atomic<std::size_t> offload_bytes{0};  // of bodies that are being taken in to be put off
  std::atomic<std::int64_t> forwarded_us{
      0};  // the last time that one was forwarded instead; 0: never

  net::core_group& cores;
  metrics::registry& registry;
  cache::purge_log purges;
  cache::store store;
  std::unique_ptr<bus::purge_bus> bus;
  flight_table flights;
  limit::gcra_table limiter;
  checklist::http_evidence evidence;  // of every finished request
  std::unique_ptr<access_log> log;
  std::atomic<std::int64_t> connections_{0};
  // Of each site, by its index: the number of sites never changes.
  [[nodiscard]] std::atomic<std::int64_t>& connections_of(std::size_t site) noexcept {
    return site_connections_[site];
  }
  std::size_t fill_limit;  // bytes of fills in flight, over which nothing is kept
  metrics::counter ratelimit_allowed, ratelimit_denied, ratelimit_observed;
  metrics::counter problems, refused_connections;
  metrics::counter offload_put, offload_inline, offload_repeated, offload_forwarded;
  metrics::counter compress_in[compress::coding_count], compress_out[compress::coding_count];

 private:
  void register_metrics();
  void register_pools();  // once the sites are known: their number and names never change
  std::vector<std::unique_ptr<core_state>> states_;
  void apply_bypass();  // under sites_mutex_
  mutable std::mutex sites_mutex_;
  std::vector<std::string> bypass_;
  std::vector<std::shared_ptr<const site_runtime>> sites_;
  std::vector<std::atomic<std::int64_t>> site_connections_;
  std::atomic<bool> draining_{false};
  std::vector<metrics::registry::guard> callbacks_;
  std::unique_ptr<net::offload> encoder_;
};

}  // namespace fairing::http
