// template: what stays of a statement when its literals and parameters change.
//
// Problem: statistics, N+1 detection and advice need one identity for all executions of a
// statement, whatever the values, the white space, the comments and the lengths of its lists; but
// two statements that differ in anything else must not share it (a fingerprint that forgets OFFSET,
// column order or the isolation level is no key).
//
// Flow:
//   template_builder b;                        // once, then reused: it owns its buffers
//   b.begin(text);
//   for each token that is no comment: b.on(token, word);
//   b.finish(seed);
//   b.hash(), b.slots(), b.complete();  b.print(out, 2048) when the template is new
// (`analyzer` does this.) The normal form has one blank behind each token, unquoted identifiers in
// lower case, a marker for each slot; a `;` at the end and empty statements are dropped. Slots are
// strings, numbers (with their unary sign), bit strings and $n; null, true, false and default stay.
// In `IN (..)`, `VALUES (..), (..)` and `ARRAY[..]` an element that equals the one before is dropped,
// as is one that, like it, has only values; one element and many give the same form. Positions of
// ORDER BY and GROUP BY (`order by 1`) are structure, no slots.
// Frameworks number their cursors, savepoints and statements ("_django_curs_139_sync_7", "s139_x2", pdo_stmt_00000c1):
// in DECLARE, FETCH, MOVE, CLOSE, SAVEPOINT, RELEASE, ROLLBACK TO and DEALLOCATE such a name is `name`, whatever it was.
// A text that does not lex, or whose normal form is over its limit, has a hash of its own class and
// complete() is false: good for counting, not for reasoning.
// Threads: any one. Cost: 10 to 25 ns a token; no allocation after the constructor and the first
// growth of the slots (at most limits.slots).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::codec::sql_lexer {

enum class slot_kind : std::uint8_t {
  string,     // '..', E'..', U&'..', $$..$$
  number,     // integer or decimal, with its sign where that is unary
  bits,       // B'..' or X'..'
  parameter,  // $n
};

enum class slot_place : std::uint8_t {
  plain,   // anywhere else
  limit,   // right behind LIMIT, or FETCH FIRST | NEXT
  offset,  // right behind OFFSET
};

struct slot {
  std::uint32_t begin = 0;  // byte range in the text, a unary sign included
  std::uint32_t end = 0;
  std::uint32_t parameter = 0;  // n of $n, else 0
  std::uint16_t number = 0;     // $number in the printed template; list elements share one;
                                // 0: dropped with an element of another shape, or over 65,535
  slot_kind kind = slot_kind::string;
  slot_place place = slot_place::plain;
  bool negative = false;   // a unary minus belongs to it
  bool in_list = false;    // an element of IN (..) or ARRAY[..]
  bool in_values = false;  // inside a row of VALUES
};

struct template_limits {
  std::uint32_t normal_bytes = 32 * 1024;  // normal form beyond it: complete() is false
  std::uint32_t slots = 4096;              // slots recorded; more are counted only
};

class template_builder {
 public:
  explicit template_builder(template_limits limits = {});

  void begin(std::string_view text) noexcept;
  void on(const token& t, word w);  // no comments
  void finish(std::uint64_t seed) noexcept;

  // The same for the same normal form in one process (or wherever the seed is the same).
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  // False: not lexable, or cut at the limit. Such a template only counts.
  [[nodiscard]] bool complete() const noexcept { return error_ == lex_error::none && !full_; }
  [[nodiscard]] lex_error error() const noexcept { return error_; }
  // In the order of the text; at most limits.slots of slot_count().
  [[nodiscard]] std::span<const slot> slots() const noexcept { return slots_; }
  [[nodiscard]] std::uint32_t slot_count() const noexcept { return slot_count_; }
  // Slots of the template: the highest $number.
  [[nodiscard]] std::uint32_t template_slots() const noexcept { return number_; }
  // The normal form: for comparing templates byte by byte.
  [[nodiscard]] std::string_view normal_form() const noexcept { return {normal_.get(), size_}; }
  // Appends the printable form, at most max_bytes (cut with "..."). Where elements of a list may have
  // been dropped it says `/*, ...*/`. If not cut and complete, it has the same template itself.
  void print(std::string& out, std::size_t max_bytes = 2048) const;

 private:
  static constexpr std::string_view handle_name = "name";  // PostgreSQL takes it as a name

  enum class list_kind : std::uint8_t { in, values, array };
  // An element of a list, as a range of the normal form.
  struct element {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t number = 0;  // number_ before it
    std::uint32_t slots = 0;   // template slots in it
    std::uint32_t commas = 0;
    bool simple = true;   // values, parentheses and commas only
    bool select = false;  // a sub-select is in it
  };
  struct list {
    list_kind kind = list_kind::in;
    std::uint32_t depth = 0;
    std::uint32_t first_slot = 0;  // index into slots_ where the current element begins
    bool has_kept = false;
    element kept;
    element now;
  };

  void put(std::string_view bytes) noexcept;
  void put_folded(std::string_view name) noexcept;
  void note_in_list(const token& t, word w) noexcept;
  void symbol(const token& t);
  void literal(const token& t);
  void add_slot(const token& t, slot_kind kind, std::uint32_t begin, bool negative);
  void track_order(word w) noexcept;
  // Is this the cursor, savepoint or prepared statement that is named?
  [[nodiscard]] bool is_handle(const token& t, word w) const noexcept;
  [[nodiscard]] bool unary_here() const noexcept;
  [[nodiscard]] bool position_here() const noexcept;
  void open_list(list_kind kind, std::uint32_t depth) noexcept;
  void begin_element() noexcept;
  void end_element() noexcept;
  void close_list() noexcept;

  template_limits limits_;
  std::unique_ptr<char[]> normal_;
  std::vector<slot> slots_;
  std::array<list, 8> lists_;
  std::uint32_t lists_open_ = 0;

  std::string_view text_;
  std::uint64_t hash_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t slot_count_ = 0;
  std::uint32_t number_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t order_depth_ = 0;
  bool in_order_ = false;  // behind ORDER BY or GROUP BY at order_depth_
  bool full_ = false;
  bool semicolon_ = false;     // seen, not yet written
  bool sign_waits_ = false;    // sign_ is not yet written: it may belong to a number
  bool in_signs_ = false;      // the previous token is a unary sign
  bool handle_waits_ = false;  // the name of a cursor, savepoint or prepared statement is to come
  bool rolls_back_ = false;    // in ROLLBACK: TO is followed by such a name
  lex_error error_ = lex_error::none;
  token sign_;
  token previous_;
  word previous_word_ = word::none;
  word before_previous_ = word::none;
};

}  // namespace fairing::codec::sql_lexer
