#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_find =
    R"js(// ---- search: what is looked for stands in the address, so that it can be passed on
const asked = () => new URLSearchParams(location.hash.slice("#find?".length));
const searches = ["queue", "state", "text", "error"];
id("search").addEventListener("submit", event => {
  event.preventDefault();
  const [queue, state, text, error] = searches.map(name => id("search-" + name).value.trim());
  const to = "#find?" + query({ queue, state, q: text, error });
  if (location.hash === to) find(); else location.hash = to;
});
const endOf = j => j.finished ? make("span", ago(j.finished)) : j.next_attempt ? make("span", "next try " + new Date(j.next_attempt).toLocaleTimeString()) : "";
function jobButtons(j, after) {
  const act = f => async () => { await f(); after(); };
  if (j.state === "dead") return [button("Redrive", act(() => redriveOne(j.queue, j.id)))];
  return j.state === "done" || j.state === "cancelled" ? [] : [button("Cancel", act(() => cancelJob(j.id)))];
}
const stateOf = j => make("span", j.state, { dead: "fail", leased: "up", scheduled: "warn" }[j.state] || "");
function showFound(items) {
  table(id("found"), items, [["Job", "k", j => link("job/" + j.id, code(j.id))], ["Queue", "name", j => j.queue], ["State", "k", stateOf], ["Attempt", "n", j => j.attempt], ["Key", "name", j => j.key || ""],
    ["Put", "k", j => ago(j.created)], ["Ended", "k", endOf], ["Last error", "wide", j => j.error ? code(j.error) : ""], ["", "k", j => make("span", jobButtons(j, () => setTimeout(find, 300)))]], "", j => j.id);
}
let search = 0;
// A page; the server looks at a share of the jobs at a time, and is asked again while it has found nothing.
async function find() {
  const mine = ++search, want = asked(), limit = 25;
  id("found-state").textContent = "looking …";
  let page = { items: [], next: want.get("after") || "" }, looks = 0;
  try {
    do {
      page = await json("/v1/jobs?" + query({ queue: want.get("queue"), state: want.get("state"), q: want.get("q"), error: want.get("error"), after: page.next, limit }));
      if (mine !== search) return;
      id("found-state").textContent = `looking … ${++looks}`;
    } while (!page.items.length && page.next && looks < 40 && !document.hidden);
  } catch (problem) {
    id("found-state").textContent = problem.message;
    showFound([]);
    return put(id("found-pages"), [], () => []);
  }
  showFound(list(page.items));
  const none = want.get("after") ? "no more jobs" : "no job is like that";
  id("found-state").textContent = page.items.length ? "newest first" : page.next ? "nothing so far, and there are more to look at" : none;
  const go = after => { want.set("after", after); location.hash = "#find?" + want; };
  put(id("found-pages"), [location.hash, page.next], () => [...(want.get("after") ? [button("First page", () => { want.delete("after"); location.hash = "#find?" + want; })] : []),
    ...(page.next ? [button(page.items.length ? "Older" : "Look on", () => go(page.next))] : [])]);
}

// ---- the page of a job
const jobAt = () => location.hash.startsWith("#job/") ? decodeURIComponent(location.hash.slice("#job/".length)) : "";
const whenOf = text => text ? make("span", [new Date(text).toLocaleString(), " (", ago(text), ")"]) : "";
function showAttempts(j) {
  const took = a => a.ended ? span(new Date(a.ended) - new Date(a.began)) : "goes on";
  table(id("job-attempts"), list(j.attempts), [["#", "n", a => a.attempt], ["Began", "k", a => whenOf(a.began)], ["Took", "n", took],
    ["Error", "wide", a => a.error ? code(a.error) : a.ended ? make("span", "none", "pass") : ""], ["", "k", a => a.lease_expired ? make("b", "lease over: may have run twice", "warn") : ""]], "none has begun", a => a.attempt + "|" + a.began);
}
function showJob(j) {
  id("job-id").textContent = j.id;
  put(id("job-state"), j.state, () => [stateOf(j)]);
  const due = j.next_attempt ? new Date(j.next_attempt).toLocaleString() : "";
  const facts = { Queue: link(found(j.queue, ""), j.queue), Attempt: String(j.attempt), Put: whenOf(j.created), "Next try": due, Ended: whenOf(j.finished), Priority: j.priority == null ? "" : String(j.priority),
    Key: j.key, "Unique name": j.unique, Trace: j.trace ? link("why?" + query({ trace: j.trace }), code(j.trace)) : "", Batch: j.batch, Progress: j.progress, "Last error": j.error ? code(j.error) : "",
    Verify: j.verify ? "its second run, by verify_idempotency" : "" };
  const there = Object.entries(facts).filter(([, value]) => value);
  put(id("job-facts"), there.map(([title, value]) => [title, mark(value)]), () => there.map(([title, value]) => make("div", [make("dt", title), make("dd", [value])])));
  put(id("job-buttons"), [j.id, j.state], () => [link("jobs", "← all queues"), ...jobButtons(j, soon)]);
  showAttempts(j);
  const whole = j.payload_base64 ?? j.payload;
  id("job-type").textContent = (j.content_type || "") + (j.payload_base64 == null ? "" : ", as base64");
  const text = typeof whole === "string" ? whole : JSON.stringify(whole, null, 2) || "";
  id("job-payload").textContent = text.length > 65536 ? `${text.slice(0, 65536)}\n… and ${count(text.length - 65536)} characters` : text;
  table(id("job-fields"), Object.entries(j.fields || {}), [["Name", "k", f => f[0]], ["Value", "wide", f => code(f[1])]], "none", f => f[0]);
}
let jobShown = "", ended = false;
async function pollJob(name) {
  if (name === jobShown && ended) return;
  try {
    const j = await json("/v1/jobs/" + encodeURIComponent(name));
    if (name !== jobAt()) return;
    showJob(j);
    jobShown = name;
    ended = ["done", "cancelled"].includes(j.state);
  } catch (problem) {
    if (!problem.status) throw problem;
    for (const part of ["facts", "buttons", "attempts", "payload", "fields"]) shown.delete(id("job-" + part)), tables.delete(id("job-" + part)), id("job-" + part).replaceChildren();
    id("job-id").textContent = name;
    shown.delete(id("job-state"));
    id("job-state").textContent = problem.message;
    id("job-buttons").replaceChildren(link("jobs", "← all queues"));
    jobShown = "";
  }
}

// ---- what the address says
function route() {
  const job = jobAt(), hash = location.hash;
  document.body.dataset.view = job ? "job" : "all";
  id("job").hidden = !job;
  if (job) return void soon();
  if (hash.startsWith("#find")) {
    const want = asked();
    for (const name of searches) id("search-" + name).value = want.get(name === "text" ? "q" : name) || "";
    id("search-error-row").hidden = !want.get("error");
    find();
    id("find").scrollIntoView();
  } else if (hash.startsWith("#why?")) {
    id("url").value = new URLSearchParams(hash.slice("#why?".length)).get("trace") || "";
    explain();
    id("why").scrollIntoView();
  } else if (document.getElementById(hash.slice(1))) {
    id(hash.slice(1)).scrollIntoView();
  }
}
window.addEventListener("hashchange", route);
)js";

}  // namespace fairing::admin
