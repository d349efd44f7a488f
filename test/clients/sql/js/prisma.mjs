// Prisma 6 with the client engine (no native engine) on @prisma/adapter-pg; run.py generates the client before.
import prisma from '@prisma/client';
import { PrismaPg } from '@prisma/adapter-pg';
import { applicationName, bigText, check, config, instance, manyTypes, ownTimeout, run, scattered, schema } from './lib.mjs';

const { Prisma, PrismaClient } = prisma;
const settings = { ...config, application_name: applicationName, statement_timeout: 30000 + instance,
  options: `-c search_path=${schema}`, max: 2 };
const db = new PrismaClient({ adapter: new PrismaPg(settings, { schema }), errorFormat: 'minimal' });
const one = async (sql, on = db) => Object.values((await on.$queryRawUnsafe(sql))[0])[0];
// What Prisma tells of an error; the adapter keeps PostgreSQL's own under meta.
const refused = async (promise) => {
  try {
    await promise;
  } catch ({ name, code, message, meta }) {
    return { name, code, message: message.replaceAll(schema, 'shop').split('\n').at(-1), meta };
  }
  throw new Error('an error was expected');
};

await run('connect', async () => {
  await db.$connect();
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'),
    await db.$queryRawUnsafe(manyTypes.replace(/,\s+'\[1,5.*/s, '').replace(/interval '[^']*' q/, '1 q')),
    await db.$queryRaw`select ${7}::int a, ${'ünï 😀'} b, ${Buffer.from([0, 255])}::bytea c, ${['x', 'y"']}::text[] d, ${new Date(0)}::timestamptz e, ${null}::text f, ${10n}::int8 g`];
});
await run('write and read', async () => [
  await db.note.create({ data: { title: 'a', stars: 1, data: Buffer.from([0, 255]), labels: ['x', 'y"'] } }),
  await db.note.createMany({ data: Array.from({ length: 40 }, (_, i) => ({ title: `t${i}`, stars: i })) }),
  await db.note.createMany({ data: [{ title: 'a' }], skipDuplicates: true }),
  await db.note.update({ where: { title: 'a' }, data: { stars: { increment: 5 }, body: 'ünï' }, select: { stars: true, body: true } }),
  await db.note.upsert({ where: { title: 't3' }, create: { title: 't3' }, update: { body: 'z' }, select: { body: true } }),
  await db.note.findMany({ where: { stars: { gt: 36 }, OR: [{ labels: { isEmpty: true } }, { title: { contains: 'A',
    mode: 'insensitive' } }] }, orderBy: { title: 'asc' }, select: { title: true } }),
  await db.note.aggregate({ _sum: { stars: true }, _count: true }),
  await db.note.findMany({ cursor: { title: 't3' }, skip: 1, take: 2, orderBy: { title: 'asc' }, select: { title: true } }),
  await db.note.updateMany({ where: { stars: { lt: 3 } }, data: { body: null } }), await db.note.deleteMany(),
]);
await run('transactions', async () => {
  const got = [];
  got.push(await refused(db.$transaction([db.note.create({ data: { title: 'a' } }), db.note.create({ data: { title: 'a' } })])));
  got.push(await db.note.count());
  got.push(await refused(db.$transaction(async (t) => {
    await t.note.create({ data: { title: 'b' } });
    got.push(await t.note.count(), await db.note.count());
    throw new Error('changed my mind');
  })));
  await db.$transaction(async (t) => {
    got.push(await one('show transaction_isolation', t));
    await t.note.create({ data: { title: 'kept' } });
    await t.$executeRawUnsafe(`set local statement_timeout = ${ownTimeout}`);
    check((await one('show statement_timeout', t)) === `${ownTimeout}ms`, 'SET LOCAL holds');
    got.push(await t.$queryRaw`select title from notes for update`);
  }, { isolationLevel: Prisma.TransactionIsolationLevel.Serializable });
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'SET LOCAL ends');
  return [...got, await one('show transaction_isolation'), await db.note.deleteMany()];
});
await run('errors', async () => [
  await refused(db.$queryRawUnsafe('selec 1')), await refused(db.$queryRaw`select * from no_such_table where id = ${1}`),
  await refused(db.order.create({ data: { userId: 999, placedAt: new Date(0) } })),
    await refused(db.note.create({ data: { title: 'x', stars: -1 } })),
  await refused(db.user.findUniqueOrThrow({ where: { id: 12345 } })), await refused(db.$queryRaw`select 1 / ${0}::int`),
    await one('select 1'),
]);
await run('N+1, include, data loader', async () => {
  const users = await db.user.findMany({ orderBy: { id: 'asc' }, take: 15 });
  const loop = [];
  for (const { id } of users) loop.push((await db.order.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })).map((o) => o.total));
  const fluent = await Promise.all(users.map(({ id }) => db.user.findUnique({ where: { id } }).orders({ orderBy: { id: 'asc' },
    select: { total: true } })));
  return [loop, fluent,
    await db.user.findMany({ take: 5, orderBy: { id: 'asc' }, select: { name: true, orders: { orderBy: { id: 'asc' }, take: 2,
      select: { total: true, placedAt: true } }, _count: { select: { orders: true } } } }),
    await db.order.groupBy({ by: ['userId'], _sum: { total: true }, having: { total: { _sum: { gt: 250 } } },
      orderBy: { userId: 'asc' } })];
});
await run('advisory lock in a transaction', async () => db.$transaction(async (t) => [
  await one(`select pg_try_advisory_xact_lock(${7000 + instance})`, t),
    await one(`select pg_try_advisory_xact_lock(${7000 + instance})`), await one('select 1', t)]));
await run('concurrently, big parameter, many rows', async () => {
  const text = bigText();
  const [row] = await db.$queryRaw`select ${text}::text as t, md5(${text}) as m`;
  const names = await Promise.all(scattered.map((id) => db.user.findFirst({ where: { id } }).then((u) => u.name)));
  return [row.t === text, row.m, names, (await db.$queryRaw`select i, repeat('x', 20) t from generate_series(1, 20000) i`).length];
});
await run('cancelled by its own time limit', async () => {
  const got = await refused(db.$transaction(async (t) => {
    await t.$executeRawUnsafe("set local statement_timeout = '50ms'");
    await t.$queryRaw`select pg_sleep(30)::text`;
  }));
  return [got, await one('select 5')];
});
await run('end', () => db.$disconnect());
