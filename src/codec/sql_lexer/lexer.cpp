#include "codec/sql_lexer/lexer.hpp"

#include <cstring>
#include <limits>

#include "codec/sql_lexer/chars.hpp"

namespace fairing::codec::sql_lexer {

using namespace chars;

namespace {

constexpr std::ptrdiff_t longest_operator = 63;  // NAMEDATALEN - 1

// Characters that let a multi-character operator end in + or -.
[[nodiscard]] constexpr bool frees_sign(char c) noexcept {
  return std::string_view("~!@#^&|`?%").find(c) != std::string_view::npos;
}

[[nodiscard]] const char* skip(const char* p, const char* end, char_class k) noexcept {
  while (p != end && is(*p, k)) ++p;
  return p;
}

[[nodiscard]] const char* line_end(const char* p, const char* end) noexcept {
  while (p != end && *p != '\n' && *p != '\r') ++p;
  return p;
}

[[nodiscard]] const char* find(const char* p, const char* end, char c) noexcept {
  const auto* hit = p == end ? nullptr : std::memchr(p, c, static_cast<std::size_t>(end - p));
  return hit == nullptr ? end : static_cast<const char*>(hit);
}

}  // namespace

bool lexer::next(token& out) noexcept {
  at_ = skip(at_, end_, space);
  if (at_ == end_) return false;
  out.error = lex_error::none;
  out.symbol = 0;
  if (static_cast<std::size_t>(end_ - begin_) > std::numeric_limits<std::uint32_t>::max()) {
    begin_ = at_ = end_ - 1;
    out.begin = 0;
    fail(out, lex_error::text_too_long);
    return true;
  }
  out.begin = static_cast<std::uint32_t>(at_ - begin_);
  scan(out);
  out.end = static_cast<std::uint32_t>(at_ - begin_);
  return true;
}

void lexer::fail(token& out, lex_error e) noexcept {
  out.kind = token_kind::error;
  out.error = e;
  at_ = end_;
}

void lexer::scan(token& out) noexcept {
  const char c = *at_;
  if (is(c, ident_start)) return identifier(out);
  if (is(c, digit)) return number(out);
  switch (c) {
    case '\'':
      ++at_;
      return quoted(out, token_kind::string, !options_.standard_conforming_strings, true);
    case '"':
      ++at_;
      return quoted_name(out, token_kind::quoted_identifier);
    case '$':
      return dollar(out);
    case '.':
      if (is(peek(1), digit)) return number(out);
      return punctuation(out);
    case '-':
      if (peek(1) == '-') {
        at_ = line_end(at_, end_);
        out.kind = token_kind::comment;
        return;
      }
      return operators(out);
    case '/':
      return peek(1) == '*' ? block_comment(out) : operators(out);
    case '\0':
      return fail(out, lex_error::nul_byte);
    default:
      return is(c, op_char) ? operators(out) : punctuation(out);
  }
}

void lexer::identifier(token& out) noexcept {
  const char second = peek(1);
  if (second == '\'') {
    switch (*at_ | 0x20) {
      case 'e':
        at_ += 2;
        return quoted(out, token_kind::escape_string, true, true);
      case 'b':
        at_ += 2;
        return quoted(out, token_kind::bit_string, false, false);
      case 'x':
        at_ += 2;
        return quoted(out, token_kind::hex_string, false, false);
      case 'n':
        at_ += 1;
        out.kind = token_kind::national;
        return;
      default:
        break;
    }
  } else if (second == '&' && (*at_ | 0x20) == 'u') {
    const char third = peek(2);
    if (third == '\'' || third == '"') {
      at_ += 3;
      return third == '"' ? quoted_name(out, token_kind::unicode_identifier)
                          : quoted(out, token_kind::unicode_string, false, true);
    }
  }
  at_ = skip(at_ + 1, end_, ident_cont);
  out.kind = token_kind::identifier;
}

// integer, decimal and real of scan.l with their "junk" and "fail" rules.
void lexer::number(token& out) noexcept {
  out.kind = token_kind::integer;
  at_ = skip(at_, end_, digit);
  if (at_ != end_ && *at_ == '.') {
    if (peek(1) == '.') return;  // 1..10: an integer and dot_dot
    out.kind = token_kind::decimal;
    at_ = skip(at_ + 1, end_, digit);
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    const bool sign = peek(1) == '+' || peek(1) == '-';
    if (!is(peek(sign ? 2 : 1), digit)) return fail(out, lex_error::trailing_junk);
    out.kind = token_kind::decimal;
    at_ = skip(at_ + (sign ? 2 : 1), end_, digit);
  }
  if (at_ != end_ && is(*at_, ident_start)) fail(out, lex_error::trailing_junk);
}

void lexer::dollar(token& out) noexcept {
  if (is(peek(1), digit)) {
    at_ = skip(at_ + 1, end_, digit);
    out.kind = token_kind::parameter;
    if (at_ != end_ && is(*at_, ident_start)) fail(out, lex_error::trailing_junk);
    return;
  }
  const char* tag_end = at_ + 1;
  if (tag_end != end_ && is(*tag_end, ident_start)) tag_end = skip(tag_end, end_, tag_cont);
  if (tag_end == end_ || *tag_end != '$') {  // a lone $: the grammar refuses it
    ++at_;
    out.kind = token_kind::other;
    return;
  }
  const std::string_view delimiter(at_, static_cast<std::size_t>(tag_end + 1 - at_));
  for (const char* p = tag_end + 1;; ++p) {
    p = find(p, end_, '$');
    if (static_cast<std::size_t>(end_ - p) < delimiter.size())
      return fail(out, lex_error::unterminated_dollar);
    if (std::memcmp(p, delimiter.data(), delimiter.size()) == 0) {
      at_ = p + delimiter.size();
      out.kind = token_kind::dollar_string;
      return;
    }
  }
}

// at_ is behind the opening quote.
void lexer::quoted_name(token& out, token_kind kind) noexcept {
  const char* const first = at_;
  for (;;) {
    at_ = find(at_, end_, '"');
    if (at_ == end_) return fail(out, lex_error::unterminated_identifier);
    ++at_;
    if (at_ == end_ || *at_ != '"') break;
    ++at_;
  }
  out.kind = kind;
  if (at_ == first + 1) fail(out, lex_error::empty_identifier);
}

// at_ is behind the opening quote. B'' and X'' do not know doubled quotes.
void lexer::quoted(token& out, token_kind kind, bool backslash, bool doubles) noexcept {
  for (;;) {
    if (backslash) {
      while (at_ != end_ && *at_ != '\'') at_ += (*at_ == '\\' && end_ - at_ > 1) ? 2 : 1;
    } else {
      at_ = find(at_, end_, '\'');
    }
    if (at_ == end_) return fail(out, lex_error::unterminated_string);
    ++at_;
    if (doubles && at_ != end_ && *at_ == '\'') {
      ++at_;
      continue;
    }
    const char* const more = continuation(at_);
    if (more == nullptr) break;
    at_ = more;
  }
  out.kind = kind;
}

// Behind the quote that reopens the string after white space with a line break, else null
// (`quotecontinue` of scan.l).
const char* lexer::continuation(const char* p) const noexcept {
  bool broken = false;
  for (;;) {
    if (p == end_) return nullptr;
    if (*p == '\n' || *p == '\r') {
      broken = true;
      ++p;
    } else if (is(*p, space)) {
      ++p;
    } else if (*p == '-' && end_ - p > 1 && p[1] == '-') {
      p = line_end(p, end_);
      if (p == end_) return nullptr;
    } else {
      return broken && *p == '\'' ? p + 1 : nullptr;
    }
  }
}

void lexer::block_comment(token& out) noexcept {
  std::uint32_t depth = 1;
  at_ += 2;
  while (end_ - at_ >= 2) {
    if (at_[0] == '*' && at_[1] == '/') {
      at_ += 2;
      if (--depth == 0) {
        out.kind = token_kind::comment;
        return;
      }
    } else if (at_[0] == '/' && at_[1] == '*') {
      at_ += 2;
      ++depth;
    } else {
      ++at_;
    }
  }
  fail(out, lex_error::unterminated_comment);
}

void lexer::punctuation(token& out) noexcept {
  const char c = *at_;
  const char second = peek(1);
  if (c == ':' && (second == ':' || second == '=')) {
    at_ += 2;
    out.kind = second == ':' ? token_kind::typecast : token_kind::colon_equals;
    return;
  }
  if (c == '.' && second == '.') {
    at_ += 2;
    out.kind = token_kind::dot_dot;
    return;
  }
  ++at_;
  out.kind = is(c, self) ? token_kind::symbol : token_kind::other;
  if (out.kind == token_kind::symbol) out.symbol = c;
}

void lexer::operators(token& out) noexcept {
  const char* const first = at_;
  const char* p = first + 1;
  while (p != end_ && is(*p, op_char)) {
    if ((*p == '-' && p[-1] == '-') || (*p == '*' && p[-1] == '/')) {
      --p;  // a comment begins: never at first, that is a comment token
      break;
    }
    ++p;
  }
  auto size = p - first;
  if (size > 1 && (p[-1] == '+' || p[-1] == '-')) {
    bool free = false;
    for (const char* q = first; q != p - 1 && !free; ++q) free = frees_sign(*q);
    while (!free && size > 1 && (first[size - 1] == '+' || first[size - 1] == '-')) --size;
  }
  if (size > longest_operator) return fail(out, lex_error::operator_too_long);
  at_ = first + size;
  out.kind = token_kind::op;
  if (size == 1 && is(*first, self)) {
    out.kind = token_kind::symbol;
    out.symbol = *first;
  } else if (size == 2) {
    const std::string_view two(first, 2);
    if (two == "<=" || two == ">=" || two == "<>" || two == "!=" || two == "=>")
      out.kind = token_kind::comparison;
  }
}

}  // namespace fairing::codec::sql_lexer
