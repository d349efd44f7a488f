// candidate: the indexes that could serve a statement.
//
// Problem: of all column lists only few can help: columns compared for equality first (those with the most
// different values leading), then one range or the ORDER BY; a join's column; a partial index where a
// constant leaves few rows; an expression where a function hides the column.
//
// Flow:  for (const auto& k : candidates_of(facts, catalogue)) k.create_sql(catalogue, true)
// Left out: tables under `least_rows` rows or never analysed, what an index of the catalogue begins with.
// Bounds: max_candidates a statement. Threads: pure; any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "advise/indexes/catalogue.hpp"
#include "advise/indexes/statement.hpp"

namespace fairing::advise::indexes {

inline constexpr double least_rows = 1000;
inline constexpr std::size_t max_candidates = 24;
inline constexpr double partial_share = 0.25;  // of the rows, at most, for a partial index

enum class role : std::uint8_t {
  where,     // the column is compared with a value
  join,      // with another table's column
  order_by,  // the answer is sorted by it
};

struct key_part {
  int column = 0;
  std::string expression;      // instead of the column
  std::string operator_class;  // empty: the default
  bool descending = false;
  nulls_order nulls = nulls_order::as_default;
  role why = role::where;

  [[nodiscard]] bool operator==(const key_part& o) const noexcept {
    return column == o.column && expression == o.expression && operator_class == o.operator_class &&
           descending == o.descending && nulls == o.nulls;
  }
};

struct candidate {
  std::uint32_t table = 0;
  std::vector<key_part> keys;
  std::string predicate;  // WHERE of a partial index

  [[nodiscard]] bool operator==(const candidate& o) const noexcept {
    return table == o.table && keys == o.keys && predicate == o.predicate;
  }
  // Keys of `o` begin with these, and nothing else tells them apart.
  [[nodiscard]] bool prefix_of(const candidate& o) const noexcept;
  [[nodiscard]] bool simple() const noexcept;  // columns only, default order, not partial
  [[nodiscard]] std::vector<int> columns() const;
  [[nodiscard]] std::string keys_text(const catalogue& c) const;
  // CREATE INDEX, the server naming it; `online`: without blocking writes.
  [[nodiscard]] std::string create_sql(const catalogue& c, bool online, bool unique = false) const;
};

[[nodiscard]] std::vector<candidate> candidates_of(const statement_facts& s, const catalogue& c);

}  // namespace fairing::advise::indexes
