// search: tries candidates on the planner. Part of advisor; not for others.
//
// Flow:  index_search s(catalogue, database, limits, out);
//        s.plan_all(workload);  s.try_all();  s.merge();  s.confirm();   // then s.chosen()
// Threads: one.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "advise/indexes/advisor.hpp"

namespace fairing::advise::indexes {

// A statement with the plan it has today.
struct planned_statement {
  statement_facts facts;
  plan today;
  double calls = 1;
  const foreign_key* key = nullptr;  // the server's own look-up for it
};

// An index that is worth its while, and for whom.
struct choice {
  candidate index;
  double before = 0, after = 0;  // planner's cost for the statement that gains most
  double saved = 0;              // over all calls
  std::uint64_t bytes = 0;
  bool tried = false;
  std::vector<std::size_t> statements;  // the best first
};

class index_search {
 public:
  index_search(const catalogue& c, planner& database, const advice_limits& limits, advice& out)
      : catalogue_(c), database_(database), limits_(limits), out_(out) {}

  void plan_all(std::span<const workload_statement> workload);
  void add_foreign_keys(const std::vector<foreign_key>& keys);
  void try_all();
  void merge();
  void confirm();
  [[nodiscard]] std::vector<choice>& chosen() noexcept { return chosen_; }
  [[nodiscard]] const std::vector<planned_statement>& statements() const noexcept {
    return statements_;
  }

 private:
  struct trial {
    const candidate* of = nullptr;
    double cost = 0;
    std::uint64_t bytes = 0;
  };

  void note(std::string text);
  void not_analysed(const std::string& statement, const std::string& why);
  [[nodiscard]] bool may_plan() noexcept { return ++plans_ <= limits_.max_plans; }
  [[nodiscard]] std::vector<candidate> wanted(const planned_statement& s) const;
  void try_one(std::size_t statement);
  [[nodiscard]] std::optional<trial> best_of(const planned_statement& s, double before,
                                             const std::vector<candidate>& all,
                                             const std::vector<std::string>& kept);
  void restore(const std::vector<std::string>& kept);
  void guess_one(std::size_t statement);
  void choose(const candidate& k, std::size_t statement, double before, double after,
              std::uint64_t bytes, bool tried);
  [[nodiscard]] double table_cost(std::uint32_t table) const;
  void reject(const candidate& k, const planned_statement& s, const std::string& why);

  const catalogue& catalogue_;
  planner& database_;
  const advice_limits& limits_;
  advice& out_;
  std::vector<planned_statement> statements_;
  std::vector<foreign_key> keys_;
  std::vector<choice> chosen_;
  std::set<std::string> rejected_;
  std::size_t plans_ = 0;
  bool told_limit_ = false;
};

}  // namespace fairing::advise::indexes
