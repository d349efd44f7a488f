#include "advise/indexes/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fairing::advise::indexes {

namespace {

using nlohmann::json;

constexpr int max_depth = 128;
constexpr std::size_t max_nodes = 256;

std::string text_of(const json& node, const char* key) {
  const auto at = node.find(key);
  return at != node.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// MySQL writes numbers as text here and there.
double number_of(const json& node, const char* key, double otherwise) {
  const auto at = node.find(key);
  if (at == node.end()) return otherwise;
  if (at->is_number()) return at->get<double>();
  if (!at->is_string()) return otherwise;
  const auto& text = at->get_ref<const std::string&>();
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? otherwise : value;
}

void walk_postgres(const json& node, plan& out, int depth) {
  if (depth > max_depth || out.nodes.size() >= max_nodes || !node.is_object()) return;
  plan_node n;
  n.type = text_of(node, "Node Type");
  n.relation = text_of(node, "Relation Name");
  n.index = text_of(node, "Index Name");
  n.filter = text_of(node, "Filter");
  n.rows = number_of(node, "Plan Rows", 0);
  n.cost = number_of(node, "Total Cost", 0);
  n.removed = number_of(node, "Rows Removed by Filter", -1);
  n.actual_ms = number_of(node, "Actual Total Time", -1);
  out.sorts = out.sorts || n.type == "Sort" || n.type == "Incremental Sort";
  out.nodes.push_back(std::move(n));
  const auto children = node.find("Plans");
  if (children != node.end() && children->is_array())
    for (const auto& child : *children) walk_postgres(child, out, depth + 1);
}

void walk_mysql(const json& node, plan& out, int depth) {
  if (depth > max_depth || out.nodes.size() >= max_nodes) return;
  if (node.is_array()) {
    for (const auto& child : node) walk_mysql(child, out, depth + 1);
    return;
  }
  if (!node.is_object()) return;
  if (node.contains("filesort") ||
      (node.contains("using_filesort") && node["using_filesort"] == true))
    out.sorts = true;
  if (node.contains("table_name") && node.contains("access_type")) {
    plan_node n;
    n.type = text_of(node, "access_type");
    n.relation = text_of(node, "table_name");
    n.index = text_of(node, "key");
    n.filter = text_of(node, "attached_condition");
    n.rows = number_of(node, "rows", number_of(node, "rows_examined_per_scan", 0));
    n.removed = -1;
    n.actual_ms = number_of(node, "r_total_time_ms", -1);
    out.nodes.push_back(std::move(n));
  }
  for (const auto& child : node)
    if (child.is_structured()) walk_mysql(child, out, depth + 1);
}

}  // namespace

bool plan::uses(std::string_view index) const noexcept {
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const plan_node& n) { return n.index == index; });
}

const plan_node* plan::full_scan(std::string_view relation) const noexcept {
  const auto at = std::find_if(nodes.begin(), nodes.end(), [&](const plan_node& n) {
    return n.relation == relation && (n.type == "Seq Scan" || n.type == "ALL");
  });
  return at == nodes.end() ? nullptr : &*at;
}

std::optional<plan> read_postgres_plan(std::string_view text) {
  const auto root = json::parse(text, nullptr, false);
  if (!root.is_array() || root.empty() || !root[0].is_object()) return std::nullopt;
  const auto top = root[0].find("Plan");
  if (top == root[0].end() || !top->is_object()) return std::nullopt;
  plan out;
  walk_postgres(*top, out, 0);
  out.cost = number_of(*top, "Total Cost", -1);
  out.actual_ms = number_of(root[0], "Execution Time", -1);
  out.shared_hit = number_of(*top, "Shared Hit Blocks", -1);
  out.shared_read = number_of(*top, "Shared Read Blocks", -1);
  return out;
}

std::optional<plan> read_mysql_plan(std::string_view text) {
  const auto root = json::parse(text, nullptr, false);
  if (!root.is_object()) return std::nullopt;
  const auto block = root.find("query_block");
  if (block == root.end() || !block->is_object()) return std::nullopt;
  plan out;
  walk_mysql(*block, out, 0);
  const auto info = block->find("cost_info");
  if (info != block->end() && info->is_object()) out.cost = number_of(*info, "query_cost", -1);
  if (out.cost < 0) out.cost = number_of(*block, "cost", -1);
  out.actual_ms = number_of(*block, "r_total_time_ms", -1);
  return out;
}

}  // namespace fairing::advise::indexes
