// What every JavaScript client of the matrix shares: where the server is, and how observed values are printed.
//
// Flow: `await run('name of the case', async () => value)`: the value becomes one JSON line of the transcript. A case that
// throws ends the program with exit code 1; an error that is wanted is taken with `fails(...)`, which makes it a value.
import { setTimeout as pause } from 'node:timers/promises';

const env = process.env;
export const config = {
  host: env.PGHOST,
  port: Number(env.PGPORT),
  user: env.PGUSER,
  password: env.PGPASSWORD,
  database: env.PGDATABASE,
};
export const schema = env.SCHEMA;
export const instance = Number(env.INSTANCE);
export const url = env.DATABASE_URL;
export const applicationName = `matrix-${schema}`;
// Differs from one instance to the next and never needs rounding.
export const ownTimeout = 5000 + instance;

const plain = (value) => {
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (value instanceof Date) return `date:${value.toISOString()}`;
  if (typeof value === 'bigint') return `bigint:${value}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return `number:${value}`;
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') {
    if (typeof value.toJSON === 'function') return plain(value.toJSON());
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
};

export async function run(name, body) {
  try {
    process.stdout.write(`${JSON.stringify({ case: name, got: plain(await body()) })}\n`);
  } catch (error) {
    process.stderr.write(`case '${name}': ${error?.stack ?? error}\n${JSON.stringify(failure(error))}\n`);
    process.exit(1);
  }
}

export function check(condition, what) {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

// An error as PostgreSQL sent it, wherever the client's own error keeps it.
export function failure(error) {
  let inner = error;
  for (let next = error; next; next = next.cause ?? next.original ?? next.parent ?? next.driverError) {
    inner = next;
    if (next.severity) break;
  }
  const fields = ['severity', 'code', 'message', 'detail', 'position', 'constraint', 'constraint_name', 'table', 'column'];
  const found = Object.fromEntries(fields.filter((f) => inner[f] !== undefined).map((f) => [f, inner[f]]));
  return { type: error.constructor.name, ...found };
}

export async function fails(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return failure(error);
  }
  throw new Error(`an error was expected, got ${JSON.stringify(plain(value))}`);
}

// After ALTER TABLE a prepared statement either fails as PostgreSQL's own does, or has the new columns: a pooler that prepares it
// on another server gives the second. Old columns are wrong.
export async function newShape(promise, holds) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    const { code, message } = failure(error);
    check(code === '0A000' && message === 'cached plan must not change result type', `${code} ${message} is 0A000`);
    return;
  }
  check(holds(value), `the new columns: ${JSON.stringify(plain(value))}`);
}

export async function until(condition) {
  for (const end = Date.now() + 20000; Date.now() < end; await pause(10)) {
    if (await condition()) return;
  }
  throw new Error('waited 20 s in vain');
}

// True on `query(sql)` -> rows once the server runs a statement that contains `mark`.
export const running = (query, mark) => until(async () => {
  const rows = await query(`select count(*)::int as n from pg_stat_activity where state = 'active'
    and pid <> pg_backend_pid() and query like '%${mark}%'`);
  return rows[0].n > 0;
});

// About 5 MB of text that no compression guesses, the same in every run.
export function bigText() {
  let seed = 12345;
  const parts = [];
  for (let i = 0; i < 160000; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    parts.push(`${seed.toString(36).padStart(7, '0')}-привет-${i % 10}`);
  }
  return parts.join('\n');
}

// Ids of twenty users, in an order that no list has: neighbours stand 17 rows apart in the lists that were read before. The
// ids 1 to 20 in a row would run down the first list that has them, and then look-ups at once are an N+1 loop on the wire.
export const scattered = Array.from({ length: 20 }, (_, i) => 1 + (i * 17) % 40);

export const manyTypes = `select 1::int2 a, 2::int4 b, 9007199254740993::int8 c, 1.5::float4 d, 'NaN'::float8 e,
  123456.789::numeric f, true g, null::text h, 'ünï 😀'::text i, '\\x00ff10'::bytea j, '{1,null,3}'::int[] k,
  '{"a b",NULL,"c\\"d"}'::text[] l, '{"x": [1, 2]}'::jsonb m, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid n,
  timestamptz '2024-02-29 12:34:56.789+02' o, date '2024-02-29' p, interval '1 day 02:03:04' q, '10.0.0.0/8'::cidr r,
  '[1,5)'::int4range s, point(1, 2) t`;
