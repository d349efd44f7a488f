"""Pooling: who gets a server and when, what is left behind, cancels, clients and servers that go at any moment."""
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import Closed, PgClient, PgError
from support.sql_case import SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres
GONE = {"57P01", "57P02", "57P03", "08006", "08001", "53300"}  # what a client may be told while PostgreSQL restarts


class Sharing(SqlCase):
    def test_three_clients_over_one_server(self):
        self.start(pool={"size": 1})
        clients = [self.client() for _ in range(3)]
        pids = {c.server_pid() for _ in range(5) for c in clients}
        self.assertEqual(len(pids), 1)
        self.assertEqual(len(self.pg.backends("alice")), 1)

    def test_a_transaction_keeps_its_server(self):
        self.start(pool={"size": 1})
        a, b = self.client(), self.client()
        a.query("BEGIN")
        self.assertEqual(a.transaction, "T")
        waiting = in_thread(b.query, "SELECT 'b'")
        self.waiting(1)
        self.assertEqual(a.query("SELECT 'a'"), [["a"]])
        self.assertTrue(waiting.is_alive())
        a.query("COMMIT")
        waiting.join(10)
        self.assertEqual(waiting.result, [["b"]])

    def test_waiters_are_served_in_order(self):
        self.pg.sql("CREATE SEQUENCE turns; GRANT ALL ON turns TO PUBLIC", database="app")
        self.start(pool={"size": 1})
        first = self.client()
        first.query("BEGIN")
        threads = []
        for i in range(4):
            threads.append(in_thread(self.client().query, "SELECT nextval('turns')"))
            self.waiting(i + 1)
        first.query("COMMIT")
        for t in threads:
            t.join(10)
        self.assertEqual([t.result for t in threads], [[[str(i)]] for i in (1, 2, 3, 4)])
        self.waiting(0)

    def test_wait_timeout_is_an_error_and_the_client_stays(self):
        self.start(pool={"size": 1, "wait_timeout": "2s"})
        a, b = self.client(), self.client()
        a.query("BEGIN")
        e = self.refused("53300", b.query, "SELECT 1")
        self.assertEqual(e.severity, "ERROR")
        self.assertIn("sql.pool.size", e.hint)
        self.assertRegex(e.message, r"\d+ ms")
        self.refused("53300", b.extended, "SELECT $1", ["x"])
        a.query("COMMIT")
        self.assertEqual(b.query("SELECT 2"), [["2"]])
        self.assertEqual(b.extended("SELECT $1::int", ["3"]), [["3"]])

    def test_large_answers_and_large_statements(self):
        self.start(pool={"size": 1})
        c = self.client()
        n = 200_000
        self.assertEqual(len(c.query(f"SELECT repeat('x', 100), i FROM generate_series(1, {n}) i")), n)
        text = "y" * 3_000_000
        self.assertEqual(c.query(f"SELECT length('{text}')"), [["3000000"]])
        self.assertEqual(c.extended("SELECT length($1)", [text]), [["3000000"]])

    def test_pipelined_statements(self):
        self.start(pool={"size": 1})
        c = self.client()
        n = 500
        c.socket.sendall(b"".join(c.message(b"Q", f"SELECT {i}".encode() + b"\0") for i in range(n)))
        self.assertEqual([c.rows() for _ in range(n)], [[[str(i)]] for i in range(n)])

    def test_copy_both_ways(self):
        self.start(pool={"size": 1})
        c = self.client()
        self.pg.sql("CREATE TABLE lines (n int, t text); GRANT ALL ON lines TO PUBLIC", database="app")
        c.send(b"Q", b"COPY lines FROM STDIN\0")
        self.assertEqual(c.receive()[0], b"G")
        for i in range(1000):
            c.send(b"d", f"{i}\tline {i}\n".encode())
        c.send(b"c")
        self.assertEqual([k for k, _ in c.until_ready()], [b"C"])
        c.send(b"Q", b"COPY (SELECT * FROM lines ORDER BY n) TO STDOUT\0")
        data = [b for k, b in c.until_ready() if k == b"d"]
        self.assertEqual((len(data), data[7]), (1000, b"7\tline 7\n"))

    def test_pools_of_two_users_share_the_limit(self):
        self.start(pool={"size": 1}, users=[{"name": "bob", "password": "bob"}])
        a, b = self.client(), self.client(user="bob")
        for _ in range(3):
            self.assertEqual(a.query("SELECT current_user"), [["alice"]])
            self.assertEqual(b.query("SELECT current_user"), [["bob"]])


class Cancels(SqlCase):
    def test_a_running_statement(self):
        self.start(pool={"size": 1})
        c, other = self.client(), self.client()
        running = in_thread(c.query, "SELECT pg_sleep(60)")
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "1")
        c.cancel()
        running.join(10)
        self.assertEqual(running.error.code, "57014")
        for _ in range(20):
            self.assertEqual(other.query("SELECT 1"), [["1"]])
        self.assertEqual(c.query("SELECT 2"), [["2"]])

    def test_a_client_that_waits(self):
        self.start(pool={"size": 1})
        a, b = self.client(), self.client()
        a.query("BEGIN")
        waiting = in_thread(b.query, "SELECT 1")
        self.waiting(1)
        b.cancel()
        waiting.join(10)
        self.assertEqual((waiting.error.code, waiting.error.severity), ("57014", "ERROR"))
        self.assertEqual(a.query("SELECT 'mine'"), [["mine"]])
        a.query("COMMIT")
        self.assertEqual(b.query("SELECT 3"), [["3"]])

    def test_idle_clients_and_wrong_keys_cancel_nothing(self):
        self.start(pool={"size": 1})
        a, b = self.client(), self.client()
        running = in_thread(a.query, "SELECT pg_sleep(1), 'done'")
        wait_until(lambda: a is not None and any(r["state"] == "active" for r in self.show("CLIENTS")))
        b.cancel()  # idle: the server that runs is another client's
        b.cancel(a.key[:4] + bytes(4))
        b.cancel(bytes(8))
        running.join(10)
        self.assertEqual(running.result, [["", "done"]])

    def test_a_storm(self):
        self.start(pool={"size": 2})
        clients = [self.client() for _ in range(4)]
        over = threading.Event()

        def storm():
            while not over.is_set():
                random.choice(clients).cancel()

        def work(c, i):
            for n in range(150):
                try:
                    got = c.query(f"SELECT '{i}-{n}'")
                    if got != [[f"{i}-{n}"]]:
                        return got
                except PgError as e:
                    if e.code != "57014":
                        return e
            return None

        stormers = [in_thread(storm) for _ in range(2)]
        workers = [in_thread(work, c, i) for i, c in enumerate(clients)]
        for w in workers:
            w.join(60)
        over.set()
        for s in stormers:
            s.join(10)
        self.assertEqual([w.result for w in workers] + [w.error for w in workers], [None] * 8)


class Leaving(SqlCase):
    def setUp(self):
        self.pg.sql("DROP TABLE IF EXISTS t; CREATE TABLE t (n int); GRANT ALL ON t TO PUBLIC", database="app")

    def count(self):
        return int(self.pg.sql("SELECT count(*) FROM t", database="app"))

    def test_in_a_transaction_it_is_rolled_back_and_the_server_stays(self):
        self.start(pool={"size": 1})
        for polite in (True, False):
            c, other = self.client(), self.client()
            c.query("BEGIN")
            c.query("INSERT INTO t VALUES (1)")
            pid = c.server_pid()
            c.close(polite)
            self.assertEqual(other.server_pid(), pid)
            self.assertEqual(self.count(), 0)

    def test_in_a_statement_it_is_cancelled_and_the_server_closed(self):
        self.start(pool={"size": 1})
        c, other = self.client(), self.client()
        pid = c.server_pid()
        c.send(b"Q", b"SELECT pg_sleep(60)\0")
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "1")
        c.close(polite=False)
        self.assertNotEqual(other.server_pid(), pid)
        wait_until(lambda: len(self.pg.backends("alice")) == 1)

    def test_at_each_point_of_a_conversation(self):
        self.start(pool={"size": 1})
        other = self.client()
        query = b"Q" + struct.pack("!i", 4 + 9 + 1) + b"SELECT 42\0"
        parse = PgClient.parse(PgClient, "INSERT INTO t VALUES (1)")
        pieces = [query[:i] for i in (1, 3, 5, 9, len(query))]
        pieces += [parse, parse[:7], parse + PgClient.bind(PgClient), parse + PgClient.bind(PgClient) + PgClient.execute(PgClient)]
        pieces += [b"Q" + struct.pack("!i", 100_000) + b"SELECT 1"]
        pieces += [PgClient.message(b"Q", b"SELECT repeat('x', 10000000)\0"), PgClient.message(b"Q", b"COPY t FROM STDIN\0")]
        for bytes_ in pieces:
            with self.subTest(bytes_[:40]):
                c = self.client()
                c.socket.sendall(bytes_)
                c.close(polite=False)
                self.assertEqual(other.query("SELECT 'still', 'here'"), [["still", "here"]])
        self.assertEqual(self.count(), 0)

    def test_while_it_waits(self):
        self.start(pool={"size": 1})
        a, b = self.client(), self.client()
        a.query("BEGIN")
        b.send(b"Q", b"INSERT INTO t VALUES (2)\0")
        self.waiting(1)
        b.close(polite=False)
        self.waiting(0)
        a.query("COMMIT")
        self.assertEqual(a.query("SELECT count(*) FROM t"), [["0"]])

    def test_nobody_gets_another_s_rows(self):
        self.start(pool={"size": 3})
        over, wrong, done = threading.Event(), [], [0] * 8

        def work(i, dice):
            while not over.is_set():
                c = PgClient(self.address)
                for n in range(dice.randrange(1, 40)):
                    tag = f"{i}-{done[i]}-{n}"
                    rows = dice.choice((1, 3, 2000))
                    sql = f"SELECT '{tag}', repeat('x', 200) FROM generate_series(1, {rows})"
                    got = c.extended(sql) if dice.random() < 0.5 else c.query(sql)
                    if len(got) != rows or any(r[0] != tag for r in got):
                        wrong.append((tag, got[:1]))
                    done[i] += 1
                how = dice.random()
                if how < 0.5:  # gone in the middle of something
                    whole = c.message(b"Q", b"SELECT 'lost', repeat('y', 200) FROM generate_series(1, 2000)\0")
                    c.socket.sendall(whole[: dice.randrange(1, len(whole) + 1)])
                elif how < 0.7:
                    c.query("BEGIN")
                c.close(polite=dice.random() < 0.3)

        threads = [in_thread(work, i, random.Random(i)) for i in range(len(done))]
        wait_until(lambda: min(done) > 150 or wrong or any(t.error for t in threads), 60)
        over.set()
        for t in threads:
            t.join(20)
        self.assertEqual((wrong, [t.error for t in threads]), ([], [None] * len(threads)))
        self.wait_until_shown("POOLS", lambda r: r["leased"] == "0" and int(r["size"]) <= 3)

    def test_a_client_that_stops_reading(self):
        self.start(pool={"size": 1}, limits={"client_write": "500ms"})
        slow, other = self.client(), self.client()
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = self.fairing.rss()
        slow.send(b"Q", b"SELECT repeat('x', 1000) FROM generate_series(1, 300000)\0")
        self.assertEqual(other.query("SELECT 1"), [["1"]])  # when the slow one was cut off
        self.assertLess(self.fairing.rss() - before, 30 << 20)

    def test_a_client_that_reads_slowly_stops_postgresql(self):
        self.start(pool={"size": 2})
        slow, other = self.client(), self.client()
        before = self.fairing.rss()
        slow.send(b"Q", b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)\0")
        for _ in range(50):
            self.assertEqual(other.query("SELECT 1"), [["1"]])
        self.assertLess(self.fairing.rss() - before, 30 << 20)
        self.assertEqual(len(slow.rows()), 100_000)


class ServersThatGo(SqlCase):
    def test_while_idle_nobody_notices(self):
        self.start(pool={"size": 1})
        c = self.client()
        pid = c.server_pid()
        self.pg.sql(f"SELECT pg_terminate_backend({pid})")
        self.wait_until_shown("POOLS", lambda r: r["size"] == "0")
        self.assertNotEqual(c.server_pid(), pid)

    def test_in_a_transaction_its_client_alone_is_told(self):
        self.start(pool={"size": 2})
        a, b = self.client(), self.client()
        a.query("BEGIN")
        b.query("BEGIN")
        self.pg.sql(f"SELECT pg_terminate_backend({a.server_pid()})")
        with self.assertRaises((PgError, Closed)) as caught:
            a.query("SELECT 1")
        if isinstance(caught.exception, PgError):
            self.assertEqual(caught.exception.code, "57P01")
        self.assertEqual(b.query("SELECT 'b'"), [["b"]])

    def test_in_a_statement(self):
        self.start(pool={"size": 1})
        c = self.client()
        pid = c.server_pid()
        running = in_thread(c.query, "SELECT pg_sleep(60)")
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "1")
        os.kill(pid, signal.SIGTERM)
        running.join(10)
        self.assertEqual(running.error.code, "57P01")
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])

    def test_a_restart_under_load(self):
        self.start(pool={"size": 3})
        over = threading.Event()
        wrong, served = [], [0] * 6

        def work(i):
            c, n = None, 0
            while not over.is_set():
                n += 1
                try:
                    c = c or PgClient(self.address)
                    if c.query(f"SELECT '{i}-{n}'") != [[f"{i}-{n}"]]:
                        wrong.append((i, n))
                    served[i] += 1
                except PgError as e:
                    if e.code not in GONE:
                        wrong.append(e)
                    if e.severity == "FATAL" and c:
                        c.close()
                        c = None
                except (Closed, OSError):
                    c = None
            if c:
                c.close()

        threads = [in_thread(work, i) for i in range(6)]
        wait_until(lambda: min(served) > 20)
        for how in (signal.SIGINT, signal.SIGQUIT):
            self.pg.restart(how)
            before = list(served)
            wait_until(lambda: all(s > b + 20 for s, b in zip(served, before)), 20, "work after the restart")
        over.set()
        for t in threads:
            t.join(20)
        self.assertEqual(wrong, [])
        wait_until(lambda: len(self.pg.backends("alice")) <= 3)

    def test_a_farewell_behind_rows_is_no_doubt(self):
        self.start(session=True, pool={"size": 4})
        clients = [self.client(session=s) for s in (False, False, True, True)]
        statement = "SELECT repeat('x', 50) FROM generate_series(1, 100) AS n WHERE n < 100 OR pg_sleep(60) IS NULL"
        running = [in_thread(c.query, statement) for c in clients]
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        wait_until(lambda: self.pg.sql(sleeping) == "4")
        self.pg.restart(signal.SIGINT)
        for t in running:
            t.join(10)
        self.assertEqual([t.error.code for t in running], ["57P01"] * 4)
        for c in clients:
            self.assertRaises(Closed, c.receive)
        self.assertEqual(self.fairing.metric("fairing_pool_closed_total", reason="protocol_doubt"), 0)
        self.assertEqual(self.fairing.metric("fairing_pool_closed_total", reason="server_gone"), 4)


class Sessions(SqlCase):
    def test_a_session_is_the_client_s_until_it_leaves(self):
        self.start(session=True, pool={"size": 1})
        c = self.client(session=True, application_name="migrate")
        pid = c.server_pid()
        c.query("SET work_mem = '3MB'; CREATE TEMP TABLE mine (n int)")
        self.assertEqual(c.query("SHOW work_mem"), [["3MB"]])
        self.assertEqual(c.query("SHOW application_name"), [["migrate"]])
        self.assertEqual(c.server_pid(), pid)
        c.extended("SELECT $1::int", [1], name="s")
        c.query("BEGIN")
        c.close()
        after = self.client(session=True)
        self.assertEqual(after.server_pid(), pid)
        self.assertEqual(after.query("SELECT count(*) FROM pg_prepared_statements"), [["0"]])
        self.assertNotEqual(after.query("SHOW work_mem"), [["3MB"]])
        self.refused("42P01", after.query, "SELECT * FROM mine")

    def test_statements_run_and_are_cancelled(self):
        self.start(session=True)
        c = self.client(session=True)
        running = in_thread(c.query, "SELECT pg_sleep(60)")
        wait_until(lambda: any(r["state"] == "active" for r in self.show("CLIENTS")))
        c.cancel()
        running.join(10)
        self.assertEqual(running.error.code, "57014")

    def test_listeners_hear(self):
        self.start(session=True, pool={"size": 2})
        c, other = self.client(session=True), self.client()
        c.query("LISTEN news")
        other.query("NOTIFY news, 'hello'")
        wait_until(lambda: c.query("SELECT 1") and c.notifications)
        self.assertIn(b"hello", c.notifications[0])

    def test_no_server_is_left_for_a_login(self):
        self.start(session=True, pool={"size": 1, "wait_timeout": "2s"})
        self.client(session=True)
        e = self.refused("53300", PgClient, self.session_address)
        self.assertEqual(e.severity, "FATAL")


class Limits(SqlCase):
    def test_an_idle_transaction(self):
        self.start(pool={"size": 1}, limits={"transaction_idle": "300ms"})
        c, other = self.client(), self.client()
        c.query("BEGIN")
        self.assertEqual(other.query("SELECT 1"), [["1"]])
        self.refused("25P03", c.until_ready)

    def test_a_long_statement(self):
        self.start(pool={"size": 1}, limits={"statement": "300ms"})
        c = self.client()
        self.refused("57014", c.query, "SELECT pg_sleep(60)")
        self.assertEqual(c.query("SELECT 1"), [["1"]])

    def test_servers_age(self):
        self.start(pool={"size": 1, "max_lifetime": "1s"})
        c = self.client()
        first = c.server_pid()
        wait_until(lambda: c.server_pid() != first)
        self.start(pool={"size": 1, "idle_timeout": "1s"})
        self.client().query("SELECT 1")
        self.wait_until_shown("POOLS", lambda r: r["size"] == "0")

    def test_the_end_is_polite(self):
        self.start(pool={"size": 2})
        idle, busy = self.client(), self.client()
        busy.query("BEGIN")
        self.fairing.signal(signal.SIGTERM)
        self.refused("57P01", idle.until_ready)
        self.assertEqual(busy.query("SELECT 'last'"), [["last"]])
        busy.query("COMMIT")
        self.assertEqual(self.fairing.wait(), 0)
        wait_until(lambda: not self.pg.backends("alice"))


class Pins(SqlCase):
    def test_a_temporary_table_keeps_its_server(self):
        self.start(pool={"size": 4})
        c, other = self.client(), self.client()
        c.query("CREATE TEMP TABLE mine (n int)")
        c.query("INSERT INTO mine VALUES (7)")
        self.wait_until_shown("SERVERS", lambda r: r["pins"] == "temp_table")
        for _ in range(5):
            other.query("SELECT 1")
            self.assertEqual(c.query("SELECT n FROM mine"), [["7"]])
        c.query("DROP TABLE mine")
        self.wait_until_shown("CLIENTS", lambda r: r["state"] == "idle" and r["server_pid"] == "")

    def test_pins_have_a_quota(self):
        self.start(pool={"size": 2, "max_pinned": "50%"})
        a, b = self.client(), self.client()
        a.query("CREATE TEMP TABLE mine (n int)")
        e = self.refused("53300", b.query, "CREATE TEMP TABLE mine (n int)")
        self.assertIn("max_pinned", e.hint)
        self.assertEqual(a.query("SELECT count(*) FROM mine"), [["0"]])

    def test_what_a_pinned_client_leaves_is_gone(self):
        self.start(pool={"size": 1})
        c, other = self.client(), self.client()
        c.query("CREATE TEMP TABLE mine (n int)")
        pid = c.server_pid()
        c.close()
        self.assertEqual(other.server_pid(), pid)
        self.refused("42P01", other.query, "SELECT * FROM mine")


class Console(SqlCase):
    def test_it_shows_what_there_is_and_nothing_else(self):
        self.start(pool={"size": 2})
        c = self.client()
        c.query("SELECT 1")
        pools = self.wait_until_shown("POOLS", lambda r: r["idle"] == "1")
        self.assertEqual((pools["user"], pools["database"], pools["mode"]), ("alice", "app", "transaction"))
        self.assertEqual([r["state"] for r in self.show("CLIENTS")], ["idle"])
        self.assertEqual([r["state"] for r in self.show("SERVERS")], ["idle"])
        self.assertGreaterEqual(int(self.wait_until_shown("STATS", lambda r: r["queries"] != "0")["leases"]), 1)
        console = self.client(database="fairing")
        e = self.refused("42601", console.query, "SELECT 1")
        self.assertIn("SHOW HELP", e.hint)
        self.refused("0A000", console.extended, "SHOW POOLS")
        version = self.fairing.cli("version").stdout.strip()  # "fairing 0.1.0"
        self.assertEqual(console.query("show version;"), [[version.capitalize()]])


if __name__ == "__main__":
    unittest.main()
