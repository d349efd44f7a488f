#include "app/sql_facts.hpp"

#include "advise/batched_sql.hpp"
#include "advise/eager_forms.hpp"
#include "advise/pagination.hpp"

namespace fairing::app {

namespace {

void add_templates(checklist::sql_evidence& e, const std::vector<sql::template_row>& rows) {
  for (const auto& r : rows) {
    e.statements += r.counts.count;
    if (r.kind == "select") e.reads += r.counts.count;
    const auto fault = r.counts.pages.verdict();
    if (fault == advise::page_fault::none) continue;
    e.pages.push_back({.text = r.text,
                       .unbounded = fault == advise::page_fault::unbounded,
                       .deepest = r.counts.pages.deepest(),
                       .executions = r.counts.count,
                       .most_rows = r.counts.pages.most_rows(),
                       .keyset = advise::keyset_form(r.text)});
  }
}

void add_loops(checklist::sql_evidence& e, const std::vector<sql::loop_row>& rows) {
  for (const auto& r : rows) {
    const auto forms = advise::eager_forms({r.source, r.column, r.text, r.slot});
    e.loops.push_back({.text = r.text,
                       .source = r.source,
                       .column = r.column,
                       .batched_sql = advise::batched_sql(
                           r.text, {.slot = r.slot, .type = r.type, .kind = r.kind}),
                       .eager = forms.empty() ? std::string{} : forms.front().code,
                       .loops = r.loops,
                       .executions = r.executions,
                       .longest = r.longest,
                       .lost_ms = static_cast<double>(r.lost_us) / 1000});
  }
}

void add_pools(checklist::sql_evidence& e, const std::vector<sql::pool_report>& pools) {
  for (const auto& p : pools)
    e.pools.push_back({.name = p.name,
                       .size = p.size,
                       .formula = p.formula,
                       .leases = p.leases,
                       .waited = p.waited,
                       .timeouts = p.refused,
                       .wait_p95_us = p.wait_p95_us});
}

}  // namespace

checklist::sql_evidence evidence_of(const sql::sql_plane& plane) {
  checklist::sql_evidence e;
  const auto config = plane.config();
  e.configured = true;
  e.detect = config.n_plus_one.detect;
  e.statement_limit = config.limits.statement;
  e.transaction_idle_limit = config.limits.transaction_idle;
  e.connect_limit = config.limits.connect;
  e.wait_timeout = config.pool.wait_timeout;
  add_templates(e, plane.queries());
  add_loops(e, plane.loops());
  add_pools(e, plane.pools());
  return e;
}

}  // namespace fairing::app
