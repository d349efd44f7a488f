// Point 1: database queries use indexes. From the index advice: plans of the templates that were seen,
// the catalogue, what-if indexes.
//   fail      an index is missing that was verified to take away at least half of its statements' cost
//   warn      any other finding: a smaller or unverified gain, unused, redundant or invalid indexes
//   pass      the advice ran on the templates seen and found nothing
//   not_seen  it has not run yet, or there is no sql plane
#include <fmt/format.h>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr double fail_gain = 0.5;

std::string columns_of(const index_fact& i) {
  std::string out;
  for (const auto& c : i.columns) out += fmt::format("{}{}", out.empty() ? "" : ", ", c);
  return out;
}

}  // namespace

point grade_indexes(const sql_evidence& sql) {
  constexpr std::string_view title = "Database queries use indexes";
  if (!sql.configured) return without_sql(1, title);
  point p{1, std::string(title), grade::not_seen, {}, {}};
  if (!sql.analysed) {
    p.evidence.emplace_back("the plans of the statements have not been looked at yet");
    if (!sql.advice_off.empty()) p.evidence.push_back(sql.advice_off);
    p.fix.emplace_back("# now, without waiting: fairing advise --postgres \"$DATABASE_URL\"");
    return p;
  }
  std::vector<finding> findings;
  for (const auto& i : sql.indexes) {
    finding f;
    f.severity = i.verified && i.gain >= fail_gain ? grade::fail : grade::warn;
    f.weight = i.gain;
    f.evidence = fmt::format("{} ({}): {}", i.table, columns_of(i), i.kind);
    if (i.gain > 0)
      f.evidence += fmt::format(", an index takes away {:.0f} % of the cost{}", 100 * i.gain,
                                i.verified ? "" : " (unverified)");
    else if (!i.verified)
      f.evidence += ", unverified";
    if (!i.size.empty()) f.evidence += ", " + i.size;
    f.fix = {i.statement};
    findings.push_back(std::move(f));
  }
  if (findings.empty()) {
    p.result = grade::pass;
    p.evidence.push_back(
        fmt::format("the plans of {} statements and the catalogue show nothing missing",
                    sql.templates_analysed));
  }
  conclude(p, std::move(findings));
  if (!sql.advice_off.empty())
    p.evidence.push_back("as of the last look; no new one: " + sql.advice_off);
  return p;
}

}  // namespace fairing::checklist
