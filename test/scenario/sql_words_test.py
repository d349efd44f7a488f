"""Where Fairing speaks or acts in PostgreSQL's place: changed columns, refused pins, its own limits, RESET of a client's name, function calls, PAUSE."""
import os
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.postgres import Postgres
from support.sql_case import SqlCase, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres


class Columns(SqlCase):
    def test_a_table_that_changed_under_a_prepared_statement(self):
        # The other server prepares it anew, when the table has other columns than the client was told.
        self.pg.sql("CREATE TABLE wide AS SELECT 1 AS a, 2 AS b; ALTER TABLE wide OWNER TO alice", database="app")
        self.start(pool={"size": 2})
        c, d = self.client(), self.client()
        d.query("BEGIN")
        self.assertEqual(c.extended("SELECT * FROM wide", name="p"), [["1", "2"]])
        c.query("BEGIN")
        d.query("COMMIT")
        c.query("COMMIT")
        d.query("ALTER TABLE wide DROP COLUMN b")
        d.query("BEGIN")
        for _ in range(2):
            two_formats = b"\0p\0" + struct.pack("!hhhhh", 0, 0, 2, 0, 0)
            c.socket.sendall(c.message(b"B", two_formats) + c.execute() + c.message(b"S"))
            self.refused("0A000", c.rows)
            d.query("COMMIT")
        self.assertEqual(c.extended("SELECT * FROM wide", name="q"), [["1"]])


class Pins(SqlCase):
    def crowded(self):
        """Two clients; the first has the only pin that there is."""
        self.start(pool={"size": 2, "max_pinned": "50%"})
        a, b = self.client(), self.client()
        a.query("CREATE TEMP TABLE mine (n int)")
        return a, b

    def test_a_refused_pin_costs_the_statement_and_nothing_else(self):
        a, b = self.crowded()
        for statement in ("LISTEN news", "SELECT pg_advisory_lock(7)", "DECLARE c CURSOR WITH HOLD FOR SELECT 1"):
            for run in (b.query, b.extended):
                e = self.refused("53300", run, statement)
                self.assertEqual((e.severity, b.transaction), ("ERROR", "I"))
                self.assertIn("keep 1 of at most 1", e.message)
                self.assertIn("max_pinned, or give sql.session_listen an address", e.hint)
            self.assertEqual(b.extended("SELECT $1::int", ["4"]), [["4"]])
        b.query("PREPARE hold AS SELECT pg_advisory_lock(7)")
        self.refused("53300", b.query, "EXECUTE hold")
        self.assertEqual(self.pg.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0")
        self.assertEqual(a.query("SELECT count(*) FROM mine"), [["0"]])

    def test_a_refused_pin_fails_its_transaction(self):
        a, b = self.crowded()
        for run in (b.query, b.extended):
            b.query("BEGIN")
            self.refused("53300", run, "LISTEN news")
            self.assertEqual(b.transaction, "E")
            self.refused("25P02", run, "SELECT 1")
            b.query("ROLLBACK")
            self.assertEqual(b.query("SELECT 2"), [["2"]])
        a.query("DROP TABLE mine")
        wait_until(lambda: all(r["pins"] == "" for r in self.show("SERVERS")), what="the pin's end")
        b.query("LISTEN news")


class Limits(SqlCase):
    def test_a_long_statement_is_told_as_our_limit(self):
        self.start(pool={"size": 1}, limits={"statement": "300ms"})
        c = self.client()
        e = self.refused("57014", c.query, "SELECT pg_sleep(60)")
        self.assertEqual(e.message, "canceling statement due to Fairing's limits.statement of 300ms")
        self.assertIn("sql.limits.statement", e.hint)
        self.assertEqual(c.query("SELECT 1"), [["1"]])
        self.refused("57014", c.extended, "SELECT pg_sleep($1)", ["60"])
        self.assertEqual(c.extended("SELECT $1", ["x"]), [["x"]])
        c.query("SET statement_timeout = '50ms'")
        e = self.refused("57014", c.query, "SELECT pg_sleep(60)")
        self.assertIn("statement timeout", e.message)

    def test_a_long_statement_of_a_session(self):
        self.start(session=True, pool={"size": 2}, limits={"statement": "300ms"})
        c = self.client(session=True)
        for run in (c.query, c.extended):
            e = self.refused("57014", run, "SELECT pg_sleep(60)")
            self.assertIn("limits.statement of 300ms", e.message)
            self.assertEqual(run("SELECT 1"), [["1"]])

    def test_the_limit_is_of_a_statement_not_of_a_pipeline(self):
        self.start(session=True, pool={"size": 2}, limits={"statement": "1s"})
        for session in (False, True):
            c = self.client(session=session)
            text = b"SELECT pg_sleep(0.2)\0"
            c.socket.sendall(b"".join(c.message(b"Q", text) for _ in range(12)))
            for _ in range(12):
                self.assertEqual(c.rows(), [[""]])


class Own(SqlCase):
    """What a client finds as on a connection of its own."""

    def test_reset_of_its_name_inside_a_transaction(self):
        self.start(pool={"size": 1})
        c = self.client(application_name="shop")
        for reset in ("RESET application_name", "RESET ALL"):
            c.query("SET application_name = 'other'")
            c.query("BEGIN")
            c.query(reset)
            self.assertEqual(c.query("SHOW application_name"), [["shop"]])
            c.query("ROLLBACK")
            self.assertEqual(c.query("SHOW application_name"), [["other"]])
            c.query(reset)
            self.assertEqual(c.query("SHOW application_name"), [["shop"]])
            self.assertEqual(c.status["application_name"], "shop")

    def test_a_function_call(self):
        self.start(session=True, pool={"size": 2})
        for session in (False, True):
            c = self.client(session=session)
            for _ in range(2):
                add = struct.pack("!ihhi", 177, 0, 2, 1) + b"2" + struct.pack("!i", 1) + b"3" + struct.pack("!h", 0)
                c.send(b"F", add)
                self.assertEqual(c.until_ready(), [(b"V", struct.pack("!i", 1) + b"5")])
                c.send(b"F", struct.pack("!ihhh", 1, 0, 0, 0))
                self.assertEqual([k for k, _ in c.until_ready()], [b"E"])
                self.assertEqual(c.query("SELECT 1"), [["1"]])

    def test_copy_by_extended_messages_in_a_session(self):
        self.pg.sql("CREATE TABLE IF NOT EXISTS copied (n int); GRANT ALL ON copied TO PUBLIC", database="app")
        self.start(session=True, pool={"size": 1})
        c = self.client(session=True)
        c.socket.sendall(c.parse("COPY copied FROM STDIN") + c.bind() + c.execute() + c.message(b"S"))
        while c.receive()[0] != b"G":
            pass
        c.socket.sendall(c.message(b"d", b"1\n") + c.message(b"c") + c.message(b"S"))
        self.assertEqual([k for k, _ in c.until_ready()], [b"C"])
        pid = c.server_pid()
        c.close()
        self.assertEqual(self.client(session=True).server_pid(), pid)  # clean, so used again


class NoServer(SqlCase):
    """Why a client got none: what it is told, and what the checklist makes of it."""

    def point(self, number):
        return next(p for p in self.fairing.call("GET", "/v1/checklist")[1]["points"] if p["number"] == number)

    def test_postgresql_has_no_connection_left(self):
        # Three are kept for superusers.
        pg = Postgres(max_connections=6, settings="max_wal_senders = 0").start()
        self.addCleanup(pg.stop)
        self.start(upstream=pg.url(), pool={"size": 5, "wait_timeout": "1s"})
        held = [self.client() for _ in range(4)]
        for c in held[:3]:
            c.query("BEGIN")
        e = self.refused("53300", held[3].query, "SELECT 1")
        self.assertIn("max_connections", e.hint)
        self.assertNotIn("raise it, or look", e.hint)
        wait_until(lambda: self.point(4)["grade"] == "fail", what="the figures' tick")
        point = self.point(4)
        self.assertTrue(any("1 client was turned away" in line for line in point["evidence"]), point)
        self.assertTrue(any("max_connections" in line for line in point["fix"]), point)
        self.assertFalse(any("size: 5" in line for line in point["fix"]), point)

    def test_other_refusals_are_not_about_room(self):
        self.start(pool={"size": 5})
        c = self.client()
        c.query("SELECT 1")
        self.pg.sql("ALTER USER alice PASSWORD 'other'")
        self.addCleanup(self.pg.sql, "ALTER USER alice PASSWORD 'alice'")
        with self.client(database="fairing") as console:
            console.query("RECONNECT app")
        self.wait_until_shown("POOLS", lambda r: r["size"] == "0")
        self.refused("28P01", c.query, "SELECT 1")
        wait_until(lambda: "1 client was given no connection" in self.point(4)["evidence"][-1], what="the figures' tick")
        point = self.point(4)
        self.assertEqual(point["grade"], "pass")
        self.assertIn("(28P01)", point["evidence"][-1])

    def test_the_database_is_paused(self):
        self.start(pool={"size": 1, "wait_timeout": "1s"})
        c = self.client()
        c.query("SELECT 1")
        with self.client(database="fairing") as console:
            console.query("PAUSE app")
            self.assertEqual([r["paused"] for r in self.show("POOLS")], ["1"])
            wait_until(lambda: self.fairing.call("GET", "/v1/pools")[1]["items"][0]["paused"])
            e = self.refused("57P03", c.query, "SELECT 1")
            self.assertIn("RESUME", e.hint)
            self.assertIn("paused", e.message)
            console.query("RESUME app")
            self.assertEqual([r["paused"] for r in self.show("POOLS")], ["0"])
        self.assertEqual(c.query("SELECT 2"), [["2"]])
        log = self.fairing.log()
        for event in ("sql_paused", "sql_resumed"):
            self.assertIn(f'"event":"{event}","database":"app"', log)
        self.assertFalse(any("turned away" in line for line in self.point(4)["evidence"]))


class Upstream(SqlCase):
    """What is seen of a PostgreSQL that lets nobody in while nobody is connected."""

    def verbose(self):
        status, text = self.fairing.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 200)
        return next(line for line in text.splitlines() if "upstream:sql" in line)

    def test_it_is_not_there(self):
        pg = Postgres().start()
        self.addCleanup(pg.stop)
        pg.halt()
        self.start(upstream=pg.url())
        wait_until(lambda: '"event":"sql_upstream_down"' in self.fairing.log(), what="the event")
        self.assertEqual(
            self.verbose(), f"[!]upstream:sql 127.0.0.1:{pg.port} warning: down, it cannot be reached (08001)"
        )
        pg.launch()
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])
        self.assertEqual(self.verbose(), f"[+]upstream:sql 127.0.0.1:{pg.port} ok: up")
        log = self.fairing.log()
        self.assertEqual((log.count("sql_upstream_down"), log.count("sql_upstream_up")), (1, 1))

    def test_its_password_is_wrong(self):
        self.start(upstream=self.pg.url(password="wrong"), users=[{"name": "bob", "password": "bob"}])
        wait_until(lambda: '"sqlstate":"28P01"' in self.fairing.log(), what="the event")
        self.assertIn("[!]", self.verbose())
        self.assertIn("down, it refuses the user (28P01)", self.verbose())
        self.client(user="bob").query("SELECT 1")
        self.assertIn("[!]", self.verbose(), "another user's log-in says nothing of this one's")
        self.refused("28P01", self.client, password="wrong")
        self.assertEqual(self.fairing.log().count("sql_upstream_down"), 1)

    def test_a_client_s_wrong_database_is_not_its_fault(self):
        self.start()
        wait_until(lambda: "ok: up" in self.verbose(), what="the look at the start")
        self.refused("3D000", self.client, database="nope")
        self.assertIn("ok: up", self.verbose())

    def test_a_failed_auth_query_is_the_log_s(self):
        self.start(auth_query="SELECT usename, passwd FROM pg_shadow WHERE usename = $1")
        for _ in range(2):
            e = self.refused("57P03", self.client, user="bob")
            self.assertNotIn("pg_shadow", e.message + e.hint)
        log = self.fairing.log()
        self.assertEqual(log.count('"event":"sql_auth_query_failed","user":"bob"'), 1)
        self.assertIn("permission denied", log)


class Console(SqlCase):
    def test_orders_that_would_do_nothing(self):
        self.start(pool={"size": 1})
        self.client()
        console = self.client(database="fairing")
        for order in ("PAUSE", "RESUME", "RECONNECT"):
            e = self.refused("3D000", console.query, f"{order} nope")
            self.assertEqual(e.message, "no such database: nope")
        console.query("PAUSE")
        self.refused("22023", console.query, "RESUME app")
        console.query("RESUME")
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])

    def test_pause_resume_reconnect(self):
        self.start(pool={"size": 2}, users=[{"name": "bob", "password": "bob"}])
        c = self.client()
        first = c.server_pid()
        with self.client(user="bob", database="fairing") as other:
            self.refused("42501", other.query, "PAUSE")
        console = self.client(database="fairing")
        console.query("RECONNECT app")
        wait_until(lambda: c.server_pid() != first, what="another server")
        console.query("PAUSE")
        self.assertEqual(self.pg.backends("alice"), [])
        answers = []
        waiting = threading.Thread(target=lambda: answers.extend(c.query("SELECT 'after'")))
        waiting.start()
        self.waiting(1)
        self.pg.restart()
        console.query("RESUME;")
        waiting.join(10)
        self.assertEqual(answers, [["after"]])


if __name__ == "__main__":
    unittest.main()
