// Point 10: database connection pool monitoring. The pools are measured by themselves; somebody has to
// look: /metrics must have been read lately, and an alarm on waits be set.
//   warn      /metrics was not read within five minutes
//   pass      it was
//   not_seen  no sql plane
// That an alarm exists cannot be seen from here; the rule to set is always among the fixes.
#include <fmt/format.h>

#include "base/units.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {
constexpr milliseconds lately{300'000};

// How Prometheus gets at /metrics; beyond loopback the admin asks for its token.
std::string scrape_fix(std::string admin) {
  if (admin.starts_with("unix:"))
    return "# Prometheus reads no unix socket: give admin.listen a port, and scrape /metrics there";
  const bool loopback = admin.starts_with("127.") || admin.starts_with("[::1]");
  for (const std::string_view any : {"0.0.0.0:", "[::]:"})
    if (admin.starts_with(any)) admin.replace(0, any.size() - 1, "THIS_HOST");
  return fmt::format(
      "# prometheus.yml: scrape_configs: [{{ job_name: fairing, {}static_configs: [{{ targets: "
      "[\"{}\"] }}] }}]",
      loopback ? "" : "authorization: { credentials_file: FILE_OF_THE_ADMIN_TOKEN }, ", admin);
}

}  // namespace

point grade_pool_monitoring(const sql_evidence& sql) {
  constexpr std::string_view title = "Database connection pool monitoring";
  if (!sql.configured) return without_sql(10, title);
  point p{10, std::string(title), grade::warn, {}, {}};
  if (sql.since_scrape && *sql.since_scrape <= lately) {
    p.result = grade::pass;
    p.evidence.push_back(
        fmt::format("/metrics was read {} ago", format_duration(*sql.since_scrape)));
  } else {
    p.evidence.push_back(sql.since_scrape ? fmt::format("/metrics was last read {} ago",
                                                        format_duration(*sql.since_scrape))
                                          : std::string("/metrics was never read"));
    p.fix.push_back(scrape_fix(sql.admin));
  }
  for (const auto& f : sql.pools) {
    if (p.evidence.size() > max_findings) break;
    p.evidence.push_back(fmt::format("{}: {} of {} leases waited, {} turned away for want of room",
                                     f.name, f.waited, f.leases, clients_were(f.timeouts)));
  }
  p.fix.emplace_back(
      "# alarm: histogram_quantile(0.95, rate(fairing_pool_wait_seconds_bucket[5m])) > 0.1, "
      "and increase(fairing_pool_refused_total[5m]) > 0");
  return p;
}

}  // namespace fairing::checklist
