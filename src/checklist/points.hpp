// points: each point's grading, one file a point, and the words they share.
//
// Flow:  grade_all calls each with the same snapshot and facts.
// A point collects findings (a row, its severity, one line of evidence, its fix), and conclude()
// sorts them and keeps the worst few. Threads: pure; any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checklist/evidence.hpp"
#include "checklist/jobs_evidence.hpp"
#include "checklist/report.hpp"
#include "checklist/sql_evidence.hpp"

namespace fairing::checklist {

using facts_span = std::span<const site_facts>;

[[nodiscard]] point grade_indexes(const sql_evidence& sql);     // 1
[[nodiscard]] point grade_n_plus_one(const sql_evidence& sql);  // 2
[[nodiscard]] point grade_pagination(const snapshot& seen, facts_span sites,
                                     const sql_evidence& sql = {});        // 3
[[nodiscard]] point grade_pooling(const sql_evidence& sql);                // 4
[[nodiscard]] point grade_cached(const snapshot& seen, facts_span sites);  // 5
[[nodiscard]] point grade_queued(const snapshot& seen, facts_span sites,
                                 const jobs_evidence& jobs = {});               // 6
[[nodiscard]] point grade_compression(const snapshot& seen, facts_span sites);  // 7
[[nodiscard]] point grade_timeouts(const snapshot& seen, facts_span sites,
                                   const sql_evidence& sql = {},
                                   const jobs_evidence& jobs = {});             // 8
[[nodiscard]] point grade_rate_limits(const snapshot& seen, facts_span sites);  // 9
[[nodiscard]] point grade_pool_monitoring(const sql_evidence& sql);             // 10

// A point that only the sql plane can grade, while there is none: how to add it.
[[nodiscard]] point without_sql(int number, std::string_view title);
// A template in a line of evidence: at most 160 bytes.
[[nodiscard]] std::string short_sql(std::string_view text);

// What was found on one row or site.
struct finding {
  grade severity = grade::warn;
  double weight = 0;  // within a severity the heaviest comes first
  std::string evidence;
  std::vector<std::string> fix;
};

inline constexpr std::size_t max_findings = 5;  // told of a point; the rest is counted

// Puts the findings into p: its grade, evidence and fixes. Leaves p alone if there are none.
void conclude(point& p, std::vector<finding> findings);

// The facts of a row's site; a plain site's if it is not among them.
[[nodiscard]] const site_facts& facts_of(const row& r, facts_span sites);
// The row stands for one route or path and has min_samples requests.
[[nodiscard]] bool is_graded(const row& r) noexcept;
// "12 of the 20 requests ..." for a point that has seen too little: the most of any row.
[[nodiscard]] std::string too_few(std::uint64_t seen, std::string_view what);

// The lines that give a row's route a key: a route of its own, or the key in the route it has.
// `yaml` is as in "cache: { ttl: 60s }".
[[nodiscard]] std::vector<std::string> route_fix(const row& r, std::string_view yaml);
// Text as a YAML scalar in flow style: plain where that is safe, else in double quotes.
[[nodiscard]] std::string yaml_text(std::string_view text);

// "1 client was", "3 clients were".
[[nodiscard]] std::string clients_were(std::uint64_t n);
[[nodiscard]] std::string show_us(std::int64_t us);  // "350 us", "12.3 ms", "1.50 s"
[[nodiscard]] std::string show_share(std::uint64_t part, std::uint64_t whole);  // "37 %"
[[nodiscard]] std::string show_row(const row& r,
                                   facts_span sites);  // with its site if there are several

}  // namespace fairing::checklist
