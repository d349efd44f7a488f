#include "app/sql_advice.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/config/postgres_url.hpp"
#include "base/log.hpp"

namespace fairing::app {

namespace {

using json = nlohmann::ordered_json;
namespace findings = fairing::advise::indexes;

constexpr std::size_t statements_a_round = 50;

// Debian's and most others' bundle: libpq 15 has no word for "the system's".
constexpr const char* system_roots = "/etc/ssl/certs/ca-certificates.crt";

// The database that the clients use most, where the configuration leaves it to them.
std::string busiest_database(const std::vector<sql::pool_report>& pools) {
  const auto most = std::ranges::max_element(pools, {}, &sql::pool_report::leases);
  return most == pools.end() ? std::string() : most->database;
}

// The upstream's user, or else the first of sql.users whose password is known.
bool choose_user(sql::upstream_url& to, const sql::sql_config& c) {
  if (!to.user.empty()) return true;
  const auto known =
      std::ranges::find_if(c.users, [](const sql::user_config& u) { return !u.password.empty(); });
  if (known == c.users.end()) return false;
  to.user = known->name;
  to.password = known->password;
  return true;
}

advise::live_workload workload_of(const sql::sql_plane& plane, const std::string& database) {
  advise::live_workload out;
  std::vector<advise::seen_template> seen;
  for (const auto& r : plane.queries()) {
    if (std::ranges::find(r.databases, database) == r.databases.end()) continue;
    out.calls += r.counts.count;
    seen.push_back({r.text, r.kind, static_cast<double>(r.counts.count),
                    static_cast<double>(r.counts.total_us) / 1000});
  }
  out.statements = advise::heaviest(std::move(seen), statements_a_round);
  return out;
}

// At the start and whenever it changes.
void tell_fit(const pool::size_verdict& v, log::once_per_change<int>& before) {
  if (!before.changed(static_cast<int>(v.level))) return;
  if (v.level == pool::size_level::fits)
    log::info("pool_fits_max_connections", {{"numbers", v.text}});
  else
    log::warn("pool_against_max_connections", {{"numbers", v.text}});
}

}  // namespace

advise::live_settings advice_settings(const sql::sql_config& c,
                                      const std::vector<sql::pool_report>& pools) {
  advise::live_settings out;
  out.every = c.advise.every;
  if (!c.advise.run) {
    out.why_off = "sql.advise is off";
    return out;
  }
  auto to = c.upstream;
  if (!choose_user(to, c)) {
    out.why_off =
        "sql.upstream has no user and password, and no user of sql.users has a password: there is "
        "nobody to ask as; give sql.upstream one that may read the catalogue";
    return out;
  }
  if (to.database.empty()) to.database = busiest_database(pools);
  if (to.database.empty()) {
    out.why_off = "sql.upstream names no database, and no client has chosen one yet";
    return out;
  }
  const bool verifies = to.ssl == sql::ssl_mode::verify_ca || to.ssl == sql::ssl_mode::verify_full;
  if (verifies && to.ssl_root.empty()) to.ssl_root = system_roots;
  out.url = config::to_text(to, config::password_shown::whole);
  out.database = to.database;
  out.our_users.push_back(to.user);
  for (const auto& u : c.users) out.our_users.push_back(u.name);
  for (const auto& p : pools) out.our_users.push_back(p.user);
  std::ranges::sort(out.our_users);
  out.our_users.erase(std::ranges::unique(out.our_users).begin(), out.our_users.end());
  return out;
}

std::optional<pool::size_verdict> fit_of(const std::optional<advise::connection_room>& room,
                                         const sql::sql_config& c, std::uint32_t size) {
  if (!room) return std::nullopt;
  return pool::check_size({.instances = c.pool.instances,
                           .size = size,
                           .beside = c.advise.run ? 1U : 0U,
                           .max_connections = room->max_connections,
                           .reserved = room->reserved,
                           .others = room->others});
}

std::unique_ptr<advise::live_advisor> advise_live(const sql::sql_plane& plane) {
  auto told = std::make_shared<log::once_per_change<int>>(-1);
  return std::make_unique<advise::live_advisor>(advise::live_hooks{
      .settings = [&plane] { return advice_settings(plane.config(), plane.pools()); },
      .workload = [&plane](const std::string& database) { return workload_of(plane, database); },
      .on_room =
          [&plane, told](const advise::connection_room& room) {
            const auto fit = fit_of(room, plane.config(), plane.pool_size());
            if (fit) tell_fit(*fit, *told);
          }});
}

std::vector<metrics::registry::guard> advice_metrics(metrics::registry& r,
                                                     const advise::live_advisor& a) {
  std::vector<metrics::registry::guard> out;
  for (std::size_t i = 0; i < advise::round_outcomes; ++i) {
    const auto o = static_cast<advise::round_outcome>(i);
    out.push_back(r.add_callback("fairing_index_advice_rounds_total",
                                 "Rounds of the live index advice, by how they ended", "counter",
                                 {{"plane", "sql"}, {"outcome", std::string(name_of(o))}},
                                 [&a, o] { return static_cast<double>(a.rounds(o)); }));
  }
  for (std::size_t i = 0; i < findings::finding_kinds; ++i) {
    const auto k = static_cast<findings::finding_kind>(i);
    out.push_back(r.add_callback("fairing_index_advice_findings",
                                 "What the last round found, by kind", "gauge",
                                 {{"plane", "sql"}, {"kind", std::string(name_of(k))}}, [&a, k] {
                                   const auto latest = a.latest();
                                   return static_cast<double>(std::ranges::count(
                                       latest->found.findings, k, &findings::finding::kind));
                                 }));
  }
  return out;
}

void tell_tables(const advise::live_advice& a, sql::template_row& r) {
  if (!a.is_of(r.databases)) return;
  r.table_rows = a.rows_of(r.tables);
  r.key = a.key_of(r.tables);
}

std::string indexes_json(const advise::live_advice& a, std::size_t limit) {
  auto items = json::array();
  for (std::size_t i = 0; i < std::min(limit, a.found.findings.size()); ++i)
    items.emplace_back(json_of(a.found.findings[i]));
  json out = {{"items", std::move(items)},
              {"next", nullptr},
              {"on", !a.off},
              {"why", nullptr},
              {"advised", nullptr},
              {"server", a.server},
              {"planner", a.planner},
              {"statements",
               {{"given", a.found.statements},
                {"planned", a.found.planned},
                {"not_analysed", a.found.not_analysed}}},
              {"notes", a.found.notes}};
  if (!a.why.empty()) out["why"] = a.why;
  if (a.advised) out["advised"] = a.advised_at.time_since_epoch().count();
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fairing::app
