#include "app/cli_render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/cli_options.hpp"

namespace fairing::app {

namespace {

using nlohmann::json;

const json& member(const json& of, std::string_view key) {
  static const json none;
  if (!of.is_object()) return none;
  const auto found = of.find(key);
  return found == of.end() ? none : *found;
}

// Text of a scalar; of anything else its JSON, on one line.
std::string text(const json& v) {
  if (v.is_null()) return {};
  if (v.is_string()) return printable(v.get_ref<const std::string&>());
  return printable(v.dump(-1, ' ', false, json::error_handler_t::replace));
}
std::string text(const json& of, std::string_view key) { return text(member(of, key)); }

// The elements of a list, or the one value that stands in its place.
std::vector<std::string> lines(const json& v) {
  std::vector<std::string> out;
  if (v.is_array()) {
    for (const auto& item : v) out.push_back(text(item));
  } else if (!v.is_null()) {
    out.push_back(text(v));
  }
  return out;
}

struct grade_look {
  std::string_view grade;
  std::string_view shown;
  std::string_view colour;
};
constexpr grade_look grades[] = {{"pass", "pass", "\x1b[32m"},
                                 {"warn", "warn", "\x1b[33m"},
                                 {"fail", "FAIL", "\x1b[31m"},
                                 {"not_seen", "not seen", "\x1b[90m"}};

std::string show_grade(const std::string& grade, bool colour) {
  for (const auto& g : grades)
    if (g.grade == grade) {
      const auto padded = fmt::format("{:<8}", g.shown);
      return colour ? fmt::format("{}{}\x1b[0m", g.colour, padded) : padded;
    }
  return fmt::format("{:<8}", grade);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  // C1 controls (U+0080 to U+009F) move cursors too.
  for (std::size_t i = 0; i + 1 < out.size(); ++i)
    if (out[i] == '\xc2' && static_cast<unsigned char>(out[i + 1]) < 0xa0) out.replace(i, 2, "?");
  return out;
}

int checklist_code(const json& body, bool strict) {
  int code = exit_ok;
  for (const auto& p : member(body, "points")) {
    const auto grade = text(p, "grade");
    if (grade == "fail" || (strict && grade == "warn")) code = exit_no;
  }
  return code;
}

answer render_checklist(const json& body, bool strict, bool colour) {
  answer a;
  a.code = checklist_code(body, strict);
  std::size_t counts[4] = {};
  for (const auto& p : member(body, "points")) {
    const auto grade = text(p, "grade");
    for (std::size_t i = 0; i < 4; ++i)
      if (grades[i].grade == grade) ++counts[i];
    a.out += fmt::format("{:>2}  {}  {}\n", text(p, "number"), show_grade(grade, colour),
                         text(p, "title"));
    for (const auto& line : lines(member(p, "evidence"))) a.out += fmt::format("      {}\n", line);
    for (const auto& line : lines(member(p, "fix")))
      a.out += fmt::format("        fix: {}\n", line);
  }
  a.out += fmt::format("\n{} pass, {} warn, {} fail, {} not seen\n", counts[0], counts[1],
                       counts[2], counts[3]);
  return a;
}

answer render_explain(const json& body) {
  answer a;
  for (const auto& item : member(body, "items")) {
    a.out += fmt::format("{} {} {} {}\n", text(item, "time"), text(item, "method"),
                         text(item, "url"), text(item, "status"));
    if (const auto id = text(item, "trace_id"); !id.empty())
      a.out += fmt::format("  trace   {}\n", id);
    const auto& cache = member(item, "cache");
    if (cache.is_object()) {
      std::string parts;
      for (const auto& [key, value] : cache.items())
        parts += fmt::format("{}{}={}", parts.empty() ? "" : "; ", printable(key), text(value));
      a.out += fmt::format("  cache   {}\n", parts);
    } else if (!cache.is_null()) {
      a.out += fmt::format("  cache   {}\n", text(cache));
    }
    for (const auto& [key, value] : item.items()) {
      if (key == "time" || key == "method" || key == "url" || key == "status" ||
          key == "trace_id" || key == "cache")
        continue;
      if (!value.is_null()) a.out += fmt::format("  {:<7} {}\n", printable(key), text(value));
    }
  }
  return a;
}

answer render_purge(const json& body, bool dry_run) {
  answer a;
  a.out = dry_run ? "would purge" : "purged";
  if (const auto seq = text(body, "seq"); !seq.empty()) a.out += fmt::format("  seq {}", seq);
  const auto& tiers = member(body, "tiers");
  if (tiers.is_object()) {
    for (const auto& [tier, state] : tiers.items())
      a.out += fmt::format("  {}: {}", printable(tier), text(state));
  } else if (!tiers.is_null()) {
    a.out += fmt::format("  tiers: {}", fmt::join(lines(tiers), ", "));
  }
  if (body.is_object())
    for (const auto& [key, value] : body.items())
      if (key != "seq" && key != "tiers")
        a.out += fmt::format("  {}: {}", printable(key), text(value));
  a.out += "\n";
  return a;
}

answer render_reload(const json& body) {
  answer a;
  const auto changes = lines(member(body, "changes"));
  a.out = changes.empty() ? "reloaded: nothing changed\n"
                          : fmt::format("reloaded: {} changed\n", changes.size());
  for (const auto& c : changes) a.out += fmt::format("  {}\n", c);
  return a;
}

answer render_bypass(const json& body) {
  answer a;
  const auto off = lines(member(body, "bypassed"));
  if (off.empty()) a.out = "nothing is bypassed\n";
  for (const auto& what : off) a.out += fmt::format("bypassed: {}\n", what);
  return a;
}

}  // namespace fairing::app
