// postgres.js: named statements by default (Parse, Describe, Flush, then Bind in a second packet), pipelining on each
// connection, transactions, cursors, COPY streams, cancel, LISTEN on a connection of its own.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { applicationName, bigText, check, config, fails, instance, manyTypes, newShape, ownTimeout, run, running, scattered, schema } from './lib.mjs';

const notices = [];
const settings = {
  ...config,
  username: config.user,
  connection: { application_name: applicationName, search_path: schema, statement_timeout: 30000 + instance, TimeZone: 'Europe/Berlin' },
  max: 1,
  onnotice: (n) => notices.push([n.severity, n.code, n.message]),
};

for (const [way, more] of Object.entries({ prepared: {}, unprepared: { prepare: false } })) {
  const sql = postgres({ ...settings, ...more });
  const other = postgres({ ...settings, ...more });
  const one = async (text, args) => Object.values((await sql.unsafe(text, args))[0])[0];

  await run(`${way}: connect`, async () => {
    check((await one('show application_name')) === applicationName, 'application_name is ours');
    check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
    return [await one('show search_path'), await one('show timezone'), sql.parameters?.TimeZone];
  });
  await run(`${way}: types`, async () => [
    [...(await sql.unsafe(manyTypes))],
    [...(await sql`select ${7}::int a, ${'ünï 😀'} b, ${Buffer.from([0, 255])}::bytea c, ${sql.array(['a', 'b"'])}::text[] d, ${new Date(0)}::timestamptz e, ${sql.json({ a: 1 })}::jsonb f, ${null}::text g, ${1n}::int8 h`)],
    [...(await sql`select id, name from users where id in ${sql([3, 1, 2])} order by id`.values())],
    (await sql`select 1 a, 'x' b`.describe()).columns.map((c) => [c.name, c.type]),
  ]);
  await run(`${way}: statements used again`, async () => {
    const got = [];
    for (let i = 1; i <= 8; i++) {
      const [user] = await sql`select name from users where id = ${i}`;
      const [count] = await sql`select count(*)::int as n from orders where user_id > ${i}`;
      got.push([user.name, count.n]);
    }
    return got;
  });
  await run(`${way}: pipelined`, async () => Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((i) =>
    i === 4 ? fails(sql`select 1 / ${0}::int as x`) : sql`select ${i}::int + ${i % 3}::int as x`.then((r) => r[0].x))));
  await run(`${way}: transactions`, async () => {
    const got = [];
    got.push(await fails(sql.begin(async (t) => {
      await t`insert into notes ${t({ title: 'a', stars: 1 })}`;
      got.push(await fails(t.savepoint((s) => s`insert into notes ${s({ title: 'a', stars: 2 })}`)));
      got.push((await t`select count(*)::int as n from notes`)[0].n);
      await t`select 1/0`;
    })));
    got.push(await one('select count(*)::int from notes'));
    got.push(await sql.begin('isolation level repeatable read read only', async (t) => [
      ...(await t`show transaction_isolation`), await t`show transaction_read_only`]));
    got.push(await sql.begin((t) => [t`insert into notes (title) values ('kept')`, t`select title from notes`]));
    return [...got, (await sql`delete from notes`).count];
  });
  await run(`${way}: errors, notices, several statements`, async () => {
    notices.length = 0;
    await sql`do $$ begin raise notice 'hello'; raise warning 'careful'; end $$`;
    return [
      notices.slice(), await fails(sql`selec 1`), await fails(sql`select * from no_such_table where id = ${1}`),
      await fails(sql`insert into orders (user_id, placed_at) values (${999}, now())`),
      await fails(sql`select ${'abc'}::text::int`), await fails(sql`insert into notes ${sql({ title: 'x', stars: -1 })}`),
      await sql.unsafe("select 1 a; insert into notes (title) values ('m'); delete from notes; select 2 b"),
      await fails(sql.unsafe("insert into notes (title) values ('gone'); select 1/0")), await one('select count(*)::int from notes'),
    ];
  });
  await run(`${way}: SET, SET LOCAL, RESET`, async () => {
    const got = [];
    await sql.unsafe(`set statement_timeout = ${ownTimeout}; set time zone 'Asia/Tokyo'`);
    for (let i = 0; i < 15; i++) check((await one('show statement_timeout')) === `${ownTimeout}ms`, 'SET stays with its client');
    got.push(await one("select (timestamptz '2024-01-01 00:00+00')::text"));
    await sql.begin(async (t) => {
      await t`set local time zone 'Europe/Riga'`;
      got.push((await t`show timezone`)[0].TimeZone);
    });
    got.push(await one('show timezone'));
    await sql`reset all`;
    check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'RESET gives the start-up value');
    return [...got, await one('show timezone')];
  });
  await run(`${way}: cached plan must not change result type`, async () => {
    const read = () => sql`select * from notes where title = ${'c'}`;
    await sql`insert into notes (title) values ('c')`;
    await read();
    await read();
    await sql`alter table notes add column extra int default 5`;
    await newShape(read(), (r) => r[0].extra === 5);
    await sql`alter table notes drop column extra`;
    await newShape(read(), (r) => !('extra' in r[0]));
    return (await sql`delete from notes`).count;
  });
  await run(`${way}: temporary table, advisory lock`, async () => {
    await sql`create temp table boom (id int, who int)`;
    for (let i = 0; i < 5; i++) await sql`insert into boom values (${i}, ${instance})`;
    const got = [await sql`select count(*)::int, sum(id)::int from boom where who = ${instance}`];
    await sql`drop table boom`;
    const key = 7000 + instance;
    return [...got, await sql`select pg_try_advisory_lock(${key}) as l`, await other`select pg_try_advisory_xact_lock(${key}) as l`,
      await sql`select pg_advisory_unlock(${key}) as u`];
  });
  await run(`${way}: LISTEN and NOTIFY`, async () => {
    const heard = [];
    let both;
    const done = new Promise((resolve) => { both = resolve; });
    const { unlisten } = await sql.listen(`room_${instance}`, (payload) => heard.push(payload) === 2 && both());
    await other.notify(`room_${instance}`, 'one');
    await sql.notify(`room_${instance}`, 'two');
    await done;
    await unlisten();
    return heard;
  });
  await run(`${way}: cancel`, async () => {
    const mark = `mark-${schema}`;
    const query = sql.unsafe(`select pg_sleep(30), '${mark}'`).execute();
    const ended = fails(query);
    await running((text) => other.unsafe(text), mark);
    query.cancel();
    return [await ended, await one('select 5')];
  });
  await run(`${way}: N+1 and eager`, async () => {
    const users = await sql`select id from users order by id limit 15`;
    const loop = [];
    for (const user of users) loop.push((await sql`select id, total from orders where user_id = ${user.id} order by id`).map((o) => o.total));
    const eager = await sql`select user_id, count(*)::int from orders where user_id = any(${users.map((u) => u.id)}) group by 1 order by 1`;
    return [loop, eager];
  });
  await run(`${way}: cursor, forEach, COPY`, async () => {
    const got = [];
    let sum = 0;
    for await (const rows of sql`select i, repeat('x', 20) t from generate_series(1, ${100000}::int) i`.cursor(5000)) sum += rows.reduce((s, r) => s + r.i, 0);
    for await (const [row] of sql`select i from generate_series(1, 1000) i`.cursor()) if (row.i === 3) break;
    await sql`select i from generate_series(1, 20000) i`.forEach((r) => { sum += r.i; });
    await pipeline(Readable.from(['x\t\\N\n', 'y\tünï\n']), await sql`copy notes (title, body) from stdin`.writable());
    const chunks = [];
    for await (const chunk of await sql`copy (select title, body from notes order by title) to stdout csv`.readable()) chunks.push(chunk);
    got.push(sum, Buffer.concat(chunks).toString(), (await sql`delete from notes`).count);
    return got;
  });
  await run(`${way}: big parameter`, async () => {
    const text = bigText();
    const [row] = await sql`select ${text}::text as t, md5(${text}) as m`;
    return [row.t === text, row.m];
  });
  await run(`${way}: reserved connection, more connections`, async () => {
    const many = postgres({ ...settings, ...more, max: 2 });
    const reserved = await many.reserve();
    const got = [(await reserved`select name from users where id = ${1}`)[0].name];
    reserved.release();
    got.push(await Promise.all(scattered.map((id) =>
      many`select name from users where id = ${id}`.then((r) => r[0].name))));
    await many.end();
    return got;
  });
  await run(`${way}: end`, async () => {
    await sql.end();
    await other.end();
  });
}
