// advise_report: advice as text for a terminal and as JSON.
//
// Flow:  report r{.server = "PostgreSQL 15.18, HypoPG 1.3.1", .advice = ..};  text_of(r)  json_of(r)
// Names and statements come from the database: control characters are taken out.
// Threads: pure.
#pragma once

#include <string>
#include <vector>

#include "advise/indexes/advisor.hpp"

namespace fairing::app::advise {

namespace indexes = fairing::advise::indexes;

// A statement that was run, by --analyze.
struct measured {
  std::string statement;
  indexes::plan plan;
};

struct report {
  std::string server;
  std::string planner;  // which what-if there is, or how to have it
  indexes::advice advice;
  std::vector<measured> measured;

  [[nodiscard]] bool nothing_analysed() const noexcept {
    return advice.statements > 0 && advice.not_analysed >= advice.statements;
  }
};

[[nodiscard]] std::string text_of(const report& r);
[[nodiscard]] std::string json_of(const report& r);

}  // namespace fairing::app::advise
