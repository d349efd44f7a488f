#include "advise/indexes/advisor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "advise/indexes/catalogue_findings.hpp"
#include "advise/indexes/search.hpp"

namespace fairing::advise::indexes {

namespace {

bool textual(const column& c) {
  for (const auto* type : {"text", "character", "citext", "uuid", "varchar", "char"})
    if (c.type.starts_with(type)) return true;
  return false;
}

// Looked up by this column alone, all its values differ, and nothing keeps it so.
bool should_be_unique(const table& t, const column& c) {
  return c.n_distinct <= -0.999 && t.rows >= least_rows && textual(c);
}

// The statement asks for one row by this column.
bool looked_up_alone(const statement_facts& s, std::uint32_t table, int column_number) {
  if (s.relations.size() != 1 || s.relations[0].table != table) return false;
  return s.predicates.size() == 1 && s.predicates[0].column == column_number &&
         s.predicates[0].how == comparison::equals;
}

std::string unique_caution(const catalogue& c, const table& t, const column& col) {
  return fmt::format(
      "first see that nothing comes of `SELECT {}, count(*) FROM {} GROUP BY 1 HAVING count(*) > "
      "1`; leave UNIQUE out if values may repeat",
      quoted(col.name, c.kind), quoted_table(t, c.kind));
}

class report {
 public:
  report(const catalogue& c, const index_search& search) : catalogue_(c), search_(search) {}

  [[nodiscard]] finding of(const choice& c) const {
    const auto* t = catalogue_.find_table(c.index.table);
    finding f;
    f.table = t->full_name();
    f.columns = column_names(*t, c.index.columns());
    f.source = finding_source::plan;
    f.verified = c.tried ? verification::yes : verification::unverified;
    f.weight = c.saved;
    f.size = c.bytes;
    const auto* fk = foreign_key_of(c);
    const bool unique = is_unique(c, *t);
    f.kind = kind_of(c, fk, unique);
    f.statement = c.index.create_sql(catalogue_, true, unique);
    if (c.tried && c.before > 0) {
      f.gain = (c.before - c.after) / c.before;
      f.cost_before = c.before;
      f.cost_after = c.after;
    }
    for (const auto s : c.statements)
      if (f.statements.size() < 5 && search_.statements()[s].key == nullptr)
        f.statements.push_back(search_.statements()[s].facts.text);
    if (unique) f.caution = unique_caution(catalogue_, *t, *t->find(c.index.keys[0].column));
    f.evidence = evidence(c, *t, fk, f.caution);
    return f;
  }

 private:
  [[nodiscard]] const foreign_key* foreign_key_of(const choice& c) const {
    for (const auto s : c.statements)
      if (search_.statements()[s].key != nullptr) return search_.statements()[s].key;
    return nullptr;
  }

  [[nodiscard]] bool is_unique(const choice& c, const table& t) const {
    if (c.index.keys.size() != 1 || !c.index.simple()) return false;
    const auto* col = t.find(c.index.keys[0].column);
    return should_be_unique(t, *col) &&
           std::any_of(c.statements.begin(), c.statements.end(), [&](std::size_t s) {
             return looked_up_alone(search_.statements()[s].facts, t.id, col->number);
           });
  }

  [[nodiscard]] static finding_kind kind_of(const choice& c, const foreign_key* fk, bool unique) {
    if (fk != nullptr) return finding_kind::foreign_key;
    if (unique) return finding_kind::unique;
    if (c.index.keys.size() > 1) return finding_kind::composite;
    switch (c.index.keys[0].why) {
      case role::join:
        return finding_kind::join;
      case role::order_by:
        return finding_kind::order_by;
      case role::where:
        return finding_kind::where;
    }
    return finding_kind::where;
  }

  [[nodiscard]] std::string evidence(const choice& c, const table& t, const foreign_key* fk,
                                     const std::string& caution) const {
    const auto& s = search_.statements()[c.statements.front()];
    std::string out;
    if (fk != nullptr) {
      const auto* parent = catalogue_.find_table(fk->parent);
      out = fmt::format(
          "foreign key {} has no index: deleting from {} or changing its key reads all of {}; ",
          fk->name, parent == nullptr ? "the parent" : parent->full_name(), t.name);
    }
    const auto* scan = s.today.full_scan(t.name);
    if (scan != nullptr)
      out += fmt::format("today {} reads {} in full{}", scan->type, rows_text(t.rows),
                         scan->filter.empty() ? "" : ", filter " + scan->filter);
    else
      out += s.today.sorts ? "today the rows are read and sorted" : "today more rows are read";
    if (c.tried)
      out += fmt::format("; the planner's cost falls from {:.2f} to {:.2f}", c.before, c.after);
    else
      out += "; not verified: this server cannot plan with an index that is not there";
    for (const auto& i : catalogue_.indexes) {
      auto wanted = c.index.columns();
      auto there = i.keys;
      if (i.table != t.id || !i.plain() || there == wanted) continue;
      std::sort(wanted.begin(), wanted.end());
      std::sort(there.begin(), there.end());
      if (wanted == there)
        out +=
            fmt::format("; {} has the same columns in another order, which does not serve", i.name);
      else if (c.index.simple() && !i.unique && !i.constraint && i.keys.size() < wanted.size() &&
               std::equal(i.keys.begin(), i.keys.end(), c.index.columns().begin()))
        out += fmt::format("; {} is then not needed any more", i.name);
    }
    if (!caution.empty())
      out +=
          "; all values differ and it is looked up alone, so it is proposed as unique: " + caution;
    if (t.writes > 0) out += fmt::format("; {} rows were written there", t.writes);
    return out;
  }

  const catalogue& catalogue_;
  const index_search& search_;
};

// Columns with a non-unique index that are looked up as unique.
void find_missing_unique(const catalogue& c, const index_search& search,
                         std::vector<finding>& out) {
  for (const auto& s : search.statements()) {
    if (s.key != nullptr || s.facts.relations.size() != 1 || s.facts.predicates.size() != 1)
      continue;
    const auto& p = s.facts.predicates[0];
    const auto* t = c.find_table(s.facts.relations[0].table);
    const auto* col = t->find(p.column);
    if (!should_be_unique(*t, *col) || !looked_up_alone(s.facts, t->id, col->number)) continue;
    const auto* there = c.covers(t->id, {col->number});
    if (there == nullptr || c.unique_of(t->id, {col->number}) != nullptr) continue;
    const bool told = std::any_of(out.begin(), out.end(), [&](const finding& f) {
      return f.kind == finding_kind::unique && f.table == t->full_name() &&
             f.columns == std::vector<std::string>{col->name};
    });
    if (told) continue;
    finding f;
    f.table = t->full_name();
    f.columns = {col->name};
    f.kind = finding_kind::unique;
    const candidate k{
        t->id, {{col->number, {}, {}, false, nulls_order::as_default, role::where}}, {}};
    f.statement = k.create_sql(c, true, true);
    if (there->keys.size() == 1 && !there->constraint && c.kind == dialect::postgres)
      f.statement += "; DROP INDEX CONCURRENTLY " + quoted(there->name, c.kind);
    f.caution = unique_caution(c, *t, *col);
    f.evidence = fmt::format(
        "all values of {} differ and it is looked up alone, but {} is not unique: nothing keeps "
        "two requests at once from inserting the same value; {}",
        col->name, there->name, f.caution);
    f.statements = {s.facts.text};
    out.push_back(std::move(f));
  }
}

void note_wrapped(const catalogue& c, const index_search& search, advice& out) {
  for (const auto& s : search.statements())
    for (const auto& w : s.facts.wrappings) {
      const auto* t = c.find_table(s.facts.relations[w.relation].table);
      const auto text = w.expression;
      const bool told =
          std::any_of(out.findings.begin(), out.findings.end(), [&](const finding& f) {
            return f.table == t->full_name() && f.statement.find(text) != std::string::npos;
          });
      const auto line = fmt::format(
          "{} of {} hides the column from its index; compare {} itself, by a range for instance",
          text, t->full_name(), t->find(w.column)->name);
      if (!told && t->rows >= least_rows && out.notes.size() < 100 &&
          std::find(out.notes.begin(), out.notes.end(), line) == out.notes.end() &&
          s.today.full_scan(t->name) != nullptr)
        out.notes.push_back(line);
    }
}

}  // namespace

advice give_advice(const catalogue& c, std::span<const workload_statement> workload,
                   planner& database, const advice_limits& limits) {
  advice out;
  index_search search(c, database, limits, out);
  search.plan_all(workload);
  search.add_foreign_keys(unindexed_foreign_keys(c));
  search.try_all();
  search.merge();
  search.confirm();
  const report r(c, search);
  for (const auto& k : search.chosen()) out.findings.push_back(r.of(k));
  std::sort(out.findings.begin(), out.findings.end(), [](const finding& a, const finding& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.statement < b.statement;
  });
  find_missing_primary_keys(c, out.findings);
  find_missing_unique(c, search, out.findings);
  find_redundant(c, out.findings);
  std::set<std::string> planned;
  for (const auto& s : search.statements())
    for (const auto& n : s.today.nodes)
      if (!n.index.empty()) planned.insert(n.index);
  find_unused(c, limits.unused_days, planned, out.findings);
  find_invalid(c, out.findings);
  note_wrapped(c, search, out);
  return out;
}

}  // namespace fairing::advise::indexes
