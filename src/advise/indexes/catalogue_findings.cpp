#include "advise/indexes/catalogue_findings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairing::advise::indexes {

namespace {

std::string index_name(const catalogue& c, const index& i, const table& t) {
  const auto name = quoted(i.name, c.kind);
  return t.visible || c.kind != dialect::postgres ? name : quoted(i.schema, c.kind) + "." + name;
}

std::string drop_sql(const catalogue& c, const index& i, const table& t) {
  if (c.kind == dialect::postgres) return "DROP INDEX CONCURRENTLY " + index_name(c, i, t);
  return fmt::format("ALTER TABLE {} DROP INDEX {}", quoted_table(t, c.kind),
                     quoted(i.name, c.kind));
}

bool droppable(const index& i) { return !i.primary && !i.constraint && !i.building; }

// Same keys, kinds and expressions up to the length of `a`.
bool begins_with(const index& longer, const index& a) {
  if (longer.keys.size() < a.keys.size() || longer.method != a.method) return false;
  if (a.expressions != longer.expressions &&
      !(a.expressions.empty() &&
        std::find(longer.keys.begin(),
                  longer.keys.begin() + static_cast<std::ptrdiff_t>(a.keys.size()),
                  0) == longer.keys.begin() + static_cast<std::ptrdiff_t>(a.keys.size())))
    return false;
  return std::equal(a.keys.begin(), a.keys.end(), longer.keys.begin()) &&
         std::equal(a.key_kind.begin(), a.key_kind.end(), longer.key_kind.begin());
}

bool includes_all(const index& other, const index& i) {
  return std::all_of(i.included.begin(), i.included.end(), [&](int column) {
    return std::find(other.keys.begin(), other.keys.end(), column) != other.keys.end() ||
           std::find(other.included.begin(), other.included.end(), column) != other.included.end();
  });
}

// Of two equal indexes the one that stays: primary, then constraint, unique, the first by name.
bool outranks(const index& a, const index& b) {
  if (a.primary != b.primary) return a.primary;
  if (a.constraint != b.constraint) return a.constraint;
  if (a.unique != b.unique) return a.unique;
  return a.name < b.name;
}

bool contains(const index& other, const index& i) {
  if (&other == &i || other.table != i.table || !other.valid || other.building) return false;
  if (other.predicate != i.predicate || !begins_with(other, i) || !includes_all(other, i))
    return false;
  const bool equal = other.keys.size() == i.keys.size();
  if (i.unique) return equal && other.unique && outranks(other, i);
  return !equal || outranks(other, i) || other.included.size() > i.included.size();
}

// Another one is redundant because of this one, and may have been read in its place.
bool replaces_another(const catalogue& c, const index& i) {
  return std::any_of(c.indexes.begin(), c.indexes.end(),
                     [&](const index& other) { return contained_in(c, other) == &i; });
}

bool serves_foreign_key(const catalogue& c, const index& i) {
  return std::any_of(c.foreign_keys.begin(), c.foreign_keys.end(), [&](const foreign_key& fk) {
    return fk.table == i.table && !i.keys.empty() &&
           std::find(fk.columns.begin(), fk.columns.end(), i.keys[0]) != fk.columns.end();
  });
}

finding about_index(const catalogue& c, const index& i, finding_kind kind) {
  finding f;
  const auto* t = c.find_table(i.table);
  f.table = t->full_name();
  f.columns = column_names(*t, i.keys);
  f.kind = kind;
  f.size = i.bytes;
  f.verified = verification::yes;
  f.statement = drop_sql(c, i, *t);
  return f;
}

std::string primary_key_sql(const catalogue& c, const table& t, std::vector<std::string>& columns) {
  const auto name = quoted_table(t, c.kind);
  for (const auto& i : c.indexes) {
    if (i.table != t.id || !i.unique || !i.plain() || i.keys.empty()) continue;
    const bool usable = std::all_of(i.keys.begin(), i.keys.end(), [&](int k) {
      const auto* column = t.find(k);
      return column != nullptr && column->not_null;
    });
    if (!usable) continue;
    columns = column_names(t, i.keys);
    if (c.kind == dialect::postgres && !i.constraint)
      return fmt::format("ALTER TABLE {} ADD PRIMARY KEY USING INDEX {}", name,
                         quoted(i.name, c.kind));
    std::string list;
    for (const auto& k : columns) list += (list.empty() ? "" : ", ") + quoted(k, c.kind);
    return fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", name, list);
  }
  if (const auto* id = t.find("id"); id != nullptr && (id->n_distinct <= -0.999 || t.rows < 1)) {
    columns = {"id"};
    if (c.kind != dialect::postgres)
      return fmt::format("ALTER TABLE {} ADD PRIMARY KEY (id)", name);
    const auto key = quoted(t.name + "_pkey", c.kind);
    return fmt::format(
        "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} (id); ALTER TABLE {} ADD PRIMARY KEY USING "
        "INDEX "
        "{}",
        key, name, name, key);
  }
  if (c.kind == dialect::postgres)
    return fmt::format(
        "ALTER TABLE {} ADD COLUMN {} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", name,
        t.find("id") == nullptr ? "id" : "row_id");
  return fmt::format("ALTER TABLE {} ADD COLUMN {} BIGINT AUTO_INCREMENT PRIMARY KEY", name,
                     t.find("id") == nullptr ? "id" : "row_id");
}

}  // namespace

std::vector<std::string> column_names(const table& t, const std::vector<int>& columns) {
  std::vector<std::string> out;
  for (const int number : columns) {
    const auto* c = t.find(number);
    out.push_back(c == nullptr ? "(expression)" : c->name);
  }
  return out;
}

std::string rows_text(double rows) {
  return rows < 0 ? "an unknown number of rows" : fmt::format("{:.0f} rows", rows);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  for (const auto* unit : {"KiB", "MiB", "GiB"}) {
    if (value < 1024) return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, unit);
    value /= 1024;
  }
  return fmt::format("{:.1f} TiB", value);
}

const index* contained_in(const catalogue& c, const index& i) {
  if (!i.valid || i.keys.empty() || !droppable(i)) return nullptr;
  const index* found = nullptr;
  for (const auto& other : c.indexes)
    if (contains(other, i) && (found == nullptr || outranks(other, *found))) found = &other;
  return found;
}

void find_missing_primary_keys(const catalogue& c, std::vector<finding>& out) {
  for (const auto& t : c.tables) {
    const bool has = std::any_of(c.indexes.begin(), c.indexes.end(),
                                 [&](const index& i) { return i.table == t.id && i.primary; });
    if (has || t.partition) continue;
    finding f;
    f.table = t.full_name();
    f.kind = finding_kind::primary_key;
    f.statement = primary_key_sql(c, t, f.columns);
    f.verified = verification::yes;
    if (f.columns.empty()) f.caution = "adding a column rewrites the table under a lock";
    f.evidence = fmt::format(
        "{} ({}) has no primary key: rows cannot be told apart, updates and deletes cannot be "
        "replicated{}{}",
        f.table, rows_text(t.rows), f.caution.empty() ? "" : "; ", f.caution);
    out.push_back(std::move(f));
  }
}

void find_redundant(const catalogue& c, std::vector<finding>& out) {
  for (const auto& i : c.indexes) {
    const auto* other = contained_in(c, i);
    if (other == nullptr) continue;
    auto f = about_index(c, i, finding_kind::redundant);
    const bool equal = other->keys.size() == i.keys.size();
    f.evidence = fmt::format("{} {} {} ({}); each write pays for both", i.name,
                             equal ? "is the same index as" : "is the beginning of", other->name,
                             fmt::join(column_names(*c.find_table(i.table), other->keys), ", "));
    out.push_back(std::move(f));
  }
}

void find_unused(const catalogue& c, double after_days, const std::set<std::string>& planned,
                 std::vector<finding>& out) {
  if (c.usage_days < after_days || c.usage_days < 0) return;
  for (const auto& i : c.indexes) {
    if (i.scans > 0 || !i.usage_known || i.unique || !i.valid || i.keys.empty() || !droppable(i))
      continue;
    if (contained_in(c, i) != nullptr || serves_foreign_key(c, i) || planned.contains(i.name) ||
        replaces_another(c, i))
      continue;
    auto f = about_index(c, i, finding_kind::unused);
    f.evidence = fmt::format("{} was not read once in {:.0f} days", i.name, c.usage_days);
    const auto* t = c.find_table(i.table);
    if (t->writes > 0) f.evidence += fmt::format(", while {} rows were written", t->writes);
    if (c.has_replicas) {
      f.verified = verification::unverified;
      f.caution = "there are replicas: look at pg_stat_user_indexes there before dropping it";
      f.evidence += "; " + f.caution;
    }
    out.push_back(std::move(f));
  }
}

void find_invalid(const catalogue& c, std::vector<finding>& out) {
  for (const auto& i : c.indexes) {
    if (i.valid || i.building) continue;
    auto f = about_index(c, i, finding_kind::invalid);
    const auto* t = c.find_table(i.table);
    const bool left_over =
        i.name.find("_ccnew") != std::string::npos || i.name.find("_ccold") != std::string::npos;
    if (i.constraint || i.primary)
      f.statement = "REINDEX INDEX CONCURRENTLY " + index_name(c, i, *t);
    else if (!left_over && !i.definition.empty())
      f.statement += "; " + [&] {
        auto text = i.definition;
        if (const auto at = text.find("INDEX "); at != std::string::npos)
          text.insert(at + 6, "CONCURRENTLY ");
        return text;
      }();
    f.evidence = fmt::format(
        "{} is invalid: building it failed or was broken off; every write keeps it up, no query "
        "reads it{}",
        i.name, i.unique ? "; a unique one fails on values that are there twice" : "");
    out.push_back(std::move(f));
  }
}

std::vector<foreign_key> unindexed_foreign_keys(const catalogue& c) {
  std::vector<foreign_key> out;
  for (const auto& fk : c.foreign_keys) {
    const auto* t = c.find_table(fk.table);
    if (t == nullptr || t->rows < least_rows) continue;
    if (c.covers_set(fk.table, fk.columns) == nullptr) out.push_back(fk);
  }
  return out;
}

}  // namespace fairing::advise::indexes
