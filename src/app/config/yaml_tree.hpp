// yaml_tree: a YAML text as a plain tree in which every key and value knows its line and column.
//
// Problem: yaml-cpp's own nodes forget the order of errors, let an alias expand without bound when
// walked and cannot take `${VAR}` inside `{ flow: maps }`. Here its event parser fills a tree with
// limits, duplicate keys stay visible, and settings of flags and environment are edits of the same
// tree.
//
// Flow:  auto tree = parse_yaml(text, "fairing.yaml", errors);   // nullopt and one error if it is
// not YAML Limits: 1 MiB of text, 64 levels, 20,000 nodes after aliases are expanded.
// `${...}` is kept as written: substitute.hpp replaces it in scalars, after parsing, so that a
// value can never become structure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/diagnostic.hpp"

namespace fairing::config {

inline constexpr std::size_t max_file_bytes = 1024 * 1024;
inline constexpr std::size_t max_depth = 64;
inline constexpr std::size_t max_nodes = 20'000;

enum class node_kind : std::uint8_t {
  null,      // nothing written, `~` or `null`
  scalar,    // text
  sequence,  // a list
  mapping,   // keys and values
};

struct entry;

struct node {
  node_kind kind = node_kind::null;
  std::string text;     // of a scalar, after substitution
  std::string written;  // as the file has it, with ${...}: the only form that messages may show
  bool quoted = false;  // "..." or '...': never null
  position at;
  std::vector<node> items;     // of a sequence
  std::vector<entry> entries;  // of a mapping, in order, duplicates kept

  [[nodiscard]] node* find(std::string_view key);  // the first entry's value, or nullptr
};

struct entry {
  std::string key;
  position at;  // of the key
  node value;
};

[[nodiscard]] node scalar_node(std::string text, const position& at);

// An empty text is an empty mapping. On error nullopt, and one diagnostic is added.
[[nodiscard]] std::optional<node> parse_yaml(std::string_view text, const std::string& source,
                                             diagnostics& errors);

}  // namespace fairing::config
