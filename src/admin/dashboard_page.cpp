#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view dashboard_html = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fairing</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/dashboard.css">
<script src="/dashboard.js" defer></script>
</head>
<body>
<header>
<h1>Fairing</h1>
<nav aria-label="Sections"><a href="#checklist">Checklist</a> <a href="#http">http</a> <a href="#sql">sql</a> <a href="#why">Why?</a></nav>
<p id="state" role="status">loading</p>
</header>
<main>
<p id="alert" role="alert" hidden></p>
<dl id="tiles"></dl>

<section id="checklist">
<h2>Checklist <small>backend practice, graded from the traffic that was seen</small></h2>
<div id="points"></div>
</section>

<section id="http">
<h2>http plane <small id="http-state"></small></h2>
<h3>Sites</h3><div class="table" tabindex="0" id="sites"></div>
<h3>Routes, by the time clients spent in them</h3><div class="table" tabindex="0" id="routes"></div>
<h3>Backends</h3><div class="table" tabindex="0" id="upstreams"></div>
</section>

<section id="sql">
<h2>sql plane <small id="sql-state"></small></h2>
<h3>Pools</h3><div class="table" tabindex="0" id="pools"></div>
<h3>N+1 loops, by the time they cost</h3><div id="loops"></div>
<h3>Queries, by the time PostgreSQL spent on them</h3><div class="table" tabindex="0" id="queries"></div>
</section>

<section id="why">
<h2>Why? <small>what was decided on the last requests of a URL</small></h2>
<form id="ask"><label for="url">URL or path</label> <input id="url" type="text" placeholder="/products" autocomplete="off" spellcheck="false"> <button>Explain</button></form>
<p id="asked" role="status"></p>
<div class="table" tabindex="0" id="decisions"></div>
</section>
</main>
<footer>Read-only. The same as JSON: <a href="/v1/checklist">checklist</a>, <a href="/v1/upstreams">backends</a>, <a href="/v1/pools">pools</a>, <a href="/v1/queries">queries</a>, <a href="/v1/n_plus_one">N+1</a>, <a href="/v1/config">configuration</a>; for Prometheus: <a href="/metrics">metrics</a>.</footer>
<noscript>The page needs JavaScript; `fairing check` and `fairing top` show the same in a terminal.</noscript>
</body>
</html>
)html";

const std::string_view dashboard_css = R"css(
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --text: #1b1f24; --dim: #5b6470; --line: #dfe3e8;
  --accent: #1558b0; --pass: #1a7340; --warn: #8a5a00; --fail: #b3261e; --bar: #b9d3f5; }
@media (prefers-color-scheme: dark) { :root { --bg: #12151a; --card: #1b2027; --text: #e6e9ed; --dim: #a0a9b4;
  --line: #313943; --accent: #8ab8f5; --pass: #63c98a; --warn: #e5b04a; --fail: #ff8a80; --bar: #2b4a73; } }
* { box-sizing: border-box; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 0 16px 24px; max-width: 1180px; background: var(--bg); color: var(--text); }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: baseline; padding: 14px 0 6px; }
h1 { font-size: 20px; margin: 0; letter-spacing: -.01em; }
nav { display: flex; gap: 14px; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#state { margin: 0 0 0 auto; color: var(--dim); }
#state::before { content: "●"; margin-right: 6px; color: var(--dim); }
#state.live::before { color: var(--pass); }
#state.lost, #state.lost::before { color: var(--fail); }
#alert { margin: 6px 0; padding: 8px 12px; border-left: 4px solid var(--fail); background: var(--card); }
#tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 10px; margin: 8px 0 0; }
#tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
dt { color: var(--dim); font-size: 12px; }
dd { margin: 0; font-size: 21px; font-variant-numeric: tabular-nums; white-space: nowrap; }
dd small { display: block; font-size: 12px; color: var(--dim); white-space: normal; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 4px 14px 12px; margin-top: 14px; scroll-margin-top: 8px; }
h2 { font-size: 16px; margin: 8px 0 4px; }
h2 small { font-size: 12px; font-weight: 400; color: var(--dim); margin-left: 6px; }
h3 { font-size: 13px; margin: 14px 0 2px; color: var(--dim); font-weight: 600; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; font-size: 12px; color: var(--dim); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.k { white-space: nowrap; }
code, pre { font: 12.5px/1.45 ui-monospace, monospace; }
td code { overflow-wrap: anywhere; display: block; min-width: 240px; }
pre { margin: 4px 0; padding: 8px 10px; overflow-x: auto; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; }
details { border-bottom: 1px solid var(--line); padding: 5px 0; }
details:last-child { border-bottom: 0; }
summary { cursor: pointer; }
summary .first { color: var(--dim); }
details > *:not(summary) { margin-left: 18px; }
details ul { margin: 4px 0; padding-left: 18px; overflow-wrap: anywhere; }
.grade { display: inline-block; min-width: 86px; font-weight: 600; }
.number { display: inline-block; min-width: 22px; text-align: right; margin-right: 6px; color: var(--dim); }
.pass, .up { color: var(--pass); } .warn, .ejected { color: var(--warn); } .fail, .down { color: var(--fail); }
.not_seen, .dim { color: var(--dim); }
meter { width: 90px; height: 10px; vertical-align: middle; }
input, button { font: inherit; color: inherit; padding: 5px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg); }
input { width: min(420px, 100%); }
button { cursor: pointer; background: var(--accent); color: var(--card); border-color: var(--accent); }
footer { color: var(--dim); margin-top: 14px; font-size: 12px; }
@media (max-width: 560px) { body { padding: 0 10px 20px; } section { padding: 4px 10px 10px; } #state { margin: 0; width: 100%; }
  dd { font-size: 18px; } #tiles { grid-template-columns: 1fr 1fr; } input, button, summary { min-height: 40px; } }
)css";

}  // namespace fairing::admin
