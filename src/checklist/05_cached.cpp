// Point 5: caching for frequently accessed data. Seen by the shadow measure: GETs that the backend
// answered 200 with the very bytes it gave for the same URL within the last 60 seconds.
//   warn  over 20 % of a row's measured answers (at least 20) were repeats, and they took the
//         backend at least 100 ms a minute
//   fail  over 50 %, and at least 1 s a minute
//   pass  20 GETs of a row were measured or served by a cache, and no row is as above
#include <fmt/format.h>

#include <algorithm>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr double warn_share = 0.2;
constexpr double fail_share = 0.5;
constexpr double warn_us_a_minute = 100e3;
constexpr double fail_us_a_minute = 1e6;

// Over the time that was seen, at least a second of it.
double a_minute(double sum, const snapshot& seen) {
  return sum * 60'000.0 / std::max(1000.0, static_cast<double>(seen.span.count()));
}

finding describe(const row& r, const snapshot& seen, facts_span sites, double us_a_minute) {
  const auto& c = r.counts;
  finding f;
  f.weight = us_a_minute;
  f.evidence = fmt::format(
      "{}: {} of {} answers of the backend ({}) repeated the one of at most 60 s before; a cache "
      "would have saved {:.0f} requests and {} of backend time a minute",
      show_row(r, sites), c.repeats, c.measured, show_share(c.repeats, c.measured),
      a_minute(static_cast<double>(c.repeats), seen),
      show_us(static_cast<std::int64_t>(us_a_minute)));
  if (c.changed > 0) f.evidence += fmt::format("; {} times it had changed within 60 s", c.changed);
  // One that changes is given a lifetime in which it seldom does.
  const bool steady = c.changed * 20 < c.repeats;
  f.fix = route_fix(
      r, fmt::format("cache: {{ ttl: {}, stale_while_revalidate: 10s }}", steady ? "60s" : "5s"));
  f.fix.push_back(
      "# only if all clients may get the same answer; no-store, private and Set-Cookie of the "
      "backend still win, `fairing explain URL` tells why an answer is not kept");
  return f;
}

}  // namespace

point grade_cached(const snapshot& seen, facts_span sites) {
  point p{5, "Caching for frequently accessed data", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  std::uint64_t most = 0;
  std::uint64_t gets = 0;
  std::uint64_t by_tier = 0;
  for (const auto& r : seen.rows) {
    const auto& c = r.counts;
    by_tier += c.by_tier;
    if (r.method == row_method::get) gets += c.requests;
    if (r.method == row_method::not_of_path) continue;
    most = std::max(most, c.measured + c.by_tier);
    if (!is_graded(r) || c.measured < min_samples) continue;
    const auto share = static_cast<double>(c.repeats) / static_cast<double>(c.measured);
    const auto us_a_minute = a_minute(static_cast<double>(c.repeats_us), seen);
    if (share <= warn_share || us_a_minute < warn_us_a_minute) continue;
    auto f = describe(r, seen, sites, us_a_minute);
    f.severity = share > fail_share && us_a_minute >= fail_us_a_minute ? grade::fail : grade::warn;
    findings.push_back(std::move(f));
  }
  const bool any = !findings.empty();
  conclude(p, std::move(findings));
  for (const auto& s : sites)
    if (any && !s.cache)
      p.fix.push_back(fmt::format("# http, site {}: its cache.mode is not on", yaml_text(s.name)));
  if (!any && most < min_samples) {
    p.evidence.push_back(too_few(most, "GETs of one route"));
    return p;
  }
  if (!any) {
    p.result = grade::pass;
    p.evidence.emplace_back(
        "no route repeats the backend's answers often enough for a cache to matter");
  }
  p.evidence.push_back(fmt::format("a cache served {} of {} GETs ({})", std::min(by_tier, gets),
                                   gets, show_share(std::min(by_tier, gets), gets)));
  return p;
}

}  // namespace fairing::checklist
