#include "codec/sql_lexer/print.hpp"

#include <algorithm>

#include "codec/sql_lexer/chars.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::codec::sql_lexer {

namespace {

using namespace chars;

[[nodiscard]] bool is_name(std::string_view token) noexcept {
  return !token.empty() && (is(token.front(), ident_start) || token.front() == '"');
}

// Splits off the next token; a blank inside "a b" does not end it.
[[nodiscard]] std::string_view take(std::string_view& rest) noexcept {
  std::size_t at = 0;
  bool quoted = false;
  while (at < rest.size() && (quoted || rest[at] != ' ')) quoted ^= rest[at++] == '"';
  const auto token = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return token;
}

[[nodiscard]] bool blank_between(std::string_view left, std::string_view right) noexcept {
  const char l = left.front();
  const char r = right.front();
  const bool one_right = right.size() == 1;
  const bool one_left = left.size() == 1;
  if (one_right && (r == ',' || r == ')' || r == ']' || r == ';' || r == list_mark)) return false;
  if (one_left && (l == '(' || l == '[')) return false;
  const bool value_left = is_name(left) || (one_left && (l == ')' || l == ']'));
  if (one_right && r == '[') return !value_left;
  if (one_right && r == '(')
    return !is_name(left) || (word_of(left) != word::none && !is_function(word_of(left)));
  if (one_right && r == '.') return !is_name(left);
  if (one_left && l == '.') return !is_name(right);
  if (right == "::") return !value_left && l != slot_mark;
  if (left == "::") return !is_name(right);
  return true;
}

}  // namespace

void print_normal_form(std::string_view normal, std::string& out, std::size_t max_bytes) {
  const std::size_t start = out.size();
  std::string_view left;
  std::size_t number = 0;
  while (!normal.empty() && out.size() - start <= max_bytes) {
    const auto token = take(normal);
    if (token.empty()) continue;
    if (!left.empty() && blank_between(left, token)) out += ' ';
    if (token.front() == slot_mark) {
      out += '$';
      out += std::to_string(++number);
    } else if (token.front() == list_mark) {
      out += " /*, ...*/";
    } else {
      out += token;
    }
    if (token.front() != list_mark) left = token;
  }
  if (out.size() - start <= max_bytes) return;
  out.resize(start + max_bytes - std::min<std::size_t>(max_bytes, 3));
  out += "...";
}

}  // namespace fairing::codec::sql_lexer
