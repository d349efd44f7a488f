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
<nav aria-label="Sections"><a href="#checklist">Checklist</a> <a href="#http">http</a> <a href="#sql">sql</a> <a href="#jobs">jobs</a> <a href="#why">Why?</a></nav>
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
<div id="http-plane">
<h3>Sites</h3><div class="table" tabindex="0" id="sites"></div>
<h3>Routes, by the time clients spent in them</h3><div class="table" tabindex="0" id="routes"></div>
<h3>Backends</h3><div class="table" tabindex="0" id="upstreams"></div>
</div>
</section>

<section id="sql">
<h2>sql plane <small id="sql-state"></small></h2>
<div id="sql-plane">
<h3>Pools</h3><div class="table" tabindex="0" id="pools"></div>
<h3>N+1 loops, by the time they cost <small id="loops-state"></small></h3><div id="loops"></div>
<h3>Index advice <small id="advice-text"></small> <small id="advice-state"></small></h3><div id="advice"></div>
<h3><label for="queries-sort">Statements, those first with the most</label> <select id="queries-sort">
<option value="total">time in all</option><option value="count">executions</option><option value="mean">time each</option>
<option value="p95">p95</option><option value="rows">rows</option><option value="errors">errors</option></select> <small id="queries-state"></small></h3>
<div class="table" tabindex="0" id="queries"></div>
</div>
</section>

<section id="jobs">
<h2>jobs plane <small id="jobs-state"></small></h2>
<div id="jobs-plane">
<p class="row"><label for="token">Token, for changes</label> <input id="token" type="password" autocomplete="off" spellcheck="false">
<small class="dim">the file <code>token</code> of the runtime directory; it stays in this tab and is forgotten with it</small></p>
<h3><label for="queues-sort">Queues, those first with the most</label> <select id="queues-sort">
<option value="trouble">trouble</option><option value="oldest">waiting time</option><option value="queued">queued jobs</option><option value="dead">dead jobs</option>
<option value="expired">jobs that may have run twice</option><option value="name">a, b, c: by name</option></select>
<label for="queues-part">with</label> <input id="queues-part" class="short" type="text" placeholder="part of a name" autocomplete="off" spellcheck="false"></h3>
<div class="table" tabindex="0" id="queues"></div>
<p class="row" id="queues-pages"></p>
<h3>Failed attempts, by what went wrong <small>numbers, ids and quoted texts left out</small> <small id="failures-state"></small></h3>
<div class="table" tabindex="0" id="failures"></div>
<p class="row" id="failures-pages"></p>
<h3 id="find">Find jobs</h3>
<form id="search" class="row">
<span><label for="search-queue">Queue</label> <input id="search-queue" class="short" type="text" autocomplete="off" spellcheck="false"></span>
<span><label for="search-state">State</label> <select id="search-state"><option value="">any</option><option>queued</option><option>scheduled</option>
<option>leased</option><option>done</option><option>dead</option><option>cancelled</option></select></span>
<span><label for="search-text">Id, key, trace or text</label> <input id="search-text" type="text" autocomplete="off" spellcheck="false"></span>
<span id="search-error-row" hidden><label for="search-error">Error</label> <input id="search-error" type="text" autocomplete="off" spellcheck="false"></span>
<button>Find</button></form>
<p id="found-state" role="status"></p>
<div class="table" tabindex="0" id="found"></div>
<p class="row" id="found-pages"></p>
</div>
</section>

<section id="job" hidden>
<h2>Job <code id="job-id"></code> <small id="job-state"></small></h2>
<p class="row" id="job-buttons"></p>
<dl id="job-facts" class="facts"></dl>
<h3>Attempts</h3><div class="table" tabindex="0" id="job-attempts"></div>
<h3>Payload <small id="job-type"></small></h3><pre id="job-payload"></pre>
<h3>Fields</h3><div class="table" tabindex="0" id="job-fields"></div>
</section>

<section id="why">
<h2>Why? <small>what was decided on the last requests of a URL or a trace</small></h2>
<form id="ask" class="row"><label for="url">URL, path or trace id</label> <input id="url" type="text" placeholder="/products" autocomplete="off" spellcheck="false"> <button>Explain</button></form>
<p id="asked" role="status"></p>
<div class="table" tabindex="0" id="decisions"></div>
</section>
</main>
<p id="said" role="status" hidden></p>
<dialog id="sure" aria-labelledby="sure-what">
<p id="sure-what"></p>
<p class="row" id="sure-pace"><label for="sure-rate">At most</label> <input id="sure-rate" class="short" type="text" autocomplete="off" spellcheck="false">
<small class="dim">as in 10/s or 500/m; empty: as fast as it goes</small></p>
<p class="row"><button type="button" id="sure-yes"></button> <button type="button" id="sure-no" class="quiet">Leave it</button></p>
</dialog>
<footer>Reading needs nothing on loopback, a change needs the token. The same as JSON: <a href="/v1/checklist">checklist</a>, <a href="/v1/upstreams">backends</a>, <a href="/v1/pools">pools</a>, <a href="/v1/queries">statements</a>, <a href="/v1/n_plus_one">N+1</a>, <a href="/v1/indexes">index advice</a>, <a href="/v1/queues">queues</a>, <a href="/v1/failures">failures</a>, <a href="/v1/config">configuration</a>; for Prometheus: <a href="/metrics">metrics</a>.</footer>
<noscript>The page needs JavaScript; `fairing check`, `fairing top` and `fairing jobs` show the same in a terminal.</noscript>
</body>
</html>
)html";

}  // namespace fairing::admin
