// report: the handbook's ten points, graded from what the planes saw: GET /v1/checklist.
//
// Flow:  to_json(grade_all(evidence.take(), facts))
// Every point is there, in order; one number 0, "Fairing itself", only when a FAIRING_BUG was hit.
// A point's grade is that of its worst finding; evidence begins with the worst. Fix lines are YAML
// for fairing.yaml: lines that begin with `#` say where they belong, or what to do elsewhere.
// Threads: pure but for bug_count(); any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checklist/evidence.hpp"
#include "checklist/jobs_evidence.hpp"
#include "checklist/sql_evidence.hpp"

namespace fairing::checklist {

enum class grade : std::uint8_t {
  not_seen,  // too little traffic, or the plane that would see it is not there
  pass,      // seen, and as the handbook wants it
  warn,      // worth mending
  fail,      // against the handbook
};
[[nodiscard]] std::string_view to_string(grade g) noexcept;

struct point {
  int number = 0;
  std::string title;
  grade result = grade::not_seen;
  std::vector<std::string> evidence;
  std::vector<std::string> fix;
};

struct report {
  std::vector<point> points;
};

// Requests of a row before anything is said of it.
inline constexpr std::uint64_t min_samples = 20;

// `sql`, `jobs`: nothing of them is graded unless they are configured.
[[nodiscard]] report grade_all(const snapshot& seen, std::span<const site_facts> sites,
                               const sql_evidence& sql = {}, const jobs_evidence& jobs = {});

// {"points":[{"number":1,"title":"...","grade":"not_seen","evidence":[],"fix":[]}, ...]}
[[nodiscard]] std::string to_json(const report& r);

}  // namespace fairing::checklist
