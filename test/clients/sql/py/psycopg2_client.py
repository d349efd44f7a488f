"""psycopg2: literals in simple queries, autocommit or implicit BEGIN, server-side cursors, COPY, cancel, async notices."""
import io
import threading

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from lib import APPLICATION, INSTANCE, MANY_TYPES, MARK, OWN_TIMEOUT, RUNNING, SCHEMA
from lib import big_text, case, check, fails, until


def connect(**more):
    options = f"-c search_path={SCHEMA} -c statement_timeout={30000 + INSTANCE} -c DateStyle=ISO,DMY"
    made = psycopg2.connect(application_name=APPLICATION, options=options, client_encoding="UTF8", **more)
    made.autocommit = True
    return made


connection = connect()
other = connect()


def rows(sql, args=None, on=connection):
    with on.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else cursor.statusmessage


def one(sql, args=None, on=connection):
    return rows(sql, args, on)[0][0]


@case("connect")
def _():
    check(one("show application_name") == APPLICATION, "application_name is ours")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "statement_timeout is ours")
    names = ("client_encoding", "DateStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings",
             "server_encoding", "is_superuser", "session_authorization", "server_version")  # fmt: skip
    status = {n: connection.get_parameter_status(n) for n in names}
    return [one("show search_path"), status, connection.server_version, connection.encoding, connection.info.ssl_in_use]


@case("types")
def _():
    with connection.cursor() as cursor:
        cursor.execute(MANY_TYPES)
        described = [(c.name, c.type_code, c.internal_size) for c in cursor.description]
        got = cursor.fetchall()
    args = (7, 1 << 40, "ünï'\\", None, b"\x00\xff", [1, None], ["a", 'b"'], 1.5, True)
    return [got, described, rows("select %s, %s, %s, %s, %s::bytea, %s, %s, %s, %s", args)]


@case("transactions")
def _():
    got = []
    connection.autocommit = False
    rows("insert into notes (title, stars) values (%s, %s)", ("a", 1))
    rows("savepoint s")
    got.append(fails(rows, "insert into notes (title, stars) values ('a', 2)"))
    got.append(connection.info.transaction_status)
    got.append(fails(rows, "select 1"))
    rows("rollback to savepoint s")
    got.append(one("select count(*) from notes"))
    connection.rollback()
    got.append([one("select count(*) from notes"), connection.info.transaction_status])
    connection.commit()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
    got += [one("show transaction_isolation"), one("show transaction_read_only")]
    got.append(fails(rows, "insert into notes (title) values ('x')"))
    connection.rollback()
    connection.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT", autocommit=False)
    with connection:
        rows("insert into notes (title) values ('kept')")
    with connection:
        got.append(rows("delete from notes returning title"))
    connection.autocommit = True
    return got


@case("errors")
def _():
    return [
        fails(rows, "selec 1"), fails(rows, "select * from no_such_table"), fails(rows, "select 1 / %s", (0,)),
        fails(rows, "insert into orders (user_id, placed_at) values (999, now())"),
        fails(rows, "insert into notes (title, stars) values ('x', -1)"), one("select 1"),
    ]  # fmt: skip


@case("notices, multi-statement")
def _():
    del connection.notices[:]
    rows("do $$ begin raise notice 'hello'; raise warning 'careful'; end $$; select 1")
    got = [list(connection.notices), rows("select 1; select 2, 3")]
    got.append(fails(rows, "insert into notes (title) values ('gone'); select 1/0; select 2"))
    return [*got, one("select count(*) from notes")]


@case("SET, SET LOCAL, RESET")
def _():
    rows(f"set statement_timeout = {OWN_TIMEOUT}")
    rows("set time zone 'Asia/Tokyo'")
    for _ in range(20):
        check(one("show statement_timeout") == f"{OWN_TIMEOUT}ms", "SET stays with its client")
    got = [connection.get_parameter_status("TimeZone"), one("select timestamptz '2024-01-01 00:00+00'").isoformat()]
    connection.autocommit = False
    rows("set local time zone 'America/New_York'")
    got.append(one("show timezone"))
    connection.rollback()
    got.append([one("show timezone"), connection.get_parameter_status("TimeZone")])
    connection.rollback()
    connection.autocommit = True
    connection.set_client_encoding("LATIN1")
    got += [one("show client_encoding"), one("select 'é'")]
    connection.set_client_encoding("UTF8")
    rows("reset all")
    check(one("show statement_timeout") == f"{30000 + INSTANCE}ms", "RESET gives the start-up value")
    connection.reset()
    connection.autocommit = True
    return [*got, one("show timezone"), one("show search_path")]


@case("server-side cursors")
def _():
    got = []
    with connection.cursor("held", withhold=True) as cursor:
        cursor.itersize = 700
        cursor.execute("select i from generate_series(1, 2000) i")
        got += [cursor.fetchmany(3), one("select 5"), sum(r[0] for r in cursor)]
    connection.autocommit = False
    with connection.cursor("scrolled", scrollable=True) as cursor:
        cursor.execute("select id from users order by id")
        cursor.scroll(10)
        got.append(cursor.fetchone())
        cursor.scroll(-5)
        got.append(cursor.fetchone())
    connection.rollback()
    with connection.cursor("stream") as cursor:
        cursor.itersize = 5000
        cursor.execute("select i, repeat('x', 20) from generate_series(1, 100000) i")
        got.append(sum(i + len(t) for i, t in cursor))
    connection.commit()
    connection.autocommit = True
    return [*got, len(rows("select i from generate_series(1, 100000) i"))]


@case("temporary table, prepared by SQL")
def _():
    rows("create temp table boom (id int, who int)")
    psycopg2.extras.execute_values(connection.cursor(), "insert into boom values %s", [(i, INSTANCE) for i in range(300)])
    got = [rows(f"select count(*), sum(id) from boom where who = {INSTANCE}")]
    rows("drop table boom")
    rows("prepare q (int) as select name from users where id = $1")
    got += [one("execute q (%s)", (i,)) for i in range(1, 4)]
    rows("deallocate q")
    return [*got, fails(rows, "execute q (1)"), rows("discard all"), one("show search_path")]


@case("advisory lock")
def _():
    key = 7000 + INSTANCE
    return [one(sql % key, on=where) for sql, where in (
        ("select pg_try_advisory_lock(%d)", connection), ("select pg_try_advisory_xact_lock(%d)", other),
        ("select %d > 0", connection), ("select pg_advisory_unlock(%d)", connection),
        ("select pg_try_advisory_xact_lock(%d)", other))]  # fmt: skip


@case("LISTEN and NOTIFY")
def _():
    rows(f"listen room_{INSTANCE}")
    rows(f"notify room_{INSTANCE}, 'one'; notify room_{INSTANCE}, 'two'", on=other)

    def heard():
        connection.poll()
        return len(connection.notifies) >= 2

    until(heard)
    rows("unlisten *")
    rows(f"notify room_{INSTANCE}, 'nobody'", on=other)
    rows("select 1")
    return [n.payload for n in connection.notifies]


@case("cancel")
def _():
    def when_running():
        until(lambda: one(RUNNING, on=other) > 0)
        connection.cancel()

    helper = threading.Thread(target=when_running)
    helper.start()
    got = fails(rows, f"select pg_sleep(30), '{MARK}'")
    helper.join()
    return [got, one("select 5")]


@case("N+1 and eager")
def _():
    users = [r[0] for r in rows("select id from users order by id limit 15")]
    loop = [rows("select id, total from orders where user_id = %s order by id", (u,)) for u in users]
    eager = rows("select user_id, count(*) from orders where user_id in %s group by 1 order by 1", (tuple(users),))
    return [loop, eager]


@case("COPY")
def _():
    cursor = connection.cursor()
    cursor.copy_expert("copy notes (title, body) from stdin", io.StringIO("c1\tone\nc2\t\\N\nc3\tünï\n"))
    out = io.StringIO()
    cursor.copy_expert("copy (select title, body from notes order by title) to stdout csv header", out)
    bad = fails(cursor.copy_expert, "copy notes (title) from stdin", io.StringIO("c9\ttoo many\n"))
    big = io.StringIO()
    cursor.copy_expert("copy (select i, repeat('y', 30) from generate_series(1, 100000) i) to stdout", big)
    return [out.getvalue(), bad, len(big.getvalue()), rows("delete from notes")]


@case("big parameter")
def _():
    text = big_text()
    with connection.cursor() as cursor:
        cursor.execute("select %s, length(%s), md5(%s)", (text, text[:100], text))
        back, length, digest = cursor.fetchone()
    return [back == text, length, digest]


@case("closed and reopened")
def _():
    connection.close()
    other.close()
    return [fails(psycopg2.connect, password="wrong")["type"], one("select 1", on=connect())]
