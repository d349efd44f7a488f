#include "http/session/upstream.hpp"

#include <algorithm>
#include <tuple>

#include "base/log.hpp"

namespace fairing::http {

namespace {
constexpr retry::breaker::options breaker_options{.failures = 5,
                                                  .open_for = milliseconds{1000},
                                                  .open_max = milliseconds{5000},
                                                  .probes = 1,
                                                  .successes = 1};
constexpr std::uint32_t most_waiting = 10'000;

std::string host_field_of(const upstream_config& c) {
  const bool usual = c.port == (c.tls ? 443 : 80) || c.port == 0;
  const auto host = c.host.find(':') != std::string::npos ? "[" + c.host + "]" : c.host;
  return usual || !c.unix_path.empty() ? (host.empty() ? "localhost" : host)
                                       : host + ":" + std::to_string(c.port);
}
}  // namespace

upstream_endpoint::upstream_endpoint(upstream_config c, std::shared_ptr<net::tls_context> tls,
                                     std::uint32_t i)
    : config(std::move(c)),
      target{config.host, config.port, config.unix_path, std::move(tls)},
      index(i),
      host_field(host_field_of(config)) {}

upstream_group::upstream_group(const site_config& site)
    : gate_(std::make_shared<net::gate>(site.max_connections, most_waiting)),
      budget_({.share = site.retry.budget}),
      outlier_(site.upstreams.size(),
               {site.outlier.failures, site.outlier.eject, site.outlier.max_ejected}),
      health_(site.upstreams.size(),
              retry::health_fsm(
                  {site.health.interval, site.health.unhealthy_after, site.health.healthy_after})),
      breakers_(site.upstreams.size(), retry::breaker(breaker_options)),
      balancer_(retry::balance_policy_from(site.balance).value_or(retry::balance_policy::least),
                site.upstreams.size()),
      views_(site.upstreams.size()),
      health_config_(site.health),
      name_(site.name) {}

result<std::shared_ptr<upstream_group>> upstream_group::make(const site_config& site) {
  std::shared_ptr<net::tls_context> tls;
  for (const auto& u : site.upstreams) {
    if (!u.tls || tls) continue;
    auto made = net::tls_context::client(site.ca_file);
    if (!made) return std::unexpected(made.error());
    tls = *made;
  }
  std::shared_ptr<upstream_group> group(new upstream_group(site));
  for (const auto& u : site.upstreams)
    group->endpoints_.push_back(std::make_unique<upstream_endpoint>(
        u, u.tls ? tls : nullptr, static_cast<std::uint32_t>(group->endpoints_.size())));
  return group;
}

bool upstream_group::same_backends(const site_config& a, const site_config& b) {
  // Certificates may have changed in their file: made anew.
  const auto verified = [](const auto& u) { return u.tls; };
  if (std::ranges::any_of(b.upstreams, verified)) return false;
  const auto of_health = [](const health_config& h) {
    return std::tie(h.path, h.interval, h.timeout, h.unhealthy_after, h.healthy_after);
  };
  const auto same_upstream = [](const upstream_config& x, const upstream_config& y) {
    return x.url == y.url && x.host == y.host && x.weight == y.weight;
  };
  return a.name == b.name && a.balance == b.balance && of_health(a.health) == of_health(b.health) &&
         std::tie(a.outlier.failures, a.outlier.eject, a.outlier.max_ejected, a.retry.budget) ==
             std::tie(b.outlier.failures, b.outlier.eject, b.outlier.max_ejected, b.retry.budget) &&
         std::ranges::equal(a.upstreams, b.upstreams, same_upstream);
}

upstream_group::choice upstream_group::pick(std::uint64_t random, instant now, std::size_t avoid) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const auto open = breakers_[i].state() == retry::breaker_state::open &&
                      breakers_[i].retry_after(now.mono) > milliseconds{0};
    views_[i] = {endpoints_[i]->config.weight,
                 endpoints_[i]->in_flight.load(std::memory_order_relaxed),
                 health_[i].healthy() && !outlier_.ejected(i, now.mono) && !open};
  }
  const auto chosen = balancer_.choose(views_, random, avoid);
  if (!chosen) return {};
  const auto permit = breakers_[chosen->index].allow(now.mono);
  if (!permit.allowed) return {nullptr, {}, breakers_[chosen->index].retry_after(now.mono)};
  return {endpoints_[chosen->index].get(), permit, {}};
}

void upstream_group::report(const choice& c, exchange_outcome outcome, instant now) {
  const bool ok = outcome == exchange_outcome::success;
  std::lock_guard lock(mutex_);
  if (outlier_.report(c.endpoint->index, ok, now.mono)) {
    ejections_.fetch_add(1, std::memory_order_relaxed);
    log::warn("upstream_ejected", {{"site", name_}, {"upstream", c.endpoint->config.url}});
  }
  auto& breaker = breakers_[c.endpoint->index];
  if (breaker.report(c.permit, outcome != exchange_outcome::timeout, now.mono))
    log::warn("upstream_breaker", {{"site", name_},
                                   {"upstream", c.endpoint->config.url},
                                   {"open", breaker.state() == retry::breaker_state::open}});
}

upstream_endpoint* upstream_group::health_due(mono_time now) {
  if (health_config_.path.empty()) return nullptr;
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < health_.size(); ++i) {
    if (!health_[i].due(now)) continue;
    health_[i].started(now);
    return endpoints_[i].get();
  }
  return nullptr;
}

void upstream_group::report_health(upstream_endpoint& e, bool ok, instant now) {
  std::lock_guard lock(mutex_);
  if (health_[e.index].finished(ok, now.mono))
    log::warn("upstream_health", {{"site", name_}, {"upstream", e.config.url}, {"healthy", ok}});
}

upstream_group::state upstream_group::state_of(const upstream_endpoint& e, instant now) {
  std::lock_guard lock(mutex_);
  const auto pause = breakers_[e.index].retry_after(now.mono);
  const auto out = outlier_.out_for(e.index, now.mono);
  return {
      .healthy = health_[e.index].healthy(),
      .ejected = out > milliseconds{0},
      .back_in = std::max(out, pause),
      .paused = breakers_[e.index].state() == retry::breaker_state::open && pause > milliseconds{0},
      .failures = outlier_.failures(e.index),
      .over_the_limit = outlier_.at_limit(e.index)};
}

core_links::core_links(net::core& c, std::shared_ptr<upstream_group> group,
                       std::uint32_t idle_limit)
    : core_(c),
      group_(std::move(group)),
      endpoints_(group_->endpoints().size()),
      idle_limit_(idle_limit) {}

link_ptr core_links::take(upstream_endpoint& e, mono_time now) {
  auto& idle = endpoints_[e.index].idle;
  while (!idle.empty()) {
    auto link = std::move(idle.back());
    idle.pop_back();
    if (link->expired || now >= link->idle_until || !link->stream->quiet()) continue;
    ++link->uses;
    count();
    return link;
  }
  count();
  return nullptr;
}

net::task<open_result> core_links::open(upstream_endpoint& e, mono_time deadline) {
  auto dialed = co_await net::dial(core_, e.target, endpoints_[e.index].names, deadline);
  if (!dialed.connection) co_return open_result{nullptr, dialed.fault, std::move(dialed.detail)};
  co_return open_result{std::make_shared<upstream_link>(core_, std::move(dialed.connection)),
                        net::dial_fault::none,
                        {}};
}

void core_links::give(upstream_endpoint& e, link_ptr link, mono_time now) {
  auto& idle = endpoints_[e.index].idle;
  if (link->expired || now >= link->idle_until || !link->in.empty()) return;
  link->clear_deadline();
  link->in.shrink();
  if (idle.size() >= idle_limit_) idle.erase(idle.begin());
  idle.push_back(std::move(link));
  count();
}

void core_links::expire(mono_time now) {
  for (auto& e : endpoints_)
    std::erase_if(e.idle, [now](const auto& l) { return now >= l->idle_until; });
  count();
}

void core_links::count() noexcept {
  std::int64_t n = 0;
  for (const auto& e : endpoints_) n += static_cast<std::int64_t>(e.idle.size());
  if (n == counted_) return;
  group_->idle_links.fetch_add(n - counted_, std::memory_order_relaxed);
  counted_ = n;
}

}  // namespace fairing::http
