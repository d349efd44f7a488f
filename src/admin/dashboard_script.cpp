#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_base = R"js("use strict";
const id = name => document.getElementById(name);
const list = value => Array.isArray(value) ? value : value == null ? [] : [value];
const count = value => Math.round(value || 0).toLocaleString("en");
const brief = value => value >= 9995 ? count(value / 1000) + "k" : value >= 99.5 ? count(value) : value.toFixed(1).replace(/\.0$/, "");
const percent = share => (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + " %";
const time = seconds => seconds == null || Number.isNaN(seconds) ? "–" : seconds >= 10 ? seconds.toFixed(0) + " s"
  : seconds >= 1 ? seconds.toFixed(1) + " s" : seconds >= 0.01 ? (seconds * 1000).toFixed(0) + " ms" : (seconds * 1000).toFixed(2) + " ms";
const bytes = value => value >= 1073741824 ? (value / 1073741824).toFixed(1) + " GiB" : value >= 1048576
  ? (value / 1048576).toFixed(1) + " MiB" : (value / 1024).toFixed(0) + " KiB";

const span = ms => ms < 1000 ? Math.max(0, Math.round(ms)) + " ms" : ms < 60e3 ? (ms / 1000).toFixed(ms < 10e3 ? 1 : 0) + " s" : ms < 3600e3
  ? Math.floor(ms / 60e3) + " min" : ms < 172800e3 ? (ms / 3600e3).toFixed(1) + " h" : Math.floor(ms / 86400e3) + " days";

// An element with text or children; never markup.
function make(tag, inside, style) {
  const at = document.createElement(tag);
  at.append(...list(inside).map(x => x instanceof Node ? x : String(x)));
  if (style) at.className = style;
  return at;
}
// A link to a place of this page: what comes from outside is behind the # and encoded.
function link(to, inside, style) {
  const at = make("a", inside, style);
  at.href = "#" + to;
  return at;
}
function button(title, act, style) {
  const at = make("button", title, style || "quiet");
  at.type = "button";
  at.addEventListener("click", act);
  return at;
}
// How long ago, and the time itself for who points at it.
function ago(text) {
  if (!text) return "";
  const when = new Date(text), ms = Date.now() - when, at = make("time", ms < 1000 ? "just now" : span(ms) + " ago");
  at.dateTime = text;
  at.title = when.toLocaleString();
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
// Rows in their order, each moved only if it has to be; under a pointer or the focus none is: somebody is about to click.
function place(body, rows) {
  const held = body.matches(":hover") || body.contains(document.activeElement), there = [...body.children].filter(tr => rows.includes(tr));
  const want = held ? [...there, ...rows.filter(tr => !there.includes(tr))] : rows;
  for (const tr of [...body.children]) if (!want.includes(tr)) tr.remove();
  want.forEach((tr, i) => { if (body.children[i] !== tr) body.insertBefore(tr, body.children[i] || null); });
}
// A table whose rows keep their elements: what has the focus, is marked or open stays.
// columns: [title, style, row => text or node]; key: row => what tells it from the others
const tables = new Map();
const mark = cell => cell instanceof Node ? cell.className + "|" + cell.textContent : "|" + cell;
function table(at, rows, columns, none, key = row => JSON.stringify(row)) {
  const titles = columns.map(c => c[0]).join("|");
  let t = tables.get(at);
  if (!rows.length || !t || t.titles !== titles) {
    tables.delete(at);
    if (!rows.length) return at.replaceChildren(...(none ? [make("p", none, "dim")] : []));
    const head = columns.map(([title, style]) => { const th = make("th", title, style === "n" ? "n" : ""); th.scope = "col"; return th; });
    t = { titles, body: make("tbody", []), rows: new Map() };
    tables.set(at, t);
    at.replaceChildren(make("table", [make("thead", make("tr", head)), t.body]));
  }
  const kept = new Map(), order = [];
  for (const row of rows) {
    let name = key(row);
    while (kept.has(name)) name += "+";
    const line = t.rows.get(name) || { at: make("tr", columns.map(c => make("td", [], c[1]))), marks: [] };
    kept.set(name, line);
    order.push(line.at);
    columns.forEach((c, i) => {
      const cell = c[2](row), now = mark(cell), td = line.at.children[i];
      if (line.marks[i] === now) return;
      line.marks[i] = now;
      td.dataset.title = c[0];
      td.replaceChildren(cell);
    });
  }
  t.rows = kept;
  place(t.body, order);
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


async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000) });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail || `${path} answered ${answer.status}`), { status: answer.status });
}
const json = async path => (await get(path)).json();
// A query string of what is not empty.
const query = values => new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
)js";

std::string dashboard_js() {
  std::string all;
  for (const auto part :
       {script_base, script_planes, script_sql, script_jobs, script_find, script_poll})
    all += part;
  return all;
}

}  // namespace fairing::admin
