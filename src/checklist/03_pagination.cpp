// Point 3: all list endpoints are paginated. Seen in the answers: the longest JSON array at top
// level or one below; and in SQL: deep OFFSETs, and SELECTs that return everything.
//   warn  a row of at least 20 requests gave more than 100 elements
//   fail  ... more than 1,000
//   warn  a template pages by OFFSET on a table of over 10,000 rows, or by a deep one where the rows are
//         not known; or it gave over 10,000 rows without LIMIT
//   fail  ... OFFSET 10,000 or more, or over 100,000 rows
//   pass  a row gave 20 lists, and no row a long one; or 20 SELECTs of the sql plane
// Egress sites are left out: those lists are another service's.
#include <fmt/format.h>

#include <algorithm>

#include "checklist/path_template.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::uint32_t fail_over = 1000;
constexpr std::int64_t fail_offset = 10'000;
constexpr std::uint64_t fail_rows = 100'000;
constexpr std::uint64_t large_table = 10'000;

finding of_page(const page_fact& f) {
  finding out;
  const bool worst = f.unbounded ? f.most_rows > fail_rows : f.deepest >= fail_offset;
  out.severity = worst ? grade::fail : grade::warn;
  out.weight = f.unbounded ? static_cast<double>(f.most_rows) : static_cast<double>(f.deepest);
  out.evidence =
      f.unbounded
          ? fmt::format("{}: {} rows in one answer, without LIMIT", short_sql(f.text), f.most_rows)
          : fmt::format(
                "{}: OFFSET up to {} in {} executions{}: all rows before are read and "
                "thrown away",
                short_sql(f.text), f.deepest, f.executions,
                f.table_rows ? fmt::format(", on a table of {} rows", *f.table_rows) : "");
  if (f.keyless)
    out.fix = {
        "# the table has no key that tells its rows apart: add a primary key, then page by it: "
        "WHERE key > $1 ORDER BY key LIMIT 100"};
  else if (f.unbounded)
    out.fix = {"# in SQL: ORDER BY id LIMIT 100, and the last id as the next page's start"};
  else if (!f.keyset.empty())
    out.fix = {"# by keyset, with the last row's values: " + f.keyset};
  else
    out.fix = {
        "# in SQL, by cursor and not by OFFSET: SELECT ... WHERE id > $1 ORDER BY id LIMIT 20"};
  return out;
}

}  // namespace

point grade_pagination(const snapshot& seen, facts_span sites, const sql_evidence& sql) {
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
  for (const auto& f : sql.pages) {
    const bool small = !f.unbounded && f.table_rows && *f.table_rows < large_table;
    if (!small) findings.push_back(of_page(f));
  }
  if (findings.empty()) {
    const bool lists = most_lists >= min_samples;
    const bool reads = sql.configured && sql.reads >= min_samples;
    if (lists || reads) p.result = grade::pass;
    if (lists)
      p.evidence.push_back(fmt::format("no route gave a list of over {} elements", long_list));
    else
      p.evidence.push_back(too_few(most_lists, "JSON lists of one route"));
    if (reads) p.evidence.push_back(fmt::format("no deep OFFSET in {} SELECTs", sql.reads));
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
