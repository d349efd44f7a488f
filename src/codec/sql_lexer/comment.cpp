#include "codec/sql_lexer/comment.hpp"

#include <algorithm>

#include "codec/sql_lexer/chars.hpp"

namespace fairing::codec::sql_lexer {

namespace {

constexpr std::size_t longest_comment = 4096;
constexpr std::size_t longest_route = 256;
constexpr int most_pairs = 32;

[[nodiscard]] int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

[[nodiscard]] bool is_lower_hex(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

[[nodiscard]] bool all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

// version "-" trace-id "-" parent-id "-" flags, W3C Trace Context §3.2; a later version may go on.
void read_traceparent(std::string_view v, trace_comment& out) noexcept {
  if (v.size() < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-') return;
  const auto version = v.substr(0, 2);
  const auto trace = v.substr(3, 32);
  const auto span = v.substr(36, 16);
  const auto flags = v.substr(53, 2);
  if (!is_lower_hex(version) || !is_lower_hex(trace) || !is_lower_hex(span) || !is_lower_hex(flags))
    return;
  if (version == "ff" || all_zero(trace) || all_zero(span)) return;
  if (v.size() > 55 && (version == "00" || v[55] != '-')) return;
  out.has_trace = true;
  out.sampled = (hex_value(flags[1]) & 1) != 0;
  std::ranges::copy(trace, out.trace_id.begin());
  std::ranges::copy(span, out.span_id.begin());
}

[[nodiscard]] constexpr bool is_key_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '%';
}

// A comment's inside, pair by pair. `offset`: where the inside begins in the text.
[[nodiscard]] bool read_pairs(std::string_view in, std::uint32_t offset,
                              trace_comment& out) noexcept {
  std::size_t at = 0;
  const auto blanks = [&] {
    while (at < in.size() && chars::is(in[at], chars::space)) ++at;
  };
  for (int pairs = 0; pairs < most_pairs; ++pairs) {
    blanks();
    const std::size_t key_begin = at;
    while (at < in.size() && is_key_char(in[at])) ++at;
    const auto key = in.substr(key_begin, at - key_begin);
    if (key.empty() || key.size() > 64 || in.substr(at, 2) != "='") return false;
    at += 2;
    const std::size_t value_begin = at;
    while (at < in.size() && in[at] != '\'') at += in[at] == '\\' ? 2 : 1;
    if (at >= in.size()) return false;
    const auto value = in.substr(value_begin, at - value_begin);
    ++at;
    if (key == "traceparent") read_traceparent(value, out);
    if (key == "route")
      out.route_value = {offset + static_cast<std::uint32_t>(value_begin),
                         offset + static_cast<std::uint32_t>(value_begin + value.size())};
    blanks();
    if (at == in.size()) return true;
    if (in[at++] != ',') return false;
  }
  return false;
}

[[nodiscard]] bool read_comment(std::string_view text, const token& t,
                                trace_comment& out) noexcept {
  const auto bytes = t.of(text);
  if (bytes.size() < 4 || bytes.size() > longest_comment || bytes[1] != '*') return false;
  trace_comment read = out;
  if (!read_pairs(bytes.substr(2, bytes.size() - 4), t.begin + 2, read)) return false;
  out = read;
  return true;
}

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (chars::is(text.back(), chars::space) || text.back() == ';'))
    text.remove_suffix(1);
  while (!text.empty() && chars::is(text.front(), chars::space)) text.remove_prefix(1);
  return text;
}

}  // namespace

trace_comment read_trace_comment(std::string_view text, lexer_options options) noexcept {
  trace_comment out;
  const auto core = trimmed(text);
  if (!core.starts_with("/*") && !core.ends_with("*/")) return out;
  lexer lex(text, options);
  token t;
  token first_comment;            // before anything else
  token last_comment;             // with nothing but semicolons behind it
  std::uint32_t before_last = 0;  // end of the token before last_comment
  std::uint32_t last_end = 0;
  bool any = false;   // a token that is no comment came
  bool open = false;  // last_comment is the last token so far
  std::uint32_t behind_first = 0;
  while (lex.next(t)) {
    if (t.kind == token_kind::error) return {};
    if (first_comment.end != 0 && behind_first == 0) behind_first = t.begin;
    if (t.kind == token_kind::comment) {
      if (!any && first_comment.end == 0 && last_end == 0) {
        first_comment = t;
      } else {
        last_comment = t;
        before_last = last_end;
        open = true;
      }
    } else {
      any = true;
      if (!t.is(';')) open = false;
    }
    last_end = t.end;
  }
  if (!any) return {};
  if (open && read_comment(text, last_comment, out)) out.back = {before_last, last_comment.end};
  if (first_comment.end != 0 && read_comment(text, first_comment, out))
    out.front = {0, behind_first};
  return out;
}

std::string_view trace_comment::piece(std::string_view text, int n) const noexcept {
  const std::size_t from = front.end;
  if (back.empty()) return n == 0 ? text.substr(from) : std::string_view();
  if (n == 0) return text.substr(from, back.begin - from);
  return n == 1 ? text.substr(back.end) : std::string_view();
}

std::string text_without(std::string_view text, const trace_comment& found) {
  std::string out(found.piece(text, 0));
  out += found.piece(text, 1);
  return out;
}

bool route_of(std::string_view text, const trace_comment& found, std::string& out) {
  out.clear();
  const auto in = found.route_value.of(text);
  for (std::size_t i = 0; i < in.size() && out.size() <= longest_route; ++i) {
    char c = in[i];
    if (c == '\\' && i + 1 < in.size()) c = in[++i];
    if (c == '%' && i + 2 < in.size()) {
      const int high = hex_value(in[i + 1]);
      const int low = hex_value(in[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        i += 2;
      }
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out.clear();
      return false;
    }
    out += c;
  }
  if (out.size() > longest_route) out.clear();
  return !out.empty();
}

}  // namespace fairing::codec::sql_lexer
