// knex on node-postgres: query builder, transactions nested by savepoints, streams, migrations, timeouts that cancel.
import knex from 'knex';
import { applicationName, bigText, check, config, fails, instance, manyTypes, ownTimeout, run, schema } from './lib.mjs';

const db = knex({
  client: 'pg',
  connection: { ...config, application_name: applicationName, statement_timeout: 30000 + instance },
  searchPath: [schema],
  pool: { min: 1, max: 1 },
});
const one = async (sql, args = []) => Object.values((await db.raw(sql, args)).rows[0])[0];

await run('connect', async () => {
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'), await db.schema.hasTable('users'), await db.schema.hasTable('nothing'),
    await db('notes').columnInfo()];
});
await run('types', async () => [
  (await db.raw(manyTypes)).rows,
  (await db.raw('select ?::int a, ?::text b, ?::bytea c, ?::text[] d, ?::jsonb e, ?::text f', [7, 'ünï', Buffer.from([0, 255]),
    ['a', 'b"'], { x: 1 }, null])).rows,
]);
await run('write and read', async () => [
  await db('notes').insert([{ title: 'a', stars: 1, labels: ['x'] }, { title: 'b', stars: 2,
    data: Buffer.from('z') }]).returning(['title', 'stars']),
  await db('notes').insert({ title: 'a', stars: 9 }).onConflict('title').merge().returning('stars'),
  await db('notes').where('stars', '>', 1).update({ body: 'ünï' }),
  await db('notes').select('title', 'body', 'stars', 'data', 'labels').orderBy('title'),
  await db('notes').whereIn('title', ['a', 'b']).count('* as n').first(),
  await db.batchInsert('notes', Array.from({ length: 200 }, (_, i) => ({ title: `t${i}` })), 30).then((r) => r.length),
  await db('notes').del(),
]);
await run('transactions', async () => {
  const got = [];
  got.push(await fails(db.transaction(async (t) => {
    await t('notes').insert({ title: 'a' });
    got.push(await fails(t.transaction((s) => s('notes').insert({ title: 'a' }))));
    got.push(await t('notes').count('* as n').first());
    await t.raw('select 1/0');
  })));
  got.push(await db('notes').count('* as n').first());
  const t = await db.transaction({ isolationLevel: 'repeatable read', readOnly: true });
  got.push((await t.raw('show transaction_isolation')).rows, await fails(t('notes').insert({ title: 'x' })));
  await t.rollback();
  await db.transaction((k) => k('notes').insert({ title: 'kept' }));
  return [...got, await db('notes').del()];
});
await run('errors', async () => [
  await fails(db.raw('selec 1')), await fails(db('no_such_table').where({ id: 1 })), await fails(db.raw('select 1 / ?::int', [0])),
  await fails(db('orders').insert({ user_id: 999, placed_at: new Date(0) })), await fails(db.raw('select 1; select 1/0')),
    await one('select 1'),
]);
await run('SET, SET LOCAL, RESET', async () => {
  await db.raw(`set statement_timeout = ${ownTimeout}`);
  await db.raw("set time zone 'Asia/Tokyo'");
  for (let i = 0; i < 20; i++) check((await one('show statement_timeout')) === `${ownTimeout}ms`, 'SET stays with its client');
  const inside = await db.transaction(async (t) => {
    await t.raw("set local time zone 'Europe/Riga'");
    return (await t.raw('show timezone')).rows;
  });
  const after = await one('show timezone');
  await db.raw('reset statement_timeout; reset time zone');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'RESET gives the start-up value');
  return [inside, after, await one('show timezone')];
});
await run('schema building and migrations', async () => {
  const migration = { up: (k) => k.schema.createTable('made', (t) => { t.increments(); t.string('name').index(); t.timestamps(true,
    true); }),
    down: (k) => k.schema.dropTable('made') };
  const migrationSource = { getMigrations: async () => ['001'], getMigrationName: (m) => m, getMigration: async () => migration };
  const got = [await db.migrate.latest({ migrationSource }), await db('made').insert({ name: 'x' }).returning(['id', 'name'])];
  got.push(await db.migrate.rollback({ migrationSource }), await db.schema.hasTable('made'));
  await db.schema.dropTable('knex_migrations').dropTable('knex_migrations_lock');
  await db.schema.alterTable('notes', (t) => t.integer('extra').defaultTo(5));
  await db.schema.alterTable('notes', (t) => t.dropColumn('extra'));
  return got;
});
await run('temporary table, advisory lock', async () => {
  await db.schema.raw('create temporary table boom (id int, who int)');
  await db('boom').insert(Array.from({ length: 9 }, (_, id) => ({ id, who: instance })));
  const got = [await db('boom').where({ who: instance }).sum('id as s')];
  await db.schema.dropTable('boom');
  return [...got, await one('select pg_try_advisory_lock(?)', [7000 + instance]), await one('select pg_advisory_unlock(?)',
    [7000 + instance])];
});
await run('N+1 and eager', async () => {
  const loop = [];
  const users = await db('users').orderBy('id').limit(15).select('id');
  for (const { id } of users) loop.push(await db('orders').where({ user_id: id }).orderBy('id').pluck('total'));
  const ids = users.map((u) => u.id);
  return [loop, await db('orders').whereIn('user_id', ids).groupBy('user_id').orderBy('user_id').select('user_id').count('* as n'),
    await db('orders').join('users', 'users.id', 'orders.user_id').where('users.id', '<',
      4).orderBy('orders.id').select('orders.id', 'users.name')];
});
await run('stream', async () => {
  let sum = 0;
  for await (const row of db.raw("select i, repeat('x', 20) t from generate_series(1, ?::int) i", [100000]).stream()) sum += row.i;
  return [sum, (await db('users').stream().toArray()).length];
});
await run('big parameter', async () => {
  const text = bigText();
  const { rows: [row] } = await db.raw('select ?::text as t, md5(?) as m', [text, text]);
  return [row.t === text, row.m];
});
await run('timeout', async () => {
  await db.raw("set statement_timeout = '50ms'");
  const got = await fails(db.select(db.raw('pg_sleep(30)')));
  await db.raw('reset statement_timeout');
  return [got, await one('select 5')];
});
await run('end', () => db.destroy());
