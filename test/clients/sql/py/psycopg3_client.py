"""psycopg 3: extended queries with binary parameters, statements prepared after 5 uses, pipeline mode, COPY, cursors."""
import threading
from datetime import datetime, timezone

import psycopg
from lib import APPLICATION, INSTANCE, MANY_TYPES, MARK, OWN_TIMEOUT, RUNNING, SCHEMA
from lib import big_text, case, check, fails, new_shape, until
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb


def connect(**more):
    options = f"-c search_path={SCHEMA} -c statement_timeout={30000 + INSTANCE}"
    return psycopg.connect(autocommit=True, application_name=APPLICATION, options=options, **more)


connection = connect()
other = connect()
notices = []
connection.add_notice_handler(lambda d: notices.append([d.severity, d.sqlstate, d.message_primary]))


def rows(sql, args=None, on=connection, **more):
    cursor = on.execute(sql, args, **more)
    return cursor.fetchall() if cursor.description else cursor.statusmessage


def one(sql, args=None, on=connection, **more):
    return rows(sql, args, on, **more)[0][0]


@case("connect")
def _():
    check(one("show application_name") == APPLICATION, "application_name is ours")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "statement_timeout is ours")
    info = connection.info
    return [one("show search_path"), info.encoding, info.server_version, str(info.timezone), info.parameter_status("DateStyle")]


@case("types")
def _():
    got = [connection.cursor(row_factory=dict_row).execute(MANY_TYPES).fetchall()]
    got.append(connection.cursor(binary=True).execute(MANY_TYPES).fetchall())
    args = (7, 40000, 1 << 40, "ünï'\\", None, b"\x00\xff", [1, None, 70000], ["a", 'b"'], 1.5, True, Jsonb({"a": 1}),
            datetime(2024, 2, 29, tzinfo=timezone.utc))  # fmt: skip
    cursor = connection.execute("select " + ", ".join(["%s"] * len(args)), args)
    return [*got, cursor.fetchall(), [(c.name, c.type_code) for c in cursor.description]]


@case("prepared after five uses")
def _():
    got = []
    for i in range(1, 12):  # by value: smallint, then int: two statements with one text
        got.append(one("select name from users where id = %s", (i,)))
        got.append(one("select %s::text", (i * 10000,)))
        got.append(rows("select id, total from orders where user_id = %s and total > %s order by id", (i, 3.5)))
    got += [one("select 5 + %s", (1,), prepare=True) for _ in range(3)]
    connection.prepared_max = 2  # evicts with DEALLOCATE
    for i in range(4):
        got += [one(f"select {i} + %s", (k,), prepare=True) for k in range(3)]
    connection.prepared_max = 100
    return got


@case("cached plan must not change result type")
def _():
    rows("insert into notes (title) values ('c')")

    def read():
        return connection.cursor(row_factory=dict_row).execute("select * from notes where title = %s", ("c",), prepare=True).fetchall()[0]

    read()
    read()
    rows("alter table notes add column extra int default 5")
    new_shape(read, lambda r: r["extra"] == 5)
    rows("alter table notes drop column extra")
    new_shape(read, lambda r: "extra" not in r)
    return rows("delete from notes")


@case("transactions")
def _():
    got = []

    def insert(title, stars):
        with connection.transaction():
            return rows("insert into notes (title, stars) values (%s, %s) returning title", (title, stars))

    with connection.transaction(force_rollback=True):
        got.append(insert("a", 1))
        got.append(fails(insert, "a", 2))
        got.append(one("select count(*) from notes"))
    got.append(one("select count(*) from notes"))
    connection.autocommit = False
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    got.append([one("show transaction_isolation"), fails(rows, "insert into notes (title) values ('x')"), fails(rows, "select 1")])
    connection.rollback()
    connection.isolation_level = connection.read_only = None
    rows("insert into notes (title) values ('kept')")
    connection.commit()
    got.append(rows("delete from notes returning title"))
    connection.commit()
    connection.autocommit = True
    with connection.transaction("outer"), connection.transaction("inner"):
        got.append(connection.info.transaction_status.name)
    return got


@case("errors")
def _():
    notices.clear()
    rows("do $$ begin raise notice 'hello'; raise warning 'careful'; end $$")
    return [
        fails(rows, "selec 1"), fails(rows, "select * from no_such_table where 1 = %s", (1,)),
        fails(rows, "select 1 / %s", (0,)), fails(rows, "select %s::int", ("abc",)),
        fails(rows, "insert into orders (user_id, placed_at) values (999, now())"),
        fails(rows, "select 1; select 2 where 1 = %s", (1,)), fails(rows, "select 1; select 1/0"), one("select 1"), notices,
    ]  # fmt: skip


@case("SET, SET LOCAL, RESET")
def _():
    rows(f"set statement_timeout = {OWN_TIMEOUT}")
    rows("select set_config('TimeZone', %s, false)", ("Asia/Tokyo",))
    for _ in range(20):
        check(one("show statement_timeout") == f"{OWN_TIMEOUT}ms", "SET stays with its client")
    got = [str(connection.info.timezone), one("select timestamptz '2024-01-01 00:00+00'")]
    with connection.transaction():
        rows("set local time zone 'America/New_York'")
        got.append([one("show timezone"), str(connection.info.timezone)])
    got.append([one("show timezone"), str(connection.info.timezone)])
    rows("reset all")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "RESET gives the start-up value")
    return [*got, one("show timezone"), str(connection.info.timezone)]


@case("pipeline")
def _():
    got = []
    with connection.pipeline():
        cursors = [connection.execute("select name from users where id = %s", (i,)) for i in range(1, 13)]
        inserted = connection.cursor()
        values = [(f"p{i}", i) for i in range(20)]
        inserted.executemany("insert into notes (title, stars) values (%s, %s) returning stars", values, returning=True)
    got.append([c.fetchone()[0] for c in cursors])
    got.append(rows("select count(*), sum(stars) from notes"))

    def broken():
        with connection.pipeline() as pipeline:
            rows("insert into notes (title) values ('lost')")
            pipeline.sync()
            connection.execute("select 1 / %s", (0,))
            connection.execute("insert into notes (title) values ('skipped')")
            pipeline.sync()

    got.append(fails(broken))
    got.append(one("select count(*) from notes where title in ('lost', 'skipped')"))
    with connection.pipeline(), connection.transaction():
        connection.execute("delete from notes")
    return [*got, one("select count(*) from notes")]


@case("cursors and streams")
def _():
    with connection.transaction(), connection.cursor("named", scrollable=True) as cursor:
        cursor.execute("select id, name from users where id > %s order by id", (3,))
        got = [cursor.fetchmany(3)]
        cursor.scroll(-2)
        got += [cursor.fetchone(), sum(r[0] for r in cursor)]
    with connection.cursor("held", withhold=True) as cursor:
        cursor.execute("select i from generate_series(1, 1000) i")
        got += [cursor.fetchone(), one("select 5"), len(cursor.fetchall())]
    streamed = connection.cursor().stream("select i, repeat('x', 20) from generate_series(1, %s) i", (20000,))
    got.append(sum(i + len(t) for i, t in streamed))
    return [*got, len(rows("select i from generate_series(1, 100000) i"))]


@case("COPY")
def _():
    cursor = connection.cursor()
    with cursor.copy("copy notes (title, body, stars) from stdin") as copy:
        for i in range(500):
            copy.write_row((f"c{i}", None if i % 7 else "ünï\t", i))
    with cursor.copy("copy (select title, body from notes order by stars limit %s) to stdout", (9,)) as copy:
        got = [list(copy.rows())]
    with cursor.copy("copy (select stars, title from notes order by stars limit 3) to stdout (format binary)") as copy:
        got.append(b"".join(bytes(b) for b in copy))

    def bad():
        with cursor.copy("copy notes (title, stars) from stdin") as copy:
            copy.write("x\tnot a number\n")

    def given_up():
        with cursor.copy("copy notes (title) from stdin") as copy:
            copy.write("x\n")
            raise RuntimeError("enough")

    return [*got, fails(bad), fails(given_up)["type"], rows("delete from notes")]


@case("advisory lock, temporary table")
def _():
    key = 7000 + INSTANCE
    got = [one("select pg_try_advisory_lock(%s)", (key,)), one("select pg_try_advisory_xact_lock(%s)", (key,), on=other),
           one("select pg_advisory_unlock(%s)", (key,)), one("select pg_try_advisory_xact_lock(%s)", (key,), on=other)]  # fmt: skip
    rows("create temporary table boom (id int, who int)")
    for i in range(10):
        rows("insert into boom values (%s, %s)", (i, INSTANCE))
    return [*got, rows("select count(*), sum(id) from boom where who = %s", (INSTANCE,)), rows("drop table boom")]


@case("LISTEN and NOTIFY")
def _():
    rows(f"listen room_{INSTANCE}")
    for payload in ("one", "two"):
        rows("select pg_notify(%s, %s)", (f"room_{INSTANCE}", payload), on=other)
    got = []
    for notify in connection.notifies():
        got.append(notify.payload)
        if len(got) == 2:
            break
    return [got, rows("unlisten *")]


@case("cancel")
def _():
    def when_running():
        until(lambda: one(RUNNING, on=other) > 0)
        connection.cancel()

    helper = threading.Thread(target=when_running)
    helper.start()
    got = fails(rows, f"select pg_sleep(%s), '{MARK}'", (30,))
    helper.join()
    return [got, one("select 5")]


@case("N+1 and eager")
def _():
    users = [r[0] for r in rows("select id from users order by id limit 15")]
    loop = [rows("select id, total from orders where user_id = %s order by id", (u,)) for u in users]
    return [loop, rows("select user_id, count(*) from orders where user_id = any(%s) group by 1 order by 1", (users,))]


@case("big parameter")
def _():
    text = big_text()
    back, length, digest = rows("select %s::text, length(%s), md5(%s)", (text, text[:100], text))[0]
    return [back == text, length, digest]


@case("end")
def _():
    connection.close()
    return fails(rows, "select 1")
