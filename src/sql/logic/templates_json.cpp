// How templates are told: GET /v1/queries.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "sql/logic/templates.hpp"

namespace fairing::sql {

using codec::sql_lexer::statement_kind;

std::string_view kind_name(statement_kind k) noexcept {
  switch (k) {
    case statement_kind::select:
      return "select";
    case statement_kind::insert:
      return "insert";
    case statement_kind::update:
      return "update";
    case statement_kind::delete_rows:
      return "delete";
    case statement_kind::merge:
      return "merge";
    case statement_kind::begin:
    case statement_kind::commit:
    case statement_kind::rollback:
    case statement_kind::savepoint:
    case statement_kind::release:
    case statement_kind::rollback_to:
    case statement_kind::prepare_transaction:
    case statement_kind::commit_prepared:
    case statement_kind::rollback_prepared:
      return "transaction";
    case statement_kind::set:
    case statement_kind::set_transaction:
    case statement_kind::set_characteristics:
    case statement_kind::set_constraints:
    case statement_kind::reset:
    case statement_kind::reset_all:
    case statement_kind::show:
      return "setting";
    case statement_kind::copy_in:
    case statement_kind::copy_out:
    case statement_kind::copy_server:
      return "copy";
    case statement_kind::declare_cursor:
    case statement_kind::fetch:
    case statement_kind::move:
    case statement_kind::close:
    case statement_kind::close_all:
      return "cursor";
    case statement_kind::create_temp:
    case statement_kind::ddl:
    case statement_kind::truncate:
      return "ddl";
    case statement_kind::call:
    case statement_kind::do_block:
      return "call";
    case statement_kind::values:
    case statement_kind::table:
      return "select";
    default:
      return "other";
  }
}

query_sort query_sort_of(std::string_view word) noexcept {
  if (word == "count") return query_sort::count;
  if (word == "mean") return query_sort::mean;
  if (word == "p95") return query_sort::p95;
  if (word == "rows") return query_sort::rows;
  if (word == "errors") return query_sort::errors;
  return query_sort::total;
}

namespace {

using json = nlohmann::ordered_json;

double ms(std::int64_t us) { return static_cast<double>(us) / 1000.0; }

double mean_us(const template_counts& c) {
  return c.count == 0 ? 0 : static_cast<double>(c.total_us) / static_cast<double>(c.count);
}

double weight(const template_row& r, query_sort by) {
  switch (by) {
    case query_sort::total:
      return static_cast<double>(r.counts.total_us);
    case query_sort::count:
      return static_cast<double>(r.counts.count);
    case query_sort::mean:
      return mean_us(r.counts);
    case query_sort::p95:
      return static_cast<double>(r.counts.latency.quantile(0.95));
    case query_sort::rows:
      return static_cast<double>(r.counts.rows);
    case query_sort::errors:
      return static_cast<double>(r.counts.errors);
  }
  return 0;
}

json pages_of(const template_row& r) {
  const auto& p = r.counts.pages;
  const auto fault = p.verdict(r.table_rows);
  if (fault == advise::page_fault::none) return nullptr;
  if (fault == advise::page_fault::unbounded)
    return {{"fault", "unbounded"}, {"rows", p.most_rows()}, {"count", p.unbounded()}};
  json rows = nullptr;
  if (r.table_rows) rows = *r.table_rows;
  return {{"fault", "offset"},
          {"table_rows", std::move(rows)},
          {"deepest", p.deepest()},
          {"count", p.with_offset()},
          {"keyset", advise::keyset_form(r.text, r.key)}};
}

json item_of(const template_row& r) {
  const auto& c = r.counts;
  auto routes = json::array();
  for (const auto& s : r.routes)
    routes.push_back({{"route", s.route},
                      {"count", s.counts.count},
                      {"errors", s.counts.errors},
                      {"rows", s.counts.rows},
                      {"bytes", s.counts.bytes},
                      {"total_ms", ms(s.counts.total_us)},
                      {"p50_ms", ms(s.counts.latency.quantile(0.5))},
                      {"p95_ms", ms(s.counts.latency.quantile(0.95))},
                      {"max_ms", ms(s.counts.max_us)},
                      {"transaction_ms", ms(s.counts.transaction_us)}});
  auto histogram = json::array();
  for (const auto& o : c.latency.octaves())
    histogram.push_back({{"below_ms", ms(o.below_us)}, {"count", o.count}});
  return {{"template", r.text},
          {"kind", r.kind},
          {"tables", r.tables},
          {"databases", r.databases},
          {"count", c.count},
          {"errors", c.errors},
          {"rows", c.rows},
          {"bytes", c.bytes},
          {"slow", c.slow},
          {"total_ms", ms(c.total_us)},
          {"mean_ms", mean_us(c) / 1000.0},
          {"p50_ms", ms(c.latency.quantile(0.5))},
          {"p95_ms", ms(c.latency.quantile(0.95))},
          {"p99_ms", ms(c.latency.quantile(0.99))},
          {"max_ms", ms(c.max_us)},
          {"histogram", std::move(histogram)},
          {"in_transaction", c.in_transaction},
          {"transaction_ms", ms(c.transaction_us)},
          {"last_seen", r.last_seen_unix},
          {"pagination", pages_of(r)},
          {"routes", std::move(routes)}};
}

}  // namespace

std::string queries_json(std::vector<template_row> rows, std::size_t limit, query_sort by) {
  std::ranges::sort(rows, [by](const template_row& a, const template_row& b) {
    const auto left = weight(a, by);
    const auto right = weight(b, by);
    return left != right ? left > right : a.text < b.text;
  });
  auto items = json::array();
  for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) items.push_back(item_of(rows[i]));
  const json out = {{"items", std::move(items)}, {"next", nullptr}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fairing::sql
