#include "http/session/plane.hpp"

#include <sys/resource.h>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "http/logic/request_key.hpp"
#include "http/session/connection.hpp"
#include "http/session/health_check.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t shards_per_core = 4;
constexpr std::size_t most_blocks = 64;
constexpr std::size_t block_limit = 256 * 1024;
constexpr std::size_t access_block = 64 * 1024;
constexpr std::size_t encode_queue = 256;
constexpr std::size_t sweep_at_once = 2000;
constexpr std::size_t least_fill_bytes = 64 * 1024 * 1024;
}  // namespace

core_state::core_state(http_plane& p, net::core& c)
    : plane(p), core(c), random_state_(process_seed() + c.index() * 0x9e3779b97f4a7c15ULL) {
  core.every_tick([this](instant t) { tick(t); });
}
core_state::~core_state() = default;

std::uint64_t core_state::random() noexcept {
  return mix64(random_state_ += 0x9e3779b97f4a7c15ULL);
}

void core_state::set_sites(std::vector<std::shared_ptr<const site_runtime>> sites) {
  sites_ = std::move(sites);
  // Links of a former configuration: those in use come back to nothing and close.
  std::erase_if(links_, [this](const auto& l) {
    return std::ranges::none_of(sites_,
                                [&](const auto& s) { return s->upstreams.get() == &l->group(); });
  });
}

std::shared_ptr<core_links> core_state::links_of(const site_runtime& site) {
  for (const auto& l : links_)
    if (&l->group() == site.upstreams.get()) return l;
  const auto idle = std::max<std::uint32_t>(4, site.config.max_connections / plane.cores.size());
  auto made = std::make_shared<core_links>(core, site.upstreams, idle);
  if (std::ranges::any_of(sites_, [&](const auto& s) { return s->upstreams == site.upstreams; }))
    links_.push_back(made);
  return made;
}

void core_state::lend_block(out_queue& to) {
  if (blocks_.empty()) return;
  to.swap_block(blocks_.back());
  blocks_.pop_back();
}

void core_state::take_back(out_queue& from) {
  auto& block = blocks_.emplace_back();
  from.swap_block(block);
  if (block.capacity() < 64 || block.capacity() > block_limit || blocks_.size() > most_blocks)
    blocks_.pop_back();
  else
    block.clear();
}

const compress::accepted& core_state::accepted_of(std::string_view accept_encoding) {
  if (accept_encoding != accept_encoding_) {
    accepted_ = compress::parse_accept_encoding(accept_encoding);
    accept_encoding_ = accept_encoding;
  }
  return accepted_;
}

void core_state::finish(const exchange_record& r) {
  decisions.record(r);
  if (!plane.log->enabled()) return;
  append_access_line(access_lines, r);
  if (access_lines.size() >= access_block || !plane.log->buffered())
    plane.log->write(std::exchange(access_lines, {}));
}

void core_state::tick(instant now) {
  if (!access_lines.empty()) plane.log->write(std::exchange(access_lines, {}));
  if (core.index() == 0)
    for (const auto& s : sites_) start_health_checks(*this, s, now);
  if (++ticks_ % 10 != 0) return;
  for (auto& l : links_) l->expire(now.mono);
  if (core.index() == 0) (void)plane.store.sweep(now, sweep_at_once);
}

http_plane::http_plane(net::core_group& c, const plane_options& options, metrics::registry& r,
                       std::unique_ptr<access_log> l)
    : cores(c),
      registry(r),
      purges(cache::purge_log::limits{}),
      store({options.memory_bytes, shards_per_core * c.size()}, purges),
      limiter({}),
      log(std::move(l)),
      fill_limit(std::max(options.memory_bytes / 4, least_fill_bytes)),
      encoder_(std::make_unique<net::offload>("encode", encode_queue, true)) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) net::sealed_file::set_limit(files.rlim_cur / 4);
  bus = std::make_unique<bus::purge_bus>(purges, registry,
                                         [this](std::string_view url) { return keys_of_url(url); });
  for (std::uint32_t i = 0; i < cores.size(); ++i)
    states_.push_back(std::make_unique<core_state>(*this, cores.at(i)));
  register_metrics();
}

http_plane::~http_plane() {
  encoder_.reset();
  for (auto& s : states_)  // the cores have stopped: the lines since their last tick
    if (!s->access_lines.empty()) log->write(std::move(s->access_lines));
}

void http_plane::register_metrics() {
  const auto decision = [&](const char* word) {
    return registry.add_counter("fairing_ratelimit_total", "Requests that a rate limit decided on",
                                {{"decision", word}});
  };
  ratelimit_allowed = decision("allowed");
  ratelimit_denied = decision("denied");
  ratelimit_observed = decision("observed");
  const auto put_off = [&](const char* word) {
    return registry.add_counter("fairing_http_offload_total",
                                "Requests that were put off, by how they were answered",
                                {{"answered", word}});
  };
  offload_put = put_off("accepted");
  offload_inline = put_off("inline");
  offload_repeated = put_off("repeated");
  offload_forwarded = put_off("forwarded");
  problems = registry.add_counter("fairing_http_problems_total",
                                  "Answers that Fairing made itself because something was wrong");
  refused_connections = registry.add_counter("fairing_http_refused_connections_total",
                                             "Client connections over limits.connections");
  for (std::size_t c = 1; c < compress::coding_count; ++c) {
    const std::string name(compress::to_string(static_cast<compress::coding>(c)));
    compress_in[c] = registry.add_counter("fairing_compress_bytes_total",
                                          "Bytes of compressed answers, before and after",
                                          {{"encoding", name}, {"side", "in"}});
    compress_out[c] = registry.add_counter("fairing_compress_bytes_total",
                                           "Bytes of compressed answers, before and after",
                                           {{"encoding", name}, {"side", "out"}});
  }
  const auto gauge = [&](const char* name, const char* help, std::function<double()> read) {
    callbacks_.push_back(registry.add_callback(name, help, "gauge", {}, std::move(read)));
  };
  const auto counter = [&](const char* name, const char* help, metrics::labels l,
                           std::function<double()> read) {
    callbacks_.push_back(
        registry.add_callback(name, help, "counter", std::move(l), std::move(read)));
  };
  gauge("fairing_cache_bytes", "Memory of the cache, all overhead counted",
        [this] { return static_cast<double>(store.stats().bytes); });
  gauge("fairing_cache_entries", "Entries of the cache",
        [this] { return static_cast<double>(store.stats().entries); });
  gauge("fairing_cache_budget_bytes", "cache.memory",
        [this] { return static_cast<double>(store.budget_bytes()); });
  gauge("fairing_http_connections", "Open client connections",
        [this] { return static_cast<double>(connections()); });
  gauge("fairing_http_fills", "Fetches that others may join",
        [this] { return static_cast<double>(flights.size()); });
  gauge("fairing_http_fill_bytes", "Bodies of answers in flight",
        [] { return static_cast<double>(fill_bytes_in_flight().load()); });
  gauge("fairing_cache_files", "Large bodies, one memory file each",
        [] { return static_cast<double>(net::sealed_file::live()); });
  static constexpr const char* reasons[cache::removal_count] = {"evicted", "expired", "purged",
                                                                "replaced", "erased"};
  for (std::size_t i = 0; i < cache::removal_count; ++i)
    counter("fairing_cache_removals_total", "Entries that left the cache", {{"reason", reasons[i]}},
            [this, i] { return static_cast<double>(store.stats().removed[i]); });
  counter("fairing_access_log_dropped_bytes_total", "Access log lines that could not be written",
          {}, [this] { return static_cast<double>(log->dropped_bytes()); });
}

void http_plane::register_pools() {
  const auto gauge = [&](const char* name, const char* help, std::size_t i,
                         double (*read)(upstream_group&)) {
    callbacks_.push_back(registry.add_callback(
        name, help, "gauge", {{"plane", "http"}, {"site", sites_[i]->config.name}},
        [this, i, read] {
          const auto group = sites()[i]->upstreams;
          return read(*group);
        }));
  };
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    gauge("fairing_pool_size", "Exchanges with the backends at a time, max_connections", i,
          [](upstream_group& g) -> double { return g.gate().size(); });
    gauge("fairing_pool_leased", "Exchanges under way", i,
          [](upstream_group& g) -> double { return g.gate().leased(); });
    gauge("fairing_pool_idle", "Kept-alive connections that are not in use", i,
          [](upstream_group& g) { return static_cast<double>(g.idle_links.load()); });
    gauge("fairing_pool_waiting", "Requests that wait for their turn", i,
          [](upstream_group& g) -> double { return g.gate().waiting(); });
  }
}

result<void> http_plane::set_sites(const std::vector<site_config>& configs,
                                   const std::vector<std::string>& trusted) {
  std::vector<std::shared_ptr<const site_runtime>> made;
  const auto running = sites();
  for (const auto& c : configs) {
    const auto former =
        std::ranges::find(running, c.name, [](const auto& s) { return s->config.name; });
    auto site = site_runtime::make(c, trusted, made.size(), registry,
                                   former != running.end() ? former->get() : nullptr);
    if (!site) return std::unexpected(site.error());
    made.push_back(std::move(*site));
  }
  for (const auto& s : made) s->upstreams->gate().resize(s->config.max_connections);
  {
    std::lock_guard lock(sites_mutex_);
    for (const auto& s : sites_) s->replaced = true;
    sites_ = made;
    apply_bypass();
  }
  if (site_connections_.empty()) {
    site_connections_ = std::vector<std::atomic<std::int64_t>>(made.size());
    register_pools();
  }
  for (auto& s : states_) s->core.post([state = s.get(), made] { state->set_sites(made); });
  return {};
}

void http_plane::apply_bypass() {
  const auto listed = [this](const std::string& what) {
    return std::ranges::find(bypass_, what) != bypass_.end();
  };
  for (const auto& s : sites_)
    for (const auto& r : s->routes())
      r.bypass->store(listed("http") || listed(s->config.name) || listed(r.compiled->label));
}

result<std::vector<std::string>> http_plane::set_bypass(const std::string& what, bool off) {
  std::lock_guard lock(sites_mutex_);
  std::string known = "http";
  bool found = what == "http";
  for (const auto& s : sites_) {
    known += ", " + s->config.name;
    found = found || what == s->config.name;
    for (const auto& r : s->config.routes) {
      known += ", " + r.match;
      found = found || what == r.match;
    }
  }
  if (!found && !(off && std::ranges::find(bypass_, what) != bypass_.end()))
    return fail(std::make_error_code(std::errc::invalid_argument),
                "`" + what + "` is neither a plane, a site nor a route here: " + known);
  std::erase(bypass_, what);
  if (!off) bypass_.push_back(what);
  apply_bypass();
  log::warn("bypass", {{"what", what}, {"off", off}});
  return bypass_;
}

std::vector<std::string> http_plane::bypassed_rules() const {
  std::lock_guard lock(sites_mutex_);
  return bypass_;
}

std::vector<std::shared_ptr<const site_runtime>> http_plane::sites() const {
  std::lock_guard lock(sites_mutex_);
  return sites_;
}

void http_plane::accept(net::core& c, std::size_t index, net::socket s) {
  connection::start(state_of(c), index, std::move(s));
}

void http_plane::begin_drain() {
  draining_ = true;
  for (auto& s : states_)
    s->core.post([state = s.get()] {
      for (auto* c : state->connections) c->begin_drain();
    });
}

std::vector<std::string> http_plane::keys_of_url(std::string_view url) const {
  std::vector<std::string> keys;
  for (const auto& s : sites())
    if (auto key = key_from_url(s->config.name, url, s->config.cache.key))
      keys.push_back(std::move(*key));
  return keys;
}

cache::purge_seq http_plane::purge_key(std::string_view key, bus::purge_source source,
                                       cache::purge_kind kind) {
  return bus->apply_key(key, source, kind);
}

std::vector<decision> http_plane::decisions(std::string_view url, std::string_view trace,
                                            std::size_t limit) const {
  std::vector<decision> found;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  for (const auto& s : states_)
    s->decisions.for_each([&](const decision& d) {
      const bool same_url = url.empty() || d.text(6) == url ||
                            (url.starts_with('/') && d.text(6).ends_with(url) &&
                             d.text(6).find('/') == d.text(6).size() - url.size());
      if (same_url && (trace.empty() || d.text(0) == trace)) found.push_back(d);
      return found.size() < limit * 4;
    });
  std::ranges::sort(found, [](const auto& a, const auto& b) { return a.time_ms > b.time_ms; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

void http_plane::encode_later(std::string key, stored_ptr v, compress::coding c,
                              compress::effort e) {
  const bool taken = encoder_->submit([this, key = std::move(key), v, c, e] {
    const auto which = static_cast<std::size_t>(c);
    const auto encoded = compress::encode(c, e, v->identity()->copy());
    if (!encoded) return;
    if (v->codings[which].body && encoded->size() >= v->codings[which].body->size()) return;
    auto codings = v->codings;
    codings[which] = {body_data::make(*encoded), e};
    const auto fresh = make_stored(v->of, std::move(codings));
    fresh->encoding_asked.store(v->encoding_asked.load());
    (void)store.replace(store.hash(key), key, v.get(), fresh, now());
  });
  // The queue is full: let a later hit ask again.
  if (!taken)
    v->encoding_asked.fetch_and(~(1U << static_cast<unsigned>(c)), std::memory_order_relaxed);
}

}  // namespace fairing::http
