// Point 2: no N+1 queries. From the loops whose parameter was seen to run down a column of an earlier
// result.
//   fail      a loop of 20 statements or more, or loops that cost over a second in all
//   warn      any other loop
//   pass      20 SELECTs seen, and no loop
//   not_seen  fewer, detection off, or no sql plane
#include <fmt/format.h>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {
constexpr std::uint32_t fail_longest = 20;
constexpr double fail_lost_ms = 1000;
}  // namespace

point grade_n_plus_one(const sql_evidence& sql) {
  constexpr std::string_view title = "No N+1 queries";
  if (!sql.configured) return without_sql(2, title);
  point p{2, std::string(title), grade::not_seen, {}, {}};
  if (!sql.detect) {
    p.evidence.emplace_back("detection is off");
    p.fix = {"# sql:", "n_plus_one: { detect: true }"};
    return p;
  }
  std::vector<finding> findings;
  for (const auto& l : sql.loops) {
    finding f;
    f.severity = l.longest >= fail_longest || l.lost_ms >= fail_lost_ms ? grade::fail : grade::warn;
    f.weight = l.lost_ms;
    f.evidence = fmt::format(
        "{}: {} times in {} loop{} (longest {}), once for each `{}` of {}; {} round trips and "
        "{:.1f} ms "
        "lost",
        short_sql(l.text), l.executions, l.loops, l.loops == 1 ? "" : "s", l.longest, l.column,
        short_sql(l.source), l.executions - l.loops, l.lost_ms);
    if (!l.batched_sql.empty()) f.fix.push_back("# in one statement: " + l.batched_sql);
    if (!l.eager.empty()) f.fix.push_back("# in the backend, " + l.eager);
    findings.push_back(std::move(f));
  }
  if (findings.empty()) {
    if (sql.reads >= min_samples) {
      p.result = grade::pass;
      p.evidence.push_back(fmt::format("no loop in {} SELECTs", sql.reads));
    } else {
      p.evidence.push_back(too_few(sql.reads, "SELECTs"));
    }
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
