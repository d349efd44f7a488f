// dashboard: the page at `/`: read-only, one file, no build step, nothing fetched from elsewhere.
//
// It polls /v1/checklist, /metrics and /v1/upstreams every two seconds. All that came from outside
// is put in as text, never as markup.
#pragma once

#include <string_view>

namespace fairing::admin {

inline constexpr std::string_view dashboard_html = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fairing</title>
<style>
:root { color-scheme: light dark; --line: #8884; --dim: #888; --pass: #2a8f4f; --warn: #b97a00; --fail: #c8372d; }
body { font: 13px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 12px 16px; max-width: 1100px; }
header { display: flex; gap: 16px; align-items: baseline; }
h1 { font-size: 17px; margin: 0; }
h2 { font-size: 13px; margin: 18px 0 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--dim); }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.pass { color: var(--pass); } .warn { color: var(--warn); } .fail { color: var(--fail); font-weight: 600; }
.not_seen, .dim { color: var(--dim); }
.wide { overflow-x: auto; }
</style>
</head>
<body>
<header><h1>Fairing</h1><span id="state" class="dim">loading</span></header>
<div id="totals" class="dim"></div>

<h2>Checklist</h2>
<div class="wide"><table><thead><tr><th>#</th><th>Point</th><th>Grade</th><th>Evidence</th><th>Fix</th></tr></thead>
<tbody id="checklist"></tbody></table></div>

<h2>Cache by site</h2>
<div class="wide"><table><thead><tr id="cache-head"></tr></thead><tbody id="cache"></tbody></table></div>

<h2>Upstreams</h2>
<div class="wide"><table><thead><tr id="up-head"></tr></thead><tbody id="upstreams"></tbody></table></div>

<script>
"use strict";
const id = name => document.getElementById(name);
const words = value => value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
const lines = value => (Array.isArray(value) ? value : value == null ? [] : [value]).map(words);

function cell(tag, text, style) {
  const at = document.createElement(tag);
  at.textContent = text;
  if (style) at.className = style;
  return at;
}
function cellOfLines(list) {
  const at = document.createElement("td");
  for (const line of list) at.append(cell("div", line));
  return at;
}
function fill(body, rows, columns) {
  if (!rows.length) {
    const none = cell("td", "none", "dim");
    none.colSpan = columns;
    rows = [[none]];
  }
  body.replaceChildren(...rows.map(cells => { const row = document.createElement("tr"); row.append(...cells); return row; }));
}

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
const count = value => Math.round(value).toLocaleString("en");
const sum = (all, name) => all.filter(s => s.name === name).reduce((total, s) => total + s.value, 0);

let before = null;
function showMetrics(all, at) {
  const requests = sum(all, "http_server_request_duration_seconds_count");
  const rate = before && at > before.at ? (requests - before.requests) / ((at - before.at) / 1000) : 0;
  before = { requests, at };
  const mib = sum(all, "fairing_cache_bytes") / 1048576;
  const budget = sum(all, "fairing_cache_budget_bytes") / 1048576;
  id("totals").textContent = `${count(requests)} requests, ${count(Math.max(0, rate))}/s; cache ${mib.toFixed(1)} of ` +
    `${budget.toFixed(0)} MiB, ${count(sum(all, "fairing_cache_entries"))} entries; ${count(sum(all, "fairing_purge_total"))} purges`;

  const sites = new Map(), results = [];
  for (const s of all) {
    if (s.name !== "fairing_cache_requests_total") continue;
    const result = s.labels.result || "";
    if (!results.includes(result)) results.push(result);
    const site = s.labels.site || "";
    if (!sites.has(site)) sites.set(site, {});
    sites.get(site)[result] = (sites.get(site)[result] || 0) + s.value;
  }
  const shown = results.filter(r => [...sites.values()].some(site => site[r] > 0));
  id("cache-head").replaceChildren(cell("th", "Site"), cell("th", "Requests", "n"), cell("th", "Hit share", "n"),
    ...shown.map(r => cell("th", r, "n")));
  fill(id("cache"), [...sites].map(([name, site]) => {
    const total = Object.values(site).reduce((a, b) => a + b, 0);
    return [cell("td", name), cell("td", count(total), "n"),
      cell("td", total ? (100 * (site.hit || 0) / total).toFixed(1) + " %" : "", "n"),
      ...shown.map(r => cell("td", count(site[r] || 0), "n"))];
  }), 3);
}

function showChecklist(body) {
  fill(id("checklist"), (body.points || []).map(p => [
    cell("td", words(p.number), "n"), cell("td", words(p.title)),
    cell("td", words(p.grade).replace("_", " "), words(p.grade)),
    cellOfLines(lines(p.evidence)), cellOfLines(lines(p.fix))]), 5);
}

function showUpstreams(body) {
  const items = body.items || [];
  const columns = [...new Set(items.flatMap(item => Object.keys(item)))];
  id("up-head").replaceChildren(...columns.map(name => cell("th", name.replaceAll("_", " "))));
  fill(id("upstreams"), items.map(item => columns.map(name => cell("td", words(item[name])))), Math.max(1, columns.length));
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer;
}
async function poll() {
  try {
    const [checklist, metrics, upstreams] = await Promise.all([get("/v1/checklist"), get("/metrics"), get("/v1/upstreams")]);
    showChecklist(await checklist.json());
    showMetrics(parseMetrics(await metrics.text()), performance.now());
    showUpstreams(await upstreams.json());
    id("state").textContent = "as of " + new Date().toLocaleTimeString();
    id("state").className = "dim";
  } catch (problem) {
    id("state").textContent = problem.message;
    id("state").className = "fail";
  }
  setTimeout(poll, 2000);
}
poll();
</script>
</body>
</html>
)html";

}  // namespace fairing::admin
