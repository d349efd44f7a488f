#include "app/advise/advise_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "advise/indexes/sql_tree.hpp"
#include "app/advise/advise_report.hpp"
#include "app/advise/mysql_advice.hpp"
#include "app/advise/postgres_catalogue.hpp"
#include "app/advise/postgres_planner.hpp"

namespace fairing::app::advise {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{16} << 20U;
constexpr int exit_advice = 1;  // with --strict
constexpr int exit_bad_input = 2;
constexpr int exit_unreachable = 3;

result<std::vector<indexes::workload_statement>> read_file(const std::string& path) {
  std::string text;
  if (path == "-") {
    char block[65536];
    std::size_t n = 0;
    while (text.size() <= max_file_bytes && (n = std::fread(block, 1, sizeof block, stdin)) > 0)
      text.append(block, n);
  } else {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(errc::refused, fmt::format("--file {}: cannot be read", path));
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (text.size() > max_file_bytes)
    return fail(errc::refused, fmt::format("--file {}: over 16 MiB; split it", path));
  std::vector<indexes::workload_statement> out;
  for (auto& s : indexes::split_sql(text)) {
    // The same statement again counts as another call.
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const auto& known) { return known.text == s; });
    if (same != out.end())
      same->calls += 1;
    else
      out.push_back({std::move(s), 1, -1});
  }
  return out;
}

advise_answer failed(const error& e, const advise_options& o) {
  advise_answer a;
  a.code = e.code == errc::unreachable ? exit_unreachable : exit_bad_input;
  a.err = fmt::format("fairing: {}: {}\n", o.mysql.empty() ? "--postgres" : "--mysql", e.message());
  if (o.json)
    a.out = nlohmann::json{{"ok", false}, {"error", e.message()}}.dump(
                -1, ' ', false, nlohmann::json::error_handler_t::replace) +
            "\n";
  return a;
}

result<report> advise_postgres(const advise_options& o,
                               std::vector<indexes::workload_statement> given) {
  auto to = postgres_connection::open(o.postgres);
  if (!to) return std::unexpected(to.error());
  const auto catalogue = read_catalogue(*to);
  if (!catalogue) return std::unexpected(catalogue.error());
  report out;
  out.server = fmt::format("PostgreSQL {} at {}", to->version_text(), to->where());
  std::string missing;
  if (o.file.empty()) {
    auto w = read_workload(*to, o.limit);
    if (!w) return std::unexpected(w.error());
    given = std::move(w->statements);
    missing = std::move(w->missing);
  }
  if (given.size() > o.limit) given.resize(o.limit);
  postgres_planner planner(*to);
  out.planner = planner.look();
  indexes::advice_limits limits;
  limits.unused_days = o.unused_days;
  out.advice = indexes::give_advice(*catalogue, given, planner, limits);
  if (!missing.empty()) out.advice.notes.insert(out.advice.notes.begin(), missing);
  for (const auto& t : catalogue->tables)
    if (t.rows < 0 && t.bytes > 1'000'000)
      out.advice.notes.push_back(
          fmt::format("{} was never analysed: run ANALYZE {}, then ask again", t.full_name(),
                      quoted_table(t, catalogue->kind)));
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

}  // namespace

advise_answer advise(const advise_options& o) {
  std::vector<indexes::workload_statement> given;
  if (!o.file.empty()) {
    auto read = read_file(o.file);
    if (!read) return {exit_bad_input, {}, fmt::format("fairing: {}\n", read.error().message())};
    given = std::move(*read);
  }
  const auto r =
      o.mysql.empty() ? advise_postgres(o, std::move(given)) : advise_mysql(o, std::move(given));
  if (!r) return failed(r.error(), o);
  advise_answer a;
  a.out = o.json ? json_of(*r) : text_of(*r);
  if (r->nothing_analysed()) {
    a.code = exit_bad_input;
    a.err = fmt::format("fairing: none of the {} statements could be analysed: see the notes\n",
                        r->advice.statements);
  } else if (o.strict && !r->advice.findings.empty()) {
    a.code = exit_advice;
  }
  return a;
}

}  // namespace fairing::app::advise
