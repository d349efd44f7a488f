// Point 6: expensive operations offloaded to a queue. Seen in the durations.
//   warn  a row of at least 20 requests has a p95 of over 1 s
//   fail  ... over 3 s
//   pass  a row has 20 requests, and none is as slow
// Upgrades and event streams are not timed. Egress sites are left out: the request that waits for
// them is itself seen.
#include <fmt/format.h>

#include <algorithm>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::int64_t warn_over_us = 1'000'000;
constexpr std::int64_t fail_over_us = 3'000'000;

std::vector<std::string> fix_of(const row& r) {
  std::vector<std::string> fix;
  if (r.method == row_method::get && r.counts.state_changing == 0) {
    fix = route_fix(r, "cache: { ttl: 60s, stale_while_revalidate: 10m }");
    fix.insert(fix.begin(), "# where an answer of a minute ago is good enough, compute it once:");
  }
  fix.emplace_back(
      "# in the backend: put the work on a queue, answer 202 Accepted with a Location for its "
      "state, let a worker do it; attempts at 0 s, 1 min, 5 min, 30 min, then a dead letter");
  fix.emplace_back("# the jobs plane, which will do this by `async`, is not in this version");
  return fix;
}

}  // namespace

point grade_queued(const snapshot& seen, facts_span sites) {
  point p{6, "Expensive operations offloaded to queue", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  std::uint64_t most = 0;
  std::int64_t slowest_us = 0;
  for (const auto& r : seen.rows) {
    if (facts_of(r, sites).egress || r.method == row_method::not_of_path) continue;
    const auto& d = r.counts.durations;
    most = std::max(most, d.count());
    if (d.count() < min_samples) continue;
    const auto p95 = d.quantile(0.95);
    slowest_us = std::max(slowest_us, p95);
    if (p95 <= warn_over_us) continue;
    findings.push_back({p95 > fail_over_us ? grade::fail : grade::warn, static_cast<double>(p95),
                        fmt::format("{}: p50 {}, p95 {} over {} requests", show_row(r, sites),
                                    show_us(d.quantile(0.5)), show_us(p95), d.count()),
                        fix_of(r)});
  }
  if (findings.empty()) {
    if (most >= min_samples) {
      p.result = grade::pass;
      p.evidence.push_back(fmt::format("the slowest route has a p95 of {}", show_us(slowest_us)));
    } else {
      p.evidence.push_back(too_few(most, "requests of one route"));
    }
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
