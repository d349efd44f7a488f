// node-postgres: its simple, extended and named forms, cursor, query stream, copy streams, pool.
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { applicationName, bigText, check, config, fails, instance, manyTypes, newShape, ownTimeout, run, running, scattered, schema,
  until } from './lib.mjs';

const settings = {
  ...config,
  application_name: applicationName,
  statement_timeout: 30000 + instance,
  options: `-c search_path=${schema} -c extra_float_digits=1`,
};
const client = new pg.Client(settings);
const other = new pg.Client(settings);
const notices = [];
client.on('notice', (n) => notices.push([n.severity, n.code, n.message]));
const rows = async (...q) => (await client.query(...q)).rows;
const one = async (...q) => Object.values((await rows(...q))[0])[0];

await run('connect', async () => {
  await client.connect();
  await other.connect();
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'), await one('show extra_float_digits'), await one('select current_user')];
});
await run('types, simple', async () => {
  const result = await client.query(manyTypes);
  return [result.rows, result.fields.map((f) => [f.name, f.dataTypeID, f.dataTypeModifier, f.format])];
});
await run('types, extended and binary', async () => [
  await rows({ text: `${manyTypes} where $1::int = 1`, values: [1] }),
  await rows({ text: 'select $1::int4 a, $2::text b, $3::bytea c, $4::text[] d, $5::timestamptz e, $6::jsonb f, $7::text g',
    values: [7, 'ünï', Buffer.from([0, 255]), ['a', null, '"'], new Date(0), { a: 1 }, null] }),
  await rows({ text: 'select id, name, active from users where id < $1 order by id', values: [4], binary: true }),
  await rows({ text: 'select id, name from users where id = any($1) order by id', values: [[3, 1, 2]], rowMode: 'array' }),
]);
await run('named statements', async () => {
  const got = [];
  for (let i = 1; i <= 8; i++) {
    got.push(await one({ name: 'by_id', text: 'select name from users where id = $1', values: [i] }));
    got.push(await one({ name: `n${i % 3}`, text: `select count(*)::int from orders where user_id > $1 and ${i % 3} >= 0`, values: [i] }));
  }
  got.push(await fails(client.query({ name: 'by_id', text: 'select 1' })));
  return got;
});
await run('SQL PREPARE, DEALLOCATE, DISCARD ALL', async () => {
  const got = [];
  await client.query('prepare p1(int) as select name from users where id = $1');
  got.push(await one('execute p1(3)'));
  await client.query('deallocate p1');
  got.push(await fails(client.query('execute p1(3)')));
  got.push(await fails(client.query('deallocate p1')));
  await client.query('prepare p2 as select 2');
  got.push(await one('execute p2'));
  await client.query('deallocate all');
  got.push(await fails(client.query('execute p2')));
  await client.query('set work_mem = \'7MB\'');
  await client.query('discard all');
  got.push(await one('show work_mem'), await one('show search_path'));
  return got;
});
await run('transactions', async () => {
  const got = [];
  await client.query('begin');
  await client.query('insert into notes (title, stars) values ($1, $2)', ['a', 1]);
  await client.query('savepoint s');
  got.push(await fails(client.query('insert into notes (title, stars) values ($1, $2)', ['a', 2])));
  got.push(await fails(client.query('select 1')));
  await client.query('rollback to savepoint s');
  got.push(await one('select count(*)::int from notes'));
  await client.query('rollback');
  got.push(await one('select count(*)::int from notes'));
  await client.query('begin isolation level repeatable read read only');
  got.push(await one('show transaction_isolation'), await fails(client.query("insert into notes (title) values ('x')")));
  got.push((await client.query('commit')).command);
  await client.query('begin');
  got.push((await client.query("insert into notes (title) values ('kept') returning id, title")).rows,
    (await client.query('commit')).command);
  got.push((await client.query('delete from notes')).rowCount);
  return got;
});
await run('errors', async () => [
  await fails(client.query('selec 1')),
  await fails(client.query('select * from no_such_table')),
  await fails(client.query('select 1 / $1::int', [0])),
  await fails(client.query('insert into orders (user_id, placed_at) values (999, now())')),
  await fails(client.query('insert into notes (title, stars) values ($1, -1)', ['x'])),
  await fails(client.query('select $1::int', ['abc'])),
  await fails(client.query("do $$ begin raise exception 'boom' using errcode = 'ZZ001', detail = 'why', hint = 'do'; end $$")),
  await one('select 1'),
]);
await run('notices', async () => {
  notices.length = 0;
  await client.query("do $$ begin raise notice 'hello %', 1; raise warning 'careful'; end $$");
  await client.query('drop table if exists never_there');
  return notices;
});
await run('multi-statement', async () => {
  const results = await client.query("select 1 a; insert into notes (title) values ('m'); select title from notes; delete from notes");
  const after = await fails(client.query("insert into notes (title) values ('gone'); select 1/0; select 2"));
  return [results.map((r) => [r.command, r.rowCount, r.rows]), after, await one('select count(*)::int from notes')];
});
await run('SET, SET LOCAL, RESET', async () => {
  const got = [];
  await client.query(`set statement_timeout = ${ownTimeout}`);
  await client.query("set time zone 'Asia/Tokyo'; set datestyle = 'German'");
  for (let i = 0; i < 20; i++) check((await one('show statement_timeout')) === `${ownTimeout}ms`, 'SET stays with its client');
  got.push(await one("select (timestamptz '2024-01-01 00:00+00')::text"));
  await client.query("begin; set local time zone 'America/New_York'");
  got.push(await one('show timezone'));
  await client.query('commit');
  got.push(await one('show timezone'));
  await client.query("begin; set time zone 'Europe/Riga'; rollback");
  got.push(await one('show timezone'));
  await client.query("select set_config('my.tenant', 'tenant-' || $1, false)", [instance]);
  check((await one("select current_setting('my.tenant')")) === `tenant-${instance}`, 'set_config stays with its client');
  await client.query('reset statement_timeout; reset time zone; reset datestyle; reset my.tenant');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'RESET gives the start-up value');
  return got;
});
await run('temporary table, WITH HOLD cursor', async () => {
  await client.query('create temp table boom (id int, who int)');
  for (let i = 0; i < 5; i++) await client.query('insert into boom values ($1, $2)', [i, instance]);
  const got = [await rows('select id from boom order by id'), await one(`select count(*)::int from boom where who <> ${instance}`)];
  await client.query('drop table boom');
  await client.query('declare held cursor with hold for select id from users order by id');
  got.push(await rows('fetch 3 from held'), await one('select 1'), await rows('fetch 2 from held'));
  await client.query('close held');
  got.push(await fails(client.query('fetch 1 from held')));
  return got;
});
await run('advisory lock', async () => {
  const key = 7000 + instance;
  const otherOne = async (sql) => Object.values((await other.query(sql)).rows[0])[0];
  return [await one(`select pg_advisory_lock(${key})`), await otherOne(`select pg_try_advisory_xact_lock(${key})`), await one('select 2'),
    await one(`select pg_advisory_unlock(${key})`), await otherOne(`select pg_try_advisory_xact_lock(${key})`)];
});
await run('LISTEN and NOTIFY', async () => {
  const heard = [];
  client.on('notification', (n) => heard.push(n.payload));
  await client.query(`listen room_${instance}`);
  await other.query(`select pg_notify('room_${instance}', 'one')`);
  await other.query(`notify room_${instance}, 'two'`);
  await until(async () => heard.length >= 2);
  await client.query('unlisten *');
  await other.query(`notify room_${instance}, 'nobody'`);
  await client.query('select 1');
  return heard;
});
await run('cached plan must not change result type', async () => {
  const read = () => client.query({ name: 'star', text: 'select * from notes where title = $1', values: ['c'] });
  await client.query("insert into notes (title) values ('c')");
  await read();
  await read();
  await client.query('alter table notes add column extra int default 5');
  await newShape(read(), (r) => r.rows[0].extra === 5);
  await client.query('alter table notes drop column extra');
  await newShape(read(), (r) => !('extra' in r.rows[0]));
  return (await client.query('delete from notes')).rowCount;
});
await run('cancel', async () => {
  const mark = `mark-${schema}`;
  const query = new pg.Query(`select pg_sleep(30), '${mark}'`);
  const ended = new Promise((resolve, reject) => { query.on('error', reject); query.on('end', resolve); });
  client.query(query);
  await running(async (sql) => (await other.query(sql)).rows, mark);
  new pg.Client(settings).cancel(client, query);
  return [await fails(ended), await one('select 5')];
});
await run('N+1 and eager', async () => {
  const loop = [];
  for (const user of await rows('select id from users order by id limit 15')) {
    loop.push((await rows('select id, total from orders where user_id = $1 order by id', [user.id])).map((o) => o.total).join());
  }
  return [loop, await rows('select user_id, count(*)::int, sum(total) from orders where user_id = any($1) group by 1 order by 1',
    [[1, 2, 3]])];
});
await run('cursor and stream', async () => {
  const cursor = client.query(new Cursor('select i from generate_series(1, $1) i', [1000]));
  const got = [(await cursor.read(3)).map((r) => r.i), (await cursor.read(500)).length];
  await cursor.close();
  let count = 0, sum = 0;
  for await (const row of client.query(new QueryStream('select i, repeat(\'x\', 20) t from generate_series(1, 100000) i', [],
    { batchSize: 1000 }))) {
    count += 1;
    sum += row.i + row.t.length;
  }
  return [...got, count, sum, (await rows('select i from generate_series(1, 100000) i')).length];
});
await run('COPY', async () => {
  await pipeline(Readable.from(['c1\tone\n', 'c2\t\\N\n', 'c3\tünï\n']), client.query(copyFrom('copy notes (title, body) from stdin')));
  const chunks = [];
  for await (const chunk of client.query(copyTo('copy (select title, body from notes order by title) to stdout csv header'))) chunks.push(chunk);
  const bad = await fails(pipeline(Readable.from(['c9\tx\ttoo many\n']), client.query(copyFrom('copy notes (title, body) from stdin'))));
  return [Buffer.concat(chunks).toString(), bad, (await client.query('delete from notes')).rowCount];
});
await run('big parameter', async () => {
  const text = bigText();
  const [back] = await rows('select $1::text as t, length($1) n, md5($1) m', [text]);
  return [back.t === text, back.n, back.m];
});
await run('queued queries', async () => Promise.all([1, 2, 3, 4, 5, 6].map((i) =>
  i === 4 ? fails(client.query('select 1 / $1::int', [0])) : one(i % 2 ? 'select $1::int' : { name: 'q', text: 'select $1::int' ,
    values: [i] }, i % 2 ? [i] : undefined))));
await run('pool', async () => {
  const pool = new pg.Pool({ ...settings, max: 2 });
  const got = await Promise.all(scattered.map((id) => pool.query('select name from users where id = $1', [id])));
  await pool.end();
  return got.map((r) => r.rows[0].name);
});
await run('end', async () => {
  await client.end();
  await other.end();
});
