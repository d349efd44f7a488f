// The conditions of a statement: what statement_reader does with WHERE and ON.
#include <algorithm>
#include <array>

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

std::string last_name(const json& list) {
  if (!list.is_array() || list.empty()) return {};
  const auto& text = member(member(list.back(), "String"), "sval");
  return text.is_string() ? text.get<std::string>() : std::string();
}

bool is_range(const std::string& op) { return op == "<" || op == "<=" || op == ">" || op == ">="; }

}  // namespace

void statement_reader::add(const column_at& at, comparison how, const json* value) {
  predicate p{at.relation, at.column, how, {}, 0};
  if (value != nullptr) {
    p.constant = literal_text(*value);
    const auto& parameter = member(uncast(*value), "ParamRef");
    if (parameter.is_object()) p.parameter = parameter.value("number", 0);
  }
  out_.predicates.push_back(std::move(p));
}

void statement_reader::condition(const json& node, const scope& in) {
  if (!node.is_object() || node.empty()) return;
  if (++depth_ > max_depth) {
    --depth_;
    return;
  }
  if (node.contains("BoolExpr")) {
    const auto& b = node["BoolExpr"];
    const auto how = b.value("boolop", "");
    const auto& arguments = member(b, "args");
    if (how == "AND_EXPR")
      for (const auto& argument : arguments) condition(argument, in);
    else if (how == "NOT_EXPR" && arguments.is_array() && arguments.size() == 1 &&
             arguments[0].contains("ColumnRef"))
      bare_boolean(arguments[0], in, false);
    else
      sub_selects(arguments, in);
  } else if (node.contains("A_Expr")) {
    operator_condition(node["A_Expr"], in);
  } else if (node.contains("NullTest")) {
    const auto& t = node["NullTest"];
    if (const auto at = resolve(member(t, "arg"), in))
      add(*at,
          t.value("nulltesttype", "") == "IS_NULL" ? comparison::is_null : comparison::not_null,
          nullptr);
  } else if (node.contains("BooleanTest")) {
    const auto& t = node["BooleanTest"];
    const auto kind = t.value("booltesttype", "");
    if (kind == "IS_TRUE" || kind == "IS_FALSE")
      bare_boolean(member(t, "arg"), in, kind == "IS_TRUE");
  } else if (node.contains("ColumnRef")) {
    bare_boolean(node, in, true);
  } else if (node.contains("SubLink") &&
             node["SubLink"].value("subLinkType", "") == "ANY_SUBLINK") {
    in_select(node["SubLink"], in);
  } else {
    sub_selects(node, in);
  }
  --depth_;
}

void statement_reader::bare_boolean(const json& node, const scope& in, bool value) {
  if (const auto at = resolve(node, in))
    add(*at, value ? comparison::is_true : comparison::is_false, nullptr);
}

void statement_reader::operator_condition(const json& e, const scope& in) {
  const auto kind = e.value("kind", "");
  const auto op = last_name(member(e, "name"));
  const auto& left = member(e, "lexpr");
  const auto& right = member(e, "rexpr");
  sub_selects(left, in);
  sub_selects(right, in);
  if (kind == "AEXPR_OP") {
    const auto l = resolve(uncast(left), in);
    const auto r = resolve(uncast(right), in);
    if (l && r) {
      if (op == "=" && l->relation != r->relation)
        out_.joins.push_back({l->relation, r->relation, l->column, r->column});
      return;
    }
    if (op != "=" && !is_range(op)) return;
    compare(left, right, op, in);
    compare(right, left, op, in);
    return;
  }
  const auto at = resolve(left, in);
  if (!at || !is_value(right)) return;
  if ((kind == "AEXPR_IN" || kind == "AEXPR_OP_ANY") && op == "=") {
    const auto& items = member(member(right, "List"), "items");
    const bool one = kind == "AEXPR_IN" && items.is_array() && items.size() == 1;
    add(*at, one ? comparison::equals : comparison::any_of, one ? &items[0] : &right);
  } else if (kind == "AEXPR_BETWEEN") {
    add(*at, comparison::range, nullptr);
  } else if (kind == "AEXPR_LIKE" && op == "~~") {
    const auto pattern = literal_text(right);
    if (pattern.size() > 3 && pattern[1] != '%' && pattern[1] != '_')
      add(*at, comparison::prefix, &right);
  }
}

void statement_reader::compare(const json& column_side, const json& value_side,
                               const std::string& op, const scope& in) {
  const bool scalar = value_side.is_object() && value_side.contains("SubLink") &&
                      value_side["SubLink"].value("subLinkType", "") == "EXPR_SUBLINK";
  if (!scalar && !is_value(value_side)) return;
  if (const auto at = resolve(column_side, in)) {
    add(*at, op == "=" ? comparison::equals : comparison::range, &value_side);
    return;
  }
  if (auto w = wrapping(column_side, in)) out_.wrappings.push_back(std::move(*w));
}

// f(column), f(column, 'constant') or column::type, as text for an index.
std::optional<wrapped> statement_reader::wrapping(const json& node, const scope& in) const {
  const auto column_text = [&](const column_at& at) {
    return quoted(catalogue_.find_table(out_.relations[at.relation].table)->find(at.column)->name,
                  catalogue_.kind);
  };
  if (node.contains("TypeCast")) {
    const auto at = resolve(member(node["TypeCast"], "arg"), in);
    const auto type = last_name(member(member(node["TypeCast"], "typeName"), "names"));
    if (!at || type.empty()) return std::nullopt;
    return wrapped{at->relation, at->column, "((" + column_text(*at) + ")::" + type + ")"};
  }
  const auto& call = member(node, "FuncCall");
  const auto name = last_name(member(call, "funcname"));
  const auto& arguments = member(call, "args");
  if (name.empty() || !arguments.is_array() || arguments.size() > 4) return std::nullopt;
  std::optional<column_at> found;
  std::string text = quoted(name, catalogue_.kind) + "(";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    const auto at = resolve(arguments[i], in);
    const auto constant = literal_text(arguments[i]);
    if (at && !found) {
      found = at;
      text += column_text(*at);
    } else if (!constant.empty()) {
      text += constant;
    } else {
      return std::nullopt;
    }
  }
  if (!found) return std::nullopt;
  return wrapped{found->relation, found->column, text + ")"};
}

// column IN (SELECT other ..): a join of the two.
void statement_reader::in_select(const json& link, const scope& in) {
  const auto at = resolve(member(link, "testexpr"), in);
  const auto& query = member(member(link, "subselect"), "SelectStmt");
  const auto first = out_.relations.size();
  if (query.is_object()) select(query, &in);
  const auto& targets = member(query, "targetList");
  if (!at || !targets.is_array() || targets.size() != 1) return;
  // The sub-select's scope is gone; of one table its column can still be named.
  if (out_.relations.size() != first + 1) return;
  const auto& value = member(member(targets[0], "ResTarget"), "val");
  const auto name = last_name(member(member(value, "ColumnRef"), "fields"));
  const auto* c = catalogue_.find_table(out_.relations[first].table)->find(name);
  if (c != nullptr) out_.joins.push_back({at->relation, first, at->column, c->number});
}

void statement_reader::sub_selects(const json& node, const scope& in) {
  if (!node.is_structured()) return;
  if (++depth_ <= max_depth) {
    if (node.is_object() && node.contains("SubLink")) {
      const auto& query = member(member(node["SubLink"], "subselect"), "SelectStmt");
      if (query.is_object()) select(query, &in);
      sub_selects(member(node["SubLink"], "testexpr"), in);
    } else {
      for (const auto& child : node) sub_selects(child, in);
    }
  }
  --depth_;
}

}  // namespace fairing::advise::indexes
