// Point 7: response compression enabled. Seen in answers of a compressible type, from 1 KiB, to
// clients that asked for a coding.
//   warn  over 5 % of at least 20 such answers left uncompressed
//   fail  over 50 %
//   pass  20 such answers, and at most 5 % uncompressed
// Counted over all rows; egress sites are left out.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr double warn_share = 0.05;
constexpr double fail_share = 0.5;

finding describe(const row& r, facts_span sites, grade severity) {
  const auto& c = r.counts;
  const auto& site = facts_of(r, sites);
  finding f;
  f.severity = severity;
  f.weight = static_cast<double>(c.plain_bytes);
  f.evidence = fmt::format("{}: {} of {} compressible answers left uncompressed, {:.1f} KB each",
                           show_row(r, sites), c.plain_answers, c.plain_answers + c.encoded_answers,
                           static_cast<double>(c.plain_bytes) / 1e3 /
                               static_cast<double>(std::max<std::uint64_t>(c.plain_answers, 1)));
  if (!site.compression) {
    f.fix = {fmt::format("# http, site {}:", yaml_text(r.site)),
             "compression: { enabled: true, min_size: 1KiB, encodings: [zstd, br, gzip] }"};
  } else if (r.path.empty() && !r.route.empty()) {
    f.fix = route_fix(r, "compression: true");
  } else {
    f.fix = {
        fmt::format("# in the backend, {}: do not answer Cache-Control: no-transform", r.label()),
        fmt::format("# http, site {}: compression.min_size at most 1KiB", yaml_text(r.site))};
  }
  return f;
}

}  // namespace

point grade_compression(const snapshot& seen, facts_span sites) {
  point p{7, "Response compression enabled", grade::not_seen, {}, {}};
  row_counts all;
  for (const auto& r : seen.rows)
    if (!facts_of(r, sites).egress) all.merge(r.counts);
  const auto eligible = all.plain_answers + all.encoded_answers;
  if (eligible < min_samples) {
    p.evidence.push_back(
        too_few(eligible, "compressible answers of 1 KiB or more to clients that asked"));
    for (const auto& s : sites)
      if (!s.compression && !s.egress)
        p.evidence.push_back(fmt::format("compression is off for site {}", s.name));
    return p;
  }
  const auto share = static_cast<double>(all.plain_answers) / static_cast<double>(eligible);
  const auto summary =
      fmt::format("{} of {} eligible answers ({}) left uncompressed, {}", all.plain_answers,
                  eligible, show_share(all.plain_answers, eligible),
                  fmt::format("{:.1f} MB", static_cast<double>(all.plain_bytes) / 1e6));
  p.evidence.push_back(summary);
  p.result = grade::pass;
  if (share <= warn_share) return p;
  const auto severity = share > fail_share ? grade::fail : grade::warn;
  std::vector<finding> findings;
  for (const auto& r : seen.rows)
    if (r.counts.plain_answers > 0 && !facts_of(r, sites).egress)
      findings.push_back(describe(r, sites, severity));
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
