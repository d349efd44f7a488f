// batched_sql: the one statement that answers what a loop asks key by key.
//
// Problem: a report that says "N+1" without the cure costs its reader an hour. Two forms, by splicing the
// template's text (nothing is deparsed, so nothing gets lost):
//   any      `col = $1` becomes `col = any($1)`, the column joins the output if it is not there: where rows
//            can be told apart by the key and nothing counts per key;
//   lateral  `select .. from unnest($1::int[]) with ordinality as k(key, n) cross join lateral (<as it was,
//            with k.key>) as q order by k.n`: with ORDER BY, LIMIT, OFFSET, DISTINCT, aggregates, which
//            keep their meaning per key.
// Flow:  const std::string sql = batched_sql("select * from orders where user_id = $1", {.slot = 1});
// "" if the template is not one SELECT or the slot is not there.
// Threads: pure; any. Cost: a lexing; allocates; off the hot path.
// Source: PostgreSQL 15, "Table Expressions" (LATERAL, WITH ORDINALITY); that the lateral form gives the same rows
// as the single statements was checked on random data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "advise/value.hpp"

namespace fairing::advise {

struct batch_key {
  std::uint32_t slot = 1;  // $slot of the template
  std::uint32_t type = 0;  // object id of the source column's type; 0 unknown
  value_kind kind = value_kind::integer;
};

[[nodiscard]] std::string batched_sql(std::string_view template_text, const batch_key& key);

// The SQL name of a type as an array's element: by object id, else by what the values looked like.
[[nodiscard]] std::string_view type_name(std::uint32_t type, value_kind kind) noexcept;

}  // namespace fairing::advise
