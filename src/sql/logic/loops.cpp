#include "sql/logic/loops.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "advise/batched_sql.hpp"
#include "advise/eager_forms.hpp"
#include "advise/sql_parts.hpp"
#include "base/hash.hpp"

namespace fairing::sql {

namespace {

constexpr std::size_t most_routes = 16;
constexpr std::uint64_t rare = 100;  // under one in so many executions

using json = nlohmann::ordered_json;

// Of runs that go on by chance with probability p at each key, so many are as long as the longest.
bool by_chance(const loop_row& r) {
  constexpr double few = 0.1;
  if (r.executions * rare >= r.of_executions) return false;
  const auto starts = static_cast<double>(r.false_starts.starts);
  const auto steps = static_cast<double>(r.false_starts.steps);
  const auto p = (steps + 1) / (steps + starts + 2);
  return starts * std::pow(p, static_cast<double>(r.longest) - 2) > few;
}

json item_of(const loop_row& r) {
  auto eager = json::object();
  for (const auto& form : advise::eager_forms({r.source, r.column, r.text, r.slot}))
    eager[std::string(form.framework)] = form.code;
  auto routes = json::array();
  for (const auto& s : r.routes)
    routes.push_back({{"route", s.route},
                      {"count", s.count},
                      {"lost_ms", static_cast<double>(s.total_us) / 1000.0}});
  return {{"template", r.text},
          {"source",
           {{"template", r.source},
            {"column", r.column},
            {"table", advise::bare_name(advise::parts_of(r.source).table)}}},
          {"count", r.executions},
          {"lost_ms", static_cast<double>(r.lost_us) / 1000.0},
          {"batched_sql",
           advise::batched_sql(r.text, {.slot = r.slot, .type = r.type, .kind = r.kind})},
          {"eager", std::move(eager)},
          {"loops", r.loops},
          {"longest", r.longest},
          {"round_trips", r.round_trips_lost()},
          {"saved_ms", eager_saves_ms(r)},
          {"first_seen", r.first_seen_unix},
          {"last_seen", r.last_seen_unix},
          {"routes", std::move(routes)}};
}

}  // namespace

void loop_table::add(const advise::run& r, const loop_names& names) {
  ++loops_;
  executions_ += r.keys;
  auto at = std::ranges::find_if(entries_, [&](const entry& e) {
    return e.text == names.text && e.source == names.source && e.column == names.column &&
           e.slot == names.slot;
  });
  if (at == entries_.end()) {
    if (entries_.size() == most)
      entries_.erase(std::ranges::min_element(entries_, {}, &entry::lost_us));
    entries_.push_back({.text = names.text,
                        .source = names.source,
                        .column = std::string(names.column),
                        .slot = names.slot,
                        .type = names.type,
                        .kind = r.kind,
                        .first_us = r.first_us});
    at = entries_.end() - 1;
  }
  ++at->loops;
  at->executions += r.keys;
  at->longest = std::max(at->longest, r.keys);
  at->lost_us += r.lost_us;
  at->last_us = r.last_us;
  if (r.route == 0) return;
  const auto share = std::ranges::find(at->routes, r.route, &route_count::route);
  if (share != at->routes.end()) {
    share->count += r.keys;
    share->lost_us += r.lost_us;
  } else if (at->routes.size() < most_routes) {
    at->routes.push_back({r.route, r.keys, r.lost_us});
  }
}

std::vector<loop_row> loop_table::rows(const template_table& templates,
                                       const false_starts_of& false_starts,
                                       const route_names& routes, std::int64_t now_us,
                                       wall_time now) const {
  const auto unix_of = [&](std::int64_t us) {
    return now.time_since_epoch().count() - (now_us - us) / 1'000'000;
  };
  std::vector<loop_row> out;
  for (const auto& e : entries_) {
    loop_row r;
    r.hash = hash64(e.column, templates.hash(e.text) ^ mix64(templates.hash(e.source)) ^ e.slot);
    r.text = templates.text(e.text);
    r.source = templates.text(e.source);
    r.column = e.column;
    r.slot = e.slot;
    r.type = e.type;
    r.kind = e.kind;
    r.loops = e.loops;
    r.executions = e.executions;
    r.longest = e.longest;
    r.lost_us = e.lost_us;
    r.of_executions = templates.count(e.text);
    if (const auto f = false_starts.find(e.text); f != false_starts.end())
      r.false_starts = f->second;
    r.first_seen_unix = unix_of(e.first_us);
    r.last_seen_unix = unix_of(e.last_us);
    for (const auto& s : e.routes)
      r.routes.push_back({std::string(routes.name(s.route)), s.count, s.lost_us});
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<loop_row> merge_loops(std::vector<std::vector<loop_row>> of_cores) {
  std::vector<loop_row> out;
  for (auto& rows : of_cores)
    for (auto& r : rows) {
      const auto same = std::ranges::find(out, r.hash, &loop_row::hash);
      if (same == out.end()) {
        out.push_back(std::move(r));
        continue;
      }
      same->loops += r.loops;
      same->executions += r.executions;
      same->of_executions += r.of_executions;
      same->false_starts.starts += r.false_starts.starts;
      same->false_starts.steps += r.false_starts.steps;
      same->longest = std::max(same->longest, r.longest);
      same->lost_us += r.lost_us;
      same->first_seen_unix = std::min(same->first_seen_unix, r.first_seen_unix);
      same->last_seen_unix = std::max(same->last_seen_unix, r.last_seen_unix);
      for (auto& s : r.routes) {
        const auto route = std::ranges::find(same->routes, s.route, &route_share::route);
        if (route == same->routes.end()) {
          same->routes.push_back(std::move(s));
        } else {
          route->count += s.count;
          route->total_us += s.total_us;
        }
      }
    }
  std::erase_if(out, by_chance);
  std::ranges::sort(out, [](const loop_row& a, const loop_row& b) {
    return a.lost_us != b.lost_us ? a.lost_us > b.lost_us : a.text < b.text;
  });
  return out;
}

double eager_saves_ms(const loop_row& r) noexcept {
  constexpr double share_of_a_key = 0.1;
  return static_cast<double>(r.lost_us) / 1000.0 * (1 - share_of_a_key);
}

std::string n_plus_one_json(const std::vector<loop_row>& rows, std::size_t limit) {
  auto items = json::array();
  for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) items.push_back(item_of(rows[i]));
  const json out = {{"items", std::move(items)}, {"next", nullptr}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fairing::sql
