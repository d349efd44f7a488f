#include "checklist/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

// A point whose plane is not in this version.
point of_sql_plane(int number, std::string_view title) {
  return {number,
          std::string(title),
          grade::not_seen,
          {"needs the sql plane, which this version does not have"},
          {}};
}

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

report grade_all(const snapshot& seen, std::span<const site_facts> sites) {
  report r;
  if (bug_count() != 0) r.points.push_back(fairing_itself());
  r.points.push_back(of_sql_plane(1, "Database queries use indexes"));
  r.points.push_back(of_sql_plane(2, "No N+1 queries"));
  r.points.push_back(grade_pagination(seen, sites));
  r.points.push_back(of_sql_plane(4, "Connection pooling configured"));
  r.points.push_back(grade_cached(seen, sites));
  r.points.push_back(grade_queued(seen, sites));
  r.points.push_back(grade_compression(seen, sites));
  r.points.push_back(grade_timeouts(seen, sites));
  r.points.push_back(grade_rate_limits(seen, sites));
  r.points.push_back(of_sql_plane(10, "Database connection pool monitoring"));
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
