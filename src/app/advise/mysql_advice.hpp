// mysql_advice: what MySQL and MariaDB allow to say of their indexes.
//
// Problem: there are no hypothetical indexes, so what comes from plans is `unverified`: EXPLAIN FORMAT=JSON
// shows full scans (access_type ALL), filesorts and missing keys today, and candidates come from the
// statement's columns as for PostgreSQL.
//
// Flow:  auto r = advise_mysql(options, statements);   // without statements: performance_schema's digests
// Threads: the caller's; blocks.
#pragma once

#include <vector>

#include "app/advise/advise_command.hpp"
#include "app/advise/advise_report.hpp"
#include "app/advise/mysql_connection.hpp"
#include "base/result.hpp"

namespace fairing::app::advise {

[[nodiscard]] result<report> advise_mysql(const advise_options& o,
                                          std::vector<indexes::workload_statement> given);

// Plans a statement; values that are not known are made up to fit their columns' types.
class mysql_planner final : public indexes::planner {
 public:
  mysql_planner(mysql_connection& to, const indexes::catalogue& c) : to_(to), catalogue_(c) {}

  [[nodiscard]] result<indexes::plan> explain(const indexes::statement_facts& s) override;
  [[nodiscard]] bool can_try() const override { return false; }
  [[nodiscard]] result<indexes::hypothetical> create(const std::string& create_sql) override;
  void clear() override {}

  // With values in the places of its parameters.
  [[nodiscard]] std::string filled(const indexes::statement_facts& s) const;
  // ANALYZE FORMAT=JSON (MariaDB), EXPLAIN ANALYZE (MySQL): runs it.
  [[nodiscard]] result<indexes::plan> analyze(const indexes::statement_facts& s);
  // EXPLAIN FORMAT=TREE; MySQL only, else empty.
  [[nodiscard]] std::string tree(const indexes::statement_facts& s);

 private:
  mysql_connection& to_;
  const indexes::catalogue& catalogue_;
};

}  // namespace fairing::app::advise
