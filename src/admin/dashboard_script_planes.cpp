#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_planes =
    R"js(const past = [];  // the last samples, 10 s of them: what rates are made of
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
  const hasJobs = named(all, "fairing_jobs_store_up").length > 0;
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
  if (hasJobs) {
    const depth = state => sum(all, "fairing_jobs_depth", labels => labels.state === state);
    const oldest = Math.max(0, ...named(all, "fairing_jobs_oldest_age_seconds").map(s => s.value)), twice = sum(all, "fairing_jobs_total", labels => labels.outcome === "expired");
    tiles.push(tile("Jobs waiting", count(depth("queued")), `the oldest for ${span(oldest * 1000)}; ${count(depth("scheduled"))} scheduled, ${count(depth("leased"))} at work`),
      tile("Dead jobs", make("span", count(depth("dead")), depth("dead") ? "fail" : ""), `${count(twice)} may have run twice`));
  }
  id("tiles").replaceChildren(...tiles);
  id("http-state").textContent = hasHttp ? "" : "off; start it with --http 8080=http://127.0.0.1:3000";
  id("sql-state").textContent = hasSql ? "" : "off; start it with --sql 6432=postgres://...";
  if (!hasJobs) id("jobs-state").textContent = "off; start it with --jobs 9324=sqlite:jobs.db";
  id("http-plane").hidden = !hasHttp;
  id("sql-plane").hidden = !hasSql;
  id("jobs-plane").hidden = !hasJobs;
  return { sql: hasSql, jobs: hasJobs };
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
)js";

}  // namespace fairing::admin
