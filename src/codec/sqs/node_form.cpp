// Forms to nodes: dotted names become a tree, flattened lists and maps what AWS JSON has in their place.
#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "codec/sqs/errc.hpp"
#include "codec/sqs/node.hpp"
#include "codec/sqs/text.hpp"

namespace fairing::codec::sqs {

namespace {

enum class shape : std::uint8_t {
  list,     // NAME.1=..: a list of texts
  map,      // NAME.1.KEY=.., NAME.1.Value..: an object
  entries,  // NAME.1.Id=..: a list of objects
};
struct flattened {
  std::string_view form;  // the name in forms
  std::string_view json;  // and in JSON
  shape how;
  std::string_view key = {};  // map: what holds the member's name
};
constexpr std::array flattened_names{
    flattened{"AttributeName", "AttributeNames", shape::list},
    flattened{"MessageAttributeName", "MessageAttributeNames", shape::list},
    flattened{"MessageSystemAttributeName", "MessageSystemAttributeNames", shape::list},
    flattened{"TagKey", "TagKeys", shape::list},
    flattened{"Attribute", "Attributes", shape::map, "Name"},
    flattened{"Tag", "Tags", shape::map, "Key"},
    flattened{"MessageAttribute", "MessageAttributes", shape::map, "Name"},
    flattened{"MessageSystemAttribute", "MessageSystemAttributes", shape::map, "Name"},
    flattened{"SendMessageBatchRequestEntry", "Entries", shape::entries},
    flattened{"DeleteMessageBatchRequestEntry", "Entries", shape::entries},
    flattened{"ChangeMessageVisibilityBatchRequestEntry", "Entries", shape::entries},
};

result<void> malformed(std::string why) {
  return fail(errc::malformed_request, "The form cannot be read: " + std::move(why) + ".");
}

class form_reader {
 public:
  explicit form_reader(node& root) : root_(root) { root_.kind = node_kind::object; }

  result<void> read(std::string_view form) {
    while (!form.empty()) {
      const auto end = form.find('&');
      const auto pair = form.substr(0, end);
      form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
      if (pair.empty()) continue;
      const auto equals = pair.find('=');
      std::string name;
      std::string value;
      if (!decode_form(pair.substr(0, equals), name) ||
          (equals != std::string_view::npos && !decode_form(pair.substr(equals + 1), value)))
        return malformed("a % that is not followed by two hex digits");
      if (auto put = put_value(name, std::move(value)); !put) return put;
    }
    return {};
  }

 private:
  result<void> put_value(std::string_view name, std::string value) {
    node* at = &root_;
    for (std::size_t depth = 1;; ++depth) {
      if (depth > max_depth) return malformed("a name with more than 8 parts");
      const auto dot = name.find('.');
      const auto part = name.substr(0, dot);
      if (part.empty()) return malformed("a name with an empty part");
      node* child = at->find(part);
      if (child == nullptr) {
        if (++count_ > max_nodes) return malformed("more than 4096 parameters");
        if (at->children.size() >= max_object_nodes)
          return malformed("more than 256 parameters side by side");
        at->kind = node_kind::object;
        at->children.push_back({.kind = node_kind::text, .name = std::string(part)});
        child = &at->children.back();
      } else if (dot == std::string_view::npos || child->children.empty()) {
        return malformed("a parameter twice");
      }
      at = child;
      if (dot == std::string_view::npos) break;
      name.remove_prefix(dot + 1);
    }
    at->text = std::move(value);
    return {};
  }

  node& root_;
  std::size_t count_ = 0;
};

// Children named by numbers from 1, in that order; gaps are let through.
result<void> sort_numbered(node& n) {
  for (const auto& c : n.children) {
    const auto number = parse_digits(c.name);
    if (!number || *number == 0 || *number > max_nodes)
      return malformed("'" + n.name + "' is a list, its members are numbered from 1");
  }
  std::ranges::sort(n.children, {}, [](const node& c) { return parse_digits(c.name).value_or(0); });
  return {};
}

result<void> to_map(node& n, std::string_view key) {
  for (auto& c : n.children) {
    node* name = c.find(key);
    node* value = c.find("Value");
    if (name == nullptr || value == nullptr || name->kind != node_kind::text)
      return malformed("'" + n.name + "' needs " + std::string(key) + " and Value of each member");
    node member = std::move(*value);
    member.name = std::move(name->text);
    c = std::move(member);
  }
  n.kind = node_kind::object;
  for (std::size_t i = 0; i < n.children.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (n.children[i].name == n.children[k].name)
        return malformed("'" + n.children[i].name + "' twice in '" + n.name + "'");
  return {};
}

result<void> unflatten(node& object);

result<void> unflatten_one(node& n, const flattened& f) {
  if (n.kind == node_kind::text && f.how == shape::list) {
    // boto 2's way: AttributeName=All, without a number.
    node one{.kind = node_kind::text, .text = std::exchange(n.text, {})};
    n.children.clear();
    if (!one.text.empty()) n.children.push_back(std::move(one));
  } else if (n.kind == node_kind::text) {
    if (!n.text.empty()) return malformed("'" + n.name + "' is not a single value");
  } else if (auto sorted = sort_numbered(n); !sorted) {
    return sorted;
  }
  if (f.how == shape::map) {
    if (auto done = to_map(n, f.key); !done) return done;
  } else {
    n.kind = node_kind::list;
    for (auto& c : n.children) {
      if ((f.how == shape::entries) != (c.kind == node_kind::object))
        return malformed("a member of '" + n.name + "' is of another form");
      if (f.how == shape::entries)
        if (auto done = unflatten(c); !done) return done;
    }
  }
  n.name = std::string(f.json);
  return {};
}

// Not deeper than an entry of a batch: no name of the table is within a map or list of the table.
result<void> unflatten(node& object) {
  for (auto& c : object.children)
    for (const auto& f : flattened_names)
      if (c.name == f.form) {
        if (auto done = unflatten_one(c, f); !done) return done;
        break;
      }
  return {};
}

}  // namespace

result<node> read_form(std::string_view query, std::string_view body) {
  node root;
  form_reader reader(root);
  for (const auto part : {query, body})
    if (auto read = reader.read(part); !read) return std::unexpected(read.error());
  if (auto done = unflatten(root); !done) return std::unexpected(done.error());
  return root;
}

}  // namespace fairing::codec::sqs
