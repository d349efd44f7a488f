#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_sql =
    R"js(const reasons = counts => Object.entries(counts || {}).filter(([, n]) => n).sort((a, b) => b[1] - a[1]).map(([why, n]) => `${count(n)} ${why.replaceAll("_", " ")}`).join(", ");
function showPools(items) {
  table(id("pools"), items, [["Database", "k", p => p.database], ["User", "k", p => p.user], ["Mode", "k", p => make("span", [p.mode, ...(p.paused ? [make("b", " paused", "warn")] : [])])],
    ["Clients", "n", p => count(p.clients)], ["Connections", "n", p => `${count(p.servers.size)} of ${count(p.limit)}`], ["In use", "n", p => count(p.servers.leased)],
    ["Waiting", "n", p => make("span", count(p.waiting), p.waiting ? "fail" : "")], ["Waited", "n", p => p.wait.leases ? percent(p.wait.waited / p.wait.leases) : "–"],
    ["Wait p50", "n", p => time(p.wait.p50_seconds)], ["p99", "n", p => time(p.wait.p99_seconds)], ["max", "n", p => time(p.wait.max_seconds)],
    ["Pinned", "n", p => `${count(p.servers.pinned)} of ${count(p.max_pinned)}`], ["Pins by reason", "", p => reasons(p.pins) || "none"],
    ["Refused", "n", p => make("span", count(p.refused + p.pins_refused), p.refused + p.pins_refused ? "fail" : "")],
    ["Not opened", "n", p => make("span", count(p.open_failed), p.open_failed ? "fail" : "")]],
  "no client has logged in yet", p => [p.user, p.database, p.mode].join("|"));
}

const faults = { unbounded: "has no LIMIT", offset: "pages by OFFSET" };
// A statement, short; opened: whole, with what there is to know of it.
function statement(q) {
  const flat = q.template.length > 150 ? q.template.slice(0, 150) + " …" : q.template, at = make("details", make("summary", code(flat)));
  if (flat !== q.template) at.append(make("pre", q.template));
  at.append(make("div", `p50 ${time(q.p50_ms / 1000)}, p95 ${time(q.p95_ms / 1000)}, p99 ${time(q.p99_ms / 1000)}, max ${time(q.max_ms / 1000)}; ${count(q.in_transaction)} in transactions; ` +
    `tables: ${q.tables.join(", ") || "none"}`, "dim"));
  if (q.pagination) at.append(make("div", `It ${faults[q.pagination.fault] || q.pagination.fault} (${count(q.pagination.count)} times).` + (q.pagination.keyset ? " By key instead:" : ""), "warn"));
  if (q.pagination && q.pagination.keyset) at.append(make("pre", q.pagination.keyset));
  if (q.routes.length) at.append(make("ul", q.routes.map(r => make("li", [code(r.route), ` ${count(r.count)} times, ${time(r.total_ms / 1000)} in all, p95 ${time(r.p95_ms / 1000)}`]))));
  return at;
}
// What is open is left alone until it is shut.
const statements = new Map();
function statementCell(q) {
  const had = statements.get(q.template);
  if (had && had.open) return had;
  if (statements.size > 200) statements.clear();
  const at = statement(q);
  statements.set(q.template, at);
  return at;
}
function showQueries(items) {
  const all = items.reduce((t, q) => t + q.total_ms, 0);
  table(id("queries"), items, [["Statement", "wide", statementCell], ["Count", "n", q => count(q.count)], ["Mean", "n", q => time(q.mean_ms / 1000)],
    ["p95", "n", q => time(q.p95_ms / 1000)], ["In all", "n", q => make("span", [meter(all ? q.total_ms / all : 0, "share of the time of these statements"), " " + time(q.total_ms / 1000)], "nb")],
    ["Rows each", "n", q => brief(q.count ? q.rows / q.count : 0)], ["Errors", "n", q => make("span", count(q.errors), q.errors ? "fail" : "")],
    ["", "k", q => q.pagination ? make("span", faults[q.pagination.fault] || q.pagination.fault, "warn") : ""]], "no statement yet", q => q.template);
}
function showLoops(items) {
  put(id("loops"), items, () => items.length ? items.map(l => {
    const at = make("details", [make("summary", [make("b", time(l.lost_ms / 1000) + " lost"), ` in ${count(l.count)} statements, ${count(l.loops)} loops (up to ${count(l.longest)} in a row): `, make("code", l.template)]),
      make("div", [make("div", ["once for each ", code(l.source.column), " of"], "dim"), make("pre", l.source.template), make("div", "one statement instead", "dim"), make("pre", l.batched_sql || "none")])]);
    if (l.routes.length) at.append(make("div", "in requests of " + l.routes.map(r => `${r.route} (${count(r.count)} statements, ${time(r.lost_ms / 1000)})`).join(", ")));
    const eager = make("dl", Object.entries(l.eager || {}).map(([framework, form]) => make("div", [make("dt", framework), make("dd", code(form))])), "forms");
    at.append(make("div", [make("div", "in the backend", "dim"), eager]));
    at.dataset.key = l.template + l.source.template;
    return at;
  }) : [make("p", "none seen", "dim")]);
}

const proofs = { yes: "verified", no: "the planner does not take it", unverified: "not verified" };
function showAdvice(found) {
  const items = list(found.items);
  id("advice-text").textContent = [found.why, found.server, found.advised ? "looked at " + span(Date.now() - found.advised * 1000) + " ago" : ""].filter(x => x).join("; ");
  put(id("advice"), [items, found.planner, found.notes], () => {
    const lines = items.map(i => {
      const gain = i.gain == null ? "" : ` −${percent(i.gain)} of the cost`, size = i.size == null ? "" : `, ${bytes(i.size)}`;
      const at = make("details", [make("summary", [make("span", proofs[i.verified] || i.verified, "grade " + (i.verified === "yes" ? "pass" : i.verified === "no" ? "fail" : "dim")),
        code(i.statement), make("span", gain + size, "first")]), make("div", i.evidence)]);
      for (const s of i.statements) at.append(make("pre", s));
      at.dataset.key = i.statement;
      return at;
    });
    if (!lines.length) lines.push(make("p", found.why ? "none, see why above" : "nothing to advise", "dim"));
    if (items.length && found.planner) lines.push(make("p", found.planner, "dim"));
    return [...lines, ...list(found.notes).map(n => make("p", n, "dim"))];
  });
}
)js";

}  // namespace fairing::admin
