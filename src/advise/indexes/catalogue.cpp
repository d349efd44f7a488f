#include "advise/indexes/catalogue.hpp"

#include <algorithm>
#include <array>

namespace fairing::advise::indexes {

namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool same_set(const std::vector<int>& keys, std::size_t count, const std::vector<int>& columns) {
  return std::all_of(columns.begin(), columns.end(), [&](int c) {
    return std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), c) !=
           keys.begin() + static_cast<std::ptrdiff_t>(count);
  });
}

// The reserved words that are likely as names of columns and tables.
constexpr std::array<std::string_view, 42> reserved = {
    "all",     "and",    "any",   "array",   "as",     "asc",    "both",       "case",   "cast",
    "check",   "column", "desc",  "default", "do",     "else",   "end",        "except", "for",
    "foreign", "from",   "grant", "group",   "having", "in",     "into",       "limit",  "not",
    "null",    "offset", "on",    "or",      "order",  "select", "references", "table",  "then",
    "to",      "union",  "user",  "using",   "when",   "where"};

}  // namespace

const column* table::find(std::string_view column_name) const noexcept {
  auto at = std::find_if(columns.begin(), columns.end(),
                         [&](const column& c) { return c.name == column_name; });
  if (at == columns.end())  // MySQL's columns have no case
    at = std::find_if(columns.begin(), columns.end(), [&](const column& c) {
      return c.name.size() == column_name.size() && lower_case(c.name) == lower_case(column_name);
    });
  return at == columns.end() ? nullptr : &*at;
}

const column* table::find(int number) const noexcept {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const column& c) { return c.number == number; });
  return at == columns.end() ? nullptr : &*at;
}

void catalogue::index_names() {
  by_name_.clear();
  by_id_.clear();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    by_id_[tables[i].id] = i;
    const auto key = [this](std::string text) {
      return kind == dialect::postgres ? text : lower_case(text);
    };
    by_name_[key(tables[i].full_name())] = i;
    if (tables[i].visible) by_name_[key("." + tables[i].name)] = i;
  }
}

const table* catalogue::find_table(std::string_view schema, std::string_view name) const {
  std::string key(schema);
  key += '.';
  key += name;
  if (kind != dialect::postgres) key = lower_case(key);
  const auto at = by_name_.find(key);
  return at == by_name_.end() ? nullptr : &tables[at->second];
}

const table* catalogue::find_table(std::uint32_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &tables[at->second];
}

const index* catalogue::covers_set(std::uint32_t table, const std::vector<int>& columns) const {
  for (const auto& i : indexes)
    if (i.table == table && i.plain() && i.keys.size() >= columns.size() &&
        same_set(i.keys, columns.size(), columns))
      return &i;
  return nullptr;
}

const index* catalogue::covers(std::uint32_t table, const std::vector<int>& columns) const {
  for (const auto& i : indexes)
    if (i.table == table && i.plain() && i.keys.size() >= columns.size() &&
        std::equal(columns.begin(), columns.end(), i.keys.begin()))
      return &i;
  return nullptr;
}

const index* catalogue::unique_of(std::uint32_t table, const std::vector<int>& columns) const {
  for (const auto& i : indexes)
    if (i.table == table && i.plain() && i.unique && i.keys.size() == columns.size() &&
        same_set(i.keys, columns.size(), columns))
      return &i;
  return nullptr;
}

double distinct_values(const table& t, const column& c) noexcept {
  if (c.n_distinct < 0) return -c.n_distinct * std::max(t.rows, 0.0);
  return c.n_distinct;
}

std::string quoted(std::string_view name, dialect d) {
  const char mark = d == dialect::postgres ? '"' : '`';
  const bool plain = !name.empty() && (name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z')) &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                     });
  if (plain && std::find(reserved.begin(), reserved.end(), name) == reserved.end())
    return std::string(name);
  std::string out(1, mark);
  for (const char c : name) {
    if (c == mark) out += mark;
    out += c;
  }
  return out + mark;
}

std::string quoted_table(const table& t, dialect d) {
  if (t.visible) return quoted(t.name, d);
  return quoted(t.schema, d) + "." + quoted(t.name, d);
}

}  // namespace fairing::advise::indexes
