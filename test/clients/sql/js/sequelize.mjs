// Sequelize: literals in simple queries for reads, bind parameters for writes, SET at connect, managed transactions, includes.
import { DataTypes, Op, Sequelize, Transaction, fn, col } from 'sequelize';
import { applicationName, bigText, check, config, fails, instance, manyTypes, ownTimeout, run, scattered, schema } from './lib.mjs';

const db = new Sequelize({
  dialect: 'postgres', ...config, username: config.user, logging: false, timezone: '+02:00', pool: { max: 2, min: 0 },
  dialectOptions: { application_name: applicationName, statement_timeout: 30000 + instance, options: `-c search_path=${schema}`,
    clientMinMessages: 'notice' },
  define: { timestamps: false, underscored: true },
});
const User = db.define('user', { email: DataTypes.TEXT, name: DataTypes.TEXT, active: DataTypes.BOOLEAN });
const Order = db.define('order', { total: DataTypes.DECIMAL(10, 2), placedAt: DataTypes.DATE });
const Note = db.define('note', { title: DataTypes.TEXT, body: DataTypes.TEXT, stars: DataTypes.INTEGER, data: DataTypes.BLOB,
  labels: DataTypes.ARRAY(DataTypes.TEXT) });
User.hasMany(Order);
Order.belongsTo(User);
const select = (sql, more) => db.query(sql, { type: 'SELECT', ...more });
const one = async (sql, more) => Object.values((await select(sql, more))[0])[0];

await run('connect', async () => {
  await db.authenticate();
  check((await one('show application_name')) === applicationName, 'application_name is ours');
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'statement_timeout is ours');
  return [await one('show search_path'), await one('show timezone'), await one('show client_min_messages'), await db.databaseVersion()];
});
await run('types', async () => [
  await select(manyTypes),
  await select('select :a::int a, :b b, :c::text[] c', { replacements: { a: 7, b: "ünï 'q'", c: '{x}' } }),
  await select('select $1::int a, $2::text b, $3::text c', { bind: [7, 'ünï', null] }),
]);
await run('write and read', async () => {
  const note = await Note.create({ title: 'a', stars: 1, data: Buffer.from([0, 255]), labels: ['x', 'y"'] });
  await note.update({ body: 'ünï 😀' });
  await note.increment('stars', { by: 5 });
  await note.reload();
  return [
    note.get({ plain: true }), (await Note.bulkCreate(Array.from({ length: 50 }, (_, i) => ({ title: `t${i}`, stars: i })))).length,
    (await Note.upsert({ id: note.id, title: 'a', stars: 100 }))[0].stars,
      await Note.findAndCountAll({ where: { stars: { [Op.gt]: 45 } }, order: ['title'], limit: 2, raw: true }),
    (await Note.findOrCreate({ where: { title: 't3' } }))[1], await Note.update({ body: 'z' }, { where: { stars: [1, 2] },
      returning: ['title'] }).then((r) => r[0]),
    await Note.sum('stars'), await Note.destroy({ where: {} }),
  ];
});
await run('transactions', async () => {
  const got = [];
  got.push(await fails(db.transaction(async (transaction) => {
    await Note.create({ title: 'a' }, { transaction });
    got.push(await fails(db.transaction({ transaction }, (inner) => Note.create({ title: 'a' }, { transaction: inner }))));
    got.push(await Note.count({ transaction }), await Note.count());
    await select('select 1/0', { transaction });
  })));
  got.push(await Note.count());
  await db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }, async (transaction) => {
    got.push(await one('show transaction_isolation', { transaction }));
    await Note.create({ title: 'kept' }, { transaction });
    got.push((await Note.findOne({ lock: true, skipLocked: true, transaction })).title);
  });
  return [...got, await one('show transaction_isolation'), await Note.destroy({ where: {} })];
});
await run('errors', async () => [
  await fails(select('selec 1')), await fails(select('select * from no_such_table')), await fails(Order.create({ userId: 999,
    placedAt: new Date(0) })),
  await fails(Note.create({ title: 'x', stars: -1 })), await fails(Note.create({ title: null })),
    await fails(select('select 1/$1::int', { bind: [0] })), await one('select 1'),
]);
await run('SET LOCAL and SET in a transaction', async () => {
  const inside = await db.transaction(async (transaction) => {
    await db.query(`set local statement_timeout = ${ownTimeout}; set local time zone 'Europe/Riga'`, { transaction });
    check((await one('show statement_timeout', { transaction })) === `${ownTimeout}ms`, 'SET LOCAL holds');
    return one('show timezone', { transaction });
  });
  check((await one('show statement_timeout')) === `${30000 + instance}ms`, 'SET LOCAL ends');
  return [inside, await one('show timezone')];
});
await run('sync and describe', async () => {
  const Made = db.define('made', { name: { type: DataTypes.STRING, unique: true }, kind: DataTypes.JSONB });
  await Made.sync({ force: true });
  const made = await Made.create({ name: 'x', kind: { b: [1] } });
  const got = [made.get({ plain: true }), await db.getQueryInterface().describeTable({ tableName: 'mades', schema }),
    await db.getQueryInterface().showIndex({ tableName: 'mades', schema }).then((r) => r.map((i) => i.name))];
  await Made.drop({});
  return got;
});
await run('N+1, include, separate', async () => {
  const users = await User.findAll({ order: ['id'], limit: 15 });
  const loop = [];
  for (const user of users) loop.push((await user.getOrders({ order: ['id'] })).map((o) => o.total));
  const back = [];
  for (const order of await Order.findAll({ order: ['id'], limit: 15 })) back.push((await order.getUser()).name);
  const read = async (separate) => (await User.findAll({ include: [{ model: Order, separate }],
    order: separate ? ['id'] : ['id', [Order, 'id']], limit: 5 }))
    .map((u) => u.orders.map((o) => o.total).sort());
  return [loop, back, await read(false), await read(true),
    await Order.findAll({ attributes: ['userId', [fn('count', col('id')), 'n']], group: ['userId'], order: ['userId'], limit: 5,
      raw: true })];
});
await run('concurrently, big parameter, many rows', async () => {
  const text = bigText();
  const [row] = await select('select $1::text as t, md5($1) as m', { bind: [text] });
  const names = await Promise.all(scattered.map((id) => User.findByPk(id).then((u) => u.name)));
  return [row.t === text, row.m, names, (await select("select i, repeat('x', 20) t from generate_series(1, 100000) i")).length];
});
await run('cancelled by its own time limit', async () => {
  const got = await fails(db.transaction(async (transaction) => {
    await db.query("set local statement_timeout = '50ms'", { transaction });
    await select('select pg_sleep(30)', { transaction });
  }));
  return [got, await one('select 5')];
});
await run('end', () => db.close());
