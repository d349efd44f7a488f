// TypeORM on node-postgres: repositories, lazy and eager relations, query runner, transactions, stream, schema synchronisation.
import 'reflect-metadata';
import typeorm from 'typeorm';
import { applicationName, bigText, check, config, fails, instance, manyTypes, ownTimeout, run, scattered, schema } from './lib.mjs';

const { DataSource, EntitySchema, In, Table } = typeorm;
const number = { type: Number, primary: true, generated: true };
const User = new EntitySchema({
  name: 'User', tableName: 'users', columns: { id: number, email: { type: 'text' }, name: { type: 'text' }, active: { type: 'boolean' } },
  relations: { orders: { type: 'one-to-many', target: 'Order', inverseSide: 'user' }, lazyOrders: { type: 'one-to-many',
    target: 'Order', inverseSide: 'user', lazy: true } },
});
const Order = new EntitySchema({
  name: 'Order', tableName: 'orders', columns: { id: number, total: { type: 'numeric' }, placed_at: { type: 'timestamptz' } },
  relations: { user: { type: 'many-to-one', target: 'User', inverseSide: 'orders', joinColumn: { name: 'user_id' } } },
});
const Note = new EntitySchema({
  name: 'Note', tableName: 'notes', columns: { id: number, title: { type: 'text' }, body: { type: 'text', nullable: true },
    stars: { type: 'int', nullable: true }, data: { type: 'bytea', nullable: true }, labels: { type: 'text', array: true,
      nullable: true } },
});
const db = new DataSource({
  type: 'postgres', host: config.host, port: config.port, username: config.user, password: config.password, database: config.database,
  applicationName, entities: [User, Order, Note], poolSize: 2, installExtensions: false,
  extra: { statement_timeout: 30000 + instance, options: `-c search_path=${schema}` },
});
const one = async (sql, args, on = db) => Object.values((await on.query(sql, args))[0])[0];
const repository = (entity) => db.getRepository(entity);

await run('connect', async () => {
  await db.initialize();
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'), await db.query(manyTypes), await db.query('select $1::int a, $2::text[] b, $3::jsonb c',
    [7, ['x', 'ünï'], { a: 1 }])];
});
await run('write and read', async () => {
  const notes = repository('Note');
  const made = await notes.save({ title: 'a', stars: 1, data: Buffer.from([0, 255]), labels: ['x', 'y"'] });
  await notes.save(Array.from({ length: 40 }, (_, i) => ({ title: `t${i}`, stars: i })));
  await notes.increment({ id: made.id }, 'stars', 5);
  await notes.upsert([{ title: 't3', body: 'ünï' }], ['title']);
  const { identifiers } = await notes.insert({ title: 'in' });
  return [await notes.findOneByOrFail({ title: 'a' }), await notes.findOneBy({ title: 't3' }), identifiers.length,
    await notes.findAndCount({ where: { stars: In([3, 4, 5]) }, order: { title: 'ASC' }, take: 2 }), await notes.sum('stars'),
      (await notes.createQueryBuilder().delete().execute()).affected];
});
await run('transactions', async () => {
  const got = [];
  got.push(await fails(db.transaction(async (manager) => {
    await manager.insert('Note', { title: 'a' });
    got.push(await fails(manager.transaction((inner) => inner.insert('Note', { title: 'a' }))));
    got.push(await manager.count('Note'), await repository('Note').count());
    await manager.query('select 1/0');
  })));
  got.push(await repository('Note').count());
  await db.transaction('REPEATABLE READ', async (manager) => {
    got.push(await one('show transaction_isolation', [], manager));
    await manager.insert('Note', { title: 'kept' });
    got.push((await manager.findOne('Note', { where: { title: 'kept' }, lock: { mode: 'pessimistic_write' } })).title);
  });
  return [...got, await one('show transaction_isolation'), (await repository('Note').createQueryBuilder().delete().execute()).affected];
});
await run('errors', async () => [
  await fails(db.query('selec 1')), await fails(db.query('select * from no_such_table where id = $1', [1])),
  await fails(repository('Order').insert({ user: { id: 999 }, placed_at: new Date(0) })),
    await fails(repository('Note').insert({ title: 'x', stars: -1 })),
  await fails(db.query('select 1 / $1::int', [0])), await one('select 1'),
]);
await run('query runner: SET, temporary table, advisory lock', async () => {
  const runner = db.createQueryRunner();
  const other = db.createQueryRunner();
  await runner.query(`set statement_timeout = ${ownTimeout}`);
  for (let i = 0; i < 15; i++) check((await one('show statement_timeout', [], runner)) === `${ownTimeout}ms`, 'SET stays with its client');
  check((await one('show statement_timeout', [], other)) === `${30000 + instance}ms`, 'and with it alone');
  await runner.query('reset statement_timeout');
  await runner.query('create temp table boom (id int, who int)');
  for (let i = 0; i < 5; i++) await runner.query('insert into boom values ($1, $2)', [i, instance]);
  const key = 7000 + instance;
  const got = [await runner.query('select count(*)::int, sum(id)::int from boom where who = $1', [instance])];
  await runner.query('drop table boom');
  got.push(await one('select pg_try_advisory_lock($1)', [key], runner), await one('select pg_try_advisory_xact_lock($1)', [key],
    other), await one('select pg_advisory_unlock($1)', [key], runner));
  await runner.startTransaction('SERIALIZABLE');
  await runner.query("set local time zone 'Europe/Riga'");
  got.push(await one('show timezone', [], runner));
  await runner.rollbackTransaction();
  got.push(await one('show timezone', [], runner));
  await runner.release();
  await other.release();
  return got;
});
await run('tables made and dropped', async () => {
  const runner = db.createQueryRunner();
  await runner.createTable(new Table({ name: 'made', columns: [{ name: 'id', type: 'serial', isPrimary: true },
    { name: 'name', type: 'text', isUnique: true }] }));
  const table = await runner.getTable('made');
  const got = [table.columns.map((c) => [c.name, c.type, c.isPrimary]), await runner.hasTable('made')];
  await runner.dropTable('made');
  got.push(await runner.hasTable('made'));
  await runner.release();
  return got;
});
await run('N+1, lazy, joined, by query', async () => {
  const orders = repository('Order');
  const users = await repository('User').find({ order: { id: 'ASC' }, take: 15 });
  const loop = [];
  for (const user of users) loop.push((await orders.find({ where: { user: { id: user.id } }, order: { id: 'ASC' } })).map((o) => o.total));
  const lazy = [];
  for (const user of users.slice(0, 8)) lazy.push((await user.lazyOrders).length);
  const read = async (relationLoadStrategy) => (await repository('User').find({ relations: { orders: true }, order: { id: 'ASC' }, take: 5,
    relationLoadStrategy })).map((u) => u.orders.map((o) => o.total).sort());
  return [loop, lazy, await read('join'), await read('query'),
    await orders.createQueryBuilder('o').innerJoinAndSelect('o.user', 'u').where('u.id in (:...ids)', { ids: [1, 2] })
      .orderBy('o.id').getMany().then((r) => r.map((o) => [o.id, o.user.name]))];
});
await run('stream, big parameter, concurrently', async () => {
  let sum = 0;
  for await (const row of await repository('Order').createQueryBuilder('o').stream()) sum += row.o_id;
  const runner = db.createQueryRunner();
  for await (const row of await runner.stream("select i, repeat('x', 20) t from generate_series(1, 100000) i")) sum += row.i;
  await runner.release();
  const text = bigText();
  const [row] = await db.query('select $1::text as t, md5($1) as m', [text]);
  const names = await Promise.all(scattered.map((id) => repository('User').findOneBy({ id }).then((u) => u.name)));
  return [sum, row.t === text, row.m, names];
});
await run('cancelled by its own time limit', async () => {
  const got = await fails(db.transaction(async (manager) => {
    await manager.query("set local statement_timeout = '50ms'");
    await manager.query('select pg_sleep(30)');
  }));
  return [got, await one('select 5')];
});
await run('end', () => db.destroy());
