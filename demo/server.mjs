// server: the demo's shop backend, plain node:http and node-postgres, as many a real one looks: it works, and it
// makes the handbook's mistakes. Each is marked MISTAKE. Nothing in here knows of Fairing.
//
//   DATABASE_URL=postgres://... MAIL_URL=smtp://... PORT=0 node server.mjs
//   prints {"event":"ready","port":N} when it listens; GET /stats tells what it did, and the p99 of the queries since
//   the last GET /stats?window=new.
// With CONFIRMATIONS=http://..., a queue's address, orders are confirmed by jobs: put there, they come back to
// POST /jobs/confirmation, signed with WEBHOOK_SECRET.
import http from 'node:http';
import crypto from 'node:crypto';
import pg from 'pg';
import { confirmation, sales_report } from './documents.mjs';
import { refused, send_mail } from './smtp.mjs';

// MISTAKE: as many connections as there is demand for, not as many as the database has cores for.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 50 });
const stats = { requests: 0, beside: 0, queries: 0, bytes: 0, mails_lost: 0, routes: {} };
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

async function sales(c, _, url, body) {
  const id = number(String(body.category), 0);
  const [category] = await query(c, 'SELECT id, name FROM categories WHERE id = $1', [id]);
  if (!category) throw new http_error(422, `no category ${body.category}`);
  // MISTAKE: a report is written inside a request: all sales of a category are summed up and set as a PDF while the client waits.
  const months = await query(c,
    `SELECT date_trunc('month', o.created_at) AS month, count(DISTINCT o.id)::int AS orders,
            count(DISTINCT o.customer_id)::int AS customers, sum(i.quantity * p.price_cents)::bigint AS cents
     FROM order_items i JOIN orders o ON o.id = i.order_id JOIN products p ON p.id = i.product_id
     WHERE p.category_id = $1 GROUP BY 1 ORDER BY 1`, [id]);
  const sold = await query(c,
    `SELECT p.name, sum(i.quantity)::int AS sold, sum(i.quantity * p.price_cents)::bigint AS cents
     FROM order_items i JOIN products p ON p.id = i.product_id
     WHERE p.category_id = $1 GROUP BY p.id ORDER BY cents DESC, p.id LIMIT 100`, [id]);
  return { body: sales_report(category, months, sold), headers: { 'content-type': 'application/pdf' } };
}

// Some rows, a PDF, a mail: what a confirmation takes.
async function confirm(c, order_id) {
  const [order] = await query(c,
    `SELECT o.id, o.created_at, o.customer_id, c.name, c.email
     FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1`, [order_id]);
  if (!order) throw new http_error(422, `no order ${order_id}`);
  const lines = await query(c,
    `SELECT i.quantity, p.name, p.price_cents FROM order_items i JOIN products p ON p.id = i.product_id
     WHERE i.order_id = $1 ORDER BY i.line`, [order_id]);
  const earlier = await query(c, // the scan of customer_orders again
    'SELECT id, created_at, status FROM orders WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT 10',
    [order.customer_id, order_id]);
  await send_mail({
    url: process.env.MAIL_URL, from: 'orders@shop.example', to: order.email, id: `order-${order_id}@shop.example`,
    subject: `Your order ${order_id}`, text: `Thank you, ${order.name}. Your order is attached.`,
    name: `order-${order_id}.pdf`, pdf: confirmation(order, lines, earlier),
  });
}

async function put_confirmation(order_id) {
  const answer = await fetch(process.env.CONFIRMATIONS, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ payload: { order: order_id } }),
  });
  if (!answer.ok) throw new Error(`the queue of confirmations answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

// The worker: a job that is done is a 2xx; 500 is tried again later, 422 never.
async function confirmation_job(c, _, url, body) {
  try {
    await confirm(c, number(String(body.order), 0));
  } catch (error) {
    if (error instanceof refused) throw new http_error(error.code < 500 ? 500 : 422, `the mail was refused: ${error.message}`);
    throw error;
  }
  return { status: 204 };
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
  if (process.env.CONFIRMATIONS) {
    await put_confirmation(row.id);
  } else {
    // MISTAKE: the customer waits until the confirmation is written and the mail server has taken it; a mail that is
    // refused, if only for the moment, is lost.
    await confirm(c, row.id).catch(() => stats.mails_lost++);
  }
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
  ['POST', /^\/reports\/sales$/, 'sales report', sales],
  ['POST', /^\/jobs\/confirmation$/, 'confirmation', confirmation_job],
];

// Standard Webhooks: whoever does not know the secret cannot make the shop send mails.
function check_signature(request, text) {
  const field = (name) => String(request.headers[`webhook-${name}`] ?? '');
  const key = Buffer.from(String(process.env.WEBHOOK_SECRET).replace(/^whsec_/, ''), 'base64');
  const signed = `${field('id')}.${field('timestamp')}.${text}`;
  const wanted = Buffer.from(`v1,${crypto.createHmac('sha256', key).update(signed).digest('base64')}`);
  const fresh = Math.abs(Date.now() / 1000 - Number(field('timestamp'))) < 300;
  const right = field('signature').split(' ').some((s) => s.length === wanted.length &&
    crypto.timingSafeEqual(Buffer.from(s), wanted));
  if (!process.env.WEBHOOK_SECRET || !fresh || !right) throw new http_error(401, 'not signed by the queue');
}

async function read_json(request, is_job) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 65536) throw new http_error(413, 'at most 64 KiB');
  }
  if (is_job) check_signature(request, text);
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
    const body = method === 'POST' ? await read_json(request, name === 'confirmation') : null;
    const result = await handler(context, match[1] && Number(match[1]), url, body);
    const route = (stats.routes[name] ??= { requests: 0, queries: 0 });
    route.requests++;
    route.queries += context.queries;
    return result;
  }
  throw new http_error(404, `nothing at ${url.pathname}`);
}

function send(response, { status = 200, body, headers = {} }) {
  if (body === undefined) return response.writeHead(status, headers).end();
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)); // MISTAKE: never compressed
  stats.bytes += bytes.length;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://shop');
  if (url.pathname === '/stats') return send(response, statistics(url));
  if (url.pathname === '/healthz') return send(response, { body: { ok: true } });
  // What the queue and the back office ask for is counted beside the visitors' requests.
  if (/^\/(jobs|reports)\//.test(url.pathname)) stats.beside++;
  else stats.requests++;
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
