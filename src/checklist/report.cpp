#include "checklist/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

point fairing_itself() {
  point p{0, "Fairing itself", grade::fail, {}, {}};
  p.evidence.push_back(
      fmt::format("{} internal faults since the start, each taken by its safe path", bug_count()));
  for (const auto& bug : bugs()) {
    const auto file = bug.file.substr(bug.file.rfind('/') + 1);
    p.evidence.push_back(fmt::format("{} at {}:{}, {} times", bug.name, file, bug.line, bug.count));
    if (p.evidence.size() > max_findings) break;
  }
  p.fix.emplace_back("# report these lines and the log's \"bug\" entries to Fairing's developers");
  return p;
}

}  // namespace

std::string_view to_string(grade g) noexcept {
  switch (g) {
    case grade::not_seen:
      return "not_seen";
    case grade::pass:
      return "pass";
    case grade::warn:
      return "warn";
    case grade::fail:
      return "fail";
  }
  return "not_seen";
}

report grade_all(const snapshot& seen, std::span<const site_facts> sites, const sql_evidence& sql,
                 const jobs_evidence& jobs) {
  report r;
  if (bug_count() != 0) r.points.push_back(fairing_itself());
  r.points.push_back(grade_indexes(sql));
  r.points.push_back(grade_n_plus_one(sql));
  r.points.push_back(grade_pagination(seen, sites, sql));
  r.points.push_back(grade_pooling(sql));
  r.points.push_back(grade_cached(seen, sites));
  r.points.push_back(grade_queued(seen, sites, jobs));
  r.points.push_back(grade_compression(seen, sites));
  r.points.push_back(grade_timeouts(seen, sites, sql, jobs));
  r.points.push_back(grade_rate_limits(seen, sites));
  r.points.push_back(grade_pool_monitoring(sql));
  return r;
}

std::string to_json(const report& r) {
  using json = nlohmann::ordered_json;
  auto points = json::array();
  for (const auto& p : r.points)
    points.push_back({{"number", p.number},
                      {"title", p.title},
                      {"grade", to_string(p.result)},
                      {"evidence", p.evidence},
                      {"fix", p.fix}});
  const json out = {{"points", std::move(points)}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);  // paths may hold any bytes
}

}  // namespace fairing::checklist
