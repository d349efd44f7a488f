#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view script_jobs = R"js(// ---- changes: with the token, which stays in this tab
const tokenKey = "fairing-token";
id("token").value = sessionStorage.getItem(tokenKey) || "";
id("token").addEventListener("input", () => sessionStorage.setItem(tokenKey, id("token").value.trim()));

let silence = 0;
function say(what, style) {
  const at = id("said");
  at.textContent = what;
  at.className = style || "";
  at.hidden = false;
  clearTimeout(silence);
  silence = setTimeout(() => { at.hidden = true; }, 12000);
}
// The answer of a change that was made; null where it was not, and why is said.
async function change(method, path, body) {
  const token = id("token").value.trim();
  if (!token) {
    say("A change needs the token: put it in above the queues.", "fail");
    if (location.hash.startsWith("#job/")) location.hash = "#jobs";
    id("token").focus();
    return null;
  }
  const sent = { method, headers: { Authorization: "Bearer " + token }, signal: AbortSignal.timeout(15000) };
  if (body) Object.assign(sent.headers, { "Content-Type": "application/json" }), sent.body = JSON.stringify(body);
  const answer = await fetch(path, sent).catch(() => null);
  const said = answer ? await answer.json().catch(() => ({})) : {};
  if (answer && answer.ok) return said;
  say(!answer ? "Not reachable: whether it was done is not known." : said.detail || `${path} answered ${answer.status}`, "fail");
  if (answer && answer.status === 401) id("token").focus();
  return null;
}

// Asks before a change; `pace`: at which rate as well. Resolves to the rate, "" without one, or null: better not.
let decide = () => {};
function sure(what, yes, pace) {
  id("sure-what").textContent = what;
  id("sure-yes").textContent = yes;
  id("sure-pace").hidden = !pace;
  id("sure-rate").value = pace ? "10/s" : "";
  id("sure").showModal();
  return new Promise(resolve => { decide = resolve; });
}
id("sure-yes").addEventListener("click", () => { decide(id("sure-rate").value.trim()); decide = () => {}; id("sure").close(); });
id("sure-rate").addEventListener("keydown", event => event.key === "Enter" && id("sure-yes").click());
id("sure-no").addEventListener("click", () => id("sure").close());
id("sure").addEventListener("close", () => decide(null));

const verb = (queue, what) => `/v1/queues/${encodeURIComponent(queue)}/${what}`;
async function setPaused(queue, what) {
  if (await change("POST", verb(queue, what), {})) say(what === "pause" ? `${queue} gives no jobs until it is resumed; those at work go on.` : `${queue} gives jobs again.`);
  soon();
}
// All dead jobs of a queue, or those whose last error is `error`.
async function redriveMany(queue, error, about) {
  const rate = await sure(error ? `Run the dead jobs of ${queue} again whose last error is: ${error}` : `Run ${about} dead jobs of ${queue} again, from their first attempt?`, "Redrive", true);
  if (rate == null) return;
  const done = await change("POST", verb(queue, "redrive"), { ...(error ? { error } : {}), ...(rate ? { rate } : {}) });
  if (done) say(error ? `Those dead jobs of ${queue} are redriven${rate ? ` at ${rate}` : ""}; they are looked for among ${count(done.count)}.` : `${count(done.count)} jobs of ${queue} are redriven${rate ? ` at ${rate}` : ""}.`);
  soon();
}
async function redriveOne(queue, job) {
  if (await change("POST", verb(queue, "redrive"), { id: job })) say(`Job ${job} runs again, from its first attempt.`);
  soon();
}
async function cancelJob(job) {
  if (await sure(`Call job ${job} off? A worker that has it may finish its work, and nobody takes note.`, "Cancel the job", false) == null) return;
  if (await change("DELETE", "/v1/jobs/" + encodeURIComponent(job))) say(`Job ${job} is cancelled.`);
  soon();
}

// ---- queues, a page at a time
const pageSize = 15;
let queuesFrom = "";
const queuesPath = () => "/v1/queues?" + query({ limit: pageSize, sort: id("queues-sort").value, q: id("queues-part").value.trim(), after: queuesFrom });
const found = (queue, state) => "find?" + query({ queue, state });
const pace = n => n >= 1 ? brief(n) + "/s" : n > 0 ? brief(n * 60) + "/min" : zero();
const zero = () => make("span", "0", "dim");
const worry = (n, style) => n ? make("span", count(n), style) : zero();
function drain(q) {
  if (q.paused) return "paused";
  if (q.seconds_to_drain != null) return q.depth.queued ? span(q.seconds_to_drain * 1000) : "–";
  return make("span", q.arrivals_per_second > q.finished_per_second ? "grows" : "stands still", "fail");
}
const latest = new Map();  // what the buttons of a row speak of
function queueName(q) {
  const at = make("span", make("b", q.name));
  if (q.paused) at.append(" ", make("b", "paused", "warn"));
  if (q.redriving) at.append(" ", make("b", "redriving", "dim"));
  if (q.push) at.append(make("small", "pushed to " + q.push, "under dim"));
  const verified = q.verified, finding = verified && list(verified.findings).find(({ job, verdict }) => job && verdict === "not_idempotent");
  if (finding) at.append(make("small", [`${count(verified.not_idempotent)} of those run twice did something twice, `, link("job/" + finding.job, "as this one")], "under warn"));
  return at;
}
function queueButtons(q) {
  const buttons = [button(q.paused ? "Resume" : "Pause", () => setPaused(q.name, q.paused ? "resume" : "pause"))];
  if (q.depth.dead) buttons.push(button("Redrive dead", () => redriveMany(q.name, "", count((latest.get(q.name) || q).depth.dead))));
  return make("span", buttons, "nb");
}
const depthLink = (q, state, style) => q.depth[state] ? link(found(q.name, state), count(q.depth[state]), style) : zero();
function showQueues(page) {
  const items = list(page.items);
  latest.clear();
  for (const q of items) latest.set(q.name, q);
  table(id("queues"), items, [["Queue", "name", queueName],
    ["Queued", "n", q => make("span", [depthLink(q, "queued"), ...(q.waiting_for_key ? [make("small", `${count(q.waiting_for_key)} behind their key`, "under dim")] : [])])],
    ["Scheduled", "n", q => depthLink(q, "scheduled")], ["Leased", "n", q => depthLink(q, "leased")], ["Dead", "n", q => depthLink(q, "dead", "fail")],
    ["Oldest ready", "n", q => q.oldest_age_ms ? span(q.oldest_age_ms) : "–"], ["In", "n", q => pace(q.arrivals_per_second)], ["Finished", "n", q => pace(q.finished_per_second)],
    ["Drained in", "n", drain], ["May have run twice", "n", q => worry(q.expired, "warn")], ["", "k", queueButtons]],
  id("queues-part").value.trim() ? "no queue has that in its name" : "no queue yet", q => q.name);
  const all = page.total, from = Number(queuesFrom || 0), pages = [];
  if (queuesFrom) pages.push(button("First", () => turnTo("")));
  if (page.next) pages.push(button(`Next ${pageSize}`, () => turnTo(page.next)));
  if (all.queues > items.length) pages.push(make("span", `${count(from + 1)} to ${count(from + items.length)} of ${count(all.queues)} queues; in all ${count(all.depth.queued)} queued, ${count(all.depth.dead)} dead, ` +
    `${count(all.expired)} may have run twice`, "dim"));
  put(id("queues-pages"), [all, page.next, queuesFrom], () => pages);
}
function turnTo(place) {
  queuesFrom = place;
  soon();
}
id("queues-sort").addEventListener("change", () => turnTo(""));
id("queues-part").addEventListener("input", () => turnTo(""));

// ---- failures by error
let failuresShown = 10;
function showFailures(page) {
  const items = list(page.items), more = items.length > failuresShown;
  table(id("failures"), items.slice(0, failuresShown), [["Error", "wide", f => link("find?" + query({ queue: f.queue, error: f.error }), code(f.error))], ["Queue", "name", f => f.queue],
    ["Attempts", "n", f => count(f.count)], ["First", "k", f => ago(f.first_seen)], ["Last", "k", f => ago(f.last_seen)], ["One of them", "k", f => link("job/" + encodeURIComponent(f.sample), code(f.sample))],
    ["", "k", f => button("Redrive its dead", () => redriveMany(f.queue, f.error))]], "no attempt has failed", f => f.queue + "|" + f.error);
  put(id("failures-pages"), [more, failuresShown], () => more && failuresShown < 500 ? [button("More errors", () => { failuresShown = Math.min(500, failuresShown * 4); soon(); })] : []);
}
const failuresPath = () => "/v1/failures?" + query({ limit: Math.min(500, failuresShown + 1) });
)js";

}  // namespace fairing::admin
