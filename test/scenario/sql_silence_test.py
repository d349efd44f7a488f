"""PostgreSQL that says nothing: its process is stopped, its host has vanished, or it takes no byte while a statement waits.
Only who is not there any more is given up, and then all it held comes back.
"""
import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import PgClient, PgError
from support.sql_case import SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres

SO_ATTACH_FILTER = 26
DROP_ALL = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))  # BPF: return 0


class Road:
    """A way to PostgreSQL that can vanish: who has come by it then sends into the void, and hears nothing."""

    def __init__(self, test, port):
        self.port, self.near = port, []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        self.ends = [self.listening]
        test.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                far = socket.create_connection(("127.0.0.1", self.port))
                self.near.append(near)
                self.ends += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    def vanish(self):
        program = struct.pack("HP", 1, ctypes.addressof(DROP_ALL))
        for s in self.near:
            s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def close(self):
        for s in self.ends:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)  # a close alone waits for who reads
            s.close()


class Silence(SqlCase):
    def pool(self):
        return self.fairing.call("GET", "/v1/pools", token=False)[1]["items"][0]

    def test_a_statement_that_is_not_stopped_ends_with_its_server(self):
        self.start(pool={"size": 1}, limits={"statement": "1s"})
        a, b = self.client(), self.client()
        pid = a.server_pid()
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        with self.assertRaises(PgError) as caught:
            a.query("SELECT 1")
        self.assertEqual((caught.exception.severity, caught.exception.code), ("FATAL", "08006"))
        self.assertIn("sql.limits.statement", caught.exception.message)
        self.assertNotEqual(b.server_pid(), pid, "the place is the next one's")
        wait_until(lambda: self.pool()["closed"].get("timed_out") == 1, 10, "the server's end to be counted")

    def test_idle_connections_are_kept_alive(self):
        self.start(pool={"size": 1})
        c = self.client()
        c.query("SELECT 1")
        ours, theirs = self.address[1], self.pg.port

        def timers():
            with open("/proc/net/tcp") as f:
                rows = [line.split() for line in f][1:]
            ends = [(int(r[1].split(":")[1], 16), int(r[2].split(":")[1], 16), r[3], r[5][:2]) for r in rows]
            return [t for here, there, state, t in ends if state == "01" and (here == ours or there == theirs)]

        wait_until(lambda: timers() == ["02", "02"], 10, "a keep-alive timer for the client and one for PostgreSQL")

    def test_a_host_that_has_vanished_is_noticed(self):
        road = Road(self, self.pg.port)
        upstream = self.pg.url().replace(f":{self.pg.port}/", f":{road.address[1]}/")
        self.start(upstream=upstream, pool={"size": 3})
        a, b, idle = (self.client(timeout=100) for _ in range(3))
        for c in (a, b, idle):
            c.query("BEGIN")
            c.query("SELECT 1")
        idle.query("COMMIT")
        asleep = in_thread(a.query, "SELECT pg_sleep(200)")
        wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(200)'"
                                       " AND pid <> pg_backend_pid()").strip() == "1", 10, "a's statement to run")
        road.vanish()
        with self.assertRaises(PgError) as caught:
            b.query("SELECT 2")  # it is not even confirmed
        self.assertEqual(caught.exception.code, "08006")
        asleep.join(100)
        self.assertEqual(asleep.error.code, "08006")
        wait_until(lambda: self.pool()["closed"].get("server_gone") == 3, 60, "the idle one to be missed too")
        self.assertEqual(idle.query("SELECT 3"), [["3"]], "on a new connection")

    def test_postgres_may_take_nothing_for_as_long_as_it_likes(self):
        self.pg.sql("CREATE TABLE waits (k int PRIMARY KEY, v text); GRANT ALL ON waits TO PUBLIC", "app")
        self.start(pool={"size": 2})
        held = PgClient(("127.0.0.1", self.pg.port))
        held.query("BEGIN")
        held.query("INSERT INTO waits VALUES (1, 'x')")
        c = self.client(timeout=150)
        c.send(b"Q", b"COPY waits FROM STDIN\0")
        while c.receive()[0] != b"G":
            pass
        began = time.monotonic()

        def push():
            for i in range(1, 20001):
                c.send(b"d", b"%d\t%s\n" % (i, b"y" * 1000))
            c.send(b"c")

        pushing = in_thread(push)
        time.sleep(62 - (time.monotonic() - began))  # the first row waits for the other's key: longer than a minute
        held.query("ROLLBACK")
        held.close()
        self.assertEqual([body for kind, body in c.until_ready() if kind == b"C"], [b"COPY 20000\0"])
        pushing.join()
        self.assertEqual(self.pool()["closed"], {})


if __name__ == "__main__":
    unittest.main()
