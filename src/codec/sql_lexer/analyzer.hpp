// analyzer: one pass over a text for all that the sql plane asks of it.
//
// Problem: template, kinds and tables are wanted of the same tokens; lexing twice would cost twice.
// Flow:
//   analyzer a({.seed = process_seed()});       // one a core, reused
//   a.run(text, part::statements | part::shape);
//   a.statements(), a.shape().hash(), a.relations()
// Results are views into the analyzer and byte ranges of `text`, good until the next run().
// Parts that were not asked for keep what they had from the run before: do not read them.
// Threads: any one at a time. Cost: 10 to 25 ns a token for one part (a statement of 100 bytes has
// about 30 tokens), no allocation once its lists have grown. Never throws but for want of memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/relations.hpp"
#include "codec/sql_lexer/statement.hpp"
#include "codec/sql_lexer/template.hpp"

namespace fairing::codec::sql_lexer {

// What a run is for; a set of bits.
enum class part : std::uint8_t {
  statements = 1,  // kinds, names, flags
  shape = 2,       // template hash and slots
  relations = 4,   // tables
  all = 7,         // the three
};
[[nodiscard]] constexpr part operator|(part a, part b) noexcept {
  return static_cast<part>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}

struct analyzer_options {
  std::uint64_t seed = 0;  // of template hashes
  template_limits shape;
  statement_limits statements;
  relation_limits relations;
};

class analyzer {
 public:
  explicit analyzer(const analyzer_options& options = {})
      : seed_(options.seed),
        shape_(options.shape),
        statements_(options.statements),
        relations_(options.relations) {}

  void run(std::string_view text, part parts = part::all, lexer_options options = {});

  [[nodiscard]] const template_builder& shape() const noexcept { return shape_; }
  [[nodiscard]] std::span<const statement> statements() const noexcept {
    return statements_.statements();
  }
  // False: the text does not lex or has more statements than the limit; see statement_scanner.
  [[nodiscard]] bool statements_complete() const noexcept { return statements_.complete(); }
  [[nodiscard]] const relation_scanner& relations() const noexcept { return relations_; }

 private:
  std::uint64_t seed_;
  template_builder shape_;
  statement_scanner statements_;
  relation_scanner relations_;
};

}  // namespace fairing::codec::sql_lexer
