#include "advise/batched_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "advise/sql_parts.hpp"

namespace fairing::advise {

namespace {

using codec::sql_lexer::word;

// The dotted name or star that ends at token `last`, as written.
std::string_view dotted(const sql_parts& p, std::size_t last) {
  std::size_t first = last;
  while (first >= 2 && p.tokens[first - 1].at.is('.')) first -= 2;
  const auto begin = p.tokens[first].at.begin;
  return std::string_view(p.text).substr(begin, p.tokens[last].at.end - begin);
}

// Does the select list give the column out: itself, `*` or `t.*`?
bool gives_out(const sql_parts& p, std::string_view column) {
  const auto name = bare_name(column);
  const auto table = qualifier(column);
  const auto end = p.from.value_or(p.tokens.size());
  const auto first = p.select.value_or(end) + 1;
  for (auto i = first; i < end; ++i) {
    const auto& t = p.tokens[i];
    const bool ends =
        i + 1 == end || p.tokens[i + 1].at.is(',') || p.tokens[i + 1].word == word::kw_as;
    if (t.depth != 0 || !ends) continue;
    const auto of = qualifier(dotted(p, i));
    const bool begins = i == first || p.tokens[i - 1].at.is(',') || p.tokens[i - 1].at.is('.');
    const bool same_table = of.empty() || table.empty() || of == table;
    if (begins && same_table && (t.at.is('*') || bare_name(p.of(i)) == name)) return true;
  }
  return false;
}

std::string any_form(const sql_parts& p, const slot_compare& c, std::uint32_t slot) {
  std::string out = p.text;
  out.replace(c.begin, c.end - c.begin, fmt::format("{} = any(${})", c.column, slot));
  if (p.select && !gives_out(p, c.column))
    out.insert(p.tokens[*p.select].at.end, fmt::format(" {},", c.column));
  return out;
}

// A name that the template does not use.
std::string free_name(const sql_parts& p, std::string_view wanted) {
  std::string name(wanted);
  const auto taken = [&] {
    return std::ranges::any_of(p.tokens, [&](const sql_token& t) {
      return t.at.of(p.text) == name || bare_name(t.at.of(p.text)) == name;
    });
  };
  for (int i = 1; taken(); ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

std::string lateral_form(const sql_parts& p, const batch_key& key) {
  const auto keys = free_name(p, "k");
  const auto rows = free_name(p, "q");
  const auto wanted = "$" + std::to_string(key.slot);
  std::string inner;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < p.tokens.size(); ++i) {
    const auto& t = p.tokens[i].at;
    if (t.kind != codec::sql_lexer::token_kind::parameter || p.of(i) != wanted) continue;
    inner.append(p.text, copied, t.begin - copied);
    inner += keys + ".key";
    copied = t.end;
  }
  inner.append(p.text, copied);
  return fmt::format(
      "select {0}.n, {0}.key, {1}.* from unnest({2}::{3}[]) with ordinality as {0}(key, n) "
      "cross join lateral ({4}) as {1} order by {0}.n",
      keys, rows, wanted, type_name(key.type, key.kind), inner);
}

}  // namespace

std::string_view type_name(std::uint32_t type, value_kind kind) noexcept {
  switch (static_cast<known_type>(type)) {
    case known_type::int2:
      return "smallint";
    case known_type::int4:
      return "integer";
    case known_type::int8:
      return "bigint";
    case known_type::oid:
      return "oid";
    case known_type::uuid:
      return "uuid";
    case known_type::text:
    case known_type::varchar:
    case known_type::bpchar:
      return "text";
    default:
      break;
  }
  if (kind == value_kind::integer) return "bigint";
  return kind == value_kind::uuid ? "uuid" : "text";
}

std::string batched_sql(std::string_view template_text, const batch_key& key) {
  // The mark of a list that may be longer is a comment: it must not hide what follows.
  const auto p = parts_of(template_text);
  const auto slot_token = p.token_of_slot(key.slot);
  if (!p.simple || !p.select || !slot_token) return {};
  const auto c = compare_of(p, key.slot);
  const bool per_key = p.order || p.limit || p.offset || p.distinct || p.aggregate || p.tail;
  // Inside a sub-select, or under OR, the comparison does not say whose row it is.
  const auto token = *slot_token;
  const bool any_or = std::ranges::any_of(
      p.tokens, [](const sql_token& t) { return t.word == word::kw_or || t.word == word::kw_not; });
  const bool sub_select = std::ranges::count_if(p.tokens, [](const sql_token& t) {
                            return t.word == word::kw_select;
                          }) > 1;
  const bool in_where = p.where && token > *p.where;
  if (c && !per_key && in_where && !any_or && !sub_select) return any_form(p, *c, key.slot);
  return lateral_form(p, key);
}

}  // namespace fairing::advise
