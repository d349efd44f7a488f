// drizzle on node-postgres (argument "node-postgres") or on postgres.js (argument "postgres-js"): the same cases on both.
import { asc, count, eq, gt, inArray, relations, sql } from 'drizzle-orm';
import { boolean, integer, numeric, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import { applicationName, bigText, check, config, fails, instance, manyTypes, ownTimeout, run, scattered, schema } from './lib.mjs';

const users = pgTable('users', { id: serial('id').primaryKey(), email: text('email'), name: text('name'), active: boolean('active') });
const orders = pgTable('orders', { id: serial('id').primaryKey(), userId: integer('user_id'), total: numeric('total'),
  placedAt: timestamp('placed_at', { withTimezone: true }) });
const notes = pgTable('notes', { id: serial('id').primaryKey(), title: text('title').notNull(), body: text('body'),
  stars: integer('stars'), labels: text('labels').array() });
const tables = { users, orders, notes,
  usersRelations: relations(users, ({ many }) => ({ orders: many(orders) })),
  ordersRelations: relations(orders, ({ one }) => ({ user: one(users, { fields: [orders.userId], references: [users.id] }) })) };

async function open(driver) {
  if (driver === 'node-postgres') {
    const { default: pg } = await import('pg');
    const { drizzle } = await import('drizzle-orm/node-postgres');
    const pool = new pg.Pool({ ...config, application_name: applicationName, statement_timeout: 30000 + instance,
      options: `-c search_path=${schema}`, max: 1 });
    return { db: drizzle(pool, { schema: tables }), rows: (r) => r.rows, close: () => pool.end() };
  }
  const { default: postgres } = await import('postgres');
  const { drizzle } = await import('drizzle-orm/postgres-js');
  const connection = { application_name: applicationName, statement_timeout: 30000 + instance, search_path: schema };
  const client = postgres({ ...config, username: config.user, connection, max: 1 });
  return { db: drizzle(client, { schema: tables }), rows: (r) => [...r], close: () => client.end() };
}
const { db, rows, close } = await open(process.argv[2]);
const all = async (query, on = db) => rows(await on.execute(query));
const one = async (query, on) => Object.values((await all(query, on))[0])[0];

await run('connect', async () => {
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'), await all(sql.raw(manyTypes)),
    await all(sql`select ${7}::int a, ${'ünï 😀'}::text b, ${null}::text c`)];
});
await run('write and read', async () => [
  await db.insert(notes).values([{ title: 'a', stars: 1, labels: ['x', 'y"'] }, { title: 'b', stars: 2 }])
    .returning({ title: notes.title, stars: notes.stars }),
  await db.insert(notes).values({ title: 'a', stars: 9 })
    .onConflictDoUpdate({ target: notes.title, set: { stars: 9 } }).returning({ stars: notes.stars }),
  await db.update(notes).set({ body: 'ünï' }).where(gt(notes.stars, 1)).returning({ title: notes.title }),
  await db.select({ title: notes.title, labels: notes.labels }).from(notes).orderBy(asc(notes.title)),
  await db.$count(notes, gt(notes.stars, 3)), (await db.delete(notes).returning()).length,
]);
await run('prepared', async () => {
  const byId = db.select({ name: users.name }).from(users).where(eq(users.id, sql.placeholder('id'))).prepare('by_id');
  const withOrders = db.query.users.findFirst({ where: eq(users.id, sql.placeholder('id')),
    with: { orders: { orderBy: asc(orders.id), columns: { total: true } } } }).prepare('with_orders');
  const got = [];
  for (let id = 1; id <= 8; id++) got.push((await byId.execute({ id }))[0].name,
    (await withOrders.execute({ id })).orders.map((o) => o.total));
  return got;
});
await run('transactions', async () => {
  const got = [];
  got.push(await fails(db.transaction(async (t) => {
    await t.insert(notes).values({ title: 'a' });
    got.push(await fails(t.transaction((s) => s.insert(notes).values({ title: 'a' }))));
    got.push(await t.select({ n: count() }).from(notes));
    await t.execute(sql`select 1/0`);
  })));
  got.push(await db.$count(notes));
  got.push((await fails(db.transaction(async (t) => { await t.insert(notes).values({ title: 'b' }); t.rollback(); }))).type);
  await db.transaction(async (t) => {
    got.push(await one(sql`show transaction_isolation`, t));
    got.push(await fails(t.transaction((s) => s.insert(notes).values({ title: 'x' }))));
  }, { isolationLevel: 'serializable', accessMode: 'read only' });
  return [...got, await db.$count(notes), await one('show transaction_isolation')];
});
await run('errors', async () => [
  await fails(db.execute('selec 1')), await fails(db.execute(sql`select * from no_such_table where id = ${1}`)),
  await fails(db.insert(orders).values({ userId: 999, placedAt: new Date(0) })),
  await fails(db.insert(notes).values({ title: 'x', stars: -1 })),
  await fails(db.execute(sql`select 1 / ${0}::int`)), await one('select 1'),
]);
await run('SET, SET LOCAL, RESET', async () => {
  await db.execute(`set statement_timeout = ${ownTimeout}`);
  for (let i = 0; i < 15; i++) check((await one('show statement_timeout')) === `${ownTimeout}ms`, 'SET stays with its client');
  const inside = await db.transaction(async (t) => {
    await t.execute("set local time zone 'Europe/Riga'");
    return one('show timezone', t);
  });
  await db.execute('reset statement_timeout');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'RESET gives the start-up value');
  return [inside, await one('show timezone')];
});
await run('temporary table, advisory lock', async () => {
  await db.execute('create temp table boom (id int, who int)');
  for (let i = 0; i < 5; i++) await db.execute(sql`insert into boom values (${i}, ${instance})`);
  const got = [await all(sql`select count(*)::int, sum(id)::int from boom where who = ${instance}`)];
  await db.execute('drop table boom');
  const key = 7000 + instance;
  return [...got, await one(sql`select pg_try_advisory_lock(${key})`), await one(sql`select pg_advisory_unlock(${key})`)];
});
await run('N+1, with, joined', async () => {
  const found = await db.select().from(users).orderBy(asc(users.id)).limit(15);
  const loop = [];
  for (const user of found) {
    const own = await db.select({ total: orders.total }).from(orders).where(eq(orders.userId, user.id)).orderBy(asc(orders.id));
    loop.push(own.map((o) => o.total));
  }
  return [loop,
    await db.query.users.findMany({ limit: 5, orderBy: asc(users.id), columns: { name: true },
      with: { orders: { orderBy: asc(orders.id), columns: { total: true, placedAt: true } } } }),
    await db.select({ id: orders.id, name: users.name }).from(orders)
      .innerJoin(users, eq(users.id, orders.userId)).where(inArray(users.id, [1, 2])).orderBy(asc(orders.id))];
});
await run('concurrently, big parameter, many rows', async () => {
  const value = bigText();
  const [row] = await all(sql`select ${value}::text as t, md5(${value}) as m`);
  const nameOf = async (id) => (await db.select({ name: users.name }).from(users).where(eq(users.id, id)))[0].name;
  const names = await Promise.all(scattered.map(nameOf));
  return [row.t === value, row.m, names, (await all("select i, repeat('x', 20) t from generate_series(1, 100000) i")).length];
});
await run('cancelled by its own time limit', async () => {
  const got = await fails(db.transaction(async (t) => {
    await t.execute("set local statement_timeout = '50ms'");
    await t.execute('select pg_sleep(30)');
  }));
  return [got, await one('select 5')];
});
await run('end', async () => { await close(); });
