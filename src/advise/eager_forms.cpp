#include "advise/eager_forms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "advise/sql_parts.hpp"

namespace fairing::advise {

namespace {

// What the sentences need.
struct relation {
  std::string parent;  // table of the rows looped over
  std::string child;   // table asked for
  std::string column;  // of the loop's comparison
  std::string source;  // column that gave the keys
  std::string model;   // class of the rows looped over
  std::string target;  // class asked for
  std::string name;    // relation's name on `model`
  bool to_one = false;
};

bool ends_with_id(std::string_view name) {
  return name.size() > 2 && (name.ends_with("_id") || name.ends_with("Id") || name.ends_with("ID"));
}

std::string without_id(std::string_view name) {
  if (name.ends_with("_id")) return std::string(name.substr(0, name.size() - 3));
  return std::string(name.substr(0, name.size() - 2));
}

// The table's own column behind a result's name: "User"."id" as "User_id" gives id.
std::string behind_alias(std::string_view source, std::string_view name) {
  for (const auto& alias : {fmt::format(" as \"{}\"", name), fmt::format(" as {},", name),
                            fmt::format(" as {} from ", name)}) {
    const auto at = source.find(alias);
    if (at == std::string_view::npos) continue;
    const auto before = source.substr(0, at);
    const auto begin = before.find_last_of(" ,(");
    const auto column = before.substr(begin == std::string_view::npos ? 0 : begin + 1);
    if (!column.empty() && column.find(')') == std::string_view::npos) return bare_name(column);
  }
  return std::string(name);
}

relation relation_of(const loop_names& n) {
  const auto source = parts_of(n.source_template);
  const auto loop = parts_of(n.loop_template);
  relation r;
  r.child = loop.table.empty() ? "child" : bare_name(loop.table);
  const auto compare = compare_of(loop, n.slot);
  r.column = compare ? bare_name(compare->column) : "key";
  // Rows of a cursor do not tell their table; the key's name may.
  const auto owner = ends_with_id(r.column) ? without_id(r.column) : std::string("parent");
  r.parent = source.table.empty() ? owner : bare_name(source.table);
  r.source = n.source_column.empty() ? "id" : behind_alias(n.source_template, n.source_column);
  r.to_one = ends_with_id(r.source) && !ends_with_id(r.column);
  r.model = model_name(r.parent);
  r.target = model_name(r.child);
  r.name = r.to_one ? without_id(r.source) : r.child;
  return r;
}

std::string camel(std::string_view name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = !out.empty();
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

std::string lower_first(std::string name) {
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z')
    name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return name;
}

std::string lower(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::string django(const relation& r) {
  if (r.to_one) return fmt::format("{}.objects.select_related(\"{}\")", r.model, r.name);
  return fmt::format("{}.objects.prefetch_related(\"{}_set\")  # or the related_name of {}.{}",
                     r.model, lower(r.target), r.target,
                     ends_with_id(r.column) ? without_id(r.column) : r.column);
}

std::string spring(const relation& r) {
  return fmt::format(
      "@EntityGraph(attributePaths = \"{0}\") List<{1}> findAll();  // or: select distinct e from "
      "{1} "
      "e left join fetch e.{0}; for all relations: spring.jpa.properties.hibernate."
      "default_batch_fetch_size=100",
      camel(r.name), r.model);
}

std::string raw(const relation& r) {
  return fmt::format(
      "const keys = rows.map(r => r.{0}); const found = await db(\"{1}\").whereIn(\"{2}\", keys);  "
      "// "
      "then group by {2}",
      r.source, r.child, r.column);
}

// TypeORM names each column it selects after its table: "o"."id" as "o_id". Sequelize gives a column its
// attribute's name ("user_id" as "userId"), and a joined one a path ("orders.id").
bool aliased_by_table(std::string_view t) {
  constexpr std::string_view as = "\" as \"";
  for (auto at = t.find(as); at != std::string_view::npos; at = t.find(as, at + 1)) {
    const auto alias = t.substr(at + as.size(), t.find('"', at + as.size()) - at - as.size());
    const auto column = t.rfind('"', at - 1);
    const bool qualified = column != std::string_view::npos && column > 0 && t[column - 1] == '.';
    if (qualified && alias.find('.') == std::string_view::npos && alias.find('_') != alias.npos)
      return true;
  }
  return false;
}

// The first column that is selected, as the statement names it.
std::string_view first_column(std::string_view t) {
  constexpr std::string_view select = "select ";
  if (!t.starts_with(select)) return {};
  t.remove_prefix(select.size());
  return t.substr(0, std::min(t.find(','), t.find(" from ")));
}

// Parts of a quoted name: "public"."users"."id" has three.
std::size_t quoted_parts(std::string_view name) {
  if (!name.starts_with('"')) return 0;
  std::size_t parts = 1;
  for (auto at = name.find("\".\""); at != std::string_view::npos; at = name.find("\".\"", at + 1))
    ++parts;
  return parts;
}

// SQLAlchemy: orders.id as orders_id.
bool aliased_in_full(std::string_view column) {
  const auto as = column.find(" as ");
  const auto dot = column.find('.');
  if (as == std::string_view::npos || dot >= as) return false;
  const auto alias = column.substr(as + 4);
  return alias.starts_with(column.substr(0, dot)) &&
         alias.ends_with(column.substr(dot + 1, as - dot - 1));
}

// Hibernate numbers the aliases of its tables: orders0_.id (5), o1_0.id (6).
bool numbered_by_hibernate(std::string_view column) {
  const auto alias = column.substr(0, column.find('.'));
  if (alias.size() == column.size() || alias.empty()) return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto underscore = alias.rfind('_');
  if (underscore == 0 || underscore == std::string_view::npos || !digit(alias[underscore - 1]))
    return false;
  const auto behind = alias.substr(underscore + 1);
  return std::ranges::all_of(behind, digit) && alias.front() != '"' && !digit(alias.front());
}

// Eloquent's hasMany: "orders"."user_id" = $1 and "orders"."user_id" is not null.
bool asked_by_eloquent(std::string_view t) {
  constexpr std::string_view given = " = $1 and ";
  const auto at = t.find(given);
  if (at == std::string_view::npos) return false;
  const auto before = t.substr(0, at);
  const auto column = before.substr(before.rfind(' ') + 1);
  const auto rest = t.substr(at + given.size());
  return quoted_parts(column) == 2 && rest.starts_with(column) &&
         rest.substr(column.size()).starts_with(" is not null");
}

}  // namespace

std::string singular(std::string_view word) {
  if (word.size() > 3 && word.ends_with("ies"))
    return std::string(word.substr(0, word.size() - 3)) + "y";
  for (const std::string_view end : {"sses", "shes", "ches", "xes"})
    if (word.ends_with(end)) return std::string(word.substr(0, word.size() - 2));
  const bool plural = word.size() > 2 && word.ends_with('s') && !word.ends_with("ss") &&
                      !word.ends_with("us") && !word.ends_with("is");
  return std::string(plural ? word.substr(0, word.size() - 1) : word);
}

std::string model_name(std::string_view table) {
  auto out = camel(singular(table));
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z')
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

std::string_view likely_framework(const loop_names& n) {
  const auto t = n.loop_template;
  const auto has = [t](std::string_view s) { return t.find(s) != std::string_view::npos; };
  const auto column = first_column(t);
  if (numbered_by_hibernate(column)) return "spring";
  if (asked_by_eloquent(t)) return "laravel";
  if (quoted_parts(column) == 3) return "prisma";
  if (aliased_by_table(t)) return "typeorm";
  if (has("\" as \"")) return "sequelize";
  if (quoted_parts(column) == 2) return "django";
  if (quoted_parts(column) == 1 && !column.ends_with(".*") && !column.contains(" as ")) {
    // Drizzle selects plain columns and compares qualified ones; Knex quotes what it is given.
    const auto table = parts_of(t).table;
    return has(" where " + table + ".") ? "drizzle" : "knex";
  }
  if (has(" as anon_") || has("where $1 = ") || aliased_in_full(column)) return "sqlalchemy";
  return "";
}

std::vector<eager_form> eager_forms(const loop_names& names) {
  const auto r = relation_of(names);
  const auto field = camel(r.name);
  std::vector<eager_form> out;
  out.push_back({"prisma", fmt::format("prisma.{}.findMany({{ include: {{ {}: true }} }})",
                                       lower_first(r.model), field)});
  out.push_back(
      {"typeorm", fmt::format("repository.find({{ relations: {{ {0}: true }} }})  // or: "
                              "createQueryBuilder(\"{1}\").leftJoinAndSelect(\"{1}.{0}\", \"{0}\")",
                              field, lower_first(r.model))});
  out.push_back(
      {"sequelize", r.to_one
                        ? fmt::format("{}.findAll({{ include: {} }})", r.model, r.target)
                        : fmt::format("{}.findAll({{ include: {{ model: {}, separate: true }} }})",
                                      r.model, r.target)});
  out.push_back({"drizzle", fmt::format("db.query.{}.findMany({{ with: {{ {}: true }} }})",
                                        camel(r.parent), field)});
  out.push_back({"django", django(r)});
  out.push_back({"sqlalchemy", fmt::format("select({0}).options({1}({0}.{2}))", r.model,
                                           r.to_one ? "joinedload" : "selectinload", r.name)});
  out.push_back({"laravel", fmt::format("{}::with('{}')->get()", r.model, field)});
  out.push_back({"spring", spring(r)});
  out.push_back({"knex", raw(r)});
  const auto first = likely_framework(names);
  const auto at = std::ranges::find(out, first, &eager_form::framework);
  if (at != out.end()) std::rotate(out.begin(), at, at + 1);
  return out;
}

std::string eager_sentence(const loop_names& names) {
  const auto forms = eager_forms(names);
  if (!likely_framework(names).empty())
    return fmt::format("with {}: {}", forms.front().framework, forms.front().code);
  std::string out;
  for (const std::string_view word : {"prisma", "django", "laravel", "spring"}) {
    const auto f = std::ranges::find(forms, word, &eager_form::framework);
    out += fmt::format("{}with {}: {}", out.empty() ? "" : "; ", word, f->code);
  }
  return out;
}

}  // namespace fairing::advise
