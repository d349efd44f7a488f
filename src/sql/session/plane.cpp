#include "sql/session/plane.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "net/listener.hpp"
#include "pool/pool_size.hpp"
#include "sql/session/login.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

namespace {
constexpr milliseconds close_time{2000};
constexpr milliseconds answer_time{1000};  // of a core that is asked

error invalid(std::string what) {
  return {std::make_error_code(std::errc::invalid_argument), std::move(what)};
}

// What a client gets when not even its start-up can be read: out of file descriptors.
std::string refusal_text() {
  std::string text;
  pgwire::append_error(text, {.code = pgwire::sqlstate::insufficient_resources,
                              .severity = "FATAL",
                              .message = "Fairing is out of file descriptors",
                              .hint = "raise the limit (ulimit -n, LimitNOFILE=)"});
  return text;
}

void append_key(std::string& out, std::string_view key) {
  if (out.back() != '{' && out.back() != '[') out += ',';
  append_json_string(out, key);
  out += ':';
}
void append_field(std::string& out, std::string_view key, std::uint64_t n) {
  append_key(out, key);
  out += std::to_string(n);
}
void append_field(std::string& out, std::string_view key, std::string_view text) {
  append_key(out, key);
  append_json_string(out, text);
}

struct listed {
  pool_snapshot sum;
  const sql_pool* any =
      nullptr;  // metrics of one user and database are the same for all of its pools
  std::uint32_t pools = 0;
};

void add(pool_snapshot& to, const pool_snapshot& s) {
  to.clients += s.clients;
  to.size += s.size;
  to.opening += s.opening;
  to.idle += s.idle;
  to.leased += s.leased;
  to.pinned += s.pinned;
  to.max_pinned += s.max_pinned;
  to.running += s.running;
  to.concurrency += s.concurrency;
  to.closing += s.closing;
  to.waiting += s.waiting;
  to.ahead |= s.ahead;
  to.gathers |= s.gathers;
  to.paused |= s.paused;
  to.totals.granted += s.totals.granted;
  to.totals.waited += s.totals.waited;
  to.totals.wait_us += s.totals.wait_us;
  to.totals.max_wait_us = std::max(to.totals.max_wait_us, s.totals.max_wait_us);
  to.totals.released += s.totals.released;
  to.totals.held_us += s.totals.held_us;
  to.totals.opened += s.totals.opened;
  to.totals.open_failed += s.totals.open_failed;
  to.totals.refused += s.totals.refused;
  to.totals.no_room += s.totals.no_room;
  if (s.last_fault.known()) to.last_fault = s.last_fault;
  to.totals.pins_refused += s.totals.pins_refused;
}

void append_seconds(std::string& out, std::string_view key, double s) {
  append_key(out, key);
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", s);
  out += text;
}

void append_pool(std::string& out, const listed& l, std::uint32_t limit) {
  const auto& p = *l.any;
  const auto& s = l.sum;
  if (out.back() != '[') out += ',';
  out += '{';
  append_field(out, "plane", "sql");
  append_field(out, "user", p.key.user);
  append_field(out, "database", p.key.database);
  append_field(out, "mode", p.transaction_mode() ? "transaction" : "session");
  append_field(out, "pools", l.pools);
  append_field(out, "limit", limit);
  append_field(out, "clients", s.clients);
  append_field(out, "waiting", s.waiting);
  append_field(out, "concurrency", s.concurrency);
  append_key(out, "ahead");
  out += s.ahead ? "true" : "false";
  append_key(out, "gathers");
  out += s.gathers ? "true" : "false";
  append_key(out, "paused");
  out += s.paused ? "true" : "false";
  append_key(out, "servers");
  out += '{';
  append_field(out, "size", s.size);
  append_field(out, "opening", s.opening);
  append_field(out, "idle", s.idle);
  append_field(out, "leased", s.leased);
  append_field(out, "pinned", s.pinned);
  append_field(out, "running", s.running);
  append_field(out, "closing", s.closing);
  out += '}';
  append_key(out, "wait");
  out += '{';
  append_field(out, "leases", s.totals.granted);
  append_field(out, "waited", s.totals.waited);
  append_seconds(out, "p50_seconds", p.wait_quantile(0.5));
  append_seconds(out, "p95_seconds", p.wait_quantile(0.95));
  append_seconds(out, "p99_seconds", p.wait_quantile(0.99));
  append_seconds(out, "max_seconds", static_cast<double>(s.totals.max_wait_us) * 1e-6);
  out += '}';
  append_field(out, "opened", s.totals.opened);
  append_field(out, "open_failed", s.totals.open_failed);
  append_field(out, "refused", s.totals.refused);
  append_field(out, "max_pinned", s.max_pinned);
  append_field(out, "pins_refused", s.totals.pins_refused);
  append_key(out, "pins");
  out += '{';
  for (std::size_t i = 0; i < pool::pin_reasons; ++i)
    if (const auto r = static_cast<pool::pin_reason>(i); p.pins(r) > 0)
      append_field(out, pool::name(r), p.pins(r));
  out += '}';
  append_key(out, "closed");
  out += '{';
  for (std::size_t i = 0; i < pool::close_reasons; ++i)
    if (const auto r = static_cast<pool::close_reason>(i); p.closed(r) > 0)
      append_field(out, pool::name(r), p.closed(r));
  out += "}}";
}

void append_sizing(std::string& out, const pool::size_advice& a, std::uint32_t size) {
  append_key(out, "sizing");
  out += '{';
  append_field(out, "change", pool::name(a.change));
  append_field(out, "size", size);
  append_field(out, "advised", a.size);
  append_seconds(out, "busy", a.busy);
  append_field(out, "text", a.text);
  out += '}';
}

// Names of what differs; secrets are named, never shown.
std::vector<std::string> differences(const sql_config& a, const sql_config& b) {
  std::vector<std::string> lines;
  const auto line = [&lines](bool same, const char* key) {
    if (!same) lines.push_back(std::string("sql.") + key);
  };
  const auto users = [](const sql_config& c) {
    std::string all;
    for (const auto& u : c.users) all += u.name + '\0' + u.password + '\0' + u.scram + '\0';
    return all;
  };
  line(same_servers(a, b) && a.upstream.database == b.upstream.database, "upstream");
  line(users(a) == users(b), "users");
  line(a.auth_query == b.auth_query, "auth_query");
  line(a.tls_cert == b.tls_cert && a.tls_key == b.tls_key, "tls");
  const auto& p = a.pool;
  const auto& q = b.pool;
  line(p.size == q.size && p.database_cores == q.database_cores && p.spindles == q.spindles,
       "pool.size");
  line(p.concurrency == q.concurrency, "pool.concurrency");
  line(p.gather == q.gather, "pool.gather");
  line(p.ahead == q.ahead, "pool.ahead");
  line(p.instances == q.instances, "pool.instances");
  line(p.min_idle == q.min_idle, "pool.min_idle");
  line(p.wait_timeout == q.wait_timeout, "pool.wait_timeout");
  line(p.idle_timeout == q.idle_timeout, "pool.idle_timeout");
  line(p.max_lifetime == q.max_lifetime, "pool.max_lifetime");
  line(p.max_pinned == q.max_pinned, "pool.max_pinned");
  line(p.max_waiting == q.max_waiting, "pool.max_waiting");
  const auto& l = a.limits;
  const auto& m = b.limits;
  line(l.connect == m.connect && l.login == m.login && l.transaction_idle == m.transaction_idle &&
           l.statement == m.statement && l.client_write == m.client_write &&
           l.connections == m.connections && l.statement_bytes == m.statement_bytes,
       "limits");
  line(a.advise.run == b.advise.run && a.advise.every == b.advise.every, "advise");
  line(a.n_plus_one.detect == b.n_plus_one.detect && a.n_plus_one.least == b.n_plus_one.least,
       "n_plus_one");
  line(a.slow == b.slow, "slow");
  return lines;
}
}  // namespace

struct sql_plane::parts {
  parts(net::core_group& c, metrics::registry& r, runtime_ptr first, bus::write_sets* writes)
      : state(c, r, std::move(first), writes) {}
  plane_state state;
  std::unique_ptr<net::listener> main;
  std::unique_ptr<net::listener> session;
  std::vector<metrics::registry::guard> callbacks;
  bool closed = false;
};

sql_plane::sql_plane(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
sql_plane::~sql_plane() = default;

result<std::unique_ptr<sql_plane>> sql_plane::open(net::core_group& cores,
                                                   metrics::registry& registry,
                                                   const sql_config& config,
                                                   bus::write_sets* writes) {
  auto runtime = sql_runtime::make(config);
  if (!runtime) return std::unexpected(runtime.error());
  auto p = std::make_unique<parts>(cores, registry, std::move(*runtime), writes);
  if (!config.listen.empty()) {
    auto l = net::listener::open(cores, config.listen);
    if (!l) return std::unexpected(invalid("sql.listen: " + l.error().message()));
    p->main = std::move(*l);
  }
  if (!config.session_listen.empty()) {
    auto l = net::listener::open(cores, config.session_listen);
    if (!l) return std::unexpected(invalid("sql.session_listen: " + l.error().message()));
    p->session = std::move(*l);
  }
  p->callbacks.push_back(registry.add_callback(
      "fairing_sql_connections", "Clients of the sql plane", "gauge", {},
      [s = &p->state] { return static_cast<double>(s->connections.load()); }));
  p->callbacks.push_back(registry.add_callback(
      "fairing_sql_servers_limit", "sql.pool.size: servers over all pools", "gauge", {},
      [s = &p->state] { return static_cast<double>(s->budget.limit()); }));
  return std::unique_ptr<sql_plane>(new sql_plane(std::move(p)));
}

void sql_plane::start() {
  auto* state = &parts_->state;
  state->open_ahead();
  const auto accept = [state](net::listener* l, pool_mode mode) {
    if (!l) return;
    l->start(
        [state, mode](net::core& c, net::socket s) {
          if (!state->draining.load()) login::start(state->part_of(c), std::move(s), mode);
        },
        refusal_text());
  };
  accept(parts_->main.get(), state->runtime()->config.pool.mode);
  accept(parts_->session.get(), pool_mode::session);
}

std::vector<std::string> sql_plane::addresses() const {
  std::vector<std::string> all;
  if (parts_->main) all.push_back(parts_->main->address());
  if (parts_->session) all.push_back(parts_->session->address());
  return all;
}

result<std::vector<std::string>> sql_plane::reload(const sql_config& next) {
  auto& state = parts_->state;
  const auto running = state.runtime();
  const auto& now = running->config;
  std::string fixed;
  if (now.listen != next.listen) fixed = "sql.listen";
  if (now.session_listen != next.session_listen)
    fixed += fixed.empty() ? "sql.session_listen" : ", sql.session_listen";
  if (now.pool.mode != next.pool.mode) fixed += fixed.empty() ? "sql.pool.mode" : ", sql.pool.mode";
  if (!fixed.empty()) return std::unexpected(invalid(fixed + " cannot change without a restart"));
  auto made = sql_runtime::make(next);
  if (!made) return std::unexpected(made.error());
  auto lines = differences(now, next);
  state.set_runtime(std::move(*made));
  return lines;
}

void sql_plane::begin_drain() {
  auto& state = parts_->state;
  state.draining = true;
  if (parts_->main) parts_->main->stop();
  if (parts_->session) parts_->session->stop();
  for (auto& p : state.parts_)
    p->core.post([part = p.get()] {
      for (auto* l : part->logins) l->begin_drain();
      for (const auto& pool : part->pools) pool->begin_drain();
    });
}

std::int64_t sql_plane::connections() const noexcept { return parts_->state.connections.load(); }

std::string sql_plane::pools_json() const {
  std::map<std::tuple<std::string, std::string, pool_mode>, listed> all;
  const auto pools = parts_->state.pools();
  for (const auto& p : pools) {
    auto& l = all[{p->key.user, p->key.database, p->key.mode}];
    l.any = p.get();
    ++l.pools;
    add(l.sum, p->snapshot());
  }
  std::string out = "{\"items\":[";
  for (const auto& [key, l] : all) append_pool(out, l, parts_->state.budget.limit());
  out += ']';
  append_sizing(out, sizing(), parts_->state.budget.limit());
  out += '}';
  return out;
}

pool::size_advice sql_plane::sizing() const { return parts_->state.sizing(); }

namespace {
// What each core answers; a core that does not answer in time (the cores have stopped) is left out.
template <class Row, class Ask>
std::vector<std::vector<Row>> ask_cores(const plane_state& state, Ask ask) {
  std::vector<std::future<std::vector<Row>>> answers;
  for (const auto& p : state.parts_) {
    auto told = std::make_shared<std::promise<std::vector<Row>>>();
    answers.push_back(told->get_future());
    p->core.post([part = p.get(), told, ask] {
      const auto at = precise_us();
      part->watch->flush(at);
      told->set_value(ask(*part->watch, at, now().wall));
    });
  }
  std::vector<std::vector<Row>> rows;
  for (auto& a : answers)
    if (a.wait_for(answer_time) == std::future_status::ready) rows.push_back(a.get());
  return rows;
}

// "listen 3, temp_table 1", those with most first.
std::string pins_text(const sql_pool& p) {
  std::vector<std::pair<std::uint64_t, std::string_view>> all;
  for (std::size_t i = 0; i < pool::pin_reasons; ++i)
    if (const auto r = static_cast<pool::pin_reason>(i); p.pins(r) > 0)
      all.emplace_back(p.pins(r), pool::name(r));
  std::ranges::sort(all, std::greater<>());
  std::string out;
  for (const auto& [count, name] : all)
    out += (out.empty() ? "" : ", ") + std::string(name) + ' ' + std::to_string(count);
  return out;
}
}  // namespace

std::vector<pool_report> sql_plane::pools() const {
  std::map<std::pair<std::string, std::string>, listed> all;
  const auto pools = parts_->state.pools();
  for (const auto& p : pools) {
    auto& l = all[{p->key.user, p->key.database}];
    l.any = p.get();
    add(l.sum, p->snapshot());
  }
  const auto runtime = parts_->state.runtime();
  const auto formula = pool::auto_size(runtime->cores, runtime->config.pool.spindles);
  std::vector<pool_report> out;
  for (const auto& [key, l] : all)
    out.push_back({.name = "user " + key.first + ", database " + key.second,
                   .user = key.first,
                   .database = key.second,
                   .size = runtime->pool_size,
                   .formula = formula,
                   .leases = l.sum.totals.granted,
                   .waited = l.sum.totals.waited,
                   .refused = l.sum.totals.refused,
                   .no_room = l.sum.totals.no_room,
                   .last_fault = l.sum.last_fault.text(),
                   .postgres_full = l.sum.last_fault.postgres_is_full(),
                   .wait_p95_us = static_cast<std::int64_t>(1e6 * l.any->wait_quantile(0.95)),
                   .pinned = l.sum.pinned,
                   .max_pinned = l.sum.max_pinned,
                   .pins_refused = l.sum.totals.pins_refused,
                   .pins = pins_text(*l.any)});
  return out;
}

upstream_report sql_plane::upstream() const {
  const auto v = parts_->state.upstream.now();
  const auto runtime = parts_->state.runtime();
  const auto& up = runtime->config.upstream;
  const bool local = up.host.starts_with('/');
  upstream_report r{.where = local ? up.host : up.host + ':' + std::to_string(up.port),
                    .detail = v.tried ? "up" : "not tried yet"};
  if (!v.fault.known()) return r;
  r.up = false;
  r.detail = "down, " + std::string(v.fault.kind()) + " (" + v.fault.sqlstate + ")";
  r.fault = v.fault.text();
  return r;
}

sql_config sql_plane::config() const { return parts_->state.runtime()->config; }

std::uint32_t sql_plane::pool_size() const { return parts_->state.runtime()->pool_size; }

std::vector<template_row> sql_plane::queries() const {
  return merge(ask_cores<template_row>(
      parts_->state,
      [](const insight& w, std::int64_t at, wall_time t) { return w.queries(at, t); }));
}

std::vector<loop_row> sql_plane::loops() const {
  return merge_loops(ask_cores<loop_row>(
      parts_->state,
      [](const insight& w, std::int64_t at, wall_time t) { return w.loops(at, t); }));
}

void sql_plane::close() {
  if (std::exchange(parts_->closed, true)) return;
  begin_drain();
  auto& state = parts_->state;
  state.closing = true;
  for (auto& p : state.parts_)
    p->core.post([part = p.get()] {
      for (std::size_t i = 0; i < part->pools.size(); ++i) part->pools[i]->close();
    });
  const auto end = std::chrono::steady_clock::now() + close_time;
  while ((state.connections.load() > 0 || state.budget.in_use() > 0) &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(milliseconds{5});
}

}  // namespace fairing::sql
