#include "app/instance.hpp"

#include <unistd.h>

#include <csignal>
#include <thread>

#include "admin/server.hpp"
#include "admin/token.hpp"
#include "app/config/describe.hpp"
#include "app/config/diagnostic.hpp"
#include "app/jobs_wiring.hpp"
#include "app/offload_wiring.hpp"
#include "app/reload.hpp"
#include "app/sql_advice.hpp"
#include "app/views.hpp"
#include "base/log.hpp"
#include "http/logic/problem.hpp"
#include "http/session/plane.hpp"
#include "metrics/registry.hpp"
#include "net/core.hpp"
#include "net/listener.hpp"
#include "sql/session/plane.hpp"

namespace fairing::app {

struct instance::parts {
  config::config_source source;
  config::config current;
  std::mutex reload_mutex;
  metrics::registry registry;
  std::unique_ptr<net::core_group> cores;
  std::unique_ptr<http::http_plane> http;
  std::vector<std::unique_ptr<net::listener>> listeners;
  // What jobs wrote that are run twice: the sql plane tells, the jobs plane asks.
  std::shared_ptr<bus::write_sets> writes = std::make_shared<bus::write_sets>();
  std::unique_ptr<sql::sql_plane> sql;            // null: off
  std::unique_ptr<jobs::jobs_plane> jobs;         // null: off
  std::unique_ptr<request_store> kept_requests;   // null: no jobs plane
  std::unique_ptr<advise::live_advisor> advisor;  // null: no sql plane
  std::vector<metrics::registry::guard> advice_callbacks;

  void stop_advice() {
    advice_callbacks.clear();
    advisor.reset();
  }
  std::unique_ptr<admin::admin_server> admin;
  file_digests files;  // of the running configuration
  std::atomic<stage> now_at{stage::starting};
  std::atomic<mono_time> stage_ends{mono_time{}};

  // Clients of all planes.
  [[nodiscard]] std::int64_t connections() const {
    return http->connections() + (sql ? sql->connections() : 0) + (jobs ? jobs->connections() : 0);
  }

  void enter(stage s, milliseconds for_at_most = milliseconds{0}) {
    stage_ends = now().mono + for_at_most;
    now_at = s;
  }
};

namespace {
std::uint32_t threads_of(const config::config& c) {
  if (c.runtime.threads > 0) return c.runtime.threads;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<std::uint32_t>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

// For a client that cannot even be given a file descriptor.
std::string refusal() {
  std::string out;
  http::append_problem_response(out, http::problem::overloaded, "out of file descriptors",
                                {.now = now().wall, .extra_fields = "Retry-After: 1\r\n"});
  return out;
}

// As the file is most likely written: a site that stands alone has no number.
std::string listen_key(const config::config& c, std::size_t i) {
  return c.http.size() == 1 ? "http.listen" : "http." + std::to_string(i) + ".listen";
}

std::vector<std::string> addresses_of(
    const std::vector<std::unique_ptr<net::listener>>& listeners) {
  std::vector<std::string> out;
  for (const auto& l : listeners) out.push_back(l->address());
  return out;
}

error at_key(error e, const std::string& key, const std::string& listen = {}) {
  e.detail = key + ": " + e.message();
  if (listen.starts_with("unix:") && e.code == std::errc::no_such_file_or_directory)
    e.detail += "; make the directory of the socket first";
  return e;
}

// The plane names the key itself.
error with_advice(error e, const sql::sql_config& c) {
  const bool socket = c.listen.starts_with("unix:") || c.session_listen.starts_with("unix:");
  if (socket && e.message().find("No such file or directory") != std::string::npos)
    e.detail = e.message() + "; make the directory of the socket first";
  return e;
}

advise::live_advice no_plane() {
  advise::live_advice a;
  a.why = "no sql plane is configured";
  a.off = true;
  return a;
}
}  // namespace

instance::instance(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

result<std::unique_ptr<instance>> instance::start(const config::config& c,
                                                  const config::config_source& source) {
  auto p = std::make_unique<parts>();
  p->source = source;
  p->current = c;
  std::unique_ptr<instance> made(new instance(std::move(p)));
  auto opened = made->open(c);
  if (!opened) return std::unexpected(opened.error());
  return made;
}

result<void> instance::open(const config::config& c) {
  auto& p = *parts_;
  log::configure({.min = c.runtime.log.level, .format = c.runtime.log.format});
  auto access = http::access_log::open(c.runtime.access_log.to, c.runtime.access_log.buffered);
  if (!access) return std::unexpected(at_key(access.error(), "runtime.access_log.to"));
  p.cores = std::make_unique<net::core_group>(threads_of(c));
  p.http = std::make_unique<http::http_plane>(*p.cores,
                                              http::plane_options{.memory_bytes = c.cache.memory},
                                              p.registry, std::move(*access));
  for (std::size_t i = 0; i < c.http.size(); ++i) {
    auto l = net::listener::open(*p.cores, c.http[i].listen);
    if (!l) return std::unexpected(at_key(l.error(), listen_key(c, i), c.http[i].listen));
    p.listeners.push_back(std::move(*l));
  }
  name_by_address(p.current, addresses_of(p.listeners));
  p.files = digests_of(p.current);
  auto sites = p.http->set_sites(p.current.http, c.trusted_proxies);
  if (!sites) return sites;
  for (std::size_t i = 0; i < p.listeners.size(); ++i)
    p.listeners[i]->start(
        [plane = p.http.get(), i](net::core& core, net::socket s) {
          plane->accept(core, i, std::move(s));
        },
        refusal());
  if (c.sql) {
    auto plane =
        sql::sql_plane::open(*p.cores, p.registry, *c.sql, c.jobs ? p.writes.get() : nullptr);
    if (!plane) return std::unexpected(with_advice(plane.error(), *c.sql));
    p.sql = std::move(*plane);
  }
  if (c.jobs) {
    auto plane =
        open_jobs(*p.cores, p.registry, with_request_queues(c), requests_of(*p.http), p.writes);
    if (!plane) return std::unexpected(plane.error());
    p.jobs = std::move(*plane);
    p.kept_requests = std::make_unique<request_store>(*p.jobs);
    p.http->offload = p.kept_requests.get();
  }
  if (c.admin.listen != "off") {
    auto opened = open_admin(c);
    if (!opened) return opened;
  }
  p.cores->start();
  if (p.sql) {
    p.sql->start();
    p.advisor = advise_live(*p.sql);
    p.advice_callbacks = advice_metrics(p.registry, *p.advisor);
  }
  if (p.jobs) p.jobs->start();
  if (p.admin) p.admin->start();
  p.enter(stage::serving);
  return {};
}

result<void> instance::open_admin(const config::config& c) {
  auto& p = *parts_;
  auto token = c.admin.token;
  if (token.empty()) {
    // The flags and the environment are in it already.
    auto made = admin::make_token_file(
        c.runtime.dir.empty() ? config::runtime_directory(p.source.env) : c.runtime.dir);
    if (!made) return std::unexpected(at_key(made.error(), "runtime.dir"));
    token = std::move(*made);
  }
  auto server = admin::admin_server::open(*p.cores, c.admin.listen, make_views(), std::move(token));
  const auto key = c.admin.listen_of_variable ? "admin.listen of FAIRING_ADMIN" : "admin.listen";
  if (!server) return std::unexpected(at_key(server.error(), key, c.admin.listen));
  p.admin = std::move(*server);
  return {};
}

admin::admin_views instance::make_views() {
  auto& p = *parts_;
  auto* plane = p.http.get();
  admin::admin_views v;
  v.metrics = [&p] { return p.registry.render(); };
  v.checklist = [plane, &p] {
    return checklist_json(*plane, p.sql.get(), p.advisor.get(), p.jobs.get(), *p.admin);
  };
  v.config = [&p] {
    std::lock_guard lock(p.reload_mutex);
    return config::effective_json(p.current);
  };
  v.purge = [plane](const bus::purge_request& r, bool dry_run) {
    return dry_run ? plane->bus->count(r, plane->store, now()) : plane->bus->apply(r);
  };
  v.reload = [this] { return reload(); };
  v.bypassed = [plane] { return plane->bypassed_rules(); };
  v.set_bypass = [plane](const std::string& what, bool off) {
    return plane->set_bypass(what, off);
  };
  v.explain = [plane](const std::string& url, const std::string& trace) {
    return explain_json(*plane, url, trace);
  };
  v.cache_entries = [plane](const admin::entries_query& q) { return entries_json(*plane, q); };
  v.upstreams = [plane] { return upstreams_json(*plane); };
  v.queries = [&p](std::size_t limit, const std::string& sort) {
    auto rows = p.sql ? p.sql->queries() : std::vector<sql::template_row>{};
    if (p.advisor) {
      const auto known = p.advisor->latest();
      for (auto& r : rows) tell_tables(*known, r);
    }
    return queries_json(std::move(rows), limit, sql::query_sort_of(sort));
  };
  v.n_plus_one = [&p](std::size_t limit) {
    return n_plus_one_json(p.sql ? p.sql->loops() : std::vector<sql::loop_row>{}, limit);
  };
  v.indexes = [&p](std::size_t limit) {
    return indexes_json(p.advisor ? *p.advisor->latest() : no_plane(), limit);
  };
  v.pools = [&p] { return p.sql ? p.sql->pools_json() : std::string(R"({"items":[]})"); };
  if (p.jobs)
    v.jobs = [&p](const admin::request& r, admin::answer_later done) {
      return ask_jobs(*p.jobs, r, std::move(done));
    };
  v.ready = [&p] {
    return readiness_of(
        *p.http, addresses_of(p.listeners), p.sql.get(), p.jobs.get(), p.now_at.load(),
        std::max(milliseconds{0},
                 std::chrono::ceil<milliseconds>(p.stage_ends.load() - now().mono)));
  };
  v.started = [&p] { return p.now_at.load() != stage::starting; };
  v.drain = [] { ::kill(::getpid(), SIGTERM); };
  return v;
}

instance::~instance() {
  if (parts_->admin) parts_->admin->stop();
  parts_->stop_advice();
  if (parts_->jobs) parts_->jobs->close();
  if (parts_->cores) parts_->cores->stop();
}

std::map<std::string, std::vector<std::string>> instance::listeners() const {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& l : parts_->listeners) out["http"].push_back(l->address());
  if (parts_->sql) out["sql"] = parts_->sql->addresses();
  if (parts_->jobs) out["jobs"].push_back(parts_->jobs->address());
  if (parts_->admin) out["admin"].push_back(parts_->admin->address());
  return out;
}

void instance::reopen_logs() { parts_->http->log->reopen(); }

result<std::vector<std::string>> instance::reload() {
  auto& p = *parts_;
  std::lock_guard lock(p.reload_mutex);
  const auto refuse = [](std::string why) {
    log::error("reload_refused", {{"reason", why}});
    return fail(std::make_error_code(std::errc::invalid_argument), std::move(why));
  };
  auto next = p.source.load();
  if (!next.ok()) {
    std::string all;
    for (const auto& e : next.errors) all += (all.empty() ? "" : "; ") + to_text(e);
    return refuse(all);
  }
  name_by_address(next.value, addresses_of(p.listeners));
  if (const auto fixed = config::diff_not_reloadable(p.current, next.value); !fixed.empty()) {
    std::string keys;
    for (const auto& k : fixed) keys += (keys.empty() ? "" : ", ") + k;
    return refuse(keys + " cannot change without a restart");
  }
  auto changes = config::diff(p.current, next.value);
  auto files = digests_of(next.value);
  for (auto& line : changed_files(p.files, files)) changes.push_back(std::move(line));
  const auto& access = next.value.runtime.access_log;
  auto place = http::access_log::open_target(access.to);
  if (!place) return refuse("runtime.access_log.to: " + place.error().message());
  // The listeners cannot change without a restart, so the plane is there in both or in neither.
  if (p.jobs) {
    auto taken = p.jobs->reload(with_request_queues(next.value));
    if (!taken) return refuse(taken.error().message());
  }
  const auto jobs_back = [&p] {
    if (p.jobs) (void)p.jobs->reload(with_request_queues(p.current));
  };
  if (p.sql) {
    auto taken = p.sql->reload(*next.value.sql);
    if (!taken) {
      jobs_back();
      return refuse(taken.error().message());
    }
  }
  auto sites = p.http->set_sites(next.value.http, next.value.trusted_proxies);
  if (!sites) {
    if (p.sql) (void)p.sql->reload(*p.current.sql);
    jobs_back();
    return refuse(sites.error().message());
  }
  p.http->evidence.retain(evidence_kept(p.current, next.value));
  // Opened anew even where the path is the same: it may have been rotated.
  if (!p.http->log->change(std::move(*place), access.buffered)) {
    log::warn("access_log_not_reopened", {{"reason", "its writer is behind; reload again"}});
    next.value.runtime.access_log = p.current.runtime.access_log;
  }
  p.http->store.set_budget(next.value.cache.memory);
  log::configure({.min = next.value.runtime.log.level, .format = next.value.runtime.log.format});
  p.files = std::move(files);
  p.current = std::move(next.value);
  log::info("reloaded", {{"changes", changes.size()}});
  return changes;
}

void instance::drain() {
  auto& p = *parts_;
  const auto times = [&p] {
    std::lock_guard lock(p.reload_mutex);
    return p.current.runtime.drain;
  }();
  p.enter(stage::lame_duck, times.lame_duck);
  log::info("draining", {{"connections", p.connections()}});
  std::this_thread::sleep_for(times.lame_duck);
  p.enter(stage::finishing, times.timeout);
  for (auto& l : p.listeners) l->stop();
  p.http->begin_drain();
  if (p.sql) p.sql->begin_drain();
  if (p.jobs) p.jobs->begin_drain();
  const auto end = std::chrono::steady_clock::now() + times.timeout;
  while (p.connections() > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(milliseconds{10});
  if (p.admin) p.admin->stop();
  p.stop_advice();
  const auto left = p.connections();
  if (p.sql) p.sql->close();
  if (p.jobs) p.jobs->close();
  if (left > 0) log::warn("drain_timed_out", {{"connections", left}});
  p.cores->stop();
}

}  // namespace fairing::app
