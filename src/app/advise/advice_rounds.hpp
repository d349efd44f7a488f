// advice_rounds: when the running instance asks the database for index advice, and about what.
//
// Problem: plans cost the database something, so they are made only when there is news: a heavy statement
// that was not planned yet, an index that came or went, or an hour in which the tables may have grown.
//
// Flow (a round):  if (!rounds.due(calls)) return;             // no statement since the last round
//                  ... connect, read the mark ...
//                  if (rounds.news(now, statements, mark)) { ... advise ...; rounds.advised(now, statements, mark); }
// Lifecycle: one an instance. Threads: one. Pure: time is an argument.
// Bounds: the statements of the last advice.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "advise/indexes/advisor.hpp"
#include "base/clock.hpp"

namespace fairing::app::advise {

namespace indexes = fairing::advise::indexes;

class advice_rounds {
 public:
  static constexpr std::chrono::minutes refresh{60};

  // `calls`: of all statements since the start. True at the first time, and whenever there were more.
  [[nodiscard]] bool due(std::uint64_t calls) noexcept;
  [[nodiscard]] bool news(mono_time now, const std::vector<indexes::workload_statement>& statements,
                          const std::string& mark) const;
  void advised(mono_time now, const std::vector<indexes::workload_statement>& statements,
               const std::string& mark);

 private:
  bool first_ = true;
  std::uint64_t calls_ = 0;
  bool any_ = false;
  mono_time at_{};
  std::string mark_;
  std::set<std::string> planned_;
};

// A statement's template as insight has it.
struct seen_template {
  std::string text;
  std::string kind;  // select, insert ...
  double calls = 0;
  double total_ms = 0;
};
// Those worth a plan, the heaviest first: not what is cut ("...") or is no statement on rows.
[[nodiscard]] std::vector<indexes::workload_statement> heaviest(std::vector<seen_template> seen,
                                                                std::size_t most);

}  // namespace fairing::app::advise
