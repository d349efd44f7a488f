#include "app/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/jobs_wiring.hpp"
#include "app/sql_facts.hpp"
#include "base/timestamp.hpp"
#include "base/units.hpp"
#include "checklist/report.hpp"

namespace fairing::app {

using nlohmann::json;

namespace {
constexpr std::size_t most_explained = 20;

// A backend's state in a word, and why.
struct backend_state {
  std::string_view word;
  std::string reason;
};

backend_state describe(const http::upstream_group::state& s) {
  const auto again = s.back_in.count() == 0
                         ? std::string{}
                         : "; it is tried again in " + format_duration(s.back_in);
  if (!s.healthy) return {"down", "its health checks fail"};
  if (s.ejected) return {"ejected", "requests to it failed in a row" + again};
  if (s.paused) return {"down", "requests to it timed out in a row" + again};
  const auto failed = s.failures == 1
                          ? std::string("the last request to it failed")
                          : fmt::format("the last {} requests to it failed", s.failures);
  if (s.over_the_limit) return {"down", failed};
  return {"up", s.failures == 0 ? std::string{} : failed};
}

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// A primary key's URL: SITE LF AUTHORITY PATH [?QUERY] [LF ...].
std::pair<std::string_view, std::string_view> site_and_url(std::string_view key) {
  const auto first = key.find('\n');
  if (first == std::string_view::npos) return {{}, key};
  const auto rest = key.substr(first + 1);
  return {key.substr(0, first), rest.substr(0, rest.find('\n'))};
}

std::vector<checklist::site_facts> facts_of(const http::http_plane& plane) {
  std::vector<checklist::site_facts> facts;
  for (const auto& s : plane.sites()) {
    const auto& c = s->config;
    checklist::site_facts f;
    f.name = c.name;
    f.egress = c.egress;
    for (const auto& u : c.upstreams) f.upstreams.push_back(u.url);
    const auto timeout = [&](const char* name, milliseconds value) {
      f.timeouts.push_back({name, value, value.count() > 0});
    };
    timeout("connect", c.timeouts.connect);
    timeout("first_byte", c.timeouts.first_byte);
    timeout("idle", c.timeouts.idle);
    timeout("total", c.timeouts.total);
    for (const auto& r : c.routes) {
      if (r.rate_limit && r.rate_limit->mode == http::rule_mode::on)
        f.rate_limited_routes.push_back(r.match);
      if (r.async && r.async->mode != http::async_mode::never) f.async_routes.push_back(r.match);
    }
    f.compression = c.compression.enabled;
    f.cache = c.cache.mode == http::rule_mode::on;
    f.has_routes = !c.routes.empty();
    facts.push_back(std::move(f));
  }
  return facts;
}
}  // namespace

std::string explain_json(const http::http_plane& plane, const std::string& url,
                         const std::string& trace) {
  json items = json::array();
  for (const auto& d : plane.decisions(url, trace, most_explained)) {
    std::string time;
    append_rfc3339(time, d.time_ms);
    items.push_back({{"time", time},
                     {"trace_id", d.text(0)},
                     {"method", d.text(1)},
                     {"url", d.text(6)},
                     {"status", d.status},
                     {"cache", d.text(5)},
                     {"result", d.text(2)},
                     {"site", d.text(3)},
                     {"route", d.text(4)},
                     {"bytes", d.bytes_out},
                     {"took_us", d.duration_us}});
  }
  return items.empty() ? std::string{} : dump({{"items", std::move(items)}});
}

std::string entries_json(const http::http_plane& plane, const admin::entries_query& q) {
  json items = json::array();
  const auto tag = cache::tag_of(q.tag);
  const auto prefixes = q.prefix.empty() ? std::vector<std::string>{} : plane.keys_of_url(q.prefix);
  plane.store.for_each_entry(now(), [&](const cache::entry_view& e) {
    if (!q.tag.empty() && std::ranges::find(e.tags, tag) == e.tags.end()) return true;
    if (!q.prefix.empty() &&
        std::ranges::none_of(prefixes, [&](const auto& p) { return e.key.starts_with(p); }))
      return true;
    const auto& v = static_cast<const http::stored_response&>(e.held);
    if (v.kind != http::stored_kind::response) return true;
    const auto [site, url] = site_and_url(e.key);
    json codings = json::array();
    for (std::size_t c = 0; c < v.codings.size(); ++c)
      if (v.codings[c].body)
        codings.push_back({{"coding", compress::to_string(static_cast<compress::coding>(c))},
                           {"bytes", v.codings[c].body->size()}});
    const auto left = v.of->fresh.lifetime - http::current_age(v.of->fresh, now().mono);
    items.push_back({{"site", site},
                     {"url", url},
                     {"status", v.of->head.status},
                     {"ttl_s", std::chrono::floor<seconds>(left).count()},
                     {"kept_s", std::chrono::floor<seconds>(e.remaining).count()},
                     {"softly_purged", e.state == cache::lookup_state::purged},
                     {"tags", e.tags.size()},
                     {"bytes", v.cost_bytes()},
                     {"codings", std::move(codings)}});
    return items.size() < q.limit;
  });
  return dump({{"items", std::move(items)}, {"next", nullptr}});
}

std::string upstreams_json(const http::http_plane& plane) {
  json items = json::array();
  for (const auto& s : plane.sites())
    for (const auto& e : s->upstreams->endpoints()) {
      const auto state = s->upstreams->state_of(*e, now());
      const auto told = describe(state);
      items.push_back({{"site", s->config.name},
                       {"url", e->config.url},
                       {"state", told.word},
                       {"reason", told.reason},
                       {"healthy", state.healthy},
                       {"ejected", state.ejected},
                       {"in_flight", e->in_flight.load()}});
    }
  return dump({{"items", std::move(items)}});
}

admin::readiness readiness_of(const http::http_plane& plane,
                              const std::vector<std::string>& addresses, const sql::sql_plane* sql,
                              const jobs::jobs_plane* jobs, stage s, milliseconds left) {
  admin::readiness out;
  out.ready = s == stage::serving;
  const auto sites = plane.sites();
  const bool open = s == stage::serving || s == stage::lame_duck;
  for (std::size_t i = 0; i < std::min(sites.size(), addresses.size()); ++i)
    out.checks.push_back({"listener:" + sites[i]->config.name, open,
                          (open ? "accepts on " : "closed, was ") + addresses[i]});
  if (sql != nullptr) {
    const auto bound = sql->addresses();  // of listen, then session_listen
    for (std::size_t i = 0; i < bound.size(); ++i)
      out.checks.push_back({i == 0 ? "listener:sql" : "listener:sql_session", open,
                            (open ? "accepts on " : "closed, was ") + bound[i]});
  }
  if (jobs != nullptr) {
    out.checks.push_back(
        {"listener:jobs", open, (open ? "accepts on " : "closed, was ") + jobs->address()});
    // An instance that stands by serves all else: only its jobs are another's.
    const bool up = jobs->ready() || jobs->standing_by();
    out.checks.push_back({"store:jobs", up, jobs->ready() ? "open" : jobs->why_not_ready()});
    out.ready = out.ready && up;
  }
  const auto connections = plane.connections() + (sql == nullptr ? 0 : sql->connections()) +
                           (jobs == nullptr ? 0 : jobs->connections());
  switch (s) {
    case stage::starting:
      out.checks.push_back({"start", false, "not over"});
      break;
    case stage::serving:
      out.checks.push_back({"drain", true, fmt::format("not begun, {} connections", connections)});
      break;
    case stage::lame_duck:
      out.checks.push_back({"drain", false,
                            fmt::format("begun, {} connections; the listeners close in {}",
                                        connections, format_duration(left))});
      break;
    case stage::finishing:
      out.checks.push_back(
          {"drain", false,
           fmt::format("{} connections left; cut in {}", connections, format_duration(left))});
      break;
  }
  for (const auto& site : sites)
    for (const auto& e : site->upstreams->endpoints()) {
      const auto told = describe(site->upstreams->state_of(*e, now()));
      const auto name = "upstream:" + site->config.name + " " + e->config.url;
      auto detail = told.reason.empty() ? std::string(told.word)
                                        : fmt::format("{}, {}", told.word, told.reason);
      out.checks.push_back({name, told.word == "up", std::move(detail), false});
    }
  if (sql != nullptr) {
    auto told = sql->upstream();
    out.checks.push_back({"upstream:sql " + told.where, told.up, std::move(told.detail), false});
  }
  return out;
}

std::string checklist_json(const http::http_plane& plane, const sql::sql_plane* sql,
                           const advise::live_advisor* advisor, const jobs::jobs_plane* jobs,
                           const admin::admin_server& admin) {
  const auto facts = facts_of(plane);
  auto of_sql = sql && advisor ? evidence_of(*sql, *advisor->latest()) : checklist::sql_evidence{};
  of_sql.admin = admin.address();
  // The clock of the wall may have been set back.
  if (const auto at = admin.last_scrape())
    of_sql.since_scrape = std::max<milliseconds>(now().wall - *at, milliseconds{0});
  const auto of_jobs = jobs ? evidence_of(*jobs) : checklist::jobs_evidence{};
  return to_json(checklist::grade_all(plane.evidence.take(), facts, of_sql, of_jobs));
}

}  // namespace fairing::app
