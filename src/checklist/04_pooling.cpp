// Point 4: connection pooling configured. From the sql plane's pools: their size against the formula and
// max_connections, and what clients waited.
//   fail      the instances together may open more than PostgreSQL takes, or clients were turned away
//   warn      tight; over twice the formula; or the 95th percentile of waits is over 100 ms
//   pass      every pool fits and nobody waits long
//   not_seen  no sql plane, or no client came yet
#include <fmt/format.h>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::int64_t long_wait_us = 100'000;

std::vector<std::string> size_fix(const pool_fact& f) {
  const auto size = f.advised_size != 0 ? f.advised_size : f.formula;
  std::vector<std::string> out = {"# sql:"};
  if (!f.advice.empty()) out.push_back("# " + f.advice);
  out.push_back(fmt::format("pool: {{ size: {} }}", size != 0 ? std::to_string(size) : "auto"));
  return out;
}

void judge(const pool_fact& f, std::vector<finding>& findings) {
  const auto add = [&](grade severity, double weight, std::string evidence) {
    findings.push_back({severity, weight, std::move(evidence), size_fix(f)});
  };
  if (f.fit == pool_fit::too_many) add(grade::fail, 2, fmt::format("{}: {}", f.name, f.fit_text));
  if (f.timeouts != 0)
    add(grade::fail, 1,
        fmt::format("{}: {} clients were turned away after waiting (SQLSTATE 53300)", f.name,
                    f.timeouts));
  if (f.fit == pool_fit::tight) add(grade::warn, 2, fmt::format("{}: {}", f.name, f.fit_text));
  if (f.leases >= min_samples && f.wait_p95_us > long_wait_us)
    add(grade::warn, 1,
        fmt::format("{}: {} of {} leases waited, the 95th percentile {}", f.name, f.waited,
                    f.leases, show_us(f.wait_p95_us)));
  if (f.formula != 0 && f.size > 2 * f.formula)
    add(grade::warn, 0,
        fmt::format(
            "{}: {} connections; the database's cores and disks bear {} (cores * 2 + spindles)",
            f.name, f.size, f.formula));
}

}  // namespace

point grade_pooling(const sql_evidence& sql) {
  constexpr std::string_view title = "Connection pooling configured";
  if (!sql.configured) return without_sql(4, title);
  point p{4, std::string(title), grade::not_seen, {}, {}};
  std::vector<finding> findings;
  for (const auto& f : sql.pools) judge(f, findings);
  if (sql.pools.empty()) {
    p.evidence.emplace_back("no client has connected yet");
    return p;
  }
  if (findings.empty()) {
    p.result = grade::pass;
    for (const auto& f : sql.pools) {
      if (p.evidence.size() == max_findings) break;
      p.evidence.push_back(
          fmt::format("{}: {} connections (formula {}); {} of {} leases waited, the 95th "
                      "percentile {}",
                      f.name, f.size, f.formula, f.waited, f.leases, show_us(f.wait_p95_us)));
    }
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
