#include "app/config/overrides.hpp"

#include <fmt/format.h>

#include "app/config/address.hpp"
#include "app/config/postgres_url.hpp"
#include "app/config/schema.hpp"
#include "base/ascii.hpp"

namespace fairing::config {

namespace {

std::vector<std::string> split_key(const std::string& key) {
  std::vector<std::string> parts(1);
  for (char c : key) {
    if (c == '.')
      parts.emplace_back();
    else if (c == '[')
      parts.emplace_back();
    else if (c != ']')
      parts.back() += c;
  }
  return parts;
}

// The value of a key, which is added if it is not there. Of duplicates the first, which decode
// keeps.
node& value_of(node& mapping, const std::string& key, const position& at) {
  if (auto* found = mapping.find(key)) return *found;
  mapping.entries.push_back({key, at, {}});
  mapping.entries.back().value.at = at;
  return mapping.entries.back().value;
}

// A section written as its shorthand (`compression: off`) is spelled out before it is edited.
void make_mapping(node& n, const schema_node* s, const position& at) {
  if (n.kind == node_kind::mapping) return;
  node whole;
  whole.kind = node_kind::mapping;
  whole.at = at;
  if (n.kind == node_kind::scalar && s != nullptr && s->row != nullptr &&
      !s->row->shorthand.empty())
    whole.entries.push_back({std::string(s->row->shorthand), n.at, n});
  n = std::move(whole);
}

void make_list(node& n, const position& at) {
  if (n.kind == node_kind::sequence) return;
  node list;
  list.kind = node_kind::sequence;
  list.at = at;
  if (n.kind != node_kind::null) list.items.push_back(std::move(n));
  n = std::move(list);
}

}  // namespace

void apply_set(node& tree, const std::string& key, const std::string& value, diagnostics& errors) {
  const position at{"--set " + key};
  const auto parts = split_key(key);
  node* here = &tree;
  const schema_node* s = &schema();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    make_mapping(*here, s, at);
    here = &value_of(*here, parts[i], at);
    s = s == nullptr ? nullptr : s->child(parts[i]);
    if (s == nullptr || s->row == nullptr || s->row->kind != field_kind::list ||
        i + 1 == parts.size())
      continue;
    make_list(*here, at);
    std::size_t index = 0;
    if (const auto written = parse_digits(parts[i + 1])) {
      index = *written;
      ++i;
    } else if (here->items.size() > 1) {
      errors.push_back({at, key,
                        fmt::format("`{}` has {} elements; say which, as in {}.0", parts[i],
                                    here->items.size(), parts[i])});
      return;
    }
    if (index > here->items.size()) {
      errors.push_back({at, key,
                        fmt::format("`{}` has {} elements; the next is {}", parts[i - 1],
                                    here->items.size(), here->items.size())});
      return;
    }
    if (index == here->items.size()) here->items.emplace_back().at = at;
    here = &here->items[index];
  }
  if (value.starts_with('[') || value.starts_with('{')) {
    auto parsed = parse_yaml(value, at.source, errors);
    if (!parsed) return;
    *here = std::move(*parsed);
  } else {
    *here = scalar_node(value, at);
  }
}

void apply_site(node& tree, const std::string& listen, const std::string& url) {
  const position at{fmt::format("--http {}={}", listen, url)};
  node& sites = value_of(tree, "http", at);
  make_list(sites, at);
  const auto wanted = parse_listen(listen);
  for (auto& site : sites.items) {
    auto* there = site.kind == node_kind::mapping ? site.find("listen") : nullptr;
    if (there == nullptr || !wanted || wanted->port == 0) continue;
    if (parse_listen(there->text) != wanted) continue;
    value_of(site, "upstream", at) = scalar_node(url, at);
    return;
  }
  node site;
  site.kind = node_kind::mapping;
  site.at = at;
  site.entries.push_back({"listen", at, scalar_node(listen, at)});
  site.entries.push_back({"upstream", at, scalar_node(url, at)});
  sites.items.push_back(std::move(site));
}

void apply_sql(node& tree, const std::string& listen, const std::string& url) {
  const position at{fmt::format("--sql {}={}", listen, masked(url))};
  apply_key(tree, "sql", "listen", listen, at);
  apply_key(tree, "sql", "upstream", url, at);
}

void apply_jobs(node& tree, const std::string& listen, const std::string& store) {
  const position at{fmt::format("--jobs {}={}", listen, masked(store))};
  apply_key(tree, "jobs", "listen", listen, at);
  apply_key(tree, "jobs", "store", store, at);
}

void apply_key(node& tree, const std::string& section, const std::string& key,
               const std::string& value, const position& at) {
  node& n = value_of(tree, section, at);
  make_mapping(n, schema().child(section), at);
  value_of(n, key, at) = scalar_node(value, at);
}

}  // namespace fairing::config
