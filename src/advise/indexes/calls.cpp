#include "advise/indexes/calls.hpp"

#include <algorithm>
#include <vector>

#include "advise/indexes/sql_tree.hpp"

namespace fairing::advise::indexes {

namespace {

using json = nlohmann::json;

constexpr std::string_view operator_characters = "+-*/<>=~!@#%^&|`?";

bool of_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

// {"funcname": [{"String": {"str": "schema"}}, {"String": {"str": "name"}}]}: the last.
void add_last(const json& names, std::set<std::string>& to) {
  if (!names.is_array() || names.empty()) return;
  const auto text = names.back().find("String");
  if (text == names.back().end()) return;
  for (const auto& value : *text)
    if (value.is_string()) to.insert(value.get<std::string>());
}

void add_node(const std::string& kind, const json& node, calls& to) {
  if (!node.is_object()) return;
  if (const auto name = node.find("funcname"); kind == "FuncCall" && name != node.end())
    add_last(*name, to.functions);
  if (const auto name = node.find("name"); kind == "A_Expr" && name != node.end())
    add_last(*name, to.operators);
}

// Where the quoted text that begins at `i` ends: behind its last quote.
std::size_t quoted_end(std::string_view s, std::size_t i) {
  const char quote = s[i];
  for (++i; i < s.size(); ++i) {
    if (s[i] != quote) continue;
    if (i + 1 == s.size() || s[i + 1] != quote) return i + 1;
    ++i;
  }
  return s.size();
}

std::string unquoted(std::string_view s) {
  std::string out;
  for (std::size_t i = 1; i + 1 < s.size(); ++i) {
    out += s[i];
    if (s[i] == '"') ++i;
  }
  return out;
}

std::size_t end_of(std::string_view s, std::size_t i, auto belongs) {
  while (i < s.size() && belongs(s[i])) ++i;
  return i;
}

}  // namespace

calls calls_of_statement(std::string_view text) {
  calls out;
  const auto tree = parse_sql(text);
  if (!tree) return out;
  // Not by recursion: the depth is the statement's.
  std::vector<const json*> left{&*tree};
  while (!left.empty()) {
    const auto& node = *left.back();
    left.pop_back();
    if (!node.is_structured()) continue;
    for (const auto& item : node.items()) {
      if (node.is_object()) add_node(item.key(), item.value(), out);
      left.push_back(&item.value());
    }
  }
  return out;
}

calls calls_of_plan(std::string_view plan) {
  calls out;
  for (std::size_t i = 0; i < plan.size();) {
    const auto begin = i;
    if (plan[i] == '\'') {
      i = quoted_end(plan, i);
    } else if (plan[i] == '"') {
      i = quoted_end(plan, i);
      if (plan.substr(i).starts_with('('))
        out.functions.insert(unquoted(plan.substr(begin, i - begin)));
    } else if (of_name(plan[i])) {
      i = end_of(plan, i, of_name);
      if (plan.substr(i).starts_with('(')) out.functions.emplace(plan.substr(begin, i - begin));
    } else if (operator_characters.contains(plan[i])) {
      i = end_of(plan, i, [](char c) { return operator_characters.contains(c); });
      out.operators.emplace(plan.substr(begin, i - begin));
    } else {
      ++i;
    }
  }
  return out;
}

void add(calls& to, calls more) {
  to.functions.merge(more.functions);
  to.operators.merge(more.operators);
}

}  // namespace fairing::advise::indexes
