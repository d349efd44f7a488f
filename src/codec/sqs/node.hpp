// node: a request's parameters as a small tree, the same for JSON and for forms.
//
// Problem: the actions should be read once, not once a protocol. A form's flattened lists and maps become the lists and
// objects that AWS JSON has.
//
// Flow:  auto tree = read_json(body);  or  read_form(query, body);   then fields (fields.hpp) over *tree.
// Bounds: 4,096 nodes, 256 in one object, depth 8.
// Threads: plain values. Cost: one pass; strings can be moved out.
// Source: RFC 8259; Smithy's AWS Query protocol (flattened lists and maps of SQS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fairing::codec::sqs {

inline constexpr std::size_t max_nodes = 4096;
inline constexpr std::size_t max_object_nodes = 256;
inline constexpr std::size_t max_depth = 8;

enum class node_kind : std::uint8_t {
  null,     // JSON's null: as if it were not there
  boolean,  // JSON's true or false
  integer,  // a whole number that fits in 64 bits
  number,   // any other number
  text,     // a string; all values of forms
  list,     // children without names
  object,   // children with distinct names
};
struct node {
  node_kind kind = node_kind::null;
  std::int64_t integer = 0;
  std::string name;  // in its object
  std::string text;
  std::vector<node> children;

  [[nodiscard]] node* find(std::string_view child) noexcept {
    for (auto& c : children)
      if (c.name == child && c.kind != node_kind::null) return &c;
    return nullptr;
  }
};

// An object. Errors: malformed_request.
[[nodiscard]] result<node> read_json(std::string_view body);
// Of a query string and a form, one after the other; both may be empty. `Tag.1.Key` becomes `Tags` and so on.
[[nodiscard]] result<node> read_form(std::string_view query, std::string_view body);

}  // namespace fairing::codec::sqs
