#include "app/config/decode.hpp"

#include <fmt/format.h>

#include <set>

#include "app/config/nearest.hpp"
#include "base/version.hpp"

namespace fairing::config {

namespace {

std::string kind_word(node_kind k) {
  switch (k) {
    case node_kind::null:
      return "nothing";
    case node_kind::scalar:
      return "one value";
    case node_kind::sequence:
      return "a list";
    case node_kind::mapping:
      return "a mapping";
  }
  return {};
}

// Sections elsewhere in the schema that have this key, for those who put it at the wrong depth.
void homes_of(const schema_node& at, std::string_view key, std::vector<std::string>& out) {
  for (const auto& c : at.children) {
    if (c.child(key) != nullptr && c.row != nullptr) out.emplace_back(c.row->path);
    homes_of(c, key, out);
  }
}

class decoder {
 public:
  decoded out;

  void section(const schema_node& s, const node& n, const scope& in, const std::string& path) {
    std::map<std::string, position> seen;
    for (const auto& e : n.entries) {
      const auto full = join(path, e.key);
      const auto [first, fresh] = seen.try_emplace(e.key, e.at);
      if (!fresh) {
        report(
            e.at, full,
            fmt::format("`{}` is written twice; the first is at {}", full, to_text(first->second)));
        continue;
      }
      const auto* child = s.child(e.key);
      if (child == nullptr) {
        unknown(s, e, full);
      } else {
        out.places[full] =
            e.value.at.line != 0 || e.value.at.source != e.at.source ? e.value.at : e.at;
        any(*child, e, in, full);
      }
    }
    for (const auto& c : s.children)
      if (c.row->required && !has_value(n, c.name))
        report(n.at, path,
               fmt::format("`{}` has no `{}`, which it needs: {}", path, c.name, c.row->doc));
  }

 private:
  static bool has_value(const node& n, std::string_view key) {
    for (const auto& e : n.entries)
      if (e.key == key) return e.value.kind != node_kind::null;
    return false;
  }

  void report(const position& at, const std::string& key, std::string text) {
    out.errors.push_back({at, key, std::move(text)});
  }

  void unknown(const schema_node& s, const entry& e, const std::string& full) {
    if (e.key == "<<") {
      report(e.at, full, "merge keys (`<<`) are not supported; repeat the keys or use one alias");
      return;
    }
    auto hint = did_you_mean(e.key, s.child_names());
    if (hint.empty()) {
      std::vector<std::string> homes;
      homes_of(schema(), e.key, homes);
      if (schema().child(e.key) != nullptr)
        hint = "; it is a key of the top level";
      else if (!homes.empty())
        hint = fmt::format("; it is a key of `{}`", homes.front());
      else
        hint = fmt::format("; known here: {}", fmt::join(s.child_names(), ", "));
    }
    report(e.at, full, fmt::format("unknown key `{}`{}", full, hint));
  }

  void any(const schema_node& s, const entry& e, const scope& in, const std::string& path) {
    const field& row = *s.row;
    if (row.change == change_kind::later) {
      report(e.at, path,
             fmt::format("`{}` is not in this version of Fairing ({}); remove it", path, version));
      return;
    }
    if (e.value.kind == node_kind::null) return;  // as if not written
    switch (row.kind) {
      case field_kind::section:
        one_section(s, e.value, in, path);
        break;
      case field_kind::list:
        list(s, e.value, in, path);
        break;
      default:
        leaf(row, e.value, in, path);
    }
  }

  // A section, or a scalar that stands for one of its keys (`compression: off`).
  void one_section(const schema_node& s, const node& n, const scope& in, const std::string& path) {
    const field& row = *s.row;
    if (n.kind == node_kind::mapping) {
      section(s, n, in, path);
      return;
    }
    if (n.kind == node_kind::scalar && !row.shorthand.empty()) {
      node whole;
      whole.kind = node_kind::mapping;
      whole.at = n.at;
      whole.entries.push_back({std::string(row.shorthand), n.at, n});
      section(s, whole, in, path);
      return;
    }
    report(n.at, path,
           fmt::format("`{}` is a mapping of keys, not {}; known here: {}", path, kind_word(n.kind),
                       fmt::join(s.child_names(), ", ")));
  }

  void list(const schema_node& s, const node& n, const scope& in, const std::string& path) {
    if (n.kind != node_kind::sequence) {
      one_section(s, n, s.row->list.at(in, 0), path);
      return;
    }
    // Made before any is filled: a scope points into the vector.
    for (std::size_t i = 0; i < n.items.size(); ++i) (void)s.row->list.at(in, i);
    for (std::size_t i = 0; i < n.items.size(); ++i) {
      const auto full = fmt::format("{}.{}", path, i);
      out.places[full] = n.items[i].at;
      one_section(s, n.items[i], s.row->list.at(in, i), full);
    }
    if (s.row->required && n.items.empty())
      report(n.at, path, fmt::format("`{}` is an empty list", path));
  }

  void leaf(const field& row, const node& n, const scope& in, const std::string& path) {
    std::string problem;
    const value v = parse_value(row, n, problem);
    if (problem.empty()) {
      problem = row.bind.set(in, v);
      hide(problem, n);
    }
    if (!problem.empty()) report(n.at, path, fmt::format("`{}`: {}", path, problem));
  }

  // What a reference was replaced by may be secret: a message shows the reference.
  static void hide(std::string& problem, const node& n) {
    for (const auto& item : n.items) hide(problem, item);
    if (n.text == n.written || n.text.empty()) return;
    for (auto at = problem.find(n.text); at != std::string::npos;
         at = problem.find(n.text, at + n.written.size()))
      problem.replace(at, n.text.size(), n.written);
  }
};

// The defaults that depend on other keys.
void complete(config& c, const locations& places) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < c.http.size(); ++i) {
    auto& s = c.http[i];
    const auto given = [&](std::string_view key) {
      return places.contains(fmt::format("http.{}.{}", i, key)) ||
             places.contains(fmt::format("http.{}", key));
    };
    if (s.egress && !given("preserve_host")) s.preserve_host = false;
    if (!given("health.timeout")) s.health.timeout = std::min(s.health.timeout, s.health.interval);
    if (s.name.empty()) s.name = s.listen;
    if (!names.insert(s.name).second) {
      s.name += fmt::format("#{}", i);
      names.insert(s.name);
    }
  }
}

}  // namespace

decoded decode(const node& tree) {
  decoder d;
  if (tree.kind != node_kind::mapping) {
    d.out.errors.push_back(
        {tree.at, {}, fmt::format("the file is a mapping of keys, not {}", kind_word(tree.kind))});
    return std::move(d.out);
  }
  scope top;
  top.root = &d.out.value;
  d.section(schema(), tree, top, {});
  complete(d.out.value, d.out.places);
  return std::move(d.out);
}

position place_of(const locations& places, std::string key) {
  while (true) {
    if (const auto found = places.find(key); found != places.end()) return found->second;
    const auto dot = key.rfind('.');
    if (dot == std::string::npos) return {};
    key.resize(dot);
  }
}

}  // namespace fairing::config
