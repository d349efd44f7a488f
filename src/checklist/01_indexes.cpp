// Point 1: database queries use indexes. From the index advice: plans of the templates that were seen,
// the catalogue, what-if indexes.
//   fail      an index is missing that was verified to take away at least half of its statements' cost
//   warn      any other finding: a smaller or unverified gain, unused, redundant or invalid indexes
//   pass      the advice ran on the templates seen and found nothing
//   not_seen  it has not run yet, no template could be planned, or there is no sql plane
#include <fmt/format.h>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr double fail_gain = 0.5;

// "shop.t (n): statements look rows up by it, and no index serves that; an index takes away 90 % of the cost".
std::string sentence(const index_fact& i) {
  std::string out = i.table;
  if (!i.columns.empty()) out += fmt::format(" ({})", fmt::join(i.columns, ", "));
  out += ": " + i.fault;
  if (i.gain > 0)
    out += fmt::format("; an index takes away {:.0f} % of the cost{}", 100 * i.gain,
                       i.verified ? "" : " (unverified)");
  else if (!i.verified)
    out += "; not verified by a plan";
  if (!i.size.empty()) out += fmt::format("; it is {} large", i.size);
  return out;
}

// What the grade says nothing of.
void tell_missed(const sql_evidence& sql, point& p) {
  if (sql.templates_missed == 0) return;
  p.evidence.push_back(sql.first_missed);
  if (sql.templates_missed > 1)
    p.evidence.back() += fmt::format(" (and {} more: /v1/indexes)", sql.templates_missed - 1);
}

}  // namespace

point grade_indexes(const sql_evidence& sql) {
  constexpr std::string_view title = "Database queries use indexes";
  if (!sql.configured) return without_sql(1, title);
  point p{1, std::string(title), grade::not_seen, {}, {}};
  if (!sql.analysed || (sql.indexes.empty() && sql.templates_analysed == 0)) {
    p.evidence.emplace_back(sql.analysed
                                ? "no statement on a table of the application was planned yet"
                                : "the plans of the statements have not been looked at yet");
    tell_missed(sql, p);
    if (!sql.advice_off.empty()) p.evidence.push_back(sql.advice_off);
    p.fix.emplace_back("# now, without waiting: fairing advise --postgres \"$DATABASE_URL\"");
    return p;
  }
  std::vector<finding> findings;
  for (const auto& i : sql.indexes) {
    finding f;
    f.severity = i.verified && i.gain >= fail_gain ? grade::fail : grade::warn;
    f.weight = i.gain;
    f.evidence = sentence(i);
    if (!i.caution.empty()) f.fix.push_back("# " + i.caution);
    f.fix.push_back(i.statement);
    findings.push_back(std::move(f));
  }
  if (findings.empty()) {
    p.result = grade::pass;
    p.evidence.push_back(
        fmt::format("the plans of {} statements and the catalogue show nothing missing",
                    sql.templates_analysed));
  }
  conclude(p, std::move(findings));
  tell_missed(sql, p);
  if (!sql.advice_off.empty())
    p.evidence.push_back("as of the last look; no new one: " + sql.advice_off);
  return p;
}

}  // namespace fairing::checklist
