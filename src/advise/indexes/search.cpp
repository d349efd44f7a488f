#include "advise/indexes/search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "advise/indexes/catalogue_findings.hpp"

namespace fairing::advise::indexes {

namespace {

constexpr double same_cost = 1.10;    // a longer index must be better by more than this
constexpr int max_rounds = 3;         // indexes for one statement
constexpr std::size_t max_told = 10;  // statements that could not be analysed; the rest is counted

std::string shortened(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

bool reads(const planned_statement& s, std::uint32_t table) {
  return std::any_of(s.facts.relations.begin(), s.facts.relations.end(),
                     [&](const relation& r) { return r.table == table; });
}

}  // namespace

void index_search::note(std::string text) {
  if (out_.notes.size() < limits_.max_notes) out_.notes.push_back(std::move(text));
}

void index_search::not_analysed(const std::string& statement, const std::string& why) {
  if (++out_.not_analysed <= max_told)
    note(fmt::format("not analysed: {}: {}", shortened(statement, 80), why));
}

void index_search::plan_all(std::span<const workload_statement> workload) {
  for (const auto& w : workload) {
    ++out_.statements;
    auto facts = read_statement(w.text, catalogue_);
    if (!facts) {
      not_analysed(w.text, facts.error().message());
      continue;
    }
    if ((facts->relations.empty() && facts->unknown.empty()) || !may_plan()) continue;
    auto today = database_.explain(*facts);  // it knows best what is missing
    if (!today) {
      not_analysed(w.text, today.error().message());
      continue;
    }
    if (facts->relations.empty()) {
      not_analysed(w.text, facts->unknown.front() + " is a view, or no table of this database");
      continue;
    }
    ++out_.planned;
    statements_.push_back({std::move(*facts), std::move(*today), std::max(w.calls, 1.0), nullptr});
  }
  if (out_.not_analysed > max_told)
    note(fmt::format("and {} more statements were not analysed", out_.not_analysed - max_told));
}

void index_search::add_foreign_keys(const std::vector<foreign_key>& keys) {
  keys_ = keys;
  for (const auto& fk : keys_) {
    const auto* t = catalogue_.find_table(fk.table);
    if (t == nullptr) continue;
    std::string where;
    for (std::size_t i = 0; i < fk.columns.size(); ++i)
      where += fmt::format("{}{} = ${}", i == 0 ? "" : " AND ",
                           quoted(t->find(fk.columns[i])->name, catalogue_.kind), i + 1);
    const auto facts = read_statement(
        fmt::format("SELECT 1 FROM ONLY {}.{} WHERE {}", quoted(t->schema, catalogue_.kind),
                    quoted(t->name, catalogue_.kind), where),
        catalogue_);
    if (!facts || !may_plan()) continue;
    auto today = database_.explain(*facts);
    if (today) statements_.push_back({*facts, std::move(*today), 1, &fk});
  }
}

std::vector<candidate> index_search::wanted(const planned_statement& s) const {
  if (s.key == nullptr) return candidates_of(s.facts, catalogue_);
  candidate k{s.key->table, {}, {}};
  for (const int c : s.key->columns)
    k.keys.push_back({c, {}, {}, false, nulls_order::as_default, role::join});
  return {k};
}

double index_search::table_cost(std::uint32_t table) const {
  double sum = 0;
  for (const auto& s : statements_)
    if (s.key == nullptr && reads(s, table)) sum += s.today.cost * s.calls;
  return sum;
}

void index_search::reject(const candidate& k, const planned_statement& s, const std::string& why) {
  const auto sql = k.create_sql(catalogue_, true);
  if (out_.rejected.size() >= 200 || !rejected_.insert(sql).second) return;
  finding f;
  f.table = catalogue_.find_table(k.table)->full_name();
  f.columns = column_names(*catalogue_.find_table(k.table), k.columns());
  f.kind = k.keys.size() > 1 ? finding_kind::composite : finding_kind::where;
  f.statement = sql;
  f.verified = verification::no;
  f.source = finding_source::plan;
  f.evidence = why;
  f.statements = {s.facts.text};
  out_.rejected.push_back(std::move(f));
}

std::optional<index_search::trial> index_search::best_of(const planned_statement& s, double before,
                                                         const std::vector<candidate>& all,
                                                         const std::vector<std::string>& kept) {
  std::vector<trial> good;
  for (const auto& k : all) {
    if (!may_plan()) break;
    const auto made = database_.create(k.create_sql(catalogue_, false));
    if (!made) {
      reject(k, s, "the server refuses it: " + made.error().message());
      continue;
    }
    const auto p = database_.explain(s.facts);
    const bool helps =
        p && p->uses(made->name) && before > 0 && (before - p->cost) / before >= limits_.least_gain;
    if (helps)
      good.push_back({&k, p->cost, made->bytes});
    else
      reject(k, s,
             !p || !p->uses(made->name)
                 ? "the planner would not use it"
                 : fmt::format("it saves {:.0f} % of the cost, less than {:.0f} %",
                               100 * (before - p->cost) / before, 100 * limits_.least_gain));
    database_.clear();
    restore(kept);
  }
  if (good.empty()) return std::nullopt;
  const double least =
      std::min_element(good.begin(), good.end(), [](const trial& a, const trial& b) {
        return a.cost < b.cost;
      })->cost;
  std::erase_if(good, [&](const trial& t) { return t.cost > least * same_cost; });
  return *std::min_element(good.begin(), good.end(), [](const trial& a, const trial& b) {
    if (a.of->keys.size() != b.of->keys.size()) return a.of->keys.size() < b.of->keys.size();
    return a.cost != b.cost ? a.cost < b.cost : a.bytes < b.bytes;
  });
}

void index_search::try_one(std::size_t statement) {
  const auto& s = statements_[statement];
  auto all = wanted(s);
  double before = s.today.cost;
  std::vector<std::string> kept;  // of earlier rounds, still there
  for (int round = 0; round < max_rounds && !all.empty(); ++round) {
    const auto best = best_of(s, before, all, kept);
    if (!best) break;
    const auto index = *best->of;
    const double whole = table_cost(index.table);
    if (s.key == nullptr && (before - best->cost) * s.calls < limits_.least_table_share * whole) {
      reject(index, s,
             fmt::format("it saves less than {:.0f} % of the work on its table",
                         100 * limits_.least_table_share));
      break;
    }
    choose(index, statement, before, best->cost, best->bytes, true);
    before = best->cost;
    // One index a table: what is left is for the others.
    std::erase_if(all, [&](const candidate& k) { return k.table == index.table; });
    kept.push_back(index.create_sql(catalogue_, false));
    database_.clear();
    restore(kept);
  }
  database_.clear();
}

void index_search::restore(const std::vector<std::string>& kept) {
  for (const auto& sql : kept)
    if (const auto made = database_.create(sql); !made) note(made.error().message());
}

// Without hypothetical indexes: what today's plan shows, and the fullest candidate.
void index_search::guess_one(std::size_t statement) {
  const auto& s = statements_[statement];
  if (s.key != nullptr) {
    choose(wanted(s).front(), statement, s.today.cost, 0, 0, false);
    return;
  }
  const auto all = wanted(s);
  for (const auto& r : s.facts.relations) {
    const auto* t = catalogue_.find_table(r.table);
    const bool mysql = catalogue_.kind != dialect::postgres;
    const auto* scan = s.today.full_scan(mysql ? r.alias : t->name);
    const bool driving = scan != nullptr && scan == &s.today.nodes.front();
    const candidate* best = nullptr;
    for (const auto& k : all) {
      if (k.table != r.table || !k.predicate.empty()) continue;
      const auto why = k.keys.front().why;
      const auto* first = t->find(k.keys.front().column);
      if (why != role::order_by && distinct_values(*t, *first) > 0 &&
          distinct_values(*t, *first) < 10 && k.keys.size() == 1)
        continue;  // a tenth of the table and more: it would be scanned anyway
      const bool sorted = k.keys.back().why == role::order_by && s.today.sorts;
      if (scan == nullptr && !sorted) continue;
      if (why == role::join && mysql && driving) continue;
      if (best == nullptr || k.keys.size() > best->keys.size()) best = &k;
    }
    if (best != nullptr) choose(*best, statement, s.today.cost, 0, 0, false);
  }
}

void index_search::try_all() {
  for (std::size_t i = 0; i < statements_.size(); ++i) {
    if (database_.can_try())
      try_one(i);
    else
      guess_one(i);
  }
  if (plans_ > limits_.max_plans && !told_limit_) {
    told_limit_ = true;
    note(fmt::format("stopped after {} plans; give fewer statements for a full answer",
                     limits_.max_plans));
  }
}

void index_search::choose(const candidate& k, std::size_t statement, double before, double after,
                          std::uint64_t bytes, bool tried) {
  const double saved = (before - after) * statements_[statement].calls;
  for (auto& c : chosen_) {
    if (!(c.index == k)) continue;
    c.saved += saved;
    if (before - after > c.before - c.after) {
      c.before = before;
      c.after = after;
      c.statements.insert(c.statements.begin(), statement);
    } else {
      c.statements.push_back(statement);
    }
    return;
  }
  chosen_.push_back({k, before, after, saved, bytes, tried, {statement}});
}

// An index that begins another one is not needed beside it.
void index_search::merge() {
  for (std::size_t i = 0; i < chosen_.size();) {
    const auto longer = std::find_if(chosen_.begin(), chosen_.end(), [&](const choice& c) {
      return chosen_[i].index.prefix_of(c.index);
    });
    if (longer == chosen_.end()) {
      ++i;
      continue;
    }
    longer->saved += chosen_[i].saved;
    longer->statements.insert(longer->statements.end(), chosen_[i].statements.begin(),
                              chosen_[i].statements.end());
    chosen_.erase(chosen_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// All together: what no plan uses now, because another one serves as well, goes.
void index_search::confirm() {
  if (!database_.can_try() || chosen_.empty()) return;
  std::vector<std::string> names;
  for (const auto& c : chosen_) {
    const auto made = database_.create(c.index.create_sql(catalogue_, false));
    names.push_back(made ? made->name : std::string());
  }
  std::vector<bool> used(chosen_.size(), false);
  for (const auto& s : statements_) {
    const auto p = database_.explain(s.facts);
    for (std::size_t i = 0; p && i < names.size(); ++i)
      if (!names[i].empty() && p->uses(names[i])) used[i] = true;
  }
  database_.clear();
  for (std::size_t i = chosen_.size(); i-- > 0;)
    if (!used[i]) {
      reject(chosen_[i].index, statements_[chosen_[i].statements.front()],
             "another index proposed here serves as well");
      chosen_.erase(chosen_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

}  // namespace fairing::advise::indexes
