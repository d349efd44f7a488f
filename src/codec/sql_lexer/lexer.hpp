// lexer: PostgreSQL 15's lexical rules, token by token, without a copy.
//
// Problem: what a statement is must be known before it is forwarded (does it change the session? is
// it the one seen a moment ago with another literal?), at a cost of tens of nanoseconds a token,
// and without being misled by text inside strings, comments, dollar quotes or quoted identifiers.
//
// Flow:
//   lexer lex(text, {.standard_conforming_strings = true});
//   token t;
//   while (lex.next(t)) ...   // t.kind, t.begin, t.end: bytes of text
// next() gives false at the end of the text and after the first error, which is the last token.
// Comments are tokens, white space is not.
//
// Boundaries are those of PostgreSQL 15's scanner (src/backend/parser/scan.l): a string and its
// continuation on a later line is one token, N'..' is `national` and then `string`, `1..10` is
// three tokens, an operator ends before `--` and `/*`, and gives back a trailing + or - if it has
// only characters of SQL's own operators. What the scanner refuses is token_kind::error.
// Threads: any one. Cost: one pass, no allocation, no recursion; about 5 ns a token. Never throws.
// Text is at most 4 GiB - 1 (PostgreSQL's own limit is 1 GiB).
#pragma once

#include <cstdint>
#include <string_view>

namespace fairing::codec::sql_lexer {

enum class token_kind : std::uint8_t {
  identifier,          // a word: keyword or name, not quoted
  quoted_identifier,   // "a", with "" inside for a quote
  unicode_identifier,  // U&"a"
  string,              // 'a', with backslashes if standard_conforming_strings is off
  escape_string,       // E'a'
  unicode_string,      // U&'a'
  bit_string,          // B'01'
  hex_string,          // X'0f'
  dollar_string,       // $$a$$, $tag$a$tag$
  national,            // the N of N'a'; the string follows as a token of its own
  integer,             // 12
  decimal,             // 1.5, .5, 1., 1e5
  parameter,           // $1
  op,                  // an operator of one or more characters that is none of the following
  comparison,          // <= >= <> != =>
  symbol,              // one of , ( ) [ ] . ; : + - * / % ^ < > =
  typecast,            // ::
  dot_dot,             // ..
  colon_equals,        // :=
  comment,             // -- to the end of the line, or /* nested */
  other,               // a byte that begins nothing: the scanner passes it, the grammar refuses it
  error,               // what the scanner refuses: see lex_error
};

enum class lex_error : std::uint8_t {
  none,
  unterminated_string,      // '..., E'..., U&'..., B'..., X'...
  unterminated_dollar,      // $tag$... without its end
  unterminated_identifier,  // "...
  unterminated_comment,     // /* without its end
  empty_identifier,         // ""
  trailing_junk,            // 12abc, 1.5x, 1e+, $1x
  operator_too_long,        // 64 characters or more
  nul_byte,                 // never part of a text that PostgreSQL reads
  text_too_long,            // 4 GiB or more
};

struct token {
  token_kind kind = token_kind::other;
  lex_error error = lex_error::none;
  char symbol = 0;  // the byte of a symbol token, else 0
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] std::string_view of(std::string_view text) const noexcept {
    return text.substr(begin, end - begin);
  }
  [[nodiscard]] bool is(char c) const noexcept { return symbol == c; }
};

struct lexer_options {
  // Off: a backslash in '...' escapes (the session's setting of that name).
  bool standard_conforming_strings = true;
};

class lexer {
 public:
  explicit lexer(std::string_view text, lexer_options options = {}) noexcept
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), options_(options) {}

  [[nodiscard]] bool next(token& out) noexcept;

 private:
  void scan(token& out) noexcept;
  void identifier(token& out) noexcept;
  void number(token& out) noexcept;
  void dollar(token& out) noexcept;
  void quoted_name(token& out, token_kind kind) noexcept;
  void quoted(token& out, token_kind kind, bool backslash, bool doubles) noexcept;
  void block_comment(token& out) noexcept;
  void punctuation(token& out) noexcept;
  void operators(token& out) noexcept;
  [[nodiscard]] const char* continuation(const char* p) const noexcept;
  void fail(token& out, lex_error e) noexcept;
  [[nodiscard]] char peek(std::uint32_t n) const noexcept {
    return static_cast<std::size_t>(end_ - at_) > n ? at_[n] : '\0';
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  lexer_options options_;
};

// True for literals that can be another value in the same statement: strings of all kinds, numbers.
[[nodiscard]] constexpr bool is_literal(token_kind k) noexcept {
  return (k >= token_kind::string && k <= token_kind::dollar_string) || k == token_kind::integer ||
         k == token_kind::decimal;
}

}  // namespace fairing::codec::sql_lexer
