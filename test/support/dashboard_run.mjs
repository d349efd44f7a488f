// Runs the dashboard's page and script, as a real Fairing serves them, in tiny_dom.mjs, and tells what came of it.
//
//   node dashboard_run.mjs '{"base": "http://127.0.0.1:9900", "steps": [...], "answers": {...}, "change": [from, to]}'
//
// steps, one after the other; between them all that was asked for is waited for:
//   {hash}  {click or focus: [id of what it is in, its text, a text of its row]}  {type: [id, text], event}  {submit: id}  {tick: times}  {hide: bool}
// answers: path (without query) -> JSON in place of the real one. change: an edit of the script, to see a test fail.
// Printed as JSON: asked ["GET /v1/queues?..."], sent [{method, path, token, body}], missing: members that the script read
// and no answer had, read: all it read, errors, text and hidden by id, tags (how many elements of which name), hash, timers.
import { createContext, runInContext } from "node:vm";
import { readPage } from "./tiny_dom.mjs";

const { base, steps = [], answers = {}, change } = JSON.parse(process.argv[2]);
const text = async path => (await fetch(base + path)).text();
const { document, window, Node, Element } = readPage(await text("/"));
let script = await text("/dashboard.js");
if (change) {
  if (!script.includes(change[0])) throw new Error(`the script has no ${change[0]}`);
  script = script.replaceAll(change[0], change[1]);
}

const said = { asked: [], sent: [], errors: [] };
const reads = new Map();  // "/v1/queues items[].name" -> whether any answer had it

// The same value, noting which members are read of it.
function watched(value, at) {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, name) {
      const own = Object.hasOwn(target, name);
      if (typeof name === "symbol" || (!own && (name in target || name === "toJSON" || name === "then"))) return target[name];
      if (Array.isArray(target)) return own ? watched(target[name], at + "[]") : target[name];
      const path = `${at}.${name}`;
      reads.set(path, reads.get(path) || own);
      return watched(target[name], path);
    },
  });
}

let flying = 0;
async function ask(path, options = {}) {
  const method = options.method || "GET", where = path.split("?")[0], known = where.replace(/^(\/v1\/jobs)\/.+/, "$1/{id}");
  said.asked.push(`${method} ${path}`);
  if (method !== "GET") said.sent.push({ method, path, token: options.headers.Authorization, body: options.body });
  flying++;
  try {
    const real = where in answers ? new Response(JSON.stringify(answers[where])) : await fetch(base + path, options);
    const body = await real.text();
    return { ok: real.ok, status: real.status, text: async () => body,
      json: async () => real.ok && method === "GET" ? watched(JSON.parse(body), known) : JSON.parse(body) };
  } finally {
    flying--;
  }
}

// Timers run when a step says so.
const timers = new Map();
let named = 0;
const location = { value: "", get hash() { return this.value; }, set hash(to) {
  this.value = to.startsWith("#") ? to : "#" + to;
  window.dispatch("hashchange");
} };
const kept = new Map();
const globals = { document, window, Node, location, fetch: ask, performance, AbortSignal, URLSearchParams, console,
  sessionStorage: { getItem: name => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) },
  setTimeout: (act, ms) => { timers.set(++named, { act, ms }); return named; }, clearTimeout: name => timers.delete(name) };
process.on("unhandledRejection", problem => said.errors.push(String(problem && problem.stack || problem)));

async function settle() {
  for (let quiet = 0; quiet < 5;) {
    await new Promise(done => setImmediate(done));
    quiet = flying ? 0 : quiet + 1;
  }
}
function rowOf(e) {
  while (e && e.tagName !== "TR") e = e.parent;
  return e ? e.textContent : "";
}
function find([place, title, row = ""]) {
  const at = [...document.getElementById(place).all()].find(e => e.tagName === "BUTTON" && e.textContent === title && rowOf(e).includes(row));
  if (!at) throw new Error(`${place} has no button ${title}: ${document.getElementById(place).textContent.slice(0, 2000)}`);
  return at;
}
async function tick() {
  const due = [...timers].filter(([, t]) => t.ms <= 2000);
  for (const [name] of due) timers.delete(name);
  for (const [, t] of due) t.act();
  await settle();
}
const ways = {
  hash: to => { location.hash = to; },
  click: what => find(what).click(),
  focus: what => find(what).focus(),
  type: ([name, value]) => { document.getElementById(name).value = value; },
  event: ([name, what]) => document.getElementById(name).dispatch(what),
  submit: name => document.getElementById(name).dispatch("submit"),
  tick: async times => { for (let i = 0; i < times; i++) await tick(); },
  hide: hidden => { document.hidden = hidden; document.dispatch("visibilitychange"); },
};

try {
  runInContext(script, createContext(globals), { filename: "dashboard.js" });
  await settle();
  for (const step of steps) {
    for (const [way, what] of Object.entries(step)) await ways[way](what);
    await settle();
  }
} catch (problem) {
  said.errors.push(String(problem.stack || problem));
}
await new Promise(done => setTimeout(done, 10));
const tags = {}, inside = {}, hidden = {};
for (const e of document.all()) {
  tags[e.tagName] = (tags[e.tagName] || 0) + 1;
  if (e.attributes.id) inside[e.attributes.id] = e.textContent, hidden[e.attributes.id] = e.hidden;
}
console.log(JSON.stringify({ ...said, missing: [...reads].filter(([, had]) => !had).map(([path]) => path), read: [...reads.keys()], text: inside,
  hidden, tags, hash: location.hash, timers: timers.size, token: kept.get("fairing-token") ?? null, focused: Element.focused?.attributes.id ?? null,
  values: Object.fromEntries([...document.all()].filter(e => e.attributes.id && e.value).map(e => [e.attributes.id, e.value])) }));
