#include "app/config/describe.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/config/schema.hpp"
#include "base/version.hpp"

namespace fairing::config {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view reference =
    R"(\$\{)";  // a text that has a ${...} is not judged by an editor

json pattern(std::string_view p) {
  return {{"type", "string"}, {"pattern", fmt::format("{}|{}", p, reference)}};
}

json either(json a, json b) { return {{"anyOf", json::array({std::move(a), std::move(b)})}}; }

json ranged_integer(const field& f) {
  json n = {{"type", "integer"}, {"minimum", f.least}};
  if (f.most != UINT64_MAX) n["maximum"] = f.most;
  return n;
}

json word_schema(const field& f) {
  auto words = words_of(f);
  json all = json::array();
  for (const auto& w : words) all.push_back(w);
  for (const auto& w : words) {  // YAML 1.1 readers make booleans of these
    if (w == "on") all.push_back(true);
    if (w == "off") all.push_back(false);
  }
  return either({{"enum", all}}, pattern(R"(^\$\{)"));
}

json leaf_schema(const field& f) {
  switch (f.kind) {
    case field_kind::boolean:
      return either({{"type", "boolean"}}, pattern("^(true|false|on|off|yes|no)$"));
    case field_kind::integer:
      return either(ranged_integer(f), pattern(takes_auto(f) ? "^([0-9]+|auto)$" : "^[0-9]+$"));
    case field_kind::number:
      return either({{"type", "number"}, {"minimum", 0}}, pattern(R"(^[0-9.]+$)"));
    case field_kind::share:
      return either({{"type", "number"}, {"minimum", 0}, {"maximum", 1}},
                    pattern(R"(^[0-9.]+%?$)"));
    case field_kind::size:
      return either({{"type", "integer"}, {"minimum", 0}}, pattern("^[0-9]+(B|[KMGk]i?B)?$"));
    case field_kind::duration:
      return either({{"const", 0}}, pattern(R"(^(0|([0-9.]+(ms|s|m|h|d))+)$)"));
    case field_kind::rate:
      return pattern("^[0-9]+/[0-9]*(ms|s|m|h|d)$");
    case field_kind::text_list:
      return either({{"type", "array"}, {"items", {{"type", "string"}}}}, {{"type", "string"}});
    case field_kind::word:
      return word_schema(f);
    case field_kind::word_list:
      return either({{"type", "array"}, {"items", word_schema(f)}}, word_schema(f));
    default:
      return {{"type", json::array({"string", "integer", "boolean"})}};
  }
}

json node_schema(const schema_node& n);

json mapping_schema(const schema_node& n) {
  json properties = json::object();
  json required = json::array();
  for (const auto& c : n.children) {
    properties[c.name] = node_schema(c);
    if (c.row->required) required.push_back(c.name);
  }
  json out = {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  if (!required.empty()) out["required"] = required;
  return out;
}

json node_schema(const schema_node& n) {
  const field& f = *n.row;
  json out;
  if (f.change == change_kind::later) {
    out["not"] = json::object();
    out["description"] = fmt::format("{} Not in this version ({}).", f.doc, version);
    return out;
  }
  if (f.kind == field_kind::section || f.kind == field_kind::list) {
    out = mapping_schema(n);
    json forms = json::array();
    if (!f.shorthand.empty()) forms.push_back(leaf_schema(*n.child(f.shorthand)->row));
    if (f.kind == field_kind::list) {
      json item = out;
      if (!forms.empty()) item = either(out, forms[0]);
      forms.push_back({{"type", "array"}, {"items", item}});
    }
    forms.push_back({{"type", "null"}});
    forms.insert(forms.begin(), std::move(out));
    out = json{{"anyOf", forms}};
  } else {
    out = leaf_schema(f);
    if (const auto d = default_text(f); !d.empty() && f.fallback.empty()) out["default"] = d;
  }
  out["description"] = f.doc;
  return out;
}

std::string type_text(const field& f) {
  switch (f.kind) {
    case field_kind::section:
      return "mapping";
    case field_kind::list:
      return "list of mappings";
    case field_kind::boolean:
      return "true, false";
    case field_kind::integer:
      return takes_auto(f) ? "whole number, `auto`" : "whole number";
    case field_kind::number:
      return "number";
    case field_kind::share:
      return "share (`10%`)";
    case field_kind::size:
      return "size";
    case field_kind::duration:
      return "duration";
    case field_kind::rate:
      return "rate";
    case field_kind::text:
      return "text";
    case field_kind::text_list:
      return "list of texts";
    case field_kind::word:
      return fmt::format("`{}`", fmt::join(words_of(f), "`, `"));
    case field_kind::word_list:
      return fmt::format("list of `{}`", fmt::join(words_of(f), "`, `"));
  }
  return {};
}

std::string range_text(const field& f) {
  const auto show = [&](std::uint64_t n) {
    if (f.kind == field_kind::size) return format_size(n);
    if (f.kind == field_kind::duration)
      return format_duration(milliseconds{static_cast<std::int64_t>(n)});
    return fmt::format("{}", n);
  };
  const bool counted = f.kind == field_kind::integer || f.kind == field_kind::size ||
                       f.kind == field_kind::duration || f.kind == field_kind::number;
  if (!counted || (f.least == 0 && f.most == UINT64_MAX)) return {};
  if (f.most == UINT64_MAX) return fmt::format("from {}", show(f.least));
  return fmt::format("{} to {}", show(f.least), show(f.most));
}

std::string default_cell(const field& f) {
  if (f.required) return "**required**";
  const auto d = default_text(f);
  if (d.empty()) return "";
  return f.fallback.empty() ? fmt::format("`{}`", d) : d;
}

void table(const schema_node& n, const std::string& path, std::string& out) {
  std::string rows;
  for (const auto& c : n.children) {
    const field& f = *c.row;
    if (f.change == change_kind::later || f.kind == field_kind::section) continue;
    rows +=
        fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", c.name, type_text(f), default_cell(f),
                    range_text(f), f.change == change_kind::live ? "reload" : "restart", f.doc);
  }
  if (!rows.empty()) {
    out += fmt::format("\n## {}\n", path.empty() ? "Top level" : "`" + path + "`");
    if (n.row != nullptr) {
      out += fmt::format("{}", n.row->doc);
      if (!n.row->shorthand.empty())
        out += fmt::format(" A single value in its place means `{}`.", n.row->shorthand);
      out += "\n";
    }
    out += "\n| key | value | default | range | a change needs | |\n|---|---|---|---|---|---|\n" +
           rows;
  }
  for (const auto& c : n.children)
    if (!c.children.empty()) table(c, std::string(c.row->path), out);
}

json effective(const schema_node& n, const scope& in) {
  json out = json::object();
  for (const auto& c : n.children) {
    const field& f = *c.row;
    if (f.change == change_kind::later) continue;
    if (f.present != nullptr && !f.present(in)) continue;
    if (f.kind == field_kind::section) {
      if (auto inner = effective(c, in); !inner.empty()) out[c.name] = std::move(inner);
    } else if (f.kind == field_kind::list) {
      json items = json::array();
      for (std::size_t i = 0; i < f.list.count(in); ++i)
        items.push_back(effective(c, f.list.at(in, i)));
      out[c.name] = std::move(items);
    } else {
      const value v = f.bind.get(in);
      const auto text = to_text(f, v);
      if (f.secret) {
        if (!text.empty())
          out[c.name] = f.bind.show == nullptr ? "***" : to_text(f, f.bind.show(in));
      } else if (std::holds_alternative<bool>(v)) {
        out[c.name] = std::get<bool>(v);
      } else if (std::holds_alternative<std::uint64_t>(v) && f.kind == field_kind::integer) {
        out[c.name] = std::get<std::uint64_t>(v);
      } else if (f.kind == field_kind::number && !text.empty()) {
        out[c.name] = std::get<double>(v);
      } else if (const auto* list = std::get_if<std::vector<std::string>>(&v)) {
        out[c.name] = *list;
      } else if (const auto* words = std::get_if<std::vector<word>>(&v)) {
        json items = json::array();
        for (const auto& w : *words) items.push_back(to_text(f, value{w}));
        out[c.name] = std::move(items);
      } else if (!text.empty()) {
        out[c.name] = text;
      }
    }
  }
  return out;
}

std::string dump(const json& j, int indent) {
  return j.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string json_schema() {
  json out = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", fmt::format("fairing.yaml ({})", version)}};
  const json body = mapping_schema(schema());
  for (const auto& [key, v] : body.items()) out[key] = v;
  return dump(out, 2) + "\n";
}

std::string markdown() {
  std::string out = fmt::format(
      "# Configuration: `fairing.yaml`\n\nGenerated by `fairing schema --markdown` (Fairing {}); "
      "do not edit.\n\n"
      "Every key has a default and no file is needed. `${{VAR}}`, `${{VAR:-default}}` and "
      "`${{file:PATH}}` stand for "
      "the environment and for files, `$$` for a dollar sign; they are replaced in values only and "
      "never printed. "
      "Sizes are `512B`, `64KiB`, `256MiB`, durations `250ms`, `5s`, `1m30s`, rates `10/m`, "
      "`20/10s`, shares `10%`. "
      "An unknown key, a bad value or a duplicate is an error with file, line, column and the "
      "nearest key; all errors "
      "of a file are told at once. `--set http.0.timeouts.total=3s` sets any key. Precedence: "
      "`--set`, flags, "
      "environment (`FAIRING_ADMIN`, `FAIRING_RUNTIME_DIR`, `FAIRING_CONFIG`), file. So a "
      "`FAIRING_ADMIN` that is set for the commands also says where `run` has its admin; where the "
      "file says otherwise, a note tells.\n",
      version);
  table(schema(), {}, out);
  out +=
      "\n## Not in this version\nThese keys are known, and refused until the version that has "
      "them:\n\n";
  for (const auto& f : fields())
    if (f.change == change_kind::later) out += fmt::format("- `{}`: {}\n", f.path, f.doc);
  return out;
}

std::string effective_json(const config& c) {
  config copy = c;  // a scope is writable
  scope top;
  top.root = &copy;
  return dump(effective(schema(), top), 2);
}

std::string to_json(const diagnostics& list) {
  json out = json::array();
  for (const auto& d : list)
    out.push_back({{"file", d.at.source},
                   {"line", d.at.line},
                   {"column", d.at.column},
                   {"key", d.key},
                   {"message", d.text}});
  return dump(out, -1);
}

}  // namespace fairing::config
