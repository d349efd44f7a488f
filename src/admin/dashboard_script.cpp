#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view dashboard_js = R"js("use strict";
const id = name => document.getElementById(name);
const list = value => Array.isArray(value) ? value : value == null ? [] : [value];
const count = value => Math.round(value || 0).toLocaleString("en");
const brief = value => value >= 9995 ? count(value / 1000) + "k" : value >= 99.5 ? count(value) : value.toFixed(1).replace(/\.0$/, "");
const percent = share => (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + " %";
const time = seconds => seconds == null || Number.isNaN(seconds) ? "–" : seconds >= 10 ? seconds.toFixed(0) + " s"
  : seconds >= 1 ? seconds.toFixed(1) + " s" : seconds >= 0.01 ? (seconds * 1000).toFixed(0) + " ms" : (seconds * 1000).toFixed(2) + " ms";
const bytes = value => value >= 1073741824 ? (value / 1073741824).toFixed(1) + " GiB" : value >= 1048576
  ? (value / 1048576).toFixed(1) + " MiB" : (value / 1024).toFixed(0) + " KiB";

// An element with text or children; never markup.
function make(tag, inside, style) {
  const at = document.createElement(tag);
  at.append(...list(inside).map(x => x instanceof Node ? x : String(x)));
  if (style) at.className = style;
  return at;
}
// Puts `nodes` into `at`, but only when `of` has changed: a selection or an open line stays as it is.
const shown = new Map();
function put(at, of, nodes) {
  const text = JSON.stringify(of);
  if (shown.get(at) === text) return;
  shown.set(at, text);
  const open = new Set([...at.querySelectorAll("details[open]")].map(d => d.dataset.key));
  const shut = new Set([...at.querySelectorAll("details:not([open])")].map(d => d.dataset.key));
  const fresh = nodes();
  for (const d of fresh) if (d.dataset.key) d.open = open.has(d.dataset.key) || (d.open && !shut.has(d.dataset.key));
  at.replaceChildren(...fresh);
}
// columns: [title, style, row => text or node]
function table(at, rows, columns, none) {
  const cells = rows.map(row => columns.map(c => c[2](row)));
  put(at, [rows, cells.map(r => r.map(c => c instanceof Node ? c.textContent : c))], () => {
    if (!rows.length) return [make("p", none, "dim")];
    const head = columns.map(([title, style]) => { const th = make("th", title, style === "n" ? "n" : ""); th.scope = "col"; return th; });
    const body = cells.map(r => make("tr", r.map((c, i) => make("td", [c], columns[i][1]))));
    return [make("table", [make("thead", make("tr", head)), make("tbody", body)])];
  });
}
function meter(share, of) {
  const at = document.createElement("meter");
  at.max = 1;
  at.value = share;
  at.setAttribute("aria-label", of);
  return at;
}
const code = text => make("code", text);

// Prometheus text 0.0.4: [{name, labels, value}]
function parseMetrics(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!parts) continue;
    const labels = {};
    for (const [, key, value] of (parts[2] || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      labels[key] = value.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : c);
    found.push({ name: parts[1], labels, value: Number(parts[3]) });
  }
  return found;
}
const named = (all, name) => all.filter(s => s.name === name);
const sum = (all, name, fits = () => true) => named(all, name).filter(s => fits(s.labels)).reduce((t, s) => t + s.value, 0);
// {group: {le: count}} of a histogram, summed over all other labels.
function buckets(all, name, group) {
  const out = new Map();
  for (const s of named(all, name + "_bucket")) {
    const g = group(s.labels), row = out.get(g) || out.set(g, new Map()).get(g);
    row.set(s.labels.le, (row.get(s.labels.le) || 0) + s.value);
  }
  return out;
}
// The bound under which a share q of the observations are.
function quantile(row, q) {
  if (!row) return undefined;
  const by = [...row].map(([le, n]) => [le === "+Inf" ? Infinity : Number(le), n]).sort((a, b) => a[0] - b[0]);
  const total = by.length ? by[by.length - 1][1] : 0;
  let [low, under] = [0, 0];
  for (const [le, n] of by) {
    if (total && n >= q * total) return le === Infinity ? low : low + (le - low) * (n > under ? (q * total - under) / (n - under) : 1);
    [low, under] = [le, n];
  }
  return undefined;
}

const past = [];  // the last samples, 10 s of them: what rates are made of
function rates(now) {
  past.push(now);
  while (past.length > 6) past.shift();
  const first = past[0], passed = (now.at - first.at) / 1000;
  return key => passed > 0 ? Math.max(0, now[key] - first[key]) / passed : 0;
}

function tile(title, value, note) { return make("div", [make("dt", title), make("dd", note ? [value, make("small", note)] : value)]); }
function showTiles(all, points) {
  const fits = result => labels => labels.result === result;
  const cache = "fairing_cache_requests_total", duration = "http_server_request_duration_seconds";
  const now = { at: performance.now(), requests: sum(all, duration + "_count"), asked: sum(all, cache), hits: sum(all, cache, fits("hit")) +
    sum(all, cache, fits("stale")), queries: sum(all, "fairing_sql_queries_total") };
  const rate = rates(now), tiles = [], hasHttp = named(all, duration + "_count").length > 0 || named(all, "fairing_pool_size").some(s => s.labels.plane === "http");
  const hasSql = named(all, "fairing_sql_servers_limit").length > 0;
  const graded = grade => points.filter(p => p.grade === grade).length;
  tiles.push(tile("Checklist", `${graded("fail")} fail`, `${graded("warn")} warn, ${graded("pass")} pass, ${graded("not_seen")} not seen`));
  if (hasHttp) {
    const asked = rate("asked"), hits = rate("hits");
    tiles.push(tile("Requests a second", brief(rate("requests")), count(now.requests) + " since the start"),
      tile("Answered by the cache", asked ? percent(hits / asked) : "–", now.asked ? percent(now.hits / now.asked) + " since the start" : "no request yet"),
      tile("p95 of answers", time(quantile(buckets(all, duration, () => "").get(""), 0.95)), "since the start"));
    const used = sum(all, "fairing_cache_bytes"), budget = sum(all, "fairing_cache_budget_bytes");
    tiles.push(tile("Cache", bytes(used), `of ${bytes(budget)}, ${count(sum(all, "fairing_cache_entries"))} entries`));
    const refused = sum(all, "fairing_ratelimit_total", labels => labels.decision === "denied");
    if (refused) tiles.push(tile("Rate limited", count(refused), "answered 429"));
  }
  if (hasSql) {
    const ours = labels => labels.plane === "sql";
    tiles.push(tile("Statements a second", brief(rate("queries")), count(now.queries) + " since the start"),
      tile("PostgreSQL connections", count(sum(all, "fairing_pool_size", ours)),
        `of ${count(sum(all, "fairing_sql_servers_limit"))}, for ${count(sum(all, "fairing_sql_connections"))} clients; ${count(sum(all, "fairing_pool_waiting", ours))} wait`));
  }
  id("tiles").replaceChildren(...tiles);
  id("http-state").textContent = hasHttp ? "" : "off; start it with --http 8080=http://127.0.0.1:3000";
  id("sql-state").textContent = hasSql ? "" : "off; start it with --sql 6432=postgres://...";
  for (const plane of ["http", "sql"])
    for (const at of id(plane).querySelectorAll("h3, div")) at.hidden = !(plane === "http" ? hasHttp : hasSql);
}

const marks = { fail: "✗ FAIL", warn: "! warn", pass: "✓ pass", not_seen: "– not seen" };
const order = Object.keys(marks);
function showChecklist(points) {
  const sorted = [...points].sort((a, b) => order.indexOf(a.grade) - order.indexOf(b.grade) || a.number - b.number);
  put(id("points"), sorted, () => sorted.map(p => {
    const [first, ...rest] = list(p.evidence), more = rest.length + list(p.fix).length;
    const line = [make("span", marks[p.grade] || p.grade, "grade " + p.grade), make("span", p.number, "number"), make("b", p.title), make("span", first ? ": " + first : "", "first")];
    const at = make("details", [make("summary", line)]);
    if (rest.length) at.append(make("ul", rest.map(e => make("li", e))));
    if (list(p.fix).length) at.append(make("div", "fix", "dim"), make("pre", list(p.fix).join("\n")));
    if (!more) at.append(make("div", "nothing to mend", "dim"));
    at.dataset.key = p.number;
    at.open = p.grade === "fail";
    return at;
  }));
}

function showSites(all) {
  const sites = new Map(), results = [];
  for (const { labels, value } of named(all, "fairing_cache_requests_total")) {
    const site = sites.get(labels.site) || sites.set(labels.site, { name: labels.site, total: 0 }).get(labels.site);
    if (value && !results.includes(labels.result)) results.push(labels.result);
    site[labels.result] = (site[labels.result] || 0) + value;
    site.total += value;
  }
  const share = s => s.total ? ((s.hit || 0) + (s.stale || 0)) / s.total : 0;
  table(id("sites"), [...sites.values()], [["Site", "k", s => s.name], ["Requests", "n", s => count(s.total)],
    ["From the cache", "k", s => make("span", [meter(share(s), "share answered by the cache"), " " + percent(share(s))])],
    ...results.map(r => [r, "n", s => count(s[r])])], "no site");
}
function showRoutes(all) {
  const name = "http_server_request_duration_seconds", group = labels => labels.site + " " + labels.http_route;
  const hist = buckets(all, name, group), rows = new Map();
  const row = labels => rows.get(group(labels)) || rows.set(group(labels), { site: labels.site, route: labels.http_route, n: 0, s: 0, bad: 0 }).get(group(labels));
  for (const s of named(all, name + "_sum")) row(s.labels).s += s.value;
  for (const s of named(all, name + "_count")) {
    row(s.labels).n += s.value;
    if (s.labels.http_response_status_class === "5xx") row(s.labels).bad += s.value;
  }
  const top = [...rows.values()].filter(r => r.n).sort((a, b) => b.s - a.s).slice(0, 15);
  table(id("routes"), top, [["Route", "", r => code(r.route)], ["Site", "k", r => r.site], ["Requests", "n", r => count(r.n)], ["Mean", "n", r => time(r.s / r.n)],
    ["p95", "n", r => time(quantile(hist.get(r.site + " " + r.route), 0.95))], ["Time in all", "n", r => time(r.s)], ["5xx", "n", r => make("span", count(r.bad), r.bad ? "fail" : "")]],
    "no request yet");
}
function showUpstreams(items) {
  table(id("upstreams"), items, [["State", "k", u => make("span", u.state, u.state)], ["URL", "", u => code(u.url)], ["Site", "k", u => u.site],
    ["In flight", "n", u => count(u.in_flight)], ["Why", "", u => u.reason]], "no backend");
}
function showPools(items) {
  table(id("pools"), items, [["Database", "k", p => p.database], ["User", "k", p => p.user], ["Mode", "k", p => p.mode], ["Clients", "n", p => count(p.clients)],
    ["Connections", "n", p => `${count(p.servers.size)} of ${count(p.limit)}`], ["In use", "n", p => count(p.servers.leased)], ["Pinned", "n", p => count(p.servers.pinned)],
    ["Waiting", "n", p => make("span", count(p.waiting), p.waiting ? "fail" : "")], ["Wait p95", "n", p => time(p.wait.p95_seconds)], ["Wait max", "n", p => time(p.wait.max_seconds)]],
  "no client has logged in yet");
}
function showQueries(items) {
  table(id("queries"), items, [["Statement", "", q => code(q.template)], ["Count", "n", q => count(q.count)], ["Mean", "n", q => time(q.mean_ms / 1000)],
    ["p95", "n", q => time(q.p95_ms / 1000)], ["In all", "n", q => time(q.total_ms / 1000)], ["Rows", "n", q => count(q.rows)], ["Errors", "n", q => count(q.errors)]], "no statement yet");
}
function showLoops(items) {
  put(id("loops"), items, () => items.length ? items.map(l => {
    const at = make("details", [make("summary", [make("b", time(l.lost_ms / 1000) + " lost"), ` in ${count(l.count)} statements (up to ${count(l.longest)} in a row): `, make("code", l.template)]),
      make("div", [make("div", "the rows came from", "dim"), make("pre", l.source.template), make("div", "one statement instead", "dim"), make("pre", l.batched_sql || "none")])]);
    for (const [framework, form] of Object.entries(l.eager || {})) at.append(make("div", framework, "dim"), make("pre", form));
    at.dataset.key = l.template + l.source.template;
    return at;
  }) : [make("p", "none seen", "dim")]);
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer;
}
const json = async path => (await get(path)).json();
let turn = 0;
async function poll() {
  if (document.hidden) return void setTimeout(poll, 2000);
  try {
    const [metrics, checklist, upstreams, bypass] = await Promise.all([get("/metrics").then(a => a.text()), json("/v1/checklist"), json("/v1/upstreams"), json("/v1/bypass")]);
    const all = parseMetrics(metrics), points = list(checklist.points);
    if (turn++ % 3 === 0) {
      const [pools, queries, loops] = await Promise.all([json("/v1/pools"), json("/v1/queries?limit=15"), json("/v1/n_plus_one?limit=10")]);
      showPools(list(pools.items)); showQueries(list(queries.items)); showLoops(list(loops.items));
    }
    showChecklist(points); showSites(all); showRoutes(all); showUpstreams(list(upstreams.items));
    showTiles(all, points);
    const off = list(bypass.bypassed);
    id("alert").hidden = !off.length;
    id("alert").textContent = off.length ? `Bypassed, so off: ${off.join(", ")}. \`fairing bypass ${off[0]} --off\` ends it.` : "";
    id("state").textContent = "live, " + new Date().toLocaleTimeString();
    id("state").className = "live";
  } catch (problem) {
    id("state").textContent = problem instanceof TypeError ? "not reachable; trying again" : problem.message;
    id("state").className = "lost";
  }
  setTimeout(poll, 2000);
}
id("ask").addEventListener("submit", async event => {
  event.preventDefault();
  const url = id("url").value.trim();
  if (!url) return;
  const answer = await fetch("/v1/explain?url=" + encodeURIComponent(url)).catch(() => null);
  const body = answer ? await answer.json().catch(() => ({})) : {};
  id("asked").textContent = !answer ? "not reachable" : answer.ok ? "" : body.detail || `answered ${answer.status}`;
  table(id("decisions"), list(body.items), [["When", "k", d => new Date(d.time).toLocaleTimeString()], ["Request", "", d => code(d.method + " " + d.url)], ["Status", "n", d => d.status],
    ["Result", "k", d => d.result], ["Cache-Status", "", d => code(d.cache || "")], ["Took", "n", d => time(d.took_us / 1e6)]], "");
});
poll();
)js";

}  // namespace fairing::admin
