// mysql_catalogue: reads tables, indexes and digests of a MySQL or MariaDB.
//
// Flow:  auto c = read_mysql_catalogue(connection);
//        auto w = read_mysql_workload(connection, 100);   // performance_schema; else says how to have it
// Of the URL's database, or of all but the system's if it names none. At most 100,000 rows an answer.
// Threads: the connection's; blocks.
#pragma once

#include "app/advise/mysql_connection.hpp"
#include "app/advise/postgres_catalogue.hpp"

namespace fairing::app::advise {

[[nodiscard]] result<indexes::catalogue> read_mysql_catalogue(mysql_connection& from);
[[nodiscard]] result<workload> read_mysql_workload(mysql_connection& from, std::size_t most);

}  // namespace fairing::app::advise
