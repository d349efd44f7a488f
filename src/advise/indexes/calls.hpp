// calls: the functions and operators that a statement runs, by name.
//
// Problem: running a SELECT to measure it does more than read where a function in it acts, pg_terminate_backend() for
// one. PostgreSQL knows which may (pg_proc.provolatile); this says which are called.
//
// Flow:  auto c = calls_of_statement("SELECT f(a) FROM t LIMIT g()");
//        add(c, calls_of_plan(text_of("EXPLAIN (VERBOSE, COSTS OFF) ..")));  // also what views and SQL functions call
//        c.functions, c.operators                                           // as catalogues have them, sorted
// A plan does not show the values of VALUES and LIMIT, a text not what stands behind a view: both are needed.
// A function is in it with no schema and without its arguments' types. Threads: pure; any. Cost: that of a parse.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace fairing::advise::indexes {

struct calls {
  std::set<std::string> functions;  // as pg_proc.proname
  std::set<std::string> operators;  // as pg_operator.oprname
};

// Empty for what cannot be parsed.
[[nodiscard]] calls calls_of_statement(std::string_view text);
// Of EXPLAIN's plain text. What is no function, but stands before a parenthesis, is in it as well.
[[nodiscard]] calls calls_of_plan(std::string_view plan);
void add(calls& to, calls more);

}  // namespace fairing::advise::indexes
