#include "app/advise/mysql_advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "advise/indexes/mysql_text.hpp"
#include "app/advise/mysql_catalogue.hpp"

namespace fairing::app::advise {

namespace {

constexpr std::chrono::milliseconds between_plans{5};

// A value that a column of that type may be compared with without a conversion.
std::string made_up(const std::string& type) {
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (has("char") || has("enum") || has("set") || has("binary")) return "'x'";
  if (has("date") || has("timestamp")) return "'2020-01-01'";
  if (has("time")) return "'12:00:00'";
  return "1";
}

std::string first_text(const result<mysql_connection::rows>& rows) {
  return rows && !rows->empty() && !rows->front().empty() ? rows->front().front() : std::string();
}

}  // namespace

std::string mysql_planner::filled(const indexes::statement_facts& s) const {
  const auto t = indexes::translate_mysql(s.text);
  std::vector<std::string> values(t.places.size());
  for (const auto& p : s.predicates) {
    if (p.parameter < 1 || static_cast<std::size_t>(p.parameter) > values.size()) continue;
    const auto* table = catalogue_.find_table(s.relations[p.relation].table);
    values[static_cast<std::size_t>(p.parameter - 1)] = made_up(table->find(p.column)->type);
  }
  return indexes::with_values(s.text, t, values);
}

result<indexes::plan> mysql_planner::explain(const indexes::statement_facts& s) {
  std::this_thread::sleep_for(between_plans);
  const auto rows = to_.query("EXPLAIN FORMAT=JSON " + filled(s));
  if (!rows) return std::unexpected(rows.error());
  auto p = indexes::read_mysql_plan(first_text(rows));
  if (!p) return fail(errc::refused, "EXPLAIN gave no plan");
  return *p;
}

result<indexes::hypothetical> mysql_planner::create(const std::string&) {
  return fail(errc::refused, "this server has no hypothetical indexes");
}

result<indexes::plan> mysql_planner::analyze(const indexes::statement_facts& s) {
  if (!s.reads_only || s.parameters > 0)
    return fail(errc::refused, s.parameters > 0 ? "its parameters' values are not known"
                                                : "it is not only a SELECT");
  if (const auto begun = to_.query("START TRANSACTION READ ONLY"); !begun)
    return std::unexpected(begun.error());
  const bool mariadb = to_.kind() == indexes::dialect::mariadb;
  const auto began = std::chrono::steady_clock::now();
  const auto rows = to_.query((mariadb ? "ANALYZE FORMAT=JSON " : "EXPLAIN ANALYZE ") + s.text);
  const auto ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  if (const auto ended = to_.query("ROLLBACK"); !ended) return std::unexpected(ended.error());
  if (!rows) return std::unexpected(rows.error());
  auto p = indexes::read_mysql_plan(first_text(rows)).value_or(indexes::plan{});
  if (p.actual_ms < 0) p.actual_ms = ms;
  return p;
}

std::string mysql_planner::tree(const indexes::statement_facts& s) {
  if (to_.kind() != indexes::dialect::mysql) return {};
  return first_text(to_.query("EXPLAIN FORMAT=TREE " + filled(s)));
}

result<report> advise_mysql(const advise_options& o,
                            std::vector<indexes::workload_statement> given) {
  const auto url = parse_mysql_url(o.mysql);
  if (!url) return std::unexpected(url.error());
  auto to = mysql_connection::open(*url);
  if (!to) return std::unexpected(to.error());
  const auto catalogue = read_mysql_catalogue(*to);
  if (!catalogue) return std::unexpected(catalogue.error());
  report out;
  out.server = fmt::format("{} {} at {}:{}/{}",
                           to->kind() == indexes::dialect::mariadb ? "MariaDB" : "MySQL",
                           to->version(), url->host, url->port, url->database);
  out.planner = "this server cannot plan with indexes that are not there: advice is unverified";
  std::string missing;
  if (o.file.empty()) {
    auto w = read_mysql_workload(*to, o.limit);
    if (!w) return std::unexpected(w.error());
    given = std::move(w->statements);
    missing = std::move(w->missing);
  }
  if (given.size() > o.limit) given.resize(o.limit);
  mysql_planner planner(*to, *catalogue);
  indexes::advice_limits limits;
  limits.unused_days = o.unused_days;
  out.advice = indexes::give_advice(*catalogue, given, planner, limits);
  if (!missing.empty()) out.advice.notes.insert(out.advice.notes.begin(), missing);
  for (auto& f : out.advice.findings) {  // MySQL 8 tells more in its tree
    if (f.source != indexes::finding_source::plan || f.statements.empty()) continue;
    const auto facts = indexes::read_statement(f.statements[0], *catalogue);
    if (const auto tree = facts ? planner.tree(*facts) : std::string(); !tree.empty())
      f.evidence += "; plan: " + tree;
  }
  if (!o.analyze) return out;
  for (const auto& w : given) {
    const auto facts = indexes::read_statement(w.text, *catalogue);
    if (!facts) continue;  // told already
    auto p = planner.analyze(*facts);
    if (p)
      out.measured.push_back({w.text, std::move(*p)});
    else
      out.advice.notes.push_back(
          fmt::format("not run: {}: {}", w.text.substr(0, 80), p.error().message()));
  }
  return out;
}

}  // namespace fairing::app::advise
