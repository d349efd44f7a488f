// advisor: from a workload and a catalogue to index advice, each piece tried on the planner.
//
// Problem: an index that looks right may not be used, and each one costs at every write. So every
// candidate is made hypothetically, the statement planned again, and only what the planner uses and
// what saves enough is told.
//
// Flow:  advice a = give_advice(catalogue, workload, planner, limits);
//        for (const auto& f : a.findings) ...       // those that save most first
// `planner` is the database: explain() plans without running, create() makes an index that exists for this
// session only. Where it can make none, findings from plans are `unverified`.
//
// How: (1) each statement is planned; (2) its candidates are tried one by one; of those within 10 % of the
// best the shortest wins; a second one may follow for another table; (3) an index that is the beginning of
// another is left out; (4) all that is left is made at once and every statement planned again: what no
// plan uses is not told. Foreign keys are tried on the look-up the server itself makes when a parent row goes.
// Bounds: limits. Threads: one; blocks as long as its planner does.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "advise/indexes/candidate.hpp"
#include "advise/indexes/catalogue.hpp"
#include "advise/indexes/finding.hpp"
#include "advise/indexes/plan.hpp"
#include "advise/indexes/statement.hpp"
#include "base/result.hpp"

namespace fairing::advise::indexes {

struct workload_statement {
  std::string text;
  double calls = 1;
  double total_ms = -1;  // -1: not known
};

struct hypothetical {
  std::string name;  // as plans call it
  std::uint64_t bytes = 0;
};

class planner {
 public:
  // Plans, never runs. Parameters stay unknown (a generic plan).
  [[nodiscard]] virtual result<plan> explain(const statement_facts& s) = 0;
  [[nodiscard]] virtual bool can_try() const = 0;
  [[nodiscard]] virtual result<hypothetical> create(const std::string& create_sql) = 0;
  virtual void clear() = 0;  // all that were created

 protected:
  ~planner() = default;
};

struct advice_limits {
  double least_gain = 0.30;         // of a statement's cost
  double least_table_share = 0.05;  // saved, of the cost of all statements on that table
  double unused_days = 30;
  std::size_t max_plans = 4000;
  std::size_t max_notes = 20;
};

struct advice {
  std::vector<finding> findings;
  std::vector<finding> rejected;   // candidates that the planner would not use, `verified` no
  std::vector<std::string> notes;  // what could not be looked at, and why
  std::size_t statements = 0;
  std::size_t planned = 0;
  std::size_t not_analysed = 0;  // of the statements: notes say which and why
};

[[nodiscard]] advice give_advice(const catalogue& c, std::span<const workload_statement> workload,
                                 planner& database, const advice_limits& limits = {});

}  // namespace fairing::advise::indexes
