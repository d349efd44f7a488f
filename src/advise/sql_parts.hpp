// sql_parts: a template's clauses, for rewriting it by cutting and pasting its text.
//
// Problem: advice shows the statement that should be sent instead. Clauses, tables and the place of a
// value are found from the tokens; the text between is kept as it is, so nothing is lost in a rewrite,
// and what is not understood is not rewritten.
//
// Flow:  const sql_parts p = parts_of(template_text);      // as printed: $1, $2 .. for its slots
//        if (p.simple) ... p.where, p.order, p.token_of_slot(3)
// Positions are of the outermost level. `simple`: one SELECT without UNION and the like.
// Threads: pure; any. Cost: one lexing, allocates; off the hot path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::advise {

struct sql_token {
  codec::sql_lexer::token at;
  codec::sql_lexer::word word = codec::sql_lexer::word::none;
  std::uint32_t depth = 0;  // open parentheses before it
};

struct order_column {
  std::string text;  // "t"."created_at"
  bool descending = false;
};

struct sql_parts {
  std::string text;
  std::vector<sql_token> tokens;  // no comments
  // Indices into tokens of the keyword, at depth 0; nullopt: not there.
  std::optional<std::size_t> select, from, where, group, having, order, limit, offset, tail;
  bool simple = false;     // one SELECT, no set operation, no second statement
  bool distinct = false;   // SELECT DISTINCT
  bool aggregate = false;  // GROUP BY, or an aggregate or a window in the select list
  std::string table;       // the first one behind FROM, as written

  [[nodiscard]] std::string_view of(std::size_t token) const noexcept {
    return tokens[token].at.of(text);
  }
  // Index of the token `$slot`.
  [[nodiscard]] std::optional<std::size_t> token_of_slot(std::uint32_t slot) const noexcept;
  // ORDER BY's columns; empty if there are none or one is an expression.
  [[nodiscard]] std::vector<order_column> order_columns() const;
  // Where the text of clause begins; the text's size if it is not there.
  [[nodiscard]] std::size_t begin_of(std::optional<std::size_t> clause) const noexcept {
    return clause ? tokens[*clause].at.begin : text.size();
  }
};

[[nodiscard]] sql_parts parts_of(std::string_view template_text);

// A comparison of a column with one slot: `col = $k`, `$k = col`, `col in ($k)`.
struct slot_compare {
  std::string column;     // as written: "order"."user_id"
  std::size_t begin = 0;  // bytes of the whole comparison
  std::size_t end = 0;
};
[[nodiscard]] std::optional<slot_compare> compare_of(const sql_parts& p, std::uint32_t slot);

// The last part of a dotted name, without quotes: "public"."orders" gives orders.
[[nodiscard]] std::string bare_name(std::string_view name);
// All but the last part, with its dot: "t"."id" gives "t".
[[nodiscard]] std::string qualifier(std::string_view name);

}  // namespace fairing::advise
