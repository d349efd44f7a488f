#include "advise/sql_parts.hpp"

#include <algorithm>
#include <array>

#include "codec/sql_lexer/name.hpp"

namespace fairing::advise {

namespace {

namespace lex = codec::sql_lexer;
using lex::token_kind;
using lex::word;

bool is_name(const sql_token& t) noexcept {
  return t.at.kind == token_kind::quoted_identifier ||
         (t.at.kind == token_kind::identifier && t.word == word::none);
}

void read_tokens(sql_parts& p) {
  lex::lexer lexer(p.text);
  lex::token t;
  std::uint32_t depth = 0;
  bool dot = false;
  while (lexer.next(t)) {
    if (t.kind == token_kind::comment) continue;
    if ((t.is(')') || t.is(']')) && depth != 0) --depth;
    word w = word::none;
    if (t.kind == token_kind::identifier && !dot) w = lex::word_of(t.of(p.text));
    p.tokens.push_back({t, w, depth});
    if (t.is('(') || t.is('[')) ++depth;
    dot = t.is('.');
  }
}

// Functions that make one row of many; good enough where a miss only costs the shorter form.
bool is_aggregate(std::string_view name) noexcept {
  constexpr std::array names = {
      "count",     "sum",        "avg",      "min",       "max",
      "array_agg", "every",      "json_agg", "jsonb_agg", "bool_or",
      "bool_and",  "string_agg", "stddev",   "variance",  "percentile_cont"};
  return std::ranges::find(names, name) != names.end();
}

void note_clause(sql_parts& p, std::size_t i) {
  const auto set = [i](std::optional<std::size_t>& clause) {
    if (!clause) clause = i;
  };
  switch (p.tokens[i].word) {
    case word::kw_select:
      return set(p.select);
    case word::kw_from:
      return set(p.from);
    case word::kw_where:
      return set(p.where);
    case word::kw_group:
      return set(p.group);
    case word::kw_having:
      return set(p.having);
    case word::kw_order:
      return set(p.order);
    case word::kw_limit:
      return set(p.limit);
    case word::kw_offset:
      return set(p.offset);
    case word::kw_fetch:
      return set(p.limit);
    case word::kw_for:
    case word::kw_window:
      return set(p.tail);
    case word::kw_union:
    case word::kw_except:
    case word::kw_intersect:
    case word::kw_into:
      p.simple = false;
      return;
    default:
      return;
  }
}

void read_select_list(sql_parts& p) {
  if (!p.select) return;
  const auto end = p.from.value_or(p.tokens.size());
  for (std::size_t i = *p.select + 1; i < end; ++i) {
    const auto& t = p.tokens[i];
    if (t.depth == 0 && t.word == word::kw_distinct) p.distinct = true;
    if (t.word == word::kw_over) p.aggregate = true;
    const bool call = i + 1 < end && p.tokens[i + 1].at.is('(');
    if (call && t.depth == 0 && is_aggregate(p.of(i))) p.aggregate = true;
  }
  if (p.group) p.aggregate = true;
}

void read_table(sql_parts& p) {
  if (!p.from) return;
  std::size_t i = *p.from + 1;
  if (i < p.tokens.size() && p.tokens[i].word == word::kw_only) ++i;
  const std::size_t first = i;
  while (i < p.tokens.size() && (is_name(p.tokens[i]) || p.tokens[i].at.is('.'))) {
    const bool dot = p.tokens[i].at.is('.');
    if (i > first && dot == p.tokens[i - 1].at.is('.')) break;
    ++i;
  }
  if (i == first) return;
  const auto begin = p.tokens[first].at.begin;
  p.table = p.text.substr(begin, p.tokens[i - 1].at.end - begin);
}

// Index of the first token of the dotted name that ends at `last`; nullopt: no name.
std::optional<std::size_t> name_before(const sql_parts& p, std::size_t last) {
  if (!is_name(p.tokens[last])) return std::nullopt;
  std::size_t at = last;
  while (at >= 2 && p.tokens[at - 1].at.is('.') && is_name(p.tokens[at - 2])) at -= 2;
  return at;
}

// Index behind the dotted name that begins at `first`; nullopt: no name.
std::optional<std::size_t> name_behind(const sql_parts& p, std::size_t first) {
  if (first >= p.tokens.size() || !is_name(p.tokens[first])) return std::nullopt;
  std::size_t at = first + 1;
  while (at + 1 < p.tokens.size() && p.tokens[at].at.is('.')) at += 2;
  const bool call = at < p.tokens.size() && p.tokens[at].at.is('(');
  return call ? std::nullopt : std::optional(at);
}

slot_compare made(const sql_parts& p, std::size_t name_first, std::size_t name_last,
                  std::size_t first, std::size_t last) {
  const auto begin = p.tokens[name_first].at.begin;
  return {p.text.substr(begin, p.tokens[name_last].at.end - begin), p.tokens[first].at.begin,
          p.tokens[last].at.end};
}

// A comparison is whole if nothing binds tighter on its other side.
bool ends_operand(const sql_parts& p, std::size_t next) {
  if (next >= p.tokens.size()) return true;
  const auto& t = p.tokens[next];
  return t.at.is(')') || t.at.is(';') || (t.word != word::none && t.word != word::kw_collate);
}

}  // namespace

sql_parts parts_of(std::string_view template_text) {
  sql_parts p;
  p.text = template_text;
  read_tokens(p);
  p.simple = !p.tokens.empty() && p.tokens.front().word == word::kw_select;
  for (std::size_t i = 0; i < p.tokens.size(); ++i) {
    if (p.tokens[i].at.kind == token_kind::error || p.tokens[i].at.is(';')) p.simple = false;
    if (p.tokens[i].depth == 0) note_clause(p, i);
  }
  read_select_list(p);
  // What FETCH and MOVE name behind FROM is a cursor.
  const auto verb = p.tokens.empty() ? word::none : p.tokens.front().word;
  if (verb != word::kw_fetch && verb != word::kw_move) read_table(p);
  return p;
}

std::optional<std::size_t> sql_parts::token_of_slot(std::uint32_t slot) const noexcept {
  const auto wanted = std::to_string(slot);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].at.kind == token_kind::parameter && of(i).substr(1) == wanted) return i;
  return std::nullopt;
}

std::vector<order_column> sql_parts::order_columns() const {
  std::vector<order_column> out;
  if (!order) return out;
  std::size_t i = *order + 2;  // ORDER BY
  for (;;) {
    const auto behind = name_behind(*this, i);
    if (!behind) return {};
    const auto begin = tokens[i].at.begin;
    order_column c{text.substr(begin, tokens[*behind - 1].at.end - begin), false};
    i = *behind;
    if (i < tokens.size() && (tokens[i].word == word::kw_asc || tokens[i].word == word::kw_desc))
      c.descending = tokens[i++].word == word::kw_desc;
    out.push_back(std::move(c));
    if (i >= tokens.size() || tokens[i].word == word::kw_limit ||
        tokens[i].word == word::kw_offset || tokens[i].word == word::kw_fetch ||
        tokens[i].word == word::kw_for)
      return out;
    if (!tokens[i].at.is(',')) return {};
    ++i;
  }
}

std::optional<slot_compare> compare_of(const sql_parts& p, std::uint32_t slot) {
  const auto found = p.token_of_slot(slot);
  if (!found) return std::nullopt;
  const auto i = *found;
  if (i >= 2 && p.tokens[i - 1].at.is('=') && ends_operand(p, i + 1)) {
    const auto first = name_before(p, i - 2);
    if (first) return made(p, *first, i - 2, *first, i);
  }
  const bool begins = i == 0 || p.tokens[i - 1].at.is('(') || p.tokens[i - 1].word != word::none;
  if (begins && i + 2 < p.tokens.size() && p.tokens[i + 1].at.is('=')) {
    const auto behind = name_behind(p, i + 2);
    if (behind && ends_operand(p, *behind)) return made(p, i + 2, *behind - 1, i, *behind - 1);
  }
  const bool in_list = i >= 3 && p.tokens[i - 1].at.is('(') &&
                       p.tokens[i - 2].word == word::kw_in && i + 1 < p.tokens.size() &&
                       p.tokens[i + 1].at.is(')');
  if (in_list) {
    const auto first = name_before(p, i - 3);
    if (first) return made(p, *first, i - 3, *first, i + 1);
  }
  return std::nullopt;
}

std::string bare_name(std::string_view name) {
  const auto canonical = lex::canonical_name(name);
  return canonical.substr(canonical.rfind('.') + 1);
}

std::string qualifier(std::string_view name) {
  // A dot inside quotes belongs to the name.
  bool quoted = false;
  std::size_t last = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '"') quoted = !quoted;
    if (name[i] == '.' && !quoted) last = i + 1;
  }
  return std::string(name.substr(0, last));
}

}  // namespace fairing::advise
