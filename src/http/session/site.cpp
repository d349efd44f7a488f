#include "http/session/site.hpp"

#include "base/hash.hpp"

namespace fairing::http {

std::string_view to_string(cache_result r) noexcept {
  switch (r) {
    case cache_result::hit:
      return "hit";
    case cache_result::stale:
      return "stale";
    case cache_result::revalidated:
      return "revalidated";
    case cache_result::miss:
      return "miss";
    case cache_result::collapsed:
      return "collapsed";
    case cache_result::bypass:
      return "bypass";
    case cache_result::error:
      return "error";
  }
  return "error";
}

result<std::shared_ptr<const site_runtime>> site_runtime::make(
    const site_config& config, const std::vector<std::string>& trusted_proxies, std::size_t index,
    metrics::registry& registry, const site_runtime* former) {
  const auto bad = [&](const std::string& what) {
    return fail(std::make_error_code(std::errc::invalid_argument),
                "site " + config.name + ": " + what);
  };
  std::shared_ptr<site_runtime> site(new site_runtime(config, index, registry));
  auto trusted = net::ip_set::parse(trusted_proxies);
  if (!trusted) return bad("trusted_proxies has an entry that is neither an address nor a network");
  site->trusted = std::move(*trusted);
  auto purgers = net::ip_set::parse(config.purge_from);
  if (!purgers) return bad("purge_from has an entry that is neither an address nor a network");
  site->may_purge = std::move(*purgers);
  if (config.tls) {
    auto tls = net::tls_context::server(config.tls->cert, config.tls->key);
    if (!tls) return std::unexpected(tls.error());
    site->tls = *tls;
  }
  if (former && upstream_group::same_backends(former->config, config)) {
    site->upstreams = former->upstreams;
  } else {
    auto group = upstream_group::make(site->config);
    if (!group) return std::unexpected(group.error());
    site->upstreams = *group;
  }
  site->compile_routes();
  for (std::size_t r = 0; r < cache_result_count; ++r)
    site->results[r] = site->metrics_.add_counter(
        "fairing_cache_requests_total", "Requests by what the cache did with them",
        {{"plane", "http"},
         {"tier", "l1"},
         {"site", config.name},
         {"result", std::string(to_string(static_cast<cache_result>(r)))}});
  site->upstream_duration = site->metrics_.add_histogram(
      "http_client_request_duration_seconds",
      "Time from the request's first byte to the backend to its answer's last",
      {{"site", config.name}});
  site->retries =
      site->metrics_.add_counter("fairing_upstream_retries_total",
                                 "Requests tried again at a backend", {{"site", config.name}});
  return std::shared_ptr<const site_runtime>(std::move(site));
}

void site_runtime::compile_routes() {
  table_ = std::make_unique<route_table>(config);
  const auto add = [&](const compiled_route& c) {
    route_runtime r;
    r.compiled = &c;
    r.config = c.config;
    for (const auto& tag : c.config->cache.tags) r.tags.push_back(cache::tag_of(tag));
    r.cache_on = c.rules.mode == rule_mode::on;
    if (const auto& a = c.config->async; a && a->mode != async_mode::never) puts_off = true;
    r.compression = config.compression.enabled && c.config->compression.value_or(true);
    if (c.config->rate_limit && c.config->rate_limit->mode != rule_mode::off) {
      r.limiter_id = hash64(config.name + '\n' + c.label, 1);
      r.limiter = limit::params::from(c.config->rate_limit->limit, c.config->rate_limit->burst);
    }
    for (int s = 0; s < 5; ++s)
      r.duration[s] =
          metrics_.add_histogram("http_server_request_duration_seconds",
                                 "Time from a request's head to the end of its answer",
                                 {{"site", config.name},
                                  {"http_route", c.label},
                                  {"http_response_status_class", std::to_string(s + 1) + "xx"}});
    routes_.push_back(std::move(r));
  };
  for (const auto& c : table_->routes()) add(c);
  add(table_->fallback());
}

}  // namespace fairing::http
