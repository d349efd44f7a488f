#include "app/advise/postgres_planner.hpp"

#include <fmt/format.h>

#include <thread>

#include "advise/indexes/calls.hpp"

namespace fairing::app::advise {

namespace {

constexpr std::chrono::milliseconds between_plans{5};
constexpr const char* statement_name = "fairing_advise";

// An array of PostgreSQL's, as text.
std::string array_of(const std::set<std::string>& names) {
  std::string out = "{";
  for (const auto& name : names) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : name) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

// Functions by name, aggregates by what they are made of, operators by their functions.
constexpr const char* volatile_of_names =
    "SELECT proname || '()' FROM pg_catalog.pg_proc WHERE provolatile = 'v' AND prokind <> 'a' "
    "AND proname = ANY($1::text[]) "
    "UNION ALL SELECT a.aggfnoid::regproc || '()' FROM pg_catalog.pg_aggregate a "
    "JOIN pg_catalog.pg_proc p ON p.oid = a.aggfnoid JOIN pg_catalog.pg_proc part "
    "ON part.oid IN (a.aggtransfn, a.aggfinalfn) "
    "WHERE part.provolatile = 'v' AND p.proname = ANY($1::text[]) "
    "UNION ALL SELECT 'the operator ' || oprname FROM pg_catalog.pg_operator o "
    "JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode "
    "WHERE p.provolatile = 'v' AND oprname = ANY($2::text[]) "
    "LIMIT 1";

}  // namespace

std::string postgres_planner::look() {
  const auto there = to_.query(
      "SELECT quote_ident(n.nspname), e.extversion FROM pg_catalog.pg_extension e "
      "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'");
  if (there && there->size() == 1) {
    hypopg_schema_ = there->text(0, 0);
    return "HypoPG " + there->text(0, 1);
  }
  const auto offered =
      to_.query("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'hypopg'");
  if (offered && offered->size() == 1)
    return "HypoPG is installed on the server but not in this database: CREATE EXTENSION hypopg "
           "makes the advice verified";
  return "no HypoPG: install it (Debian: postgresql-15-hypopg) and CREATE EXTENSION hypopg, and "
         "the "
         "advice is verified";
}

void postgres_planner::pace() {
  std::this_thread::sleep_until(last_ + between_plans);
  last_ = std::chrono::steady_clock::now();
}

result<indexes::plan> postgres_planner::explain(const indexes::statement_facts& s) {
  pace();
  const auto parameters = to_.prepare(statement_name, s.text);
  if (!parameters) return std::unexpected(parameters.error());
  std::string arguments;
  for (int i = 0; i < *parameters; ++i) arguments += i == 0 ? "(NULL" : ", NULL";
  if (!arguments.empty()) arguments += ")";
  const auto rows =
      to_.query(fmt::format("EXPLAIN (FORMAT JSON) EXECUTE {}{}", statement_name, arguments));
  if (!rows) return std::unexpected(rows.error());
  auto p = indexes::read_postgres_plan(rows->size() > 0 ? rows->text(0, 0) : std::string());
  if (!p) return fail(errc::refused, "EXPLAIN gave no plan");
  return *p;
}

result<indexes::hypothetical> postgres_planner::create(const std::string& create_sql) {
  const auto made =
      to_.query(fmt::format("SELECT indexname, {0}.hypopg_relation_size(indexrelid) FROM "
                            "{0}.hypopg_create_index($1)",
                            hypopg_schema_),
                {create_sql});
  if (!made) return std::unexpected(made.error());
  dirty_ = true;
  if (made->size() != 1 || made->text(0, 0).empty())
    return fail(errc::refused, "HypoPG made no index of it");
  return indexes::hypothetical{made->text(0, 0), static_cast<std::uint64_t>(made->number(0, 1))};
}

void postgres_planner::clear() {
  if (!dirty_) return;
  dirty_ = !to_.query(fmt::format("SELECT {}.hypopg_reset()", hypopg_schema_)).has_value();
}

// A read-only transaction that is rolled back takes nothing back of what pg_terminate_backend() and its like do.
result<std::string> postgres_planner::volatile_call(const std::string& text) {
  const auto plan = to_.query("EXPLAIN (VERBOSE, COSTS OFF) " + text);
  if (!plan) return std::unexpected(plan.error());
  auto called = indexes::calls_of_statement(text);
  for (int i = 0; i < plan->size(); ++i)
    indexes::add(called, indexes::calls_of_plan(plan->text(i, 0)));
  const auto found =
      to_.query(volatile_of_names, {array_of(called.functions), array_of(called.operators)});
  if (!found) return std::unexpected(found.error());
  return found->size() == 0 ? std::string() : found->text(0, 0);
}

result<indexes::plan> postgres_planner::analyze(const indexes::statement_facts& s) {
  if (!s.reads_only || s.parameters > 0)
    return fail(errc::refused, s.parameters > 0 ? "its parameters' values are not known"
                                                : "it is not only a SELECT");
  pace();
  const auto acting = volatile_call(s.text);
  if (!acting) return std::unexpected(acting.error());
  if (!acting->empty())
    return fail(errc::refused,
                fmt::format("it calls {}, which is volatile and may do more than read", *acting));
  if (const auto begun = to_.query("BEGIN READ ONLY"); !begun)
    return std::unexpected(begun.error());
  auto limit = to_.query("SET LOCAL statement_timeout = '10s'");
  auto rows =
      limit ? to_.query("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + s.text) : std::move(limit);
  if (const auto ended = to_.query("ROLLBACK"); !ended) return std::unexpected(ended.error());
  if (!rows) return std::unexpected(rows.error());
  auto p = indexes::read_postgres_plan(rows->size() > 0 ? rows->text(0, 0) : std::string());
  if (!p) return fail(errc::refused, "EXPLAIN gave no plan");
  return *p;
}

}  // namespace fairing::app::advise
