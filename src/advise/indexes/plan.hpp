// plan: what an EXPLAIN in JSON says, for PostgreSQL and for MySQL and MariaDB.
//
// Flow:  const auto p = read_postgres_plan(text);  if (p) p->cost, p->scans(..), p->uses("<13443>btree_..")
//        const auto m = read_mysql_plan(text);     // cost is -1 where the server gives none
// Only fields that are there are read; an unknown node is passed over.
// Bounds: 128 levels, 256 nodes. Threads: pure; any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise::indexes {

struct plan_node {
  std::string type;      // Seq Scan, Index Scan, Sort; MySQL: its access_type
  std::string relation;  // table; MySQL: its alias
  std::string index;
  std::string filter;
  double rows = 0;
  double cost = 0;
  double removed = -1;    // rows read and thrown away; only with ANALYZE
  double actual_ms = -1;  // only with ANALYZE
};

struct plan {
  double cost = -1;
  double actual_ms = -1;                     // of the whole; only with ANALYZE
  double shared_hit = -1, shared_read = -1;  // buffers; only with BUFFERS
  bool sorts = false;                        // there is a sort that an index could save
  std::vector<plan_node> nodes;              // depth first

  [[nodiscard]] bool uses(std::string_view index) const noexcept;
  // The node that reads the whole table, if one does.
  [[nodiscard]] const plan_node* full_scan(std::string_view relation) const noexcept;
};

[[nodiscard]] std::optional<plan> read_postgres_plan(std::string_view text);
[[nodiscard]] std::optional<plan> read_mysql_plan(std::string_view text);

}  // namespace fairing::advise::indexes
