// site_config: what fairing.yaml says of one http site, as plain values with their defaults.
//
// Filled by app/config (which checks it), read by the http plane. Immutable once made: a reload
// makes a new one and swaps it. Durations in milliseconds, sizes in bytes; nullopt means "not
// said".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "compress/encoder.hpp"

namespace fairing::http {

enum class rule_mode : std::uint8_t {
  on,       // acts
  observe,  // only counts what it would have done
  off,      // as if not written
};

enum class rate_key : std::uint8_t { ip, header, cookie };

struct rate_limit_config {
  rate limit;                   // rate: 10/m
  std::uint64_t burst = 1;      // the most requests back to back, >= 1
  rate_key key = rate_key::ip;  // ip | header:NAME | cookie:NAME
  std::string key_name;         // for header and cookie
  rule_mode mode = rule_mode::on;
};

struct route_cache_config {
  rule_mode mode = rule_mode::on;
  std::optional<milliseconds> ttl;  // where the answer has no explicit freshness
  bool override_ttl = false;        // override: true lets ttl beat max-age, s-maxage and Expires
  std::optional<milliseconds> stale_while_revalidate;
  std::optional<milliseconds> stale_if_error;
  std::optional<milliseconds>
      negative_ttl;                 // for 404, 410, 5xx that say nothing; default: not cached
  double jitter = 0.1;              // a route TTL is cut by up to this share, per entry
  double early_refresh_beta = 1.0;  // XFetch's beta; 0 turns early refresh off
  std::vector<std::string> tags;    // given to every answer of the route
  std::vector<std::string> vary;  // request fields that belong to the key besides the answer's Vary
  bool share_with_cookie =
      false;  // the route's word that an answer to a request with Cookie is shared
};

enum class async_mode : std::uint8_t {
  never,   // forwarded while the client waits
  prefer,  // put off where the request says `Prefer: respond-async`
  always,  // put off
};

// Requests that are made durable first, run as jobs, and answered 202 where that takes longer than the client waits.
struct async_config {
  async_mode mode = async_mode::prefer;
  std::string queue = "requests";  // of the jobs plane; its `timeout` is how long a run may take
  milliseconds wait{0};  // for the answer, before the 202, where the request names no time
  bool retry = false;    // run again by the queue's ladder, without an Idempotency-Key too
  rate_key principal = rate_key::header;  // header:NAME | cookie:NAME | ip: who may read the answer
  std::string principal_name = "authorization";
};

struct route_config {
  std::string match;                 // as written: "GET,POST /api/products/**"
  std::vector<std::string> methods;  // empty: all; GET implies HEAD
  std::string host;                  // empty: all
  std::string path;                  // the pattern: `*` one segment, `**` the rest
  route_cache_config cache;
  std::optional<milliseconds> timeout;  // the whole answer, instead of timeouts.total
  std::optional<rate_limit_config> rate_limit;
  std::optional<bool> compression;  // false: never on this route
  std::optional<async_config> async;
};

struct upstream_config {
  std::string url;   // as written
  bool tls = false;  // https
  std::string host;  // name or address; for unix: the Host to send
  std::uint16_t port = 0;
  std::string unix_path;  // http+unix or unix:PATH
  std::string base_path;  // path prefix of the URL, without trailing slash
  std::uint32_t weight = 1;
};

struct health_config {
  std::string path;  // empty: no active checks
  milliseconds interval{5000};
  milliseconds timeout{1000};
  std::uint32_t unhealthy_after = 3;  // failures in a row
  std::uint32_t healthy_after = 2;    // successes in a row
};

struct timeouts_config {
  milliseconds connect{1000};
  milliseconds first_byte{15000};  // from the request's last byte to the answer's head
  milliseconds idle{60000};        // no byte moved either way; keep-alive wait of a client
  milliseconds total{
      60000};  // the whole exchange with the backend (not upgrades, not event streams)
  milliseconds header{10000};  // a client's request head, from its first byte: 408
  milliseconds body{30000};    // no body byte from a client for so long: 408
};

struct limits_config {
  std::uint64_t header = 64 * 1024;        // request head: 431
  std::uint64_t target = 16 * 1024;        // request target: 414
  std::uint64_t body = 64 * 1024 * 1024;   // request body: 413
  std::uint64_t object = 8 * 1024 * 1024;  // largest answer that is stored
  std::uint32_t connections = 20000;       // open client connections of the site
};

struct compression_config {
  bool enabled = true;
  std::uint64_t min_size = 1024;
  std::vector<compress::coding> encodings = {compress::coding::zstd, compress::coding::br,
                                             compress::coding::gzip};  // by preference at equal q
};

struct key_config {
  std::vector<std::string> drop_query;  // parameter names, `*` at the end matches a prefix
  bool sort_query = false;
  bool ignore_query = false;
  std::vector<std::string> headers;  // request fields that belong to the key
  std::vector<std::string> cookies;  // cookies that belong to the key
};

struct site_cache_config {
  rule_mode mode = rule_mode::on;
  bool heuristic = false;               // RFC 9111 §4.2.2
  bool honour_request_no_cache = true;  // request Cache-Control: no-cache and max-age revalidate;
                                        // false: ignored from peers that are not trusted proxies
  bool cdn_cache_control = true;        // read CDN-Cache-Control (RFC 9213) as a target of it
  key_config key;
};

struct retry_config {
  double budget = 0.1;         // retries as a share of requests
  std::uint32_t attempts = 2;  // tries in all for an idempotent request
};

struct outlier_config {
  std::uint32_t failures = 5;  // in a row: connect errors, timeouts, 502, 503, 504
  milliseconds eject{10000};   // grows with repeats, up to ten times
  double max_ejected = 0.5;    // share of the upstreams that may be out at once
};

struct tls_config {
  std::string cert;  // PEM chain
  std::string key;   // PEM key
};

struct site_config {
  std::string name;    // label in metrics; default the listen address
  std::string listen;  // "PORT", "HOST:PORT", "unix:PATH"
  std::optional<tls_config> tls;
  std::vector<upstream_config> upstreams;
  std::string balance = "least";  // least | round_robin
  health_config health;
  std::uint32_t max_connections = 256;  // to all upstreams of the site, over all cores
  bool egress = false;                  // the backend's own calls to another service
  bool preserve_host = true;  // send the client's Host; an egress site sends the upstream's
  std::string ca_file;        // for https upstreams instead of the system's
  timeouts_config timeouts;
  limits_config limits;
  compression_config compression;
  site_cache_config cache;
  retry_config retry;
  outlier_config outlier;
  std::vector<std::string> purge_from = {"127.0.0.0/8", "::1/128"};  // who may send PURGE
  bool proxy_protocol = false;  // trusted peers begin with a PROXY v1 or v2 header
  std::vector<route_config> routes;
};

}  // namespace fairing::http
