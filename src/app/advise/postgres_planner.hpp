// postgres_planner: plans on PostgreSQL, with hypothetical indexes where HypoPG is there.
//
// Problem: what a parameter will be is not known, so the plan must be the generic one; and HypoPG does not
// drop cached plans, so each is prepared anew.
//
// Flow:  postgres_planner p(connection);  p.look();   // finds HypoPG; it is never created by us
//        p.explain(facts);  p.create("CREATE INDEX ON t (a)");  p.clear();
//        p.analyze(facts)    // runs it: only on demand, read only, rolled back, with a time limit
// Rate: at most 200 plans a second. Threads: the connection's; blocks.
#pragma once

#include <chrono>
#include <string>

#include "advise/indexes/advisor.hpp"
#include "app/advise/postgres_connection.hpp"

namespace fairing::app::advise {

namespace indexes = fairing::advise::indexes;

class postgres_planner final : public indexes::planner {
 public:
  explicit postgres_planner(postgres_connection& to) : to_(to) {}

  // What it found, in words.
  [[nodiscard]] std::string look();

  [[nodiscard]] result<indexes::plan> explain(const indexes::statement_facts& s) override;
  [[nodiscard]] bool can_try() const override { return !hypopg_schema_.empty(); }
  [[nodiscard]] result<indexes::hypothetical> create(const std::string& create_sql) override;
  void clear() override;

  // error: it is no SELECT, its values are not known, it calls a volatile function, or the server refuses it.
  [[nodiscard]] result<indexes::plan> analyze(const indexes::statement_facts& s);

 private:
  void pace();
  // A volatile function that the text or its plan calls, in words; empty: none.
  [[nodiscard]] result<std::string> volatile_call(const std::string& text);

  postgres_connection& to_;
  std::string hypopg_schema_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace fairing::app::advise
