#include "advise/pagination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "advise/sql_parts.hpp"

namespace fairing::advise {

namespace {

constexpr std::uint32_t growth_steps = 3;
constexpr std::int64_t pages_deep = 10;

std::uint32_t slots_of(const sql_parts& p) {
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < p.tokens.size(); ++i) {
    if (p.tokens[i].at.kind != codec::sql_lexer::token_kind::parameter) continue;
    std::uint32_t n = 0;
    const auto digits = p.of(i).substr(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    most = std::max(most, n);
  }
  return most;
}

// "a, b" and "$4, $5".
std::pair<std::string, std::string> row_of(const std::vector<order_column>& columns,
                                           std::uint32_t first) {
  std::string names;
  std::string values;
  for (const auto& c : columns) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", c.text);
    values += fmt::format("{}${}", values.empty() ? "" : ", ", first++);
  }
  return {names, values};
}

// The key's columns that it does not sort by already, in the sort's spelling.
void add_key(std::vector<order_column>& columns, const std::vector<std::string>& key) {
  const auto first = columns.empty() ? order_column{} : columns.front();
  const bool quoted = first.text.ends_with('"');
  for (const auto& k : key) {
    const auto name = bare_name(k);
    if (std::ranges::any_of(columns,
                            [&](const order_column& c) { return bare_name(c.text) == name; }))
      continue;
    const bool bare = quoted && !k.starts_with('"');
    columns.push_back(
        {qualifier(first.text) + (bare ? fmt::format("\"{}\"", k) : k), first.descending});
  }
}

std::string trimmed(std::string_view s) {
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return std::string(s);
}

}  // namespace

void page_watch::on_execution(std::int64_t limit, std::int64_t offset) noexcept {
  if (offset <= 0) {
    if (offset == 0) last_ = 0;
    return;
  }
  ++with_offset_;
  if (offset > last_) ++grown_;
  last_ = offset;
  deepest_ = std::max(deepest_, offset);
  limit_ = std::max(limit_, limit);
}

void page_watch::on_rows(std::uint64_t rows, bool has_limit) noexcept {
  most_rows_ = std::max(most_rows_, rows);
  if (!has_limit && rows > many_rows) ++unbounded_;
}

void page_watch::merge(const page_watch& o) noexcept {
  deepest_ = std::max(deepest_, o.deepest_);
  limit_ = std::max(limit_, o.limit_);
  with_offset_ += o.with_offset_;
  unbounded_ += o.unbounded_;
  most_rows_ = std::max(most_rows_, o.most_rows_);
  grown_ += o.grown_;
}

page_fault page_watch::verdict(std::optional<std::uint64_t> table_rows) const noexcept {
  const bool grows = limit_ > 0 && deepest_ > pages_deep * limit_ && grown_ >= growth_steps;
  const bool pages =
      table_rows ? *table_rows > many_rows && with_offset_ != 0 : deepest_ >= deep_offset || grows;
  if (pages) return page_fault::offset;
  return unbounded_ != 0 ? page_fault::unbounded : page_fault::none;
}

std::string keyset_form(std::string_view template_text, const row_key& key) {
  if (key && key->empty()) return {};
  const auto p = parts_of(template_text);
  if (!p.simple || !p.select || !p.from || p.aggregate || p.distinct || p.having) return {};
  auto columns = p.order_columns();
  if (columns.empty() && p.order) return {};
  for (const auto& c : columns)
    if (c.descending != columns.front().descending) return {};
  const bool descending = !columns.empty() && columns.front().descending;
  add_key(columns, key.value_or(std::vector<std::string>{"id"}));
  const auto [names, values] = row_of(columns, slots_of(p) + 1);
  const auto condition = columns.size() == 1
                             ? fmt::format("{} {} {}", names, descending ? "<" : ">", values)
                             : fmt::format("({}) {} ({})", names, descending ? "<" : ">", values);
  const auto end = std::min(
      {p.begin_of(p.order), p.begin_of(p.limit), p.begin_of(p.offset), p.begin_of(p.tail)});
  std::string out;
  if (p.where) {
    const auto where_end = p.tokens[*p.where].at.end;
    out = fmt::format("{} ({}) and {}", p.text.substr(0, where_end),
                      trimmed(std::string_view(p.text).substr(where_end + 1, end - where_end - 1)),
                      condition);
  } else {
    out = fmt::format("{} where {}", trimmed(std::string_view(p.text).substr(0, end)), condition);
  }
  std::string order;
  for (const auto& c : columns)
    order += fmt::format("{}{}{}", order.empty() ? "" : ", ", c.text, descending ? " desc" : "");
  std::string limit = "limit 20";
  if (p.limit && *p.limit + 1 < p.tokens.size() && p.of(*p.limit) == "limit")
    limit = fmt::format("limit {}", p.of(*p.limit + 1));
  return fmt::format("{} order by {} {}", out, order, limit);
}

}  // namespace fairing::advise
