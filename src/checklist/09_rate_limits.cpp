// Point 9: rate limiting to prevent abuse. Seen in rows of at least 20 requests, none of which was
// on a route with a limit.
//   fail  state-changing, on a login-like path (login, signin, password, token, otp)
//   warn  state-changing otherwise, or costly: p95 over 500 ms
//   pass  such rows were seen, and all have a limit
// Egress sites are left out: their client is the backend.
#include <fmt/format.h>

#include <algorithm>

#include "checklist/path_template.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::int64_t costly_us = 500'000;

// The path of a row: its template, or that of its route's `match`.
std::string_view path_of(const row& r) {
  if (!r.path.empty()) return r.path;
  const std::string_view match = r.route;
  return match.substr(std::min(match.find('/'), match.size()));
}

finding describe(const row& r, facts_span sites, bool changes, std::int64_t p95) {
  finding f;
  f.weight = static_cast<double>(r.counts.requests);
  const bool login = changes && is_login_like(path_of(r));
  f.severity = login ? grade::fail : grade::warn;
  const auto why = login     ? std::string("secrets are tried here")
                   : changes ? std::string("changes state")
                             : fmt::format("costs {} at p95", show_us(p95));
  f.evidence = fmt::format("{}: {} requests without a rate limit; {}", show_row(r, sites),
                           r.counts.requests, why);
  f.fix = route_fix(r, login     ? "rate_limit: { rate: 10/m, burst: 5, key: ip }"
                       : changes ? "rate_limit: { rate: 60/m, burst: 20, key: ip }"
                                 : "rate_limit: { rate: 30/m, burst: 10, key: ip }");
  return f;
}

}  // namespace

point grade_rate_limits(const snapshot& seen, facts_span sites) {
  point p{9, "Rate limiting to prevent abuse", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  std::uint64_t most = 0;
  std::size_t limited = 0;
  for (const auto& r : seen.rows) {
    if (facts_of(r, sites).egress || r.method == row_method::not_of_path) continue;
    const auto& c = r.counts;
    most = std::max(most, c.requests);
    if (!is_graded(r)) continue;
    const bool changes = c.state_changing * 2 > c.requests;
    const auto p95 = c.durations.count() >= min_samples ? c.durations.quantile(0.95) : 0;
    if (!changes && p95 <= costly_us) continue;
    if (c.limited > 0)
      ++limited;
    else
      findings.push_back(describe(r, sites, changes, p95));
  }
  const bool any = !findings.empty();
  conclude(p, std::move(findings));
  if (!any && limited > 0) {
    p.result = grade::pass;
    p.evidence.push_back(
        fmt::format("all {} routes seen that change state or are costly have a limit", limited));
  } else if (!any) {
    p.evidence.push_back(most < min_samples
                             ? too_few(most, "requests of one route")
                             : fmt::format("no route was seen {} times that changes state or has a "
                                           "p95 over {}",
                                           min_samples, show_us(costly_us)));
  }
  for (const auto& s : sites)
    for (const auto& route : s.rate_limited_routes)
      if (p.evidence.size() < 2 * max_findings)
        p.evidence.push_back(fmt::format("limited: {}", route));
  return p;
}

}  // namespace fairing::checklist
