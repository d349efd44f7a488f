// Point 3: all list endpoints are paginated. Seen in the answers: the longest JSON array at top
// level or one below.
//   warn  a row of at least 20 requests gave more than 100 elements
//   fail  ... more than 1,000
//   pass  a row gave 20 lists, and no row a long one
// Egress sites are left out: those lists are another service's. OFFSET needs the sql plane.
#include <fmt/format.h>

#include <algorithm>

#include "checklist/path_template.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {
constexpr std::uint32_t fail_over = 1000;
}

point grade_pagination(const snapshot& seen, facts_span sites) {
  point p{3, "All list endpoints are paginated", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  std::uint64_t most_lists = 0;
  for (const auto& r : seen.rows) {
    if (facts_of(r, sites).egress || r.method == row_method::not_of_path) continue;
    const auto& c = r.counts;
    most_lists = std::max(most_lists, c.lists);
    if (!is_graded(r) || c.long_lists == 0) continue;
    finding f;
    f.severity = c.longest_list > fail_over ? grade::fail : grade::warn;
    f.weight = c.longest_list;
    f.evidence = fmt::format("{}: up to {} elements in one answer; {} of {} lists had over {}",
                             show_row(r, sites), c.longest_list, c.long_lists, c.lists, long_list);
    const auto path = r.path.empty() ? r.label() : r.path;
    f.fix = {
        fmt::format("# in the backend, {}: give at most {} a page and the key of the next "
                    "page: ?limit=20&after=LAST_ID",
                    path, long_list),
        "# in SQL, by cursor and not by OFFSET: SELECT ... WHERE id > $1 ORDER BY id LIMIT 20"};
    findings.push_back(std::move(f));
  }
  if (findings.empty()) {
    if (most_lists >= min_samples) {
      p.result = grade::pass;
      p.evidence.push_back(fmt::format("no route gave a list of over {} elements", long_list));
    } else {
      p.evidence.push_back(too_few(most_lists, "JSON lists of one route"));
    }
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
