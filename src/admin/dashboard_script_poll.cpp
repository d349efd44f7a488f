#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_poll = R"js(// ---- what was decided on the last requests of a URL
async function explain() {
  const what = id("url").value.trim();
  if (!what) return;
  const answer = await fetch("/v1/explain?" + query(/^[0-9a-f]{32}$/i.test(what) ? { trace: what } : { url: what }), { cache: "no-store" }).catch(() => null);
  const body = answer ? await answer.json().catch(() => ({})) : {};
  id("asked").textContent = !answer ? "not reachable" : answer.ok ? "" : body.detail || `answered ${answer.status}`;
  table(id("decisions"), answer && answer.ok ? list(body.items) : [], [["When", "k", d => new Date(d.time).toLocaleTimeString()], ["Request", "wide", d => code(d.method + " " + d.url)], ["Status", "n", d => d.status],
    ["Result", "k", d => d.result], ["Cache-Status", "", d => code(d.cache || "")], ["Took", "n", d => time(d.took_us / 1e6)], ["Trace, with its jobs", "k", d => id("jobs-plane").hidden ? code(d.trace_id) : link("find?" + query({ q: d.trace_id }), code(d.trace_id))]], "");
}
id("ask").addEventListener("submit", event => {
  event.preventDefault();
  explain();
});

// ---- asking: every 2 s what is cheap, every 4 s the lists, the advice every minute; nothing while nobody looks
const pause = 2000;
let turn = 0, timer = 0, busy = false, again = false, lists = false;
// One list; what is wrong with it is told where it stands, and the others go on.
async function refresh(path, show, state) {
  try {
    show(await json(path));
    id(state).textContent = "";
  } catch (problem) {
    if (!problem.status) throw problem;
    id(state).textContent = problem.message;
    id(state).className = "fail";
  }
}
function showAlert(off) {
  id("alert").hidden = !off.length;
  id("alert").textContent = off.length ? `Bypassed, so off: ${off.join(", ")}. \`fairing bypass ${off[0]} --off\` ends it.` : "";
}
async function look() {
  const [metrics, checklist, upstreams, bypass] = await Promise.all([get("/metrics").then(a => a.text()), json("/v1/checklist"), json("/v1/upstreams"), json("/v1/bypass")]);
  const all = parseMetrics(metrics), points = list(checklist.points);
  const has = showTiles(all, points), asks = [], now = lists || turn % 2 === 0;
  lists = false;
  showChecklist(points);
  showSites(all);
  showRoutes(all);
  showUpstreams(list(upstreams.items));
  showAlert(list(bypass.bypassed));
  if (has.sql && now) asks.push(refresh("/v1/pools", a => showPools(list(a.items)), "sql-state"), refresh("/v1/n_plus_one?limit=10", a => showLoops(list(a.items)), "loops-state"),
    refresh("/v1/queries?limit=15&sort=" + id("queries-sort").value, a => showQueries(list(a.items)), "queries-state"));
  if (has.sql && turn % 30 === 0) asks.push(refresh("/v1/indexes?limit=20", showAdvice, "advice-state"));
  if (has.jobs && now) asks.push(refresh(queuesPath(), showQueues, "jobs-state"), refresh(failuresPath(), showFailures, "failures-state"));
  await Promise.all(asks);
  turn++;
}
async function poll() {
  if (busy) return void (again = true);
  clearTimeout(timer);
  if (document.hidden) return;
  busy = true;
  const job = jobAt();
  try {
    await (job ? pollJob(job) : look());
    id("state").textContent = "live, " + new Date().toLocaleTimeString();
    id("state").className = "live";
  } catch (problem) {
    id("state").textContent = problem.status ? problem.message : "not reachable; trying again";
    id("state").className = "lost";
  }
  busy = false;
  timer = setTimeout(poll, again ? 0 : pause);
  again = false;
}
// At once, with the lists: something was changed or is looked for.
function soon() {
  lists = true;
  ended = false;
  poll();
}
document.addEventListener("visibilitychange", poll);
id("queries-sort").addEventListener("change", soon);
route();
if (!jobAt()) poll();
)js";

}  // namespace fairing::admin
