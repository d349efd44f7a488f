// advise_command: `fairing advise`.
//
// Flow:  const auto a = advise({.postgres = "postgres://..", .file = "queries.sql"});  print(a.out); return a.code;
// Reads the catalogue and the workload (pg_stat_statements, performance_schema, or a file of SQL), asks
// the planner, and tells what to do. It changes nothing; with `analyze` it also runs the SELECTs whose
// values are known, in a read-only transaction that is rolled back.
// Exit codes: 0 done (1 with `strict` if there is advice), 2 a bad URL or file, 3 not reachable.
// Threads: the caller's; blocks.
#pragma once

#include <string>

namespace fairing::app::advise {

struct advise_options {
  std::string postgres;  // URL; this or mysql
  std::string mysql;
  std::string file;  // SQL, `-` is stdin; empty: the server's own statistics
  bool analyze = false;
  bool json = false;
  bool strict = false;
  std::size_t limit = 100;  // statements, the heaviest
  double unused_days = 30;  // of statistics, before an index is called unused
};

struct advise_answer {
  int code = 0;
  std::string out;  // for stdout
  std::string err;  // for stderr
};

[[nodiscard]] advise_answer advise(const advise_options& o);

}  // namespace fairing::app::advise
