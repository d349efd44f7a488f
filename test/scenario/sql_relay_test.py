"""Log-ins that PostgreSQL checks itself: no secret is configured, session pooling, every log-in relayed."""
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg2

from support.certificates import make_authority, make_certificate
from support.pgclient import Closed, PgClient, PgError, connect_socket
from support.postgres import Postgres
from support.sql_case import SqlCase, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres


class RelayCase(SqlCase):
    console_user = {"user": "trudy"}

    def relay(self, upstream=None, **more):
        pool = {"mode": "session", "size": 4, **more.pop("pool", {})}
        return self.start(upstream or f"postgres://127.0.0.1:{self.pg.port}/app", pool=pool, **more)

    def dsn(self, user="alice", password="alice", **more):
        pairs = {"host": "127.0.0.1", "port": self.address[1], "user": user, "password": password, "dbname": "app", **more}
        return " ".join(f"{k}={v}" for k, v in pairs.items())

    def nobody_holds_a_place(self):
        for user in ("alice", "bob"):
            wait_until(lambda u=user: not self.pg.backends(u), what=f"{user}'s servers to end")


class Relay(RelayCase):
    def test_every_way_that_postgresql_asks(self):
        self.relay()
        for user, asked in (("alice", "scram"), ("mandy", "md5"), ("clara", "password"), ("trudy", None)):
            with self.subTest(user):
                c = self.client(user=user, application_name="shop")
                self.assertEqual(c.asked, asked)
                self.assertEqual(c.status["application_name"], "shop")
                self.assertEqual(c.query("SELECT current_user"), [[user]])
                self.assertEqual(c.query("SHOW application_name"), [["shop"]])
                self.assertNotEqual(struct.unpack("!i", c.key[:4])[0], c.server_pid())

    def test_wrong_passwords_and_unknown_users_get_postgresql_s_own_words(self):
        self.relay()
        for user in ("alice", "mandy", "clara", "nobody"):
            e = self.refused("28P01", PgClient, self.address, user=user, password="wrong")
            self.assertEqual((e.severity, e.message), ("FATAL", f'password authentication failed for user "{user}"'))
        self.refused("3D000", PgClient, self.address, database="missing")
        self.assertEqual(self.fairing.metric("fairing_sql_logins_total", outcome="failed"), 4)
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])
        self.assertEqual(self.fairing.metric("fairing_sql_logins_total", outcome="ok"), 1)

    def test_failed_logins_are_slowed(self):
        self.relay()
        took = []
        for _ in range(4):
            began = time.monotonic()
            self.refused("28P01", PgClient, self.address, password="wrong")
            took.append(time.monotonic() - began)
        self.assertGreater(took[-1], 0.3, took)

    def test_psql_and_a_driver(self):
        self.relay()
        for password, code in (("alice", 0), ("wrong", 2)):
            done = subprocess.run(
                ["psql", "-X", "-A", "-t", "-w", self.dsn(password=password), "-c", "SELECT current_user"],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn("alice" if code == 0 else "password authentication failed", done.stdout + done.stderr)
        with self.assertRaisesRegex(psycopg2.OperationalError, "password authentication failed"):
            psycopg2.connect(self.dsn(password="wrong"))
        for user in ("alice", "mandy"):
            c = psycopg2.connect(self.dsn(user=user, password=user))
            with c.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE mine AS SELECT %s AS n", (7,))
                cursor.execute("SELECT n, current_user FROM mine")
                self.assertEqual(cursor.fetchone(), (7, user))
            c.close()

    def test_a_server_is_its_client_s_alone(self):
        self.relay(pool={"size": 1})
        pids = set()
        for _ in range(3):
            with self.client() as c:
                pids.add(c.server_pid())
        self.assertEqual(len(pids), 3)
        self.nobody_holds_a_place()
        self.assertEqual(self.fairing.metric("fairing_pool_closed_total", reason="session_over"), 3)

    def test_the_size_bounds_log_ins_and_who_waits_comes_in(self):
        self.relay(pool={"size": 1, "wait_timeout": "2s"})
        c = self.client()
        e = self.refused("53300", PgClient, self.address)
        self.assertEqual(e.severity, "FATAL")
        c.close()
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])

    def test_a_log_in_under_way_holds_a_place_until_its_deadline(self):
        self.relay(pool={"size": 1, "wait_timeout": "10s"}, limits={"login": "2s"})
        s = connect_socket(self.address, 10)
        self.addCleanup(s.close)
        body = struct.pack("!i", 196608) + b"user\0alice\0\0"
        s.sendall(struct.pack("!i", len(body) + 4) + body)
        self.assertEqual(s.recv(1), b"R")
        tried = threading.Thread(target=self.try_to_log_in)
        tried.start()
        wait_until(lambda: self.fairing.metric("fairing_pool_waiting") == 1)
        rest = b"x"
        while rest:
            rest = s.recv(4096)
        tried.join(20)
        self.assertFalse(tried.is_alive())
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])

    def try_to_log_in(self):
        """It waits for the place; by then its own time may be over."""
        with contextlib.suppress(PgError, Closed, ConnectionError):
            PgClient(self.address, timeout=10).close()

    def test_who_leaves_at_any_point_of_the_log_in_leaves_nothing(self):
        self.relay(pool={"size": 1})
        body = struct.pack("!i", 196608) + b"user\0alice\0\0"
        start = struct.pack("!i", len(body) + 4) + body
        first = b"SCRAM-SHA-256\0" + struct.pack("!i", 15) + b"n,,n=,r=abcdefg"
        proof = b"p" + struct.pack("!i", len(first) + 4) + first
        for bytes_ in (start[:9], start, start + proof[:7], start + proof, start + proof + proof, start + b"Q\0\0\0\5\0"):
            with self.subTest(bytes_):
                s = connect_socket(self.address, 10)
                s.sendall(bytes_)
                s.close()
                self.assertEqual(self.client_once(), [["1"]])
        self.nobody_holds_a_place()

    def client_once(self):
        with PgClient(self.address) as c:
            return c.query("SELECT 1")

    def test_cancel(self):
        self.relay()
        c = self.client()
        c.send(b"Q", b"SELECT pg_sleep(60)\0")
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "1")
        c.cancel()
        self.refused("57014", c.rows)
        self.assertEqual(c.query("SELECT 1"), [["1"]])

    def test_limits_hold(self):
        self.relay(limits={"statement": "300ms", "transaction_idle": "300ms"})
        c = self.client()
        e = self.refused("57014", c.query, "SELECT pg_sleep(60)")
        self.assertIn("limits.statement of 300ms", e.message)
        c.query("BEGIN")
        self.refused("25P03", c.until_ready)

    def test_a_server_that_dies(self):
        self.relay()
        c = self.client()
        self.pg.sql(f"SELECT pg_terminate_backend({c.server_pid()})")
        with self.assertRaises((PgError, Closed)):
            c.query("SELECT 1")
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])

    def test_it_is_shown_by_the_client_s_own_name(self):
        self.relay()
        self.client(user="bob")
        row = self.wait_until_shown("CLIENTS", lambda r: r["user"] == "bob")
        self.assertEqual((row["database"], row["mode"]), ("app", "session"))
        self.assertEqual(self.show("SERVERS")[0]["user"], "bob")
        self.assertEqual(self.show("POOLS")[0]["leased"], "1")

    def test_the_session_listener_of_a_trusting_upstream_relays(self):
        self.start(f"postgres://trudy@127.0.0.1:{self.pg.port}/app", session=True)
        self.assertEqual(self.client(user="trudy").query("SELECT 1"), [["1"]])
        self.refused("28000", PgClient, self.address, user="alice")
        self.assertEqual(self.client(session=True, user="alice").query("SELECT current_user"), [["alice"]])

    def test_a_stop_ends_it(self):
        self.relay()
        c = self.client()
        self.fairing.stop()
        with self.assertRaises((PgError, Closed)):
            c.query("SELECT 1")

    def test_transaction_pooling_is_refused_with_what_to_do(self):
        for command in ("validate", "run"):
            done = self.cli_with("sql:\n  listen: 127.0.0.1:0\n  upstream: postgres://127.0.0.1/app\n", command)
            self.assertEqual(done.returncode, 2, done.stderr)
            said = done.stdout + done.stderr
            for word in ("fairing.yaml:3:13", "postgres://USER:PASSWORD@", "sql.users", "sql.auth_query", "sql.pool.mode: session"):
                self.assertIn(word, said)

    def cli_with(self, text, command):
        from support.fairing import binary

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "fairing.yaml")
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            return subprocess.run([binary(), command, "-c", path], capture_output=True, text=True, timeout=30, check=False)


class Tls(RelayCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fairing-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_authority(cls.folder, "root")
        cls.pair = make_certificate(cls.folder, "root", "server")
        cls.secure = Postgres(tls=cls.pair).start()
        cls.addClassCleanup(cls.secure.stop)

    def select(self, **more):
        c = psycopg2.connect(self.dsn(**more))
        with c.cursor() as cursor:
            cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            got = cursor.fetchone()[0]
        c.close()
        return got

    def test_tls_to_the_client_only(self):
        self.relay(tls={"cert": self.pair[0], "key": self.pair[1]})
        self.assertFalse(self.select(sslmode="require"))
        for user in ("mandy", "clara"):
            self.assertEqual(self.client(user=user, tls=True).query("SELECT 1"), [["1"]])

    def test_tls_to_postgresql_only(self):
        self.relay(f"postgres://127.0.0.1:{self.secure.port}/app?sslmode=require")
        self.assertTrue(self.select(sslmode="disable"))
        self.relay(f"postgres://127.0.0.1:{self.secure.port}/app?sslmode=allow")
        self.assertTrue(self.select(sslmode="disable"))

    def test_tls_on_both_sides_and_channel_binding(self):
        self.relay(
            f"postgres://127.0.0.1:{self.secure.port}/app?sslmode=require", tls={"cert": self.pair[0], "key": self.pair[1]}
        )
        with self.assertRaisesRegex(psycopg2.OperationalError, "channel_binding=disable"):
            self.select(sslmode="require")
        self.assertTrue(self.select(sslmode="require", channel_binding="disable"))
        self.assertEqual(self.client(tls=True).query("SELECT 1"), [["1"]])


class Unix(RelayCase):
    def test_both_sides_by_unix_socket(self):
        folder = tempfile.mkdtemp(prefix="fairing-unix-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, ".s.PGSQL.6432")
        self.relay(f"postgres:///app?host={self.pg.directory}&port={self.pg.port}", listen=f"unix:{path}")
        self.assertIsInstance(self.address, str)
        self.refused("28P01", PgClient, self.address, password="wrong")
        self.assertEqual(self.client().query("SELECT inet_server_addr() IS NULL"), [["t"]])
        done = subprocess.run(
            ["psql", "-X", "-A", "-t", "-w", f"host={folder} port=6432 user=bob password=bob dbname=app", "-c", "SELECT current_user"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.stdout.strip(), "bob", done.stderr)


class Silent(RelayCase):
    def test_a_postgresql_that_says_nothing_or_nonsense(self):
        for said in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            with socket.create_server(("127.0.0.1", 0)) as server, self.subTest(said):
                self.relay(f"postgres://127.0.0.1:{server.getsockname()[1]}/app?sslmode=disable", limits={"login": "500ms"})
                s = connect_socket(self.address, 10)
                body = struct.pack("!i", 196608) + b"user\0alice\0\0"
                s.sendall(struct.pack("!i", len(body) + 4) + body)
                other, _ = server.accept()
                other.sendall(said)
                got = b""
                while more := s.recv(4096):
                    got += more
                self.assertIn(b"08P01" if said else b"", got)
                other.close()
                s.close()


if __name__ == "__main__":
    unittest.main()
