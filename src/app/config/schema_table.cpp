// The table. One row a key, in the order of the documentation. Tested: every default equals the
// struct's.
#include "app/config/jobs_words.hpp"
#include "app/config/schema_bind.hpp"
#include "app/config/schema_set.hpp"

namespace fairing::config {

namespace {

using namespace detail;
using enum field_kind;
using enum change_kind;
using site = http::site_config;
using http::key_config;
using http::route_cache_config;
using http::route_config;
using http::site_cache_config;

constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t year_ms = 365 * day_ms;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;

template <auto... M>
constexpr binding top() {
  return bound<&scope::root, M...>();
}
template <auto... M>
constexpr binding of_site() {
  return bound<&scope::site, M...>();
}
template <auto... M>
constexpr binding of_route() {
  return bound<&scope::route, M...>();
}

constexpr elements sites = {[](const scope& s) { return s.root->http.size(); },
                            [](const scope& s, std::size_t i) {
                              if (i == s.root->http.size()) s.root->http.emplace_back();
                              return scope{s.root, &s.root->http[i], nullptr, nullptr};
                            }};
constexpr elements upstreams = {[](const scope& s) { return s.site->upstreams.size(); },
                                [](const scope& s, std::size_t i) {
                                  if (i == s.site->upstreams.size())
                                    s.site->upstreams.emplace_back();
                                  return scope{s.root, s.site, &s.site->upstreams[i], nullptr};
                                }};
constexpr elements routes = {[](const scope& s) { return s.site->routes.size(); },
                             [](const scope& s, std::size_t i) {
                               if (i == s.site->routes.size()) s.site->routes.emplace_back();
                               return scope{s.root, s.site, nullptr, &s.site->routes[i]};
                             }};

// clang-format off
std::vector<field> runtime_rows() {
  return {
    {.path = "runtime", .kind = section, .doc = "The process: cores, logs, how it stops."},
    {.path = "runtime.threads", .kind = integer, .doc = "Cores to serve on; 0 takes all.", .change = restart, .most = 1024,
     .bind = top<&config::runtime, &runtime_config::threads>()},
    {.path = "runtime.dir", .kind = text, .doc = "Directory of the admin token; FAIRING_RUNTIME_DIR says the same.", .change = restart,
     .fallback = "/run/fairing, else $XDG_RUNTIME_DIR/fairing", .bind = top<&config::runtime, &runtime_config::dir>()},
    {.path = "runtime.log", .kind = section, .doc = "Fairing's own log, on stderr.", .shorthand = "level"},
    {.path = "runtime.log.level", .kind = field_kind::word, .doc = "The least important level that is written.", .words = "debug|info|warn|error|off",
     .bind = top<&config::runtime, &runtime_config::log, &log_config::level>()},
    {.path = "runtime.log.format", .kind = field_kind::word, .doc = "`json` writes one object a line, `text` is for eyes.", .change = restart, .words = "json|text",
     .bind = top<&config::runtime, &runtime_config::log, &log_config::format>()},
    {.path = "runtime.access_log", .kind = section, .doc = "One JSON line a request.", .shorthand = "to"},
    {.path = "runtime.access_log.to", .kind = text, .doc = "`off`, `stderr`, `stdout` or a file's path, which a reload opens anew.",
     .bind = top<&config::runtime, &runtime_config::access_log, &access_log_config::to>()},
    {.path = "runtime.access_log.buffered", .kind = boolean, .doc = "Lines are gathered and written several at a time; `false` writes each at once.",
     .bind = top<&config::runtime, &runtime_config::access_log, &access_log_config::buffered>()},
    {.path = "runtime.drain", .kind = section, .doc = "What SIGTERM does."},
    {.path = "runtime.drain.lame_duck", .kind = duration, .doc = "How long `/readyz` fails before the listeners close.", .most = day_ms,
     .bind = top<&config::runtime, &runtime_config::drain, &drain_config::lame_duck>()},
    {.path = "runtime.drain.timeout", .kind = duration, .doc = "How long what is in flight may take to finish after that.", .most = day_ms,
     .bind = top<&config::runtime, &runtime_config::drain, &drain_config::timeout>()},
    {.path = "instance", .kind = section, .doc = "This Fairing among others that share the work.", .shorthand = "id"},
    {.path = "instance.id", .kind = text, .doc = "Its name in logs and `Via`.", .change = restart, .fallback = "the host's name",
     .bind = top<&config::instance, &instance_config::id>()},
    {.path = "instance.count", .kind = integer, .doc = "How many Fairings share this work.", .change = restart, .least = 1, .most = 10'000,
     .bind = top<&config::instance, &instance_config::count>()},
    {.path = "admin", .kind = section, .doc = "Health, metrics, dashboard and the JSON API.", .shorthand = "listen"},
    {.path = "admin.listen", .kind = text, .doc = "`PORT`, `HOST:PORT`, `unix:PATH` or `off`. Beyond loopback every request but health needs the token.", .change = restart,
     .bind = bind_admin_listen()},
    {.path = "admin.token", .kind = text, .doc = "The bearer token that changes need, at least 16 characters.", .change = restart, .secret = true,
     .fallback = "made at start, in runtime.dir/token, mode 0600", .bind = checked<&check_token, &scope::root, &config::admin, &admin_config::token>()},
    {.path = "trusted_proxies", .kind = text_list, .doc = "Networks whose `X-Forwarded-*`, `Forwarded` and PROXY headers count; from all others they are dropped.",
     .bind = checked<&check_networks, &scope::root, &config::trusted_proxies>()},
    {.path = "cache", .kind = section, .doc = "The response cache in memory (L1), shared by all sites."},
    {.path = "cache.memory", .kind = size, .doc = "Everything the cache holds, overhead counted.", .change = restart, .least = 4 * mib, .most = 1024 * gib,
     .bind = top<&config::cache, &cache_config::memory>()},
    {.path = "cache.shared", .kind = text, .doc = "A second level in Redis or memcached.", .change = later},
    {.path = "cache.edge", .kind = text, .doc = "A third level in a CDN.", .change = later},
    {.path = "keyring", .kind = text, .doc = "Keys that encrypt what is secret in shared caches.", .change = later},
    {.path = "redis", .kind = text, .doc = "The redis plane.", .change = later},
  };
}

std::vector<field> site_rows() {
  return {
    {.path = "http", .kind = list, .doc = "The sites: one mapping or a list of them. Each has a listener and a backend.", .change = restart, .list = sites},
    {.path = "http[].listen", .kind = text, .doc = "`PORT` (loopback), `HOST:PORT` or `unix:PATH`; port 0 picks a free one.", .change = restart, .required = true,
     .bind = bind_listen()},
    {.path = "http[].name", .kind = text, .doc = "The site's label in metrics and logs.", .change = restart, .fallback = "the listen address", .bind = of_site<&site::name>()},
    {.path = "http[].upstream", .kind = list, .doc = "The backend, or a list of them.", .required = true, .shorthand = "url", .list = upstreams},
    {.path = "http[].upstream[].url", .kind = text, .doc = "`http://HOST:PORT[/BASE]`, `https://HOST` or `unix:PATH`.", .required = true, .bind = bind_upstream_url()},
    {.path = "http[].upstream[].weight", .kind = integer, .doc = "Its share of the requests.", .least = 1, .most = 1000,
     .bind = bound<&scope::upstream, &http::upstream_config::weight>()},
    {.path = "http[].egress", .kind = boolean, .doc = "The site carries the backend's own calls to another service: the upstream's Host is sent.", .bind = of_site<&site::egress>()},
    {.path = "http[].preserve_host", .kind = boolean, .doc = "Send the client's Host to the backend.", .fallback = "true; false with egress", .bind = of_site<&site::preserve_host>()},
    {.path = "http[].balance", .kind = field_kind::word, .doc = "How a backend is picked: fewest requests in flight, or in turn.", .words = "least|round_robin",
     .bind = of_site<&site::balance>()},
    {.path = "http[].max_connections", .kind = integer, .doc = "Connections to all backends of the site, over all cores.", .least = 1, .most = 1'000'000,
     .bind = of_site<&site::max_connections>()},
    {.path = "http[].ca_file", .kind = text, .doc = "PEM file of the authorities that https upstreams are checked against.", .fallback = "the system's", .bind = of_site<&site::ca_file>()},
    {.path = "http[].proxy_protocol", .kind = boolean, .doc = "Trusted peers begin with a PROXY v1 or v2 header.", .bind = of_site<&site::proxy_protocol>()},
    {.path = "http[].purge_from", .kind = text_list, .doc = "Networks that may send `PURGE`.", .bind = checked<&check_networks, &scope::site, &site::purge_from>()},
    {.path = "http[].tls", .kind = section, .doc = "Serve https on this listener.", .change = restart},
    {.path = "http[].tls.cert", .kind = text, .doc = "PEM file of the certificate and its chain.", .change = restart, .required = true, .bind = of_site<&site::tls, &http::tls_config::cert>()},
    {.path = "http[].tls.key", .kind = text, .doc = "PEM file of the private key.", .change = restart, .required = true, .bind = of_site<&site::tls, &http::tls_config::key>()},
    {.path = "http[].health", .kind = section, .doc = "Active checks of the backends.", .shorthand = "path"},
    {.path = "http[].health.path", .kind = text, .doc = "The path that is asked; without it there are no active checks.", .bind = of_site<&site::health, &http::health_config::path>()},
    {.path = "http[].health.interval", .kind = duration, .doc = "Between two checks.", .least = 100, .most = day_ms, .bind = of_site<&site::health, &http::health_config::interval>()},
    {.path = "http[].health.timeout", .kind = duration, .doc = "For the answer to a check.", .least = 10, .most = day_ms, .bind = of_site<&site::health, &http::health_config::timeout>()},
    {.path = "http[].health.unhealthy_after", .kind = integer, .doc = "Failures in a row that take a backend out.", .least = 1, .most = 1000, .bind = of_site<&site::health, &http::health_config::unhealthy_after>()},
    {.path = "http[].health.healthy_after", .kind = integer, .doc = "Successes in a row that bring it back.", .least = 1, .most = 1000, .bind = of_site<&site::health, &http::health_config::healthy_after>()},
    {.path = "http[].outlier", .kind = section, .doc = "A backend whose answers fail is left out for a while."},
    {.path = "http[].outlier.failures", .kind = integer, .doc = "Failures in a row: connect errors, timeouts, 502, 503, 504.", .least = 1, .most = 10'000, .bind = of_site<&site::outlier, &http::outlier_config::failures>()},
    {.path = "http[].outlier.eject", .kind = duration, .doc = "How long it is out; grows with repeats, up to ten times.", .least = 100, .most = day_ms, .bind = of_site<&site::outlier, &http::outlier_config::eject>()},
    {.path = "http[].outlier.max_ejected", .kind = share, .doc = "Share of the backends that may be out at once.", .bind = of_site<&site::outlier, &http::outlier_config::max_ejected>()},
    {.path = "http[].retry", .kind = section, .doc = "Second tries of idempotent requests.", .shorthand = "attempts"},
    {.path = "http[].retry.budget", .kind = share, .doc = "Retries as a share of the requests.", .bind = of_site<&site::retry, &http::retry_config::budget>()},
    {.path = "http[].retry.attempts", .kind = integer, .doc = "Tries in all; 1 means no retry.", .least = 1, .most = 10, .bind = of_site<&site::retry, &http::retry_config::attempts>()},
    {.path = "http[].timeouts", .kind = section, .doc = "The deadlines of every step.", .shorthand = "total"},
    {.path = "http[].timeouts.connect", .kind = duration, .doc = "To connect to the backend, TLS included: 504.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::connect>()},
    {.path = "http[].timeouts.first_byte", .kind = duration, .doc = "From the request's last byte to the answer's head: 504.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::first_byte>()},
    {.path = "http[].timeouts.idle", .kind = duration, .doc = "No byte moved either way; also a client's wait between requests.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::idle>()},
    {.path = "http[].timeouts.total", .kind = duration, .doc = "The whole exchange with the backend; not upgrades, not event streams.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::total>()},
    {.path = "http[].timeouts.header", .kind = duration, .doc = "A client's request head, from its first byte: 408.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::header>()},
    {.path = "http[].timeouts.body", .kind = duration, .doc = "No body byte from a client for so long: 408.", .least = 1, .most = day_ms, .bind = of_site<&site::timeouts, &http::timeouts_config::body>()},
    {.path = "http[].limits", .kind = section, .doc = "The largest things that are taken."},
    {.path = "http[].limits.header", .kind = size, .doc = "Request head: 431. Above 64 KiB it is also the most of an answer's head: 502.", .least = kib, .most = mib, .bind = of_site<&site::limits, &http::limits_config::header>()},
    {.path = "http[].limits.target", .kind = size, .doc = "Request target: 414.", .least = 64, .most = mib, .bind = of_site<&site::limits, &http::limits_config::target>()},
    {.path = "http[].limits.body", .kind = size, .doc = "Request body: 413.", .most = 1024 * gib, .bind = of_site<&site::limits, &http::limits_config::body>()},
    {.path = "http[].limits.object", .kind = size, .doc = "The largest answer that is stored.", .most = 64 * gib, .bind = of_site<&site::limits, &http::limits_config::object>()},
    {.path = "http[].limits.connections", .kind = integer, .doc = "Open client connections of the site.", .least = 1, .most = 10'000'000, .bind = of_site<&site::limits, &http::limits_config::connections>()},
    {.path = "http[].compression", .kind = section, .doc = "Compression of answers.", .shorthand = "enabled"},
    {.path = "http[].compression.enabled", .kind = boolean, .doc = "Compress at all.", .bind = of_site<&site::compression, &http::compression_config::enabled>()},
    {.path = "http[].compression.min_size", .kind = size, .doc = "Smaller answers are sent as they are.", .most = gib, .bind = of_site<&site::compression, &http::compression_config::min_size>()},
    {.path = "http[].compression.encodings", .kind = word_list, .doc = "By preference where the client likes them equally.", .words = "identity|gzip|br|zstd",
     .bind = of_site<&site::compression, &http::compression_config::encodings>()},
    {.path = "http[].cache", .kind = section, .doc = "The site's use of the cache.", .shorthand = "mode"},
    {.path = "http[].cache.mode", .kind = field_kind::word, .doc = "`observe` only counts what a cache would have saved.", .words = "on|observe|off", .bind = of_site<&site::cache, &site_cache_config::mode>()},
    {.path = "http[].cache.heuristic", .kind = boolean, .doc = "Guess a lifetime from Last-Modified where the answer says none (RFC 9111 section 4.2.2).", .bind = of_site<&site::cache, &site_cache_config::heuristic>()},
    {.path = "http[].cache.honour_request_no_cache", .kind = boolean, .doc = "A client's `no-cache` and `max-age` revalidate; `false` ignores them from peers that are not trusted proxies.",
     .bind = of_site<&site::cache, &site_cache_config::honour_request_no_cache>()},
    {.path = "http[].cache.cdn_cache_control", .kind = boolean, .doc = "Obey `CDN-Cache-Control` (RFC 9213).", .bind = of_site<&site::cache, &site_cache_config::cdn_cache_control>()},
    {.path = "http[].cache.key", .kind = section, .doc = "What makes two requests the same."},
    {.path = "http[].cache.key.drop_query", .kind = text_list, .doc = "Query parameters that do not count; `utm_*` matches a prefix.", .bind = of_site<&site::cache, &site_cache_config::key, &key_config::drop_query>()},
    {.path = "http[].cache.key.sort_query", .kind = boolean, .doc = "The order of query parameters does not count.", .bind = of_site<&site::cache, &site_cache_config::key, &key_config::sort_query>()},
    {.path = "http[].cache.key.ignore_query", .kind = boolean, .doc = "The query does not count at all.", .bind = of_site<&site::cache, &site_cache_config::key, &key_config::ignore_query>()},
    {.path = "http[].cache.key.headers", .kind = text_list, .doc = "Request fields that count.", .bind = checked<&check_field_names, &scope::site, &site::cache, &site_cache_config::key, &key_config::headers>()},
    {.path = "http[].cache.key.cookies", .kind = text_list, .doc = "Cookies that count.", .bind = checked<&check_field_names, &scope::site, &site::cache, &site_cache_config::key, &key_config::cookies>()},
  };
}

std::vector<field> route_rows() {
  using rl = http::rate_limit_config;
  using async = http::async_config;
  return {
    {.path = "http[].routes", .kind = list, .doc = "Rules by method and path; the first match wins whole.", .list = routes},
    {.path = "http[].routes[].match", .kind = text, .doc = "`[METHODS ]PATH`, as in `GET,POST /api/*/items/**`: `*` is one segment, or a run of characters in one (`/img/*.png`), `**` the rest, GET implies HEAD.", .required = true, .bind = bind_match()},
    {.path = "http[].routes[].host", .kind = text, .doc = "Only requests for this host.", .fallback = "all", .bind = checked<&check_host, &scope::route, &route_config::host>()},
    {.path = "http[].routes[].timeout", .kind = duration, .doc = "The whole answer, instead of timeouts.total.", .least = 1, .most = day_ms, .bind = of_route<&route_config::timeout>()},
    {.path = "http[].routes[].compression", .kind = boolean, .doc = "`false`: never compress on this route.", .fallback = "as the site", .bind = of_route<&route_config::compression>()},
    {.path = "http[].routes[].cache", .kind = section, .doc = "The route's use of the cache.", .shorthand = "mode"},
    {.path = "http[].routes[].cache.mode", .kind = field_kind::word, .doc = "`observe` only counts what it would have done.", .words = "on|observe|off", .bind = of_route<&route_config::cache, &route_cache_config::mode>()},
    {.path = "http[].routes[].cache.ttl", .kind = duration, .doc = "The lifetime of answers that state none.", .most = year_ms, .bind = of_route<&route_config::cache, &route_cache_config::ttl>()},
    {.path = "http[].routes[].cache.override", .kind = boolean, .doc = "Let ttl beat max-age, s-maxage and Expires; nothing beats no-store, private, Set-Cookie and Authorization.", .bind = of_route<&route_config::cache, &route_cache_config::override_ttl>()},
    {.path = "http[].routes[].cache.stale_while_revalidate", .kind = duration, .doc = "How long after its lifetime an answer may be served while a new one is fetched.", .most = year_ms, .bind = of_route<&route_config::cache, &route_cache_config::stale_while_revalidate>()},
    {.path = "http[].routes[].cache.stale_if_error", .kind = duration, .doc = "How long after its lifetime it may be served when the backend fails.", .most = year_ms, .bind = of_route<&route_config::cache, &route_cache_config::stale_if_error>()},
    {.path = "http[].routes[].cache.negative_ttl", .kind = duration, .doc = "The lifetime of 404, 410 and 5xx that state none.", .most = year_ms, .fallback = "not stored", .bind = of_route<&route_config::cache, &route_cache_config::negative_ttl>()},
    {.path = "http[].routes[].cache.jitter", .kind = share, .doc = "A ttl is cut by up to this share, so that entries do not expire together.", .bind = of_route<&route_config::cache, &route_cache_config::jitter>()},
    {.path = "http[].routes[].cache.early_refresh_beta", .kind = number, .doc = "XFetch's beta: how eagerly a popular entry is refreshed before it expires; 0 never.", .most = 10, .bind = of_route<&route_config::cache, &route_cache_config::early_refresh_beta>()},
    {.path = "http[].routes[].cache.tags", .kind = text_list, .doc = "Tags that every answer of the route gets, to be purged by.", .bind = of_route<&route_config::cache, &route_cache_config::tags>()},
    {.path = "http[].routes[].cache.vary", .kind = text_list, .doc = "Request fields that count besides the answer's Vary.", .bind = checked<&check_field_names, &scope::route, &route_config::cache, &route_cache_config::vary>()},
    {.path = "http[].routes[].cache.share_with_cookie", .kind = boolean, .doc = "An answer to a request with Cookie may be shared: the operator's word that it does not depend on it.", .bind = of_route<&route_config::cache, &route_cache_config::share_with_cookie>()},
    {.path = "http[].routes[].cache.invalidate_by", .kind = text, .doc = "Purge when the SQL behind it changes.", .change = later},
    {.path = "http[].routes[].cache.on_write", .kind = text, .doc = "What a change does: invalidate, refresh or write through.", .change = later},
    {.path = "http[].routes[].rate_limit", .kind = section, .doc = "How often one client may ask (GCRA): 429.", .shorthand = "rate"},
    {.path = "http[].routes[].rate_limit.rate", .kind = field_kind::rate, .doc = "`10/m`, `100/s`, `20/10s`.", .required = true, .bind = of_route<&route_config::rate_limit, &rl::limit>()},
    {.path = "http[].routes[].rate_limit.burst", .kind = integer, .doc = "The most requests back to back.", .least = 1, .most = 1'000'000, .bind = of_route<&route_config::rate_limit, &rl::burst>()},
    {.path = "http[].routes[].rate_limit.key", .kind = text, .doc = "Who is one client: `ip`, `header:NAME` or `cookie:NAME`.", .bind = bind_rate_key()},
    {.path = "http[].routes[].rate_limit.mode", .kind = field_kind::word, .doc = "`observe` only counts what it would have refused.", .words = "on|observe|off", .bind = of_route<&route_config::rate_limit, &rl::mode>()},
    {.path = "http[].routes[].async", .kind = section, .doc = "Requests are kept in the job store first and run as jobs: answered 202 where that takes longer than the client waits.", .shorthand = "mode"},
    {.path = "http[].routes[].async.mode", .kind = field_kind::word, .doc = "`prefer`: those that say `Prefer: respond-async`; `always`: all.", .words = "never|prefer|always", .bind = of_route<&route_config::async, &async::mode>()},
    {.path = "http[].routes[].async.queue", .kind = text, .doc = "The queue of the jobs plane; its `timeout` is how long a run may take.", .bind = checked<&check_queue_name, &scope::route, &route_config::async, &async::queue>()},
    {.path = "http[].routes[].async.wait", .kind = duration, .doc = "How long the answer is waited for before the 202, where the request names no time.", .most = 60'000, .bind = of_route<&route_config::async, &async::wait>()},
    {.path = "http[].routes[].async.retry", .kind = boolean, .doc = "Run again by the queue's ladder when it gets no answer or 429, 502, 503, 504; requests with an Idempotency-Key are in any case.", .bind = of_route<&route_config::async, &async::retry>()},
    {.path = "http[].routes[].async.principal", .kind = text, .doc = "What tells clients apart, `header:NAME`, `cookie:NAME` or `ip` (the address): only who put a request off reads its answer, and Idempotency-Keys are counted by it.", .bind = bind_principal()},
  };
}
// clang-format on

}  // namespace

std::span<const field> fields() {
  static const std::vector<field> table = [] {
    std::vector<field> all = runtime_rows();
    for (auto part : {site_rows(), route_rows(), sql_rows(), jobs_rows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return table;
}

}  // namespace fairing::config
