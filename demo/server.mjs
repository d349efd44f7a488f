// server: the demo's shop backend, plain node:http and node-postgres, as many a real one looks: it works, and it
// makes the handbook's mistakes. Each is marked MISTAKE. Nothing in here knows of Fairing.
//
//   DATABASE_URL=postgres://... PORT=0 node server.mjs
//   prints {"event":"ready","port":N} when it listens; GET /stats tells what it did, and the p99 of the queries since
//   the last GET /stats?window=new.
import http from 'node:http';
import crypto from 'node:crypto';
import pg from 'pg';

// MISTAKE: as many connections as there is demand for, not as many as the database has cores for.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 50 });
const stats = { requests: 0, queries: 0, bytes: 0, routes: {} };
let waits_ms = []; // of the window: for a connection of the pool above
let queries_ms = []; // of the window: from the call to the rows, the wait included

// Every SQL query goes through here, so that it can be counted and timed.
async function query(context, text, values) {
  stats.queries++;
  context.queries++;
  const began = performance.now();
  const client = await pool.connect();
  waits_ms.push(performance.now() - began);
  try {
    return (await client.query(text, values)).rows;
  } finally {
    client.release();
    queries_ms.push(performance.now() - began);
  }
}

function p99(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
}

function statistics(url) {
  const body = { ...stats, pool_wait_p99_ms: p99(waits_ms), query_p99_ms: p99(queries_ms) };
  if (url.searchParams.get('window') === 'new') {
    waits_ms = [];
    queries_ms = [];
  }
  return { body };
}

class http_error extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const page_size = 20;
const number = (text, fallback) => (/^\d{1,9}$/.test(text ?? '') ? Number(text) : fallback);

async function product(c, id) {
  const [row] = await query(c,
    `SELECT p.id, p.name, p.description, p.price_cents, p.stock, c.name AS category
     FROM products p JOIN categories c ON c.id = p.category_id WHERE p.id = $1`, [id]);
  if (!row) throw new http_error(404, `no product ${id}`);
  const related = await query(c,
    `SELECT id, name, price_cents FROM products
     WHERE category_id = (SELECT category_id FROM products WHERE id = $1) AND id <> $1
     ORDER BY id LIMIT 12`, [id]);
  return { body: { ...row, related }, headers: { 'cache-control': 'public, max-age=30' } };
}

async function products(c, _, url) {
  const page = number(url.searchParams.get('page'), 1);
  // MISTAKE: OFFSET pagination, over a column without index: each page sorts all 100,000 rows.
  const items = await query(c,
    'SELECT id, name, price_cents FROM products ORDER BY price_cents, id LIMIT $1 OFFSET $2',
    [page_size, (page - 1) * page_size]);
  return { body: { page, items } };
}

async function category_products(c, id) {
  // MISTAKE: a list without pagination: 2,000 elements in one answer.
  const items = await query(c,
    'SELECT id, name, description, price_cents, stock FROM products WHERE category_id = $1 ORDER BY id', [id]);
  return { body: { category: id, items } };
}

async function orders(c, _, url) {
  const page = number(url.searchParams.get('page'), 1);
  const items = await query(c, 'SELECT * FROM orders ORDER BY id DESC LIMIT $1 OFFSET $2',
    [page_size, (page - 1) * page_size]);
  // MISTAKE: N+1: one query for each order's lines and one for each order's customer.
  for (const order of items) {
    order.items = await query(c,
      `SELECT i.line, i.quantity, p.id, p.name, p.price_cents
       FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = $1 ORDER BY i.line`, [order.id]);
    [order.customer] = await query(c, 'SELECT id, name FROM customers WHERE id = $1', [order.customer_id]);
  }
  return { body: { page, items } };
}

async function customer_orders(c, id) {
  // MISTAKE: orders.customer_id has no index: a scan of 500,000 rows.
  const items = await query(c, 'SELECT * FROM orders WHERE customer_id = $1 ORDER BY id DESC LIMIT 20', [id]);
  return { body: { customer: id, items }, headers: { 'cache-control': 'private, no-cache' } };
}

async function search(c, _, url) {
  const words = url.searchParams.get('q') ?? '';
  const items = await query(c,
    'SELECT id, name, price_cents FROM products WHERE name ILIKE $1 ORDER BY id LIMIT 20', [`%${words}%`]);
  return { body: { q: words, items } };
}

async function report(c) {
  // MISTAKE: expensive work inside a request: a million order lines summed up while the client waits.
  const items = await query(c,
    `SELECT p.category_id, date_trunc('month', o.created_at) AS month, o.status, count(*)::int AS lines,
            sum(i.quantity * p.price_cents)::bigint AS cents, count(DISTINCT o.customer_id)::int AS customers
     FROM order_items i JOIN orders o ON o.id = i.order_id JOIN products p ON p.id = i.product_id
     WHERE p.category_id <= 10
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 100`);
  return { body: { items } };
}

async function create_order(c, _, url, body) {
  const customer = number(String(body.customer_id), 0);
  const product_id = number(String(body.product_id), 0);
  if (!customer || !product_id) throw new http_error(422, 'customer_id and product_id are needed');
  const [row] = await query(c,
    `WITH o AS (INSERT INTO orders SELECT nextval('orders_id'), $1, now(), 'paid' RETURNING id),
          i AS (INSERT INTO order_items SELECT id, 1, $2, 1 FROM o)
     UPDATE products SET stock = greatest(stock - 1, 0) WHERE id = $2
     RETURNING (SELECT id FROM o) AS id`, [customer, product_id]);
  if (!row) throw new http_error(422, `no product ${product_id}`);
  return { status: 201, body: { id: row.id }, headers: { location: `/api/orders/${row.id}` } };
}

async function login(c, _, url, body) {
  // MISTAKE: nothing limits how many passwords may be tried.
  const hash = crypto.createHash('sha256').update(String(body.password)).digest('hex');
  const [row] = await query(c, 'SELECT id FROM customers WHERE email = $1 AND password_hash = $2',
    [String(body.email), hash]);
  if (!row) throw new http_error(401, 'wrong email or password');
  const session = crypto.randomBytes(16).toString('hex');
  return { body: { customer: row.id }, headers: { 'set-cookie': `session=${session}; HttpOnly; Path=/` } };
}

async function categories(c) {
  return { body: { items: await query(c, 'SELECT id, name FROM categories ORDER BY id') } };
}

// [method, path pattern, name, handler]; a numeric segment is handed to the handler.
const routes = [
  ['GET', /^\/api\/products\/(\d{1,9})$/, 'product', product],
  ['GET', /^\/api\/products$/, 'products', products],
  ['GET', /^\/api\/categories\/(\d{1,9})\/products$/, 'category', category_products],
  ['GET', /^\/api\/categories$/, 'categories', categories],
  ['GET', /^\/api\/orders$/, 'orders', orders],
  ['GET', /^\/api\/customers\/(\d{1,9})\/orders$/, 'customer', customer_orders],
  ['GET', /^\/api\/search$/, 'search', search],
  ['GET', /^\/api\/report$/, 'report', report],
  ['POST', /^\/api\/orders$/, 'order', create_order],
  ['POST', /^\/login$/, 'login', login],
];

async function read_json(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 65536) throw new http_error(413, 'at most 64 KiB');
  }
  try {
    return JSON.parse(text || '{}');
  } catch {
    throw new http_error(400, 'the body is not JSON');
  }
}

async function answer(request, url) {
  for (const [method, pattern, name, handler] of routes) {
    const match = request.method === method || (request.method === 'HEAD' && method === 'GET')
      ? pattern.exec(url.pathname) : null;
    if (!match) continue;
    const context = { queries: 0 };
    const body = method === 'POST' ? await read_json(request) : null;
    const result = await handler(context, match[1] && Number(match[1]), url, body);
    const route = (stats.routes[name] ??= { requests: 0, queries: 0 });
    route.requests++;
    route.queries += context.queries;
    return result;
  }
  throw new http_error(404, `nothing at ${url.pathname}`);
}

function send(response, { status = 200, body, headers = {} }) {
  const text = JSON.stringify(body); // MISTAKE: never compressed
  stats.bytes += Buffer.byteLength(text);
  response.writeHead(status, {
    'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers,
  });
  response.end(text);
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://shop');
  if (url.pathname === '/stats') return send(response, statistics(url));
  if (url.pathname === '/healthz') return send(response, { body: { ok: true } });
  stats.requests++;
  try {
    send(response, await answer(request, url));
  } catch (error) {
    if (!error.status) console.error(error);
    send(response, { status: error.status ?? 500, body: { error: error.status ? error.message : 'internal' } });
  }
});
server.keepAliveTimeout = 65_000;
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'ready', port: server.address().port }));
});

async function stop() {
  server.close();
  server.closeAllConnections?.();
  await pool.end();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
