// postgres_catalogue: reads tables, indexes, keys, statistics and the workload of a PostgreSQL.
//
// Flow:  auto c = read_catalogue(connection);
//        auto w = read_workload(connection, 100);   // pg_stat_statements; else says how to have it
// Tables of the system, of extensions and temporary ones are left out; at most 5,000 tables.
// Threads: the connection's; blocks. Cost: five queries.
#pragma once

#include <string>
#include <vector>

#include "advise/indexes/advisor.hpp"
#include "app/advise/postgres_connection.hpp"

namespace fairing::app::advise {

namespace indexes = fairing::advise::indexes;

struct workload {
  std::vector<indexes::workload_statement> statements;
  std::string missing;  // why there are none, and what to do
};

[[nodiscard]] result<indexes::catalogue> read_catalogue(postgres_connection& from);
// The `most` that took most time.
[[nodiscard]] result<workload> read_workload(postgres_connection& from, std::size_t most);

}  // namespace fairing::app::advise
