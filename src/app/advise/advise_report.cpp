#include "app/advise/advise_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "advise/indexes/catalogue_findings.hpp"

namespace fairing::app::advise {

namespace {

using nlohmann::json;

// White space runs become one space, control characters go.
std::string one_line(const std::string& text, std::size_t most = 4096) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= ' ') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (u != 0x7f) {
      out += c;
    }
  }
  if (out.size() > most) {
    auto end = most - 3;  // not within a character
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0U) == 0x80U) --end;
    out.resize(end);
    out += "...";
  }
  return out;
}

std::string gain_text(const indexes::finding& f) {
  return f.gain < 0 ? "-" : fmt::format("{:.0f} %", 100 * f.gain);
}

std::string table_text(const std::vector<indexes::finding>& findings) {
  std::vector<std::vector<std::string>> rows = {
      {"", "KIND", "TABLE", "COLUMNS", "GAIN", "SIZE", "VERIFIED"}};
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const auto& f = findings[i];
    rows.push_back({fmt::format("{}", i + 1), std::string(name_of(f.kind)), one_line(f.table, 60),
                    one_line(fmt::format("{}", fmt::join(f.columns, ", ")), 60), gain_text(f),
                    f.size > 0 ? indexes::bytes_text(f.size) : "-",
                    std::string(name_of(f.verified))});
  }
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const bool right = c == 0 || c == 4 || c == 5;
      line += right ? fmt::format("{:>{}}  ", rows[r][c], widths[c])
                    : fmt::format("{:<{}}  ", rows[r][c], widths[c]);
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
    if (r == 0) continue;
    const auto& f = findings[r - 1];
    out += "    " + one_line(f.evidence) + "\n";
    if (!f.statements.empty()) out += "    for: " + one_line(f.statements[0], 160) + "\n";
  }
  return out;
}

std::string to_paste(const std::vector<indexes::finding>& findings) {
  std::string out;
  for (const auto& f : findings) {
    if (!f.caution.empty()) out += "-- " + one_line(f.caution) + "\n";
    const auto text = one_line(f.statement);
    std::size_t at = 0;
    while (at < text.size()) {
      const auto end = std::min(text.find("; ", at), text.size());
      out += text.substr(at, end - at) + ";\n";
      at = std::min(end + 2, text.size());
    }
  }
  return out;
}

std::string measured_text(const std::vector<measured>& all) {
  std::string out = "\nMeasured (EXPLAIN ANALYZE, rolled back):\n";
  for (const auto& m : all) {
    out += fmt::format("  {:9.2f} ms  {}\n", m.plan.actual_ms, one_line(m.statement, 140));
    if (m.plan.shared_hit >= 0)
      out += fmt::format("                blocks: {:.0f} from memory, {:.0f} read\n",
                         m.plan.shared_hit, m.plan.shared_read);
    for (const auto& n : m.plan.nodes)
      if (n.removed >= 1)
        out += fmt::format("                {} on {}: {:.0f} rows read in vain\n", n.type,
                           one_line(n.relation, 60), n.removed);
  }
  return out;
}

}  // namespace

std::string text_of(const report& r) {
  const auto& a = r.advice;
  std::string out = fmt::format("{}; {}\n{} statement{} given, {} planned", r.server, r.planner,
                                a.statements, a.statements == 1 ? "" : "s", a.planned);
  if (a.not_analysed > 0) out += fmt::format(", {} not analysed (see the notes)", a.not_analysed);
  out += "\n\n";
  if (a.findings.empty())
    out += r.nothing_analysed() ? "No statement could be analysed.\n" : "Nothing to say.\n";
  else
    out += fmt::format("{}\nStatements to paste, one by one, outside of a transaction:\n{}",
                       table_text(a.findings), to_paste(a.findings));
  if (!r.measured.empty()) out += measured_text(r.measured);
  if (!a.notes.empty()) out += "\nNotes:\n";
  for (const auto& n : a.notes) out += "- " + one_line(n) + "\n";
  return out;
}

std::string json_of(const report& r) {
  json items = json::array();
  for (const auto& f : r.advice.findings) items.push_back(json_of(f));
  json rejected = json::array();
  for (const auto& f : r.advice.rejected) rejected.push_back(json_of(f));
  json runs = json::array();
  for (const auto& m : r.measured) {
    json scans = json::array();
    for (const auto& n : m.plan.nodes)
      if (!n.relation.empty())
        scans.push_back({{"type", n.type},
                         {"table", n.relation},
                         {"index", n.index},
                         {"rows_removed", std::max(n.removed, 0.0)}});
    runs.push_back({{"statement", m.statement},
                    {"ms", m.plan.actual_ms},
                    {"blocks_hit", std::max(m.plan.shared_hit, 0.0)},
                    {"blocks_read", std::max(m.plan.shared_read, 0.0)},
                    {"scans", scans}});
  }
  const json out = {{"server", r.server},
                    {"planner", r.planner},
                    {"statements",
                     {{"given", r.advice.statements},
                      {"planned", r.advice.planned},
                      {"not_analysed", r.advice.not_analysed}}},
                    {"items", items},
                    {"next", nullptr},
                    {"rejected", rejected},
                    {"measured", runs},
                    {"notes", r.advice.notes}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace fairing::app::advise
