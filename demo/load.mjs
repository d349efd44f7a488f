// load: what a shop's visitors do, from real HTTP clients: kept-alive connections, each from its own loopback
// address, browsers' Accept-Encoding, products by a Zipf law, some writes. Closed loop: each visitor sends its
// next request when the last is answered. The same seed gives each visitor the same requests in every run. Beside them
// somebody in the back office has one sales report written after the other, and takes a 202 for what it is: the
// report is fetched from the Location as soon as it is there.
//
//   node load.mjs --target http://127.0.0.1:PORT [--seconds 15] [--clients 32] [--seed 1]
//   node load.mjs --target http://127.0.0.1:PORT --guesses 100     nothing but one address that tries passwords
//   prints one JSON object: what was seen from outside.
import http from 'node:http';
import zlib from 'node:zlib';
import { parseArgs } from 'node:util';
import { text_of } from './pdf.mjs';

const { values: o } = parseArgs({ options: {
  target: { type: 'string' }, seconds: { type: 'string', default: '15' },
  clients: { type: 'string', default: '32' }, seed: { type: 'string', default: '1' },
  guesses: { type: 'string', default: '0' },
} });
const target = new URL(o.target);
const clients = Number(o.clients);
const check_one_in = 8; // answers that are decompressed, parsed and compared with what was asked

function random_from(seed) { // mulberry32
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Inverse of a Zipf law's cumulative sum, exponent 1: few are wanted by many.
function zipf(n) {
  const sums = new Float64Array(n);
  for (let i = 0, sum = 0; i < n; i++) sums[i] = sum += 1 / (i + 1);
  return (u) => {
    const wanted = u * sums[n - 1];
    let low = 0, high = n - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1; else high = middle;
    }
    return low + 1;
  };
}
const popular_product = zipf(100_000);
const popular_page = zipf(500);
const popular_category = zipf(50);
const words = ['kettle', 'oak chair', 'lamp', 'marble', 'clock', 'walnut table', 'mirror', 'steel'];
const get = (name, path, check) => ({ name, method: 'GET', path, check });
const post = (name, path, body) => ({ name, method: 'POST', path, body: JSON.stringify(body) });

// The mix. The product ids are spread so that popular ones are not neighbours.
function next_request(random) {
  const dice = random();
  const product = () => 1 + (popular_product(random()) * 7919) % 100_000;
  if (dice < 0.60) { const id = product(); return get('product', `/api/products/${id}`, (b) => b.id === id); }
  if (dice < 0.72) { const page = popular_page(random()); return get('products', `/api/products?page=${page}`, (b) => b.page === page && b.items.length === 20); }
  if (dice < 0.79) { const id = popular_category(random()); return get('category', `/api/categories/${id}/products`, (b) => b.category === id && b.items.length === 2000); }
  if (dice < 0.84) { const page = popular_page(random()); return get('orders', `/api/orders?page=${page}`, (b) => b.page === page && b.items.every((i) => i.items.length)); }
  if (dice < 0.89) return get('search', `/api/search?q=${encodeURIComponent(words[Math.floor(random() * words.length)])}`, (b) => Array.isArray(b.items));
  if (dice < 0.93) return get('categories', '/api/categories', (b) => b.items.length === 50);
  if (dice < 0.96) { const id = 1 + Math.floor(random() * 20_000); return get('customer', `/api/customers/${id}/orders`, (b) => b.customer === id); }
  if (dice < 0.995) return post('order', '/api/orders', { customer_id: 1 + Math.floor(random() * 20_000), product_id: product() });
  return get('report', '/api/report', (b) => b.items.length > 0);
}

const decoders = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync };
const result = { requests: 0, failed: 0, refused: 0, checked: 0, wrong: 0, bytes: 0, compressed: 0, orders: 0, statuses: {}, routes: {} };
const reports = { asked: 0, put_off: 0, in_hand: 0, answered_ms: [], in_hand_ms: [] };
const latencies = [];
const sockets = new Set();

function send(agent, request) {
  return new Promise((done) => {
    const headers = { 'accept-encoding': 'gzip, deflate, br', accept: 'application/json', ...request.headers };
    if (request.body) Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(request.body) });
    const r = http.request({ agent, host: target.hostname, port: target.port, method: request.method, path: request.path, headers }, (response) => {
      const chunks = [];
      response.on('data', (c) => chunks.push(c));
      response.on('end', () => done({ status: response.statusCode, location: response.headers.location, encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }));
      response.on('error', (error) => done({ error }));
    });
    if (!request.headers) r.on('socket', (socket) => sockets.add(socket)); // the visitors'
    r.on('error', (error) => done({ error }));
    r.end(request.body);
  });
}

function note(request, answer, took_ms) {
  result.requests++;
  latencies.push(took_ms);
  const route = (result.routes[request.name] ??= { requests: 0, total_ms: 0, times_ms: [] });
  route.requests++;
  route.total_ms += took_ms;
  route.times_ms.push(took_ms);
  if (answer.error) {
    result.failed++;
    result.last_error = String(answer.error);
    return;
  }
  result.statuses[answer.status] = (result.statuses[answer.status] ?? 0) + 1;
  if (answer.status === 429) result.refused++;
  else if (answer.status >= 500 || answer.status === 404) result.failed++;
  if (answer.encoding) result.compressed++;
  if (answer.status === 201 && request.name === 'order') result.orders++;
  if (request.check && answer.status === 200 && result.requests % check_one_in === 0) {
    result.checked++;
    try {
      if (!request.check(JSON.parse(decoded(answer)))) result.wrong++;
    } catch (error) {
      result.wrong++;
      result.last_error = `${request.path}: ${error.message}`;
    }
  }
}

async function visitor(index, until) {
  const random = random_from(Number(o.seed) * 1000 + index);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress: `127.0.1.${1 + index}` });
  const id = 1 + Math.floor(random() * 20_000);
  let request = post('login', '/login', { email: `customer${id}@shop.example`, password: `pw${id}` });
  for (; performance.now() < until; request = next_request(random)) {
    const began = performance.now();
    const answer = await send(agent, request);
    note(request, answer, performance.now() - began);
    if (answer.error) await new Promise((r) => setTimeout(r, 50)); // a dead target is not hammered
  }
  agent.destroy();
}

const office = { authorization: 'Bearer back-office' };
const decoded = (answer) => (decoders[answer.encoding] ?? ((b) => b))(answer.body);

// What a 202 leads to: the state until it has ended, then the answer itself.
async function collect(agent, location) {
  const ask = (path, headers) => send(agent, { method: 'GET', path, headers: { ...office, ...headers } });
  for (let tries = 0; tries < 12; tries++) {
    const state = await ask(location, { prefer: 'wait=10' });
    if (state.status === 303) return ask(state.location, {});
    if (state.status !== 200) return state;
  }
  return { error: new Error(`${location} did not end`) };
}

async function write_reports(until) {
  const random = random_from(Number(o.seed));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress: '127.0.3.1' });
  while (performance.now() < until) {
    const category = 1 + Math.floor(random() * 50);
    const began = performance.now();
    let answer = await send(agent, { ...post('', '/reports/sales', { category }), headers: office });
    reports.asked++;
    reports.answered_ms.push(performance.now() - began);
    if (answer.status === 202) {
      reports.put_off++;
      answer = await collect(agent, answer.location);
    }
    reports.in_hand_ms.push(performance.now() - began);
    if (answer.error || answer.status !== 200) {
      result.failed++;
      result.last_error = `sales report: ${answer.error ?? answer.status}`;
      await new Promise((r) => setTimeout(r, 50));
      continue;
    }
    reports.in_hand++;
    result.checked++;
    try {
      if (!text_of(decoded(answer)).includes(`Sales of category ${category}:`)) result.wrong++;
    } catch (error) {
      result.wrong++;
      result.last_error = `sales report: ${error.message}`;
    }
  }
  agent.destroy();
}

// One address tries passwords, as fast as it is let. An answer other than 429 is a password tried.
async function guess(count) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress: '127.0.2.1' });
  let tried = 0;
  for (let i = 0; i < count; i++) {
    const answer = await send(agent, post('guess', '/login', { email: 'customer1@shop.example', password: `guess${i}` }));
    if (answer.status === 401 || answer.status === 200) tried++;
  }
  agent.destroy();
  return { sent: count, tried };
}

async function visit() {
  const began = performance.now();
  const until = began + Number(o.seconds) * 1000;
  const writing = write_reports(until);
  await Promise.all(Array.from({ length: clients }, (_, i) => visitor(i, until)));
  result.seconds = (performance.now() - began) / 1000;
  for (const socket of sockets) result.bytes += socket.bytesRead;
  await writing;
  const at = (values, q) => {
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  };
  for (const route of Object.values(result.routes)) {
    route.p95_ms = at(route.times_ms, 0.95);
    delete route.times_ms;
  }
  return Object.assign(result, {
    per_second: result.requests / result.seconds,
    p50_ms: at(latencies, 0.5), p99_ms: at(latencies, 0.99), max_ms: at(latencies, 1),
    reports: { asked: reports.asked, put_off: reports.put_off, in_hand: reports.in_hand,
      p95_ms: at(reports.answered_ms, 0.95), in_hand_p95_ms: at(reports.in_hand_ms, 0.95) },
  });
}

console.log(JSON.stringify(Number(o.guesses) ? await guess(Number(o.guesses)) : await visit()));
