"""How clients of the sql plane come in: SCRAM, md5, auth_query, trust, TLS, unix sockets, and what is refused."""
import base64
import os
import re
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
from support.certificates import make_authority, make_certificate
from support.pgclient import Closed, PgClient, PgError, connect_socket
from support.postgres import Postgres
from support.sql_case import SqlCase, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres
HELLO = struct.pack("!ii", 33, 196608) + b"user\0alice\0database\0app\0\0"
AUTH_QUERY = "SELECT usename, passwd, valuntil FROM pg_shadow WHERE usename = $1"


class Secrets(SqlCase):
    def test_scram_and_what_a_client_is_told(self):
        self.start()
        c = self.client(application_name="shop")
        self.assertEqual(c.asked, "scram")
        self.assertEqual(c.status["application_name"], "shop")
        self.assertEqual(c.status["session_authorization"], "alice")
        self.assertIn("server_version", c.status)
        pid = struct.unpack("!i", c.key[:4])[0]
        self.assertNotEqual(pid, c.server_pid())
        self.assertEqual(c.query("SELECT current_user, current_database()"), [["alice", "app"]])

    def test_wrong_password_and_unknown_user_look_the_same(self):
        self.start()
        seen = []
        for user in ("alice", "nobody"):
            e = self.refused("28P01", PgClient, self.address, user=user, password="wrong")
            self.assertEqual(e.severity, "FATAL")
            seen.append(e.message.replace(user, "X"))
        self.assertEqual(seen[0], seen[1])
        self.client()  # the right one still comes in

    def test_failed_logins_are_slowed(self):
        self.start()
        took = []
        for _ in range(4):
            began = time.monotonic()
            self.refused("28P01", PgClient, self.address, password="wrong")
            took.append(time.monotonic() - began)
        self.assertGreater(took[-1], 0.3, took)

    def test_guesses_at_a_time_are_slowed_too(self):
        """No more of them are looked at than there are places to wait in, also where nobody waits for the answer."""
        self.start()
        for _ in range(6):  # from now on each takes a second
            self.refused("28P01", PgClient, self.address, password="wrong")
        guesses = [self.guess() for _ in range(600)]
        before = self.failed_logins()
        began = time.monotonic()
        for s, proof in guesses:
            s.sendall(proof)
        wait_until(lambda: self.failed_logins() - before >= 300, 20, "more failures than there are places")
        self.assertGreater(time.monotonic() - began, 0.9)
        for s, _ in guesses:
            answer = s.makefile("rb").read()
            self.assertIn(b"C28P01", answer)
            s.close()
        self.client()  # the right one still comes in

    def guess(self):
        """A connection that has everything but its proof to say, and that proof, which is wrong."""
        s = connect_socket(self.address, 30)
        first = b"n,,n=,r=abc"
        s.sendall(HELLO + PgClient.message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first))
        heard = b""
        while not (nonce := re.search(rb"(r=abc[^,]*),s=", heard)):
            heard += s.recv(4096)
        wrong = base64.b64encode(bytes(32))
        return s, PgClient.message(b"p", b"c=biws," + nonce[1] + b",p=" + wrong)

    def failed_logins(self):
        return self.fairing.metric("fairing_sql_logins_total", outcome="failed")

    def test_users_with_passwords_of_their_own(self):
        self.start(users=[{
  "name" : n, "password" : n} for n in ("bob", "mandy", "clara")])
        for name in ("bob", "mandy", "clara", "alice"):  # PostgreSQL asks by SCRAM, md5, clear text
            self.assertEqual(self.client(user=name).query("SELECT current_user"), [[name]])

    def test_a_scram_secret_is_enough_for_both_sides(self):
        secret = self.pg.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'bob'")
        self.start(users=[{"name": "bob", "scram": secret}])
        self.refused("28P01", PgClient, self.address, user="bob", password="wrong")
        self.assertEqual(self.client(user="bob").query("SELECT current_user"), [["bob"]])

    def test_auth_query(self):
        self.pg.sql("CREATE USER late PASSWORD 'late' VALID UNTIL '2020-01-01'")
        self.start(self.pg.url("admin"), auth_query=AUTH_QUERY)
        for name in ("bob", "mandy"):
            c = self.client(user=name)
            self.assertEqual(c.query("SELECT current_user"), [[name]])
            self.assertEqual(c.asked, {"bob": "scram", "mandy": "md5"}[name])
        for name in ("late", "nobody", "x' OR true --"):
            self.refused("28P01", PgClient, self.address, user=name)
        self.refused("28P01", PgClient, self.address, user="mandy", password="wrong")

    def test_a_server_that_trusts(self):
        self.start(f"postgres://trudy@127.0.0.1:{self.pg.port}/app")
        c = self.client(user="trudy")
        self.assertIsNone(c.asked)
        self.assertEqual(c.query("SELECT current_user"), [["trudy"]])
        e = self.refused("28000", PgClient, self.address, user="alice")
        self.assertIn("sql.users", e.hint)


class Doors(SqlCase):
    def raw(self):
        s = connect_socket(self.address, 10)
        self.addCleanup(s.close)
        return s

    def test_encryption_requests_without_a_certificate(self):
        self.start()
        s = self.raw()
        for code in (80877104, 80877103):
            s.sendall(struct.pack("!ii", 8, code))
            self.assertEqual(s.recv(10), b"N")

    def test_bytes_before_tls_end_the_connection(self):
        self.start()
        s = self.raw()
        s.sendall(struct.pack("!ii", 8, 80877103) + b"Q\0\0\0\x0bSELECT\0")
        self.assertEqual(s.recv(10), b"")

    def test_nonsense_is_refused(self):
        self.start()
        for bytes_ in (b"GET / HTTP/1.1\r\n\r\n", struct.pack("!ii", 9, 0x7FFFFFFF) + b"\0", struct.pack("!i", 3)):
            s = self.raw()
            s.sendall(bytes_)
            said = s.recv(1000)
            self.assertIn(said[:1], (b"", b"E"), said)

    def test_a_proof_of_a_megabyte(self):
        self.start()
        s = self.raw()
        body = struct.pack("!i", 196608) + b"user\0alice\0\0"
        s.sendall(struct.pack("!i", len(body) + 4) + body)
        self.assertEqual(s.recv(1), b"R")
        s.sendall(b"p" + struct.pack("!i", 1 << 20) + b"SCRAM-SHA-256\0")
        rest = b""
        while got := s.recv(4096):
            rest += got
        self.assertIn(b"08P01", rest)

    def test_a_silent_client_is_closed(self):
        self.start(limits={"login": "300ms"})
        self.assertEqual(self.raw().recv(1), b"")

    def test_replication_is_refused_with_a_hint(self):
        self.start()
        e = self.refused("0A000", PgClient, self.address, replication="database")
        self.assertIn("PostgreSQL", e.hint)

    def test_newer_protocols_are_negotiated(self):
        self.start()
        s = self.raw()
        body = struct.pack("!i", 196610) + b"user\0alice\0_pq_.x\0" + b"1\0\0"
        s.sendall(struct.pack("!i", len(body) + 4) + body)
        got = b""
        while len(got) < 5:
            got += s.recv(100)
        self.assertEqual(got[:1], b"v")

    def test_the_number_of_clients_is_limited(self):
        self.start(limits={"connections": 2})
        self.client(), self.client()
        e = self.refused("53300", PgClient, self.address)
        self.assertIn("sql.limits.connections", e.hint)
#libpq shows nothing that comes before the answer to its SSLRequest.
        done = subprocess.run(
            ["psql", "-X", "-w", f"host=127.0.0.1 port={self.address[1]} user=alice password=alice dbname=app sslmode=prefer"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("too many clients are connected to Fairing", done.stderr)
        self.assertEqual(done.returncode, 2)

    def test_a_crowd_beyond_the_limit_is_refused_in_bounds(self):
        self.start(limits={"connections": 1, "login": "500ms"})
        c = self.client()
        crowd = [self.raw() for _ in range(40)]  # they say nothing: the first 32 are closed in time, the others at once
        for s in crowd:
            while s.recv(4096):
                pass
        self.refused("53300", PgClient, self.address)
        running = threading.Thread(target=lambda: self.refused("57014", c.query, "SELECT pg_sleep(60)"))
        running.start()
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == "1")
        c.cancel()  # a cancel request is no client
        running.join(20)
        self.assertFalse(running.is_alive())

    def test_postgresql_s_own_refusal_reaches_the_client(self):
        self.start()
        e = self.refused("3D000", PgClient, self.address, database="missing")
        self.assertIn('"missing"', e.message)

    def test_start_up_parameters_hold(self):
        self.start(pool={"size": 4})
        c = self.client(options="-c search_path=pg_catalog", TimeZone="Asia/Tokyo", extra_float_digits="2")
        self.assertEqual(c.query("SHOW search_path"), [["pg_catalog"]])
        self.assertEqual(c.status["TimeZone"], "Asia/Tokyo")
        self.assertEqual(self.client().query("SHOW TimeZone")[0][0] == "Asia/Tokyo", False)
        self.refused("22023", PgClient, self.address, TimeZone="Nowhere/Atall")

    def test_application_name_follows_the_client(self):
        self.start(pool={"size": 1})
        a, b = self.client(application_name="a"), self.client(application_name="b")
        for _ in range(3):
            self.assertEqual(a.query("SHOW application_name"), [["a"]])
            self.assertEqual(b.query("SHOW application_name"), [["b"]])

    def test_unix_sockets_on_both_sides(self):
        folder = tempfile.mkdtemp(prefix="fairing-sock-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "s")
        self.start(f"postgres://alice:alice@/app?host={self.pg.directory}&port={self.pg.port}", listen=f"unix:{path}")
        self.assertEqual(self.client().query("SELECT inet_client_addr() IS NULL"), [["t"]])

    def test_postgresql_is_not_there(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.start(f"postgres://alice:alice@127.0.0.1:{port}/app")
        self.refused("08001", PgClient, self.address)


class Tls(SqlCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fairing-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.root = make_authority(cls.folder, "root")
        make_authority(cls.folder, "other")
        cls.pair = make_certificate(cls.folder, "root", "server")
        cls.wrong_name = make_certificate(cls.folder, "root", "elsewhere", names="DNS:elsewhere")
        cls.secure = Postgres(tls=cls.wrong_name).start()
        cls.addClassCleanup(cls.secure.stop)

    def test_clients_by_tls(self):
        self.start(tls={"cert": self.pair[0], "key": self.pair[1]})
        c = self.client(tls=True)
        self.assertEqual(c.query("SELECT 1"), [["1"]])
        self.assertEqual(c.query("SELECT repeat('x', 3000000)"), [["x" * 3000000]])
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])  # plain ones come in as well

    def test_tls_survives_the_hand_over_to_another_core(self):
        self.start(tls={"cert": self.pair[0], "key": self.pair[1]})
        for _ in range(6):
            self.assertEqual(self.client(tls=True).query("SELECT 1"), [["1"]])

    def answer(self, mode, root=None):
        query = f"?sslmode={mode}" + (f"&sslrootcert={root}" if root else "")
        self.start(self.secure.url(query=query))
        try:
            return self.client().query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0]
        except PgError as e:
            return e.code
        except Closed:
            return "closed"

    def test_sslmode_as_libpq(self):
        other = os.path.join(self.folder, "other.pem")
        for mode, root, expected in [
            ("disable", None, "28000"),  # pg_hba.conf wants TLS
            ("allow", None, "t"),
            ("prefer", None, "t"),
            ("require", None, "t"),
            ("require", other, "08001"),
            ("verify-ca", self.root, "t"),
            ("verify-ca", other, "08001"),
            ("verify-full", self.root, "08001"),  # the certificate names another host
        ]:
            with self.subTest(mode=mode, root=root):
                self.assertEqual(self.answer(mode, root), expected)

    def test_a_server_without_tls(self):
        self.start(self.pg.url(query="?sslmode=require"))
        self.refused("08004", PgClient, self.address)
        self.start(self.pg.url(query="?sslmode=prefer"))
        self.client()


if __name__ == "__main__":
    unittest.main()
