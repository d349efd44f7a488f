// statement: which columns a statement filters, joins and sorts by.
//
// Problem: an index helps only where a column of a table is compared, joined or sorted by in a way that an
// index can serve. This finds those places in the parse tree and resolves names as the server would:
// aliases, sub-selects with their own scope, WITH names, the search path.
//
// Flow:  const auto s = read_statement("SELECT .. WHERE email = $1", catalogue);
//        if (s) for (const auto& p : s->predicates) ... s->relations[p.relation].table, p.column
// Only what must hold for every row counts: conditions joined by AND. What stands below OR, and tables
// that are not in the catalogue (views, functions, WITH), are left out; sub-selects in them are read.
// Bounds: 256 levels, 64 relations. Threads: pure; any. Cost: 5 to 50 us.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "advise/indexes/catalogue.hpp"
#include "base/result.hpp"

namespace fairing::advise::indexes {

// A table as one FROM names it. The same table twice is two relations.
struct relation {
  std::uint32_t table = 0;
  std::uint32_t block = 0;  // the SELECT it belongs to
  std::string alias;        // as the statement calls it
};

enum class comparison : std::uint8_t {
  equals,    // column = value
  any_of,    // column IN (..), column = ANY (..)
  range,     // < <= > >= BETWEEN
  prefix,    // LIKE 'abc%'
  is_null,   // IS NULL
  not_null,  // IS NOT NULL
  is_true,   // a boolean column alone
  is_false,  // NOT column
};

struct predicate {
  std::size_t relation = 0;
  int column = 0;
  comparison how = comparison::equals;
  std::string
      constant;  // as SQL, if it is compared with a literal; empty: a parameter or an expression
  int parameter = 0;  // $n; 0: none
};

struct join {
  std::size_t left = 0, right = 0;  // relations
  int left_column = 0, right_column = 0;
};

// A comparison of a function of one column: lower(email) = $1.
struct wrapped {
  std::size_t relation = 0;
  int column = 0;
  std::string expression;  // without qualifiers, as an index has it
};

enum class nulls_order : std::uint8_t {
  as_default,  // last when ascending, first when descending
  first,       // NULLS FIRST
  last,        // NULLS LAST
};

struct sort_key {
  std::size_t relation = 0;
  int column = 0;
  bool descending = false;
  nulls_order nulls = nulls_order::as_default;
};

// ORDER BY of one SELECT; only if all of it are columns.
struct ordering {
  std::uint32_t block = 0;
  bool limited = false;  // there is a LIMIT
  std::vector<sort_key> keys;
};

struct statement_facts {
  std::string text;
  bool reads_only = false;  // a SELECT without FOR UPDATE and the like
  std::vector<relation> relations;
  std::vector<std::string> unknown;  // what it reads that is no table of the catalogue
  std::vector<predicate> predicates;
  std::vector<join> joins;
  std::vector<wrapped> wrappings;
  std::vector<ordering> orderings;
  int parameters = 0;  // the highest $n
};

[[nodiscard]] result<statement_facts> read_statement(std::string_view text, const catalogue& c);

}  // namespace fairing::advise::indexes
