#include "advise/indexes/candidate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairing::advise::indexes {

namespace {

// What one relation of a statement is asked for.
struct demand {
  const table* of = nullptr;
  std::vector<key_part> equal;   // most different values first
  std::vector<key_part> listed;  // IN (..)
  std::vector<key_part> ranges;
  std::vector<key_part> joined;
  std::vector<key_part> ordered;
  std::vector<key_part> special;                        // expressions, LIKE
  std::vector<std::pair<int, std::string>> conditions;  // column and text for a partial index
  bool limited = false;
};

void add_once(std::vector<key_part>& list, key_part k) {
  if (std::find(list.begin(), list.end(), k) == list.end()) list.push_back(std::move(k));
}

bool has_column(const std::vector<key_part>& list, int column) {
  return std::any_of(list.begin(), list.end(),
                     [&](const key_part& k) { return k.column == column && k.expression.empty(); });
}

// The share of rows that a constant condition leaves; 1 if that is not known.
double share_of(const column& c, const predicate& p) {
  switch (p.how) {
    case comparison::is_null:
      return c.null_share;
    case comparison::not_null:
      return 1 - c.null_share;
    case comparison::is_true:
    case comparison::is_false: {
      const auto at = c.common.find(p.how == comparison::is_true ? "t" : "f");
      return at == c.common.end() ? 1 : at->second;
    }
    case comparison::equals: {
      auto text = p.constant;
      if (text.size() >= 2 && text.front() == '\'') text = text.substr(1, text.size() - 2);
      if (text == "true" || text == "false") text.resize(1);
      const auto at = c.common.find(text);
      return p.constant.empty() || at == c.common.end() ? 1 : at->second;
    }
    default:
      return 1;
  }
}

std::string condition_text(const catalogue& cat, const column& c, const predicate& p) {
  auto name = quoted(c.name, cat.kind);
  switch (p.how) {
    case comparison::is_null:
      return name + " IS NULL";
    case comparison::not_null:
      return name + " IS NOT NULL";
    case comparison::is_true:
      return name;
    case comparison::is_false:
      return "NOT " + name;
    default:
      return name + " = " + p.constant;
  }
}

void take_predicate(const predicate& p, const catalogue& c, demand& d) {
  const auto* col = d.of->find(p.column);
  if (col == nullptr || !col->indexable) return;
  if (c.kind == dialect::postgres && share_of(*col, p) <= partial_share)
    d.conditions.emplace_back(p.column, condition_text(c, *col, p));
  const bool is_boolean = col->type == "boolean";
  const key_part k{p.column, {}, {}, false, nulls_order::as_default, role::where};
  switch (p.how) {
    case comparison::equals:
      if (!is_boolean) add_once(d.equal, k);
      break;
    case comparison::is_null:
      if (!is_boolean && col->null_share < 0.5) add_once(d.equal, k);
      break;
    case comparison::any_of:
      add_once(d.listed, k);
      break;
    case comparison::range:
      add_once(d.ranges, k);
      break;
    case comparison::prefix:
      if (c.kind == dialect::postgres)
        add_once(d.special, {p.column,
                             {},
                             col->type == "text" ? "text_pattern_ops" : "varchar_pattern_ops",
                             false,
                             nulls_order::as_default,
                             role::where});
      else
        add_once(d.ranges, k);
      break;
    case comparison::not_null:
    case comparison::is_true:
    case comparison::is_false:
      break;
  }
}

// All descending is the same index as all ascending, read backwards.
void take_ordering(const ordering& o, std::size_t relation, demand& d) {
  std::vector<key_part> keys;
  for (const auto& k : o.keys) {
    if (k.relation != relation) return;  // a sort over two tables is beyond an index
    const auto* col = d.of->find(k.column);
    if (col == nullptr || !col->indexable) return;
    const bool usual = k.nulls == nulls_order::as_default || col->not_null ||
                       (k.nulls == nulls_order::first) == k.descending;
    if (!has_column(d.equal, k.column) && !has_column(keys, k.column))
      keys.push_back({k.column,
                      {},
                      {},
                      k.descending,
                      usual ? nulls_order::as_default : k.nulls,
                      role::order_by});
  }
  if (std::all_of(keys.begin(), keys.end(), [](const key_part& k) {
        return k.descending && k.nulls == nulls_order::as_default;
      }))
    for (auto& k : keys) k.descending = false;
  d.ordered = std::move(keys);
  d.limited = o.limited;
}

demand demand_of(const statement_facts& s, std::size_t relation, const catalogue& c) {
  demand d;
  d.of = c.find_table(s.relations[relation].table);
  for (const auto& p : s.predicates)
    if (p.relation == relation) take_predicate(p, c, d);
  std::sort(d.equal.begin(), d.equal.end(), [&](const key_part& a, const key_part& b) {
    const double x = distinct_values(*d.of, *d.of->find(a.column));
    const double y = distinct_values(*d.of, *d.of->find(b.column));
    return x != y ? x > y : a.column < b.column;
  });
  for (const auto& j : s.joins) {
    for (const auto& [side, column_number] :
         {std::pair{j.left, j.left_column}, std::pair{j.right, j.right_column}})
      if (side == relation && d.of->find(column_number)->indexable)
        add_once(d.joined, {column_number, {}, {}, false, nulls_order::as_default, role::join});
  }
  if (c.kind == dialect::postgres)
    for (const auto& w : s.wrappings)
      if (w.relation == relation)
        add_once(d.special,
                 {w.column, w.expression, {}, false, nulls_order::as_default, role::where});
  for (const auto& o : s.orderings)
    if (o.block == s.relations[relation].block) take_ordering(o, relation, d);
  return d;
}

std::vector<key_part> joined_lists(std::initializer_list<std::vector<key_part>> lists) {
  std::vector<key_part> out;
  for (const auto& list : lists)
    for (const auto& k : list)
      if (!(k.expression.empty() && has_column(out, k.column))) out.push_back(k);
  return out;
}

// Column lists worth a try, the longer ones last.
std::vector<std::vector<key_part>> key_lists(const demand& d) {
  std::vector<std::vector<key_part>> out;
  const auto add = [&](std::vector<key_part> keys) {
    if (keys.empty() || keys.size() > 4) return;
    if (std::find(out.begin(), out.end(), keys) == out.end()) out.push_back(std::move(keys));
  };
  for (const auto& k : d.special) {
    add({k});
    add(joined_lists({d.equal, {k}}));
  }
  for (const auto& j : d.joined) {
    add({j});
    add(joined_lists({{j}, d.equal}));
    add(joined_lists({d.equal, {j}}));
  }
  for (const auto& k : d.equal) add({k});
  add(d.equal);
  for (const auto& k : d.listed) {
    add({k});
    add(joined_lists({d.equal, {k}}));
  }
  if (d.limited || d.ranges.empty()) add(d.ordered);
  add(joined_lists({d.equal, d.ordered}));
  for (const auto& k : d.ranges) {
    add({k});
    add(joined_lists({d.equal, {k}}));
  }
  return out;
}

void add_partial(const demand& d, const catalogue& c, std::vector<candidate>& out) {
  for (const auto& [number, text] : d.conditions) {
    demand rest = d;
    const int gone = number;
    const auto drop = [gone](std::vector<key_part>& list) {
      std::erase_if(list, [gone](const key_part& k) { return k.column == gone; });
    };
    for (auto* list : {&rest.equal, &rest.listed, &rest.ranges, &rest.joined, &rest.ordered})
      drop(*list);
    rest.special.clear();
    auto lists = key_lists(rest);
    if (lists.empty()) {  // nothing else is asked for: by the primary key
      for (const auto& i : c.indexes)
        if (i.table == d.of->id && i.primary && i.keys.size() == 1)
          lists.push_back({{i.keys[0], {}, {}, false, nulls_order::as_default, role::where}});
    }
    for (auto& keys : lists) out.push_back({d.of->id, std::move(keys), text});
  }
}

bool is_there(const candidate& k, const catalogue& c) {
  if (k.simple()) return c.covers(k.table, k.columns()) != nullptr;
  const auto without_white = [](std::string text) {
    std::erase_if(text, [](char ch) { return ch == ' ' || ch == '(' || ch == ')' || ch == '"'; });
    return text;
  };
  const auto wanted = without_white(k.keys_text(c));
  return std::any_of(c.indexes.begin(), c.indexes.end(), [&](const index& i) {
    if (i.table != k.table || !i.valid) return false;
    if (without_white(i.predicate) != without_white(k.predicate)) return false;
    const auto text = without_white(i.definition);
    const auto at = text.find("USING" + i.method);
    return at != std::string::npos && text.substr(at + 5 + i.method.size()).starts_with(wanted);
  });
}

}  // namespace

bool candidate::prefix_of(const candidate& o) const noexcept {
  return table == o.table && predicate == o.predicate && keys.size() < o.keys.size() &&
         std::equal(keys.begin(), keys.end(), o.keys.begin());
}

bool candidate::simple() const noexcept {
  return predicate.empty() && std::all_of(keys.begin(), keys.end(), [](const key_part& k) {
           return k.expression.empty() && k.operator_class.empty() && !k.descending &&
                  k.nulls == nulls_order::as_default;
         });
}

std::vector<int> candidate::columns() const {
  std::vector<int> out;
  out.reserve(keys.size());
  for (const auto& k : keys) out.push_back(k.column);
  return out;
}

std::string candidate::keys_text(const catalogue& c) const {
  std::string out;
  const auto* t = c.find_table(table);
  for (const auto& k : keys) {
    if (!out.empty()) out += ", ";
    out += k.expression.empty() ? quoted(t->find(k.column)->name, c.kind) : k.expression;
    if (!k.operator_class.empty()) out += " " + k.operator_class;
    if (k.descending) out += " DESC";
    if (c.kind != dialect::postgres) continue;
    if (k.nulls == nulls_order::first) out += " NULLS FIRST";
    if (k.nulls == nulls_order::last) out += " NULLS LAST";
  }
  return out;
}

std::string candidate::create_sql(const catalogue& c, bool online, bool unique) const {
  const auto* t = c.find_table(table);
  if (c.kind == dialect::postgres)
    return fmt::format("CREATE {}INDEX {}ON {} ({}){}", unique ? "UNIQUE " : "",
                       online ? "CONCURRENTLY " : "", quoted_table(*t, c.kind), keys_text(c),
                       predicate.empty() ? "" : " WHERE " + predicate);
  std::string name = t->name;
  for (const auto& k : keys) name += "_" + t->find(k.column)->name;
  name.resize(std::min<std::size_t>(name.size(), 60));
  return fmt::format("CREATE {}INDEX {} ON {} ({}){}", unique ? "UNIQUE " : "",
                     quoted(name + "_idx", c.kind), quoted_table(*t, c.kind), keys_text(c),
                     online ? " ALGORITHM=INPLACE LOCK=NONE" : "");
}

std::vector<candidate> candidates_of(const statement_facts& s, const catalogue& c) {
  std::vector<candidate> out;
  for (std::size_t r = 0; r < s.relations.size(); ++r) {
    const auto* t = c.find_table(s.relations[r].table);
    if (t == nullptr || t->rows < least_rows) continue;
    const auto d = demand_of(s, r, c);
    std::vector<candidate> found;
    for (auto& keys : key_lists(d)) found.push_back({t->id, std::move(keys), {}});
    add_partial(d, c, found);
    for (auto& k : found) {
      if (out.size() >= max_candidates) return out;
      if (!is_there(k, c) && std::find(out.begin(), out.end(), k) == out.end())
        out.push_back(std::move(k));
    }
  }
  return out;
}

}  // namespace fairing::advise::indexes
