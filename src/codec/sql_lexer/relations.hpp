// relations: the tables that a text names, as far as tokens tell.
//
// Problem: invalidation, advice and reports ask "which tables?" of statements that nobody has parsed.
// Names behind FROM, JOIN, INTO, UPDATE, DELETE FROM, USING, TRUNCATE, LOCK, COPY and TABLE are
// listed; names of common table expressions are marked as not sure, functions in FROM left out.
// Best effort: views, rules, triggers and functions hide tables; who needs all of them asks the
// catalogue or the plan.
//
// Flow: as template_builder: begin(text), on(token, word) for each token, finish(), relations().
// Threads: any one. Cost: a few ns a token; no allocation after the first growth of the list.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/statement.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::codec::sql_lexer {

struct relation {
  text_range name;       // as written, with its schema: canonical_name makes it comparable
  bool written = false;  // target of INSERT, UPDATE, DELETE, MERGE, TRUNCATE, LOCK, COPY, INTO, DDL
  bool sure = true;      // false: may be a common table expression or something else
};

struct relation_limits {
  std::uint32_t relations = 64;  // more: complete() is false
};

class relation_scanner {
 public:
  explicit relation_scanner(relation_limits limits = {});

  void begin(std::string_view text) noexcept;
  void on(const token& t, word w);  // no comments
  void finish();

  // In the order of the text, a name once for reading and once for writing.
  [[nodiscard]] std::span<const relation> relations() const noexcept { return list_; }
  // False: not lexable, nested over 32 levels, or over the limit.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
  enum class clause : std::uint8_t { none, fields, from, target };
  struct level {
    clause in = clause::none;
    bool with = false;         // between WITH and its statement
    bool takes_using = false;  // DELETE or MERGE: USING lists tables
  };

  [[nodiscard]] level& here() noexcept { return levels_[depth_]; }
  void expect(bool written) noexcept;
  [[nodiscard]] bool take_name(const token& t, word w);
  void end_name(const token& t);
  void keyword(const token& t, word w);
  void dml(word w);
  void note_expression_name(const token& t) noexcept;
  void open() noexcept;
  [[nodiscard]] bool is_expression(text_range name) const noexcept;

  relation_limits limits_;
  std::string_view text_;
  std::vector<relation> list_;
  std::array<level, 32> levels_;
  std::array<text_range, 16> expressions_;  // names of common table expressions
  std::uint32_t expressions_size_ = 0;
  std::uint32_t depth_ = 0;
  bool complete_ = true;
  bool expects_ = false;  // the next name is a relation
  bool written_ = false;
  bool named_ = false;  // name_ is being read
  bool dot_ = false;    // and a dot came
  text_range name_;
  token previous_;
  word previous_word_ = word::none;
};

}  // namespace fairing::codec::sql_lexer
