// The words and the sorting that the points share (points.hpp).
#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "checklist/path_template.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

void conclude(point& p, std::vector<finding> findings) {
  if (findings.empty()) return;
  std::ranges::sort(findings, [](const finding& a, const finding& b) {
    if (a.severity != b.severity) return a.severity > b.severity;
    return a.weight != b.weight ? a.weight > b.weight : a.evidence < b.evidence;
  });
  p.result = findings.front().severity;
  std::vector<std::vector<std::string>> told;
  for (std::size_t i = 0; i < std::min(findings.size(), max_findings); ++i) {
    p.evidence.push_back(std::move(findings[i].evidence));
    if (std::ranges::find(told, findings[i].fix) != told.end()) continue;
    told.push_back(findings[i].fix);
    for (auto& line : findings[i].fix)
      if (std::ranges::find(p.fix, line) == p.fix.end() || !line.starts_with('#'))
        p.fix.push_back(std::move(line));
  }
  if (findings.size() > max_findings)
    p.evidence.push_back(fmt::format("and {} more", findings.size() - max_findings));
}

const site_facts& facts_of(const row& r, facts_span sites) {
  static const site_facts plain;
  const auto found = std::ranges::find(sites, r.site, &site_facts::name);
  return found == sites.end() ? plain : *found;
}

bool is_graded(const row& r) noexcept {
  return r.method != row_method::not_of_path && r.counts.requests >= min_samples;
}

std::string too_few(std::uint64_t seen, std::string_view what) {
  return fmt::format("{} of the {} {} that a grade needs were seen", std::min(seen, min_samples),
                     min_samples, what);
}

std::string yaml_text(std::string_view text) {
  // Alone these are safe after "match: " in flow style; ',', '{', '"', '#' and ": " are not.
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '/' || c == '.' || c == '_' || c == '-' || c == '~' || c == '*';
  };
  const auto first = text.empty() ? ' ' : text.front();
  const bool begins =
      first == '/' || (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
  if (begins && text.back() != ' ' && std::ranges::all_of(text, safe)) return std::string(text);
  std::string out;
  append_json_string(out, text);  // JSON strings are YAML's double-quoted ones
  return out;
}

std::vector<std::string> route_fix(const row& r, std::string_view yaml) {
  if (r.path.empty() && !r.route.empty())
    return {fmt::format("# http, site {}: in the route with match {}", yaml_text(r.site),
                        yaml_text(r.route)),
            std::string(yaml)};
  const auto method = to_string(r.method);
  const auto match = fmt::format("{}{}{}", method, method.empty() ? "" : " ", match_of(r.path));
  const auto place =
      r.route.empty() ? std::string{} : fmt::format(", above the route {}", yaml_text(r.route));
  return {fmt::format("# http, site {}: under routes{}", yaml_text(r.site), place),
          fmt::format("- {{ match: {}, {} }}", yaml_text(match), yaml)};
}

std::string show_us(std::int64_t us) {
  const auto v = static_cast<double>(us);
  if (us < 1000) return fmt::format("{} us", us);
  if (us < 10'000) return fmt::format("{:.1f} ms", v / 1e3);
  if (us < 1'000'000) return fmt::format("{:.0f} ms", v / 1e3);
  return fmt::format("{:.2f} s", v / 1e6);
}

std::string show_share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0 %";
  return fmt::format("{:.0f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string show_row(const row& r, facts_span sites) {
  return sites.size() > 1 ? fmt::format("{} ({})", r.label(), r.site) : r.label();
}

}  // namespace fairing::checklist
