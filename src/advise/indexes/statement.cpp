#include "advise/indexes/statement.hpp"

#include <algorithm>

#include "advise/indexes/mysql_text.hpp"
#include "advise/indexes/sql_tree.hpp"
#include "advise/indexes/statement_reader.hpp"

namespace fairing::advise::indexes {

namespace {

using nlohmann::json;

const json& member(const json& node, const char* name) {
  static const json nothing;
  if (!node.is_object()) return nothing;
  const auto at = node.find(name);
  return at == node.end() ? nothing : *at;
}

// The names of a list of String nodes: schema.function.
std::vector<std::string> strings_of(const json& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const auto& item : list) {
      const auto& text = member(member(item, "String"), "sval");
      if (text.is_string()) out.push_back(text.get<std::string>());
    }
  return out;
}

bool grouped(const json& s) {
  return s.contains("groupClause") || s.contains("distinctClause") || s.contains("havingClause");
}

// The server's own, and the jobs plane's: nothing is advised on them, and nothing is missed.
bool of_system(std::string_view schema, std::string_view name) {
  for (const auto* s :
       {"pg_catalog", "information_schema", "fairing", "mysql", "performance_schema", "sys"})
    if (schema == s) return true;
  return name.starts_with("pg_");  // pg_stat_statements may be anywhere
}

}  // namespace

std::string literal_text(const json& node) {
  const auto& c = member(uncast(node), "A_Const");
  if (!c.is_object()) return {};
  if (c.contains("sval")) {
    std::string out = "'";
    for (const char ch : member(c["sval"], "sval").is_string()
                             ? c["sval"]["sval"].get<std::string>()
                             : std::string()) {
      if (ch == '\'') out += ch;
      out += ch;
    }
    return out + "'";
  }
  if (c.contains("ival")) return std::to_string(c["ival"].value("ival", 0));
  if (c.contains("fval")) return c["fval"].value("fval", "");
  if (c.contains("boolval")) return c["boolval"].value("boolval", false) ? "true" : "false";
  return {};
}

const json& uncast(const json& node) {
  const json* at = &node;
  for (int i = 0; i < 8 && at->is_object() && at->contains("TypeCast"); ++i)
    at = &member((*at)["TypeCast"], "arg");
  return *at;
}

bool is_value(const json& node, int depth) {
  if (depth > 256) return false;
  if (node.is_object()) {
    if (node.contains("ColumnRef") || node.contains("SubLink")) return false;
    return std::all_of(node.begin(), node.end(),
                       [&](const json& v) { return is_value(v, depth + 1); });
  }
  if (node.is_array())
    return std::all_of(node.begin(), node.end(),
                       [&](const json& v) { return is_value(v, depth + 1); });
  return true;
}

void statement_reader::read(const json& node) {
  note_parameters(node, 0);
  if (node.contains("SelectStmt")) {
    out_.reads_only =
        !node["SelectStmt"].contains("lockingClause") && !node["SelectStmt"].contains("intoClause");
    select(node["SelectStmt"], nullptr);
  } else if (node.contains("UpdateStmt")) {
    update(node["UpdateStmt"]);
  } else if (node.contains("DeleteStmt")) {
    remove(node["DeleteStmt"]);
  } else if (node.contains("InsertStmt")) {
    scope in;
    with_clause(node["InsertStmt"], in);
    const auto& from = member(member(node["InsertStmt"], "selectStmt"), "SelectStmt");
    if (from.is_object()) select(from, &in);
  }
}

void statement_reader::note_parameters(const json& node, int depth) {
  if (depth > max_depth) return;
  if (node.is_object() && node.contains("ParamRef"))
    out_.parameters = std::max(out_.parameters, node["ParamRef"].value("number", 0));
  if (node.is_structured())
    for (const auto& child : node) note_parameters(child, depth + 1);
}

void statement_reader::select(const json& s, const scope* outer) {
  if (++depth_ > max_depth || !s.is_object()) {
    --depth_;
    return;
  }
  scope in;
  in.outer = outer;
  in.block = ++blocks_;
  with_clause(s, in);
  if (s.contains("larg") && s.contains("rarg")) {  // UNION and the like
    select(s["larg"], &in);
    select(s["rarg"], &in);
  }
  std::vector<const json*> conditions;
  for (const auto& item : member(s, "fromClause")) from_item(item, in, conditions);
  for (const auto* c : conditions) condition(*c, in);
  condition(member(s, "whereClause"), in);
  sub_selects(member(s, "targetList"), in);
  sub_selects(member(s, "havingClause"), in);
  order_by(s, in);
  --depth_;
}

void statement_reader::update(const json& s) {
  scope in;
  in.block = ++blocks_;
  with_clause(s, in);
  add_table(member(s, "relation"), in);
  std::vector<const json*> conditions;
  for (const auto& item : member(s, "fromClause")) from_item(item, in, conditions);
  for (const auto* c : conditions) condition(*c, in);
  condition(member(s, "whereClause"), in);
  sub_selects(member(s, "targetList"), in);
}

void statement_reader::remove(const json& s) {
  scope in;
  in.block = ++blocks_;
  with_clause(s, in);
  add_table(member(s, "relation"), in);
  std::vector<const json*> conditions;
  for (const auto& item : member(s, "usingClause")) from_item(item, in, conditions);
  for (const auto* c : conditions) condition(*c, in);
  condition(member(s, "whereClause"), in);
}

void statement_reader::with_clause(const json& s, scope& in) {
  for (const auto& item : member(member(s, "withClause"), "ctes")) {
    const auto& cte = member(item, "CommonTableExpr");
    if (!cte.is_object()) continue;
    in.with.insert(cte.value("ctename", ""));
    const auto& query = member(cte, "ctequery");
    if (query.contains("SelectStmt")) select(query["SelectStmt"], &in);
    if (query.contains("UpdateStmt")) update(query["UpdateStmt"]);
    if (query.contains("DeleteStmt")) remove(query["DeleteStmt"]);
  }
}

void statement_reader::add_table(const json& range_var, scope& in) {
  if (!range_var.is_object()) return;
  const auto name = range_var.value("relname", "");
  const auto schema = range_var.value("schemaname", "");
  const auto alias = member(range_var, "alias").is_object()
                         ? range_var["alias"].value("aliasname", "")
                         : std::string();
  named n{alias.empty() ? name : alias, std::nullopt};
  bool hidden = false;
  for (const auto* s = &in; s != nullptr && schema.empty(); s = s->outer)
    hidden = hidden || s->with.contains(name);
  const auto* t = hidden ? nullptr : catalogue_.find_table(schema, name);
  if (t != nullptr && out_.relations.size() < max_relations) {
    n.relation = out_.relations.size();
    out_.relations.push_back({t->id, in.block, n.alias});
  } else if (t == nullptr && !hidden && !of_system(schema, name) &&
             out_.unknown.size() < max_relations) {
    out_.unknown.push_back(schema.empty() ? name : schema + "." + name);
  }
  in.names.push_back(std::move(n));
}

void statement_reader::from_item(const json& node, scope& in,
                                 std::vector<const json*>& conditions) {
  if (node.contains("RangeVar")) {
    add_table(node["RangeVar"], in);
  } else if (node.contains("JoinExpr") && ++depth_ <= max_depth) {
    const auto& j = node["JoinExpr"];
    const auto left = in.names.size();
    from_item(member(j, "larg"), in, conditions);
    const auto right = in.names.size();
    from_item(member(j, "rarg"), in, conditions);
    if (j.contains("quals")) conditions.push_back(&j["quals"]);
    if (j.contains("usingClause")) using_clause(j["usingClause"], left, right, in);
    --depth_;
  } else if (node.contains("RangeSubselect")) {
    const auto& sub = node["RangeSubselect"];
    const auto& query = member(member(sub, "subquery"), "SelectStmt");
    if (query.is_object()) select(query, &in);
    in.names.push_back(
        {member(sub, "alias").is_object() ? sub["alias"].value("aliasname", "") : std::string(),
         std::nullopt});
  } else if (node.is_object() && !node.empty()) {
    in.names.push_back({{}, std::nullopt});  // a function, VALUES
  }
}

void statement_reader::using_clause(const json& names, std::size_t left_begin,
                                    std::size_t right_begin, const scope& in) {
  for (const auto& name : strings_of(names)) {
    const auto find = [&](std::size_t from, std::size_t to) -> std::optional<column_at> {
      for (std::size_t i = from; i < to; ++i) {
        if (!in.names[i].relation) continue;
        const auto* t = catalogue_.find_table(out_.relations[*in.names[i].relation].table);
        if (const auto* c = t->find(name)) return column_at{*in.names[i].relation, c->number};
      }
      return std::nullopt;
    };
    const auto left = find(left_begin, right_begin);
    const auto right = find(right_begin, in.names.size());
    if (left && right)
      out_.joins.push_back({left->relation, right->relation, left->column, right->column});
  }
}

std::optional<statement_reader::column_at> statement_reader::resolve(const json& node,
                                                                     const scope& in) const {
  const auto fields = strings_of(member(member(node, "ColumnRef"), "fields"));
  if (fields.empty() || member(node, "ColumnRef")["fields"].size() != fields.size())
    return std::nullopt;  // `*`
  const auto& column_name = fields.back();
  for (const auto* s = &in; s != nullptr; s = s->outer) {
    bool opaque = false;
    for (const auto& n : s->names) {
      if (fields.size() >= 2 && n.alias != fields[fields.size() - 2]) continue;
      if (!n.relation) {
        opaque = true;
        continue;
      }
      const auto* t = catalogue_.find_table(out_.relations[*n.relation].table);
      if (const auto* c = t->find(column_name)) return column_at{*n.relation, c->number};
    }
    if (opaque) return std::nullopt;  // it may be a column of what is not known
  }
  return std::nullopt;
}

void statement_reader::order_by(const json& s, const scope& in) {
  const auto& list = member(s, "sortClause");
  if (!list.is_array() || grouped(s) || s.contains("larg")) return;
  ordering o{in.block, s.contains("limitCount"), {}};
  for (const auto& item : list) {
    const auto& by = member(item, "SortBy");
    const auto at = sort_target(member(by, "node"), s, in);
    if (!at) return;
    const auto nulls = by.value("sortby_nulls", "");
    o.keys.push_back({at->relation, at->column, by.value("sortby_dir", "") == "SORTBY_DESC",
                      nulls == "SORTBY_NULLS_FIRST"  ? nulls_order::first
                      : nulls == "SORTBY_NULLS_LAST" ? nulls_order::last
                                                     : nulls_order::as_default});
  }
  if (!o.keys.empty()) out_.orderings.push_back(std::move(o));
}

// ORDER BY 2, or by a name of the select list, which goes before a column of that name.
std::optional<statement_reader::column_at> statement_reader::sort_target(const json& node,
                                                                         const json& s,
                                                                         const scope& in) const {
  const auto& targets = member(s, "targetList");
  const auto target = [&](std::size_t i) -> const json& {
    return member(member(targets[i], "ResTarget"), "val");
  };
  const auto& number = member(member(member(node, "A_Const"), "ival"), "ival");
  if (number.is_number_integer()) {
    const auto n = number.get<std::int64_t>();
    if (n < 1 || !targets.is_array() || n > static_cast<std::int64_t>(targets.size()))
      return std::nullopt;
    return resolve(target(static_cast<std::size_t>(n - 1)), in);
  }
  const auto fields = strings_of(member(member(node, "ColumnRef"), "fields"));
  if (fields.size() == 1 && targets.is_array())
    for (std::size_t i = 0; i < targets.size(); ++i)
      if (member(member(targets[i], "ResTarget"), "name") == fields[0])
        return resolve(target(i), in);
  return resolve(node, in);
}

result<statement_facts> read_statement(std::string_view text, const catalogue& c) {
  const auto tree =
      c.kind == dialect::postgres ? parse_sql(text) : parse_sql(translate_mysql(text).postgres);
  if (!tree) return std::unexpected(tree.error());
  statement_facts out;
  out.text = text;
  statement_reader(c, out).read(*tree);
  return out;
}

}  // namespace fairing::advise::indexes
