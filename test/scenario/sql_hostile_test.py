"""Hostile clients and hostile servers of the sql plane. Whatever one of them does, it alone gets a FATAL or an ERROR with an
SQLSTATE; another client beside it goes on getting its own rows, servers come back to the pool, and nothing leaks.
"""
import base64
import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from fake_postgres import KEEP, OK, READY, FakePostgres, complete, data_row, error, message, row_description
from hostile_messages import (AT_LOGIN, AT_REST, AT_STARTUP, CONVERSATION, CONVERSATION_ROWS, HELLO, MEGABYTE, error_or_end,
                              raw_length, sasl_first)
from sql_plane import Bystander, address, leased, settled, sql_fairing
from support.client import in_parallel
from support.pgclient import Closed, PgClient, PgError, connect_socket
from support.postgres import Postgres
from support.wait import wait_until

MEMORY = int(os.environ.get("FAIRING_MEMORY_FACTOR", "1")) * 48 * MEGABYTE  # of growth that is no leak
GONE = ("08", "53", "57P")  # SQLSTATEs of a server that is not there


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres().start()
        cls.addClassCleanup(cls.pg.stop)
        cls.pg.sql("CREATE TABLE kept (n int); GRANT ALL ON kept TO PUBLIC", database="app")

    def start(self, size=4, limits=None):
        self.fairing = sql_fairing(self, self.pg.url("alice"), pool={"size": size}, limits=limits)
        self.at = address(self.fairing)
        self.bystander = Bystander(self.fairing, "bystander")
        self.addCleanup(self.bystander.close)
        self.bystander.check(self)
        self.before = (self.fairing.descriptors(), self.fairing.rss())

    def end(self, size=4):
        self.bystander.check(self)
        settled(self.fairing)
        wait_until(lambda: self.fairing.descriptors() <= self.before[0] + size + 2, 15, "descriptors to be closed")
        self.assertLess(self.fairing.rss() - self.before[1], MEMORY, "memory that grew")

    def each(self, cases, before, what, timeout=15):
        """Sends each case after `before(connection)`; whoever gets no end and no error hangs."""
        for name, data in cases.items():
            with self.subTest(name):
                with connect_socket(self.at, timeout) as s:
                    before(s)
                    try:
                        s.sendall(data)
                        s.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass  # refused while it was still being sent
                    error_or_end(self, s, what)
                self.bystander.check(self)

    # -- clients ------------------------------------------------------------------------------------------

    def test_start_up_packets(self):
        self.start()
        self.each(AT_STARTUP, lambda s: None, "start-up")
        self.end()

    def test_refusals_say_why(self):
        self.start()
        for name in ("length 0", "length 2^32-1", "1 MB", "protocol 2", "no user"):
            with self.subTest(name), connect_socket(self.at, 15) as s:
                try:
                    s.sendall(AT_STARTUP[name])
                except ConnectionError:
                    pass
                code = error_or_end(self, s, name)
                self.assertTrue(code is None or code[:2] in ("08", "28", "0A", "42", "54"), code)
        with connect_socket(self.at, 15) as s:  # the commonest one has to be clear
            s.sendall(AT_STARTUP["no user"])
            self.assertIn(error_or_end(self, s, "no user"), ("28000", "08P01"))
        self.end()

    def test_log_in(self):
        self.start()

        def begin(s):
            s.sendall(HELLO)
            self.assertEqual(s.recv(1), b"R")
            s.recv(4096)

        self.each(AT_LOGIN, begin, "log-in")
        second = {
            "1 MB": message(b"p", b"c=biws,r=" + b"a" * MEGABYTE + b",p=" + base64.b64encode(b"0" * 32)),
            "binary": message(b"p", bytes(range(256))),
            "another nonce": message(b"p", b"c=biws,r=abc,p=" + base64.b64encode(b"0" * 32)),
            "nothing": message(b"p"),
        }

        def go_on(s):
            begin(s)
            s.sendall(sasl_first(b"n,,n=,r=abcdefghijklmnop"))
            self.assertEqual(s.recv(1), b"R")
            s.recv(4096)

        self.each(second, go_on, "log-in")
        self.end()

    def logged_in(self):
        c = PgClient(self.at, user="alice", timeout=15)
        self.addCleanup(c.socket.close)
        return c

    def test_messages(self):
        self.start()
        self.pg.sql("TRUNCATE kept", database="app")
        for begin in (None, "BEGIN", "COPY kept FROM STDIN"):
            for name, data in AT_REST.items():
                with self.subTest(name, begin=begin):
                    c = self.logged_in()
                    if begin:
                        c.send(b"Q", begin.encode() + b"\0")
                        while c.receive()[0] not in (b"Z", b"G"):
                            pass
                    try:
                        c.socket.sendall(data)
                        c.socket.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                    error_or_end(self, c.socket, name)
                    c.socket.close()
                    self.bystander.check(self)
        self.assertEqual(self.pg.sql("SELECT count(*) FROM kept", database="app"), "0")
        self.end()

    def test_unknown_types(self):
        self.start()
        known = b"BCDEFHPQSXcdfp"
        for kind in (bytes([i]) for i in range(256) if i not in known):
            c = self.logged_in()
            try:
                c.socket.sendall(message(kind, b"1234") + message(b"Q", b"SELECT 'answered'\0"))
                code = error_or_end(self, c.socket, f"type {kind}")
            except ConnectionError:
                code = None
            self.assertIn(code, ("08P01", None), kind)
            c.socket.close()
        self.end()

    def test_a_statement_over_the_limit_costs_that_client_an_error(self):
        self.start(limits={"statement_size": "1MB"})
        text = b"SELECT length('" + b"x" * (2 * MEGABYTE) + b"')\0"
        for data in (message(b"P", b"\0" + text + b"\0\0") + message(b"S"), message(b"P", b"s1\0" + text + b"\0\0") + message(b"S")):
            c = self.logged_in()
            with contextlib.suppress(ConnectionError):
                c.socket.sendall(data)
            self.assertIn(error_or_end(self, c.socket, "oversized"), ("54000", "08P01", "53400"))
            c.socket.close()
        c = self.logged_in()
        c.send(b"Q", text)
        with self.assertRaises(PgError) as caught:
            c.rows()
        self.assertEqual((caught.exception.code, caught.exception.severity), ("54000", "ERROR"))
        self.assertEqual(c.query("SELECT 'still'"), [["still"]])
        self.end()

    def test_a_client_that_stops_reading_is_cut(self):
        self.start(size=2, limits={"client_write": "1s"})
        c = PgClient(self.at, user="alice", timeout=60)
        c.send(b"Q", b"SELECT repeat('x', 1000) FROM generate_series(1, 300000)\0")
        wait_until(lambda: leased(self.fairing) == 1, 10, "the large result to begin")
        for _ in range(20):
            self.bystander.check(self)
        wait_until(lambda: leased(self.fairing) == 0, 20, "the stalled client's server to be free")
        self.assertLess(self.fairing.rss() - self.before[1], MEMORY, "a large result was kept in memory")
        received, ended = 0, False
        while not ended:
            try:
                got = len(c.socket.recv(1 << 16))
            except ConnectionError:
                got = 0
            received, ended = received + got, got == 0
        self.assertLess(received, 300_000_000)
        c.socket.close()
        self.end(size=2)

    def test_a_client_killed_at_each_boundary(self):
        self.start()
        self.pg.sql("TRUNCATE kept", database="app")
        finished, tag = 0, 0
        for cut in range(len(CONVERSATION) + 1):
            for more, linger in ((0, 0), (0, 1), (1, 0), (3, 1)):
                tag += 1
                c = self.logged_in()
                following = CONVERSATION[cut][:more] if cut < len(CONVERSATION) else b""
                c.socket.sendall(b"".join(CONVERSATION[:cut]) + following)
                if cut == len(CONVERSATION):
                    answered = 0
                    while answered < 6:  # the ReadyForQuery of BEGIN, Sync, Sync, COPY, SELECT and COMMIT
                        c.until_ready()
                        answered += 1
                    finished += 1
                if linger:
                    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                c.socket.close()
                if tag % 4 == 0:
                    self.bystander.check(self)
        settled(self.fairing)
        kept = int(self.pg.sql("SELECT count(*) FROM kept", database="app"))
        # A COMMIT that was sent may be done though nobody waited for it; nothing else may.
        self.assertEqual(kept, finished * CONVERSATION_ROWS)
        self.end()

    def test_a_client_killed_while_it_logs_in(self):
        self.start()
        for part in (b"", HELLO[:6], HELLO, HELLO + sasl_first(b"n,,n=,r=abcdefghijklmnop")[:9]):
            for _ in range(5):
                with connect_socket(self.at, 15) as s:
                    s.sendall(part)
        self.end()

    def test_a_storm_of_cancels(self):
        self.start()
        victim = self.logged_in()
        others = [Bystander(self.fairing, f"other{i}") for i in range(3)]
        stop = threading.Event()
        cancelled = [0]

        def go_on(other):
            while not stop.is_set():
                other.check(self)

        def storm(first):
            for i in range(first, first + 125):
                pid, secret = struct.unpack("!II", victim.key)
                wrong = (pid, (secret + 1 + i) % (1 << 32)) if i % 2 else ((pid + 1 + i) % (1 << 32), secret)
                victim.cancel(struct.pack("!II", *wrong))

        def be_cancelled():
            for i in range(60):
                victim.send(b"Q", b"SELECT 'victim', pg_sleep(0.4)\0")
                if i % 2:
                    victim.cancel()
                try:
                    self.assertEqual(victim.rows()[0][0], "victim")
                except PgError as e:
                    self.assertEqual(e.code, "57014")
                    self.assertTrue(i % 2, "a cancel with a wrong key did something")
                    cancelled[0] += 1
                victim.query("SELECT 'not me'")  # a late one would hit this

        def all_of_it():
            try:
                in_parallel([be_cancelled, *[lambda i=i: storm(i * 125) for i in range(8)]], timeout=90)
            finally:
                stop.set()

        in_parallel([all_of_it, *[lambda o=o: go_on(o) for o in others]], timeout=100)
        self.assertGreater(cancelled[0], 20)
        for o in others:
            o.close()
        victim.close()
        self.end()

    def test_a_server_that_restarts_under_load(self):
        self.start()
        stop, lock, errors, done = threading.Event(), threading.Lock(), [], [0]

        def load(number):
            c, n = None, 0
            while not stop.is_set():
                n += 1
                tag = f"~{number}-{n}~"
                try:
                    c = c or PgClient(self.at, user="alice", timeout=20)
                    rows = c.query(f"SELECT '{tag}', {n}") if n % 2 else c.extended("SELECT $1::text, $2::text", [tag, n])
                    self.assertEqual(rows, [[tag, str(n)]])
                    with lock:
                        done[0] += 1
                except PgError as e:
                    with lock:
                        errors.append(e.code)
                    if e.severity == "FATAL":
                        c = c and c.socket.close()
                except (Closed, ConnectionError):
                    with lock:
                        errors.append("closed")
                    c = c and c.socket.close()
            if c:
                c.close()

        def more(n):
            goal = done[0] + n
            wait_until(lambda: done[0] >= goal, 30, f"{n} more statements")

        failed = []

        def all_loads():
            try:
                in_parallel([lambda i=i: load(i) for i in range(8)], timeout=110)
            except BaseException as e:  # for the main thread
                failed.append(e)

        loads = threading.Thread(target=all_loads, daemon=True)
        loads.start()
        try:  # here, since PostgreSQL ends with the thread that started it
            more(200)
            for how in (signal.SIGINT, signal.SIGQUIT):
                self.pg.restart(how)
                more(500)
        finally:
            stop.set()
            loads.join(120)
        self.assertEqual(failed, [])
        strange = [e for e in errors if e != "closed" and not e.startswith(GONE)]
        self.assertEqual(strange, [])
        settled(self.fairing)
        self.bystander.close()  # it may have been in the midst of something
        self.bystander = Bystander(self.fairing, "afterwards")
        self.end()


class HostileServer(unittest.TestCase):
    def setUp(self):
        self.fake = FakePostgres(self)
        self.fairing = None

    def start(self, **limits):
        self.fairing = sql_fairing(self, self.fake.url(), pool={"size": 2}, limits=limits or None)
        self.at = address(self.fairing)

    def client(self, timeout=15):
        c = PgClient(self.at, user="alice", timeout=timeout)
        self.addCleanup(c.socket.close)
        return c

    def good(self):
        with self.client() as c:
            self.assertEqual(c.query("SELECT '~good~'"), [["~good~"]])

    def test_answers_that_are_none(self):
        head, row = row_description(), data_row(b"1")
        self.fake.answers = {
            "no sqlstate": [error({"S": "ERROR", "V": "ERROR", "M": "oops"}), READY],
            "no fields": [message(b"E", b"\0"), READY],
            "no end of fields": [message(b"E", b"SERROR\0C42P01\0Mx"), READY],
            "empty error": [message(b"E"), READY],
            "fatal without sqlstate": [error({"S": "FATAL", "V": "FATAL", "M": "oops"})],
            "an unknown type": [head, message(b"\x01", b"abc"), READY],
            "length 3": [head, raw_length(b"D", 3)],
            "length 2^31-1": [head, raw_length(b"E", 0x7FFFFFFF, b"SERROR\0")],
            "length 2^32-1": [head, raw_length(b"D", -1, b"abc")],
            "a status of Q": [head, row, complete(), message(b"Z", b"Q")],
            "a ready of two bytes": [head, row, complete(), message(b"Z", b"II")],
            "a ready of none": [head, row, complete(), message(b"Z")],
            "a log-in once more": [message(b"R", OK), head, row, complete(), READY],
            "another key": [message(b"K", b"12345678"), head, row, complete(), READY],
            "cut within a row": [head, row[:-1]],
            "cut within a header": [head, row[:3]],
            "cut behind a row": [head, row],
            "cut before the end": [head, row, complete()],
            "nothing": [],
        }
        self.start()
        self.good()
        before = self.fairing.descriptors()
        for sql in self.fake.answers:
            with self.subTest(sql):
                c = self.client()
                c.send(b"Q", sql.encode() + b"\0")
                code = error_or_end(self, c.socket, sql) if sql != "another key" else None
                if sql in ("no sqlstate", "nothing", "cut before the end"):
                    self.assertIsNotNone(code, "the client has to be told")
                c.socket.close()
                self.good()
        settled(self.fairing)
        wait_until(lambda: self.fairing.descriptors() <= before + 4, 15, "descriptors to be closed")

    def test_the_advisor_is_told_nonsense(self):
        begun = message(b"1") + message(b"2")
        for name, answer, asks in (
            ("no columns", [message(b"T", b"\0\0"), message(b"D", b"\0\0"), complete()], 7),
            ("one column", [row_description(), data_row(b"t"), complete()], 7),
            ("a copy", [message(b"H", b"\0\0\0"), message(b"c"), complete(b"COPY 0")], 1),
        ):
            with self.subTest(name):
                self.fake.extended, enough = [begun, *answer, READY], self.fake.syncs + asks
                self.start()
                wait_until(lambda n=enough: self.fake.syncs >= n, 15, "the advisor to ask")
                self.good()
                self.fairing.stop()

    def test_more_than_was_asked_for(self):
        head, row = row_description(), data_row(b"~of another~")
        extra = {
            "a second ready": READY,
            "a second answer": head + row + complete() + READY,
            "a row": row,
            "half a row": row[:7],
        }
        for name, bytes_after in extra.items():
            self.fake.answers[name] = [head + data_row(b"1") + complete() + READY + bytes_after, KEEP]
        self.start()
        self.good()
        for name in extra:
            with self.subTest(name):
                with self.client() as c:
                    try:
                        c.query(name)
                    except (PgError, Closed):
                        pass
                for _ in range(4):
                    self.good()

    def test_a_server_killed_at_each_boundary(self):
        parts = [row_description(), data_row(b"1"), data_row(b"2"), complete(b"SELECT 2")]
        for i in range(len(parts) + 1):
            self.fake.answers[f"killed after {i}"] = parts[:i]
            if i < len(parts):
                self.fake.answers[f"killed within {i}"] = [*parts[:i], parts[i][:-1]]
        self.start()
        self.good()
        beside = self.client()
        for sql in self.fake.answers:
            with self.subTest(sql):
                c = self.client()
                c.send(b"Q", sql.encode() + b"\0")
                code = error_or_end(self, c.socket, sql)
                if "after" in sql:
                    self.assertTrue(code and code.startswith(GONE), f"{sql}: {code}")
                self.assertEqual(beside.query("SELECT '~beside~'"), [["~beside~"]])
        settled(self.fairing)

    def test_log_ins_that_are_none(self):
        sasl = message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")
        nonce = b"r=" + b"a" * MEGABYTE + b",s=" + base64.b64encode(b"0" * 16) + b",i=4096"
        rounds = b"r=%b,s=" + base64.b64encode(b"0" * 16) + b",i=2000000000"
        cases = {
            "an error without SQLSTATE": [error({"S": "FATAL", "M": "go away"})],
            "an empty error": [message(b"E", b"\0")],
            "another protocol": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
            "an unknown authentication": [message(b"R", struct.pack("!i", 99))],
            "an authentication cut short": [message(b"R", b"\0\0")],
            "length 2^32-1": [raw_length(b"R", -1)],
            "a nonce of 1 MB": [sasl, message(b"R", struct.pack("!i", 11) + nonce)],
            "iterations without end": [sasl, message(b"R", struct.pack("!i", 11) + rounds)],
            "no proof": [sasl, message(b"R", OK) + message(b"K", b"12345678") + READY],
            "no mechanisms": [message(b"R", struct.pack("!i", 10) + b"\0")],
            "1 MB of parameters": [message(b"R", OK), message(b"S", b"a\0" + b"b" * MEGABYTE + b"\0") * 40],
            "the end": [],
        }
        self.start(connect="2s")
        before = self.fairing.descriptors()
        for name, parts in cases.items():
            with self.subTest(name):
                self.fake.login = parts
                with self.assertRaises((PgError, Closed)) as raised:
                    self.client().close()
                if isinstance(raised.exception, PgError):
                    self.assertRegex(raised.exception.code, "^[0-9A-Z]{5}$")
        self.fake.login, self.fake.silent = None, True
        with self.subTest("silence"), self.assertRaises((PgError, Closed)):
            self.client().close()
        self.fake.silent = False
        wait_until(self.is_good, 20, "the pool to heal")
        wait_until(lambda: self.fairing.descriptors() <= before + 4, 15, "descriptors to be closed")

    def test_what_lies_behind_ready(self):
        stop = error({"S": "FATAL", "V": "FATAL", "C": "57P01", "M": "terminating connection"})
        self.start()
        for behind, code in ((stop, "57P01"), (row_description(), "08P01"), (READY, "08P01")):
            self.fake.behind_ready = behind
            wait_until(lambda code=code: self.refusal() == code, 20, f"a refusal with {code}")
        self.fake.behind_ready = message(b"N", b"SNOTICE\0\0") + message(b"S", b"application_name\0x\0")
        wait_until(self.is_good, 20, "a server with a notice to be taken")

    def refusal(self):
        with self.assertRaises(PgError) as raised:
            self.client().close()
        return raised.exception.code

    def is_good(self):
        try:
            self.good()
            return True
        except (PgError, Closed):
            return False


if __name__ == "__main__":
    unittest.main()
