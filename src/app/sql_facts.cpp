#include "app/sql_facts.hpp"

#include <algorithm>

#include "advise/batched_sql.hpp"
#include "advise/eager_forms.hpp"
#include "advise/indexes/catalogue_findings.hpp"
#include "advise/pagination.hpp"
#include "app/sql_advice.hpp"

namespace fairing::app {

namespace {

// Inside `fairing::app` the word alone would mean app/advise.
namespace analysis = fairing::advise;

void add_templates(checklist::sql_evidence& e, std::vector<sql::template_row> rows,
                   const advise::live_advice& advice) {
  for (auto& r : rows) {
    tell_tables(advice, r);
    e.statements += r.counts.count;
    if (r.kind == "select") e.reads += r.counts.count;
    const auto fault = r.counts.pages.verdict(r.table_rows);
    if (fault == analysis::page_fault::none) continue;
    e.pages.push_back({.text = r.text,
                       .unbounded = fault == analysis::page_fault::unbounded,
                       .deepest = r.counts.pages.deepest(),
                       .executions = r.counts.count,
                       .most_rows = r.counts.pages.most_rows(),
                       .table_rows = r.table_rows,
                       .keyset = analysis::keyset_form(r.text, r.key),
                       .keyless = r.key && r.key->empty()});
  }
}

void add_loops(checklist::sql_evidence& e, const std::vector<sql::loop_row>& rows) {
  for (const auto& r : rows) {
    e.loops.push_back({.text = r.text,
                       .source = r.source,
                       .column = r.column,
                       .batched_sql = analysis::batched_sql(
                           r.text, {.slot = r.slot, .type = r.type, .kind = r.kind}),
                       .eager = analysis::eager_sentence({r.source, r.column, r.text, r.slot}),
                       .loops = r.loops,
                       .executions = r.executions,
                       .longest = r.longest,
                       .lost_ms = static_cast<double>(r.lost_us) / 1000});
  }
}

checklist::pool_fit fit_word(pool::size_level l) {
  switch (l) {
    case pool::size_level::fits:
      return checklist::pool_fit::fits;
    case pool::size_level::tight:
      return checklist::pool_fit::tight;
    case pool::size_level::too_many:
      return checklist::pool_fit::too_many;
  }
  return checklist::pool_fit::unknown;
}

void add_pools(checklist::sql_evidence& e, const std::vector<sql::pool_report>& pools,
               const std::optional<pool::size_verdict>& fit) {
  for (const auto& p : pools) {
    e.pools.push_back({.name = p.name,
                       .size = p.size,
                       .formula = p.formula,
                       .leases = p.leases,
                       .waited = p.waited,
                       .timeouts = p.no_room,
                       .unserved = p.refused - p.no_room,
                       .last_fault = p.last_fault,
                       .postgres_full = p.postgres_full,
                       .wait_p95_us = p.wait_p95_us,
                       .pinned = p.pinned,
                       .max_pinned = p.max_pinned,
                       .pins_refused = p.pins_refused,
                       .pins = p.pins});
    if (!fit) continue;
    auto& told = e.pools.back();
    told.fit = fit_word(fit->level);
    told.fit_text = fit->text;
    if (fit->level == pool::size_level::too_many)
      told.advised_size = std::min(fit->most, p.formula);
  }
}

void add_sizing(checklist::sql_evidence& e, const pool::size_advice& a,
                const std::optional<pool::size_verdict>& fit) {
  using pool::size_change;
  if (a.change == size_change::unknown) return;
  e.sizing.text = "in the busiest five minutes of the last hour " + a.text;
  e.sizing.size = a.size;
  // More than max_connections has room for is no advice.
  const bool no_room = a.change == size_change::grow && fit && a.size > fit->most;
  e.sizing.waits = a.change != size_change::keep && a.change != size_change::shrink && !no_room;
}

void add_advice(checklist::sql_evidence& e, const advise::live_advice& a) {
  e.analysed = a.advised;
  e.templates_analysed = static_cast<std::uint32_t>(a.found.planned);
  e.templates_missed = static_cast<std::uint32_t>(a.found.not_analysed);
  if (e.templates_missed > 0 && !a.found.notes.empty()) e.first_missed = a.found.notes.front();
  e.advice_off = a.why;
  for (const auto& f : a.found.findings)
    e.indexes.push_back({.table = f.table,
                         .columns = f.columns,
                         .fault = std::string(fault_of(f.kind)),
                         .statement = f.statement,
                         .caution = f.caution,
                         .gain = std::max(f.gain, 0.0),
                         .verified = f.verified == analysis::indexes::verification::yes,
                         .size = f.size > 0 ? analysis::indexes::bytes_text(f.size) : ""});
}

}  // namespace

checklist::sql_evidence evidence_of(const sql::sql_plane& plane,
                                    const advise::live_advice& advice) {
  checklist::sql_evidence e;
  const auto config = plane.config();
  e.configured = true;
  e.detect = config.n_plus_one.detect;
  e.statement_limit = config.limits.statement;
  e.transaction_idle_limit = config.limits.transaction_idle;
  e.connect_limit = config.limits.connect;
  e.wait_timeout = config.pool.wait_timeout;
  add_templates(e, plane.queries(), advice);
  add_loops(e, plane.loops());
  const auto fit = fit_of(advice.room, config, plane.pool_size());
  add_pools(e, plane.pools(), fit);
  add_sizing(e, plane.sizing(), fit);
  if (auto upstream = plane.upstream(); !upstream.up) e.upstream_fault = upstream.fault;
  add_advice(e, advice);
  return e;
}

}  // namespace fairing::app
