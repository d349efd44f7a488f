"""Tagged rows under faults: 200 clients over a pool of 8, servers that are killed at message boundaries and within
messages, clients that vanish, stall and send garbage. No client ever sees a byte that is not the answer to what it asked.

    ./dev torture            the full run: FAIRING_TORTURE_STATEMENTS=1000000; ./dev test runs 30000

FAIRING_TORTURE_SEED chooses another course of events; a run prints what it counted.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from sql_plane import address, gauge, settled, sql_fairing
from support.fairing import binary
from support.postgres import Postgres
from support.wait import wait_until

STATEMENTS = int(os.environ.get("FAIRING_TORTURE_STATEMENTS", "30000"))
SEED = os.environ.get("FAIRING_TORTURE_SEED", "1")
LIMIT = 60 + STATEMENTS // 200  # seconds
CLIENTS, SIZE = 200, 8
SERVER_FAULTS = ["--kill", "0.00004", "--kill-within", "0.00004", "--delay", "0.0002", "--freeze", "0.00001"]
CLIENT_FAULTS = ["--close", "0.002", "--stall", "0.001", "--garbage", "0.001"]
LIBC = ctypes.CDLL(None)


def program():
    return os.environ.get("FAIRING_SQL_TORTURE") or os.path.join(
        os.path.dirname(os.path.abspath(binary())), "fairing_sql_torture"
    )


def die_with_the_test():
    LIBC.prctl(1, signal.SIGKILL)


def ahead(fairing):
    """How many statements were sent to a server that still worked for another client."""
    return sum(v for (name, labels), v in fairing.metrics().items()
               if name == "fairing_sql_ahead_total" and ("event", "sent") in labels)


class FaultProxy:
    """Stands before PostgreSQL; `log` is the path of what it broke."""

    def __init__(self, test, target, faults):
        self.log_file = tempfile.NamedTemporaryFile(prefix="fairing-faults-")
        self.log = self.log_file.name
        self.process = subprocess.Popen(
            [program(), "--fault-proxy", f"127.0.0.1:0={target}", "--seed", SEED, *faults],
            stdout=self.log_file,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_the_test,
        )
        test.addCleanup(self.stop)
        self.port = json.loads(self.process.stderr.readline())["port"]

    def kills(self):
        with open(self.log, encoding="ascii") as f:
            return sum(1 for line in f if " kill" in line)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()
        self.log_file.close()


class Torture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres(max_connections=SIZE * 3 + 20).start()
        cls.addClassCleanup(cls.pg.stop)
        schema = subprocess.run([program(), "--schema"], capture_output=True, text=True, check=True).stdout
        cls.pg.sql(schema + "GRANT ALL ON torture_rows, torture_numbers TO PUBLIC", database="app")

    def run_program(self, target, statements, *more):
        """(exit code, what it counted, what it complained of)"""
        done = subprocess.run(
            [program(), "--target", target, "--user", "alice", "--password", "alice", "--database", "app"]
            + ["--clients", str(CLIENTS), "--statements", str(statements), "--seed", SEED, "--limit", str(LIMIT), *more],
            capture_output=True,
            text=True,
            timeout=LIMIT + 60,
            check=False,
            preexec_fn=die_with_the_test,
        )
        self.assertTrue(done.stdout, done.stderr)
        print(done.stdout.strip(), flush=True)
        return done.returncode, json.loads(done.stdout), done.stderr[-6000:]

    def nothing_is_left(self, fairing, descriptors):
        settled(fairing)
        self.assertLessEqual(gauge(fairing, "fairing_pool_size"), SIZE)
        wait_until(lambda: len(self.pg.backends("alice")) <= SIZE, 15, f"at most {SIZE} connections to PostgreSQL")
        wait_until(lambda: fairing.descriptors() <= descriptors + SIZE + 4, 15, "clients' descriptors to be closed")

    def test_without_faults_nothing_is_lost(self):
        fairing = sql_fairing(self, self.pg.url("alice", query="?sslmode=disable"), pool={"size": SIZE, "ahead": "always"})
        descriptors = fairing.descriptors()
        code, seen, said = self.run_program("%s:%d" % address(fairing), STATEMENTS // 3)
        self.assertGreater(ahead(fairing), STATEMENTS // 3000, "statements were sent behind one another")
        self.assertEqual((seen["wrong_rows"], seen["faults"], seen["lost"], seen["refused"]), (0, 0, 0, 0), said)
        self.assertGreaterEqual(seen["statements"], STATEMENTS // 3)
        self.assertEqual(seen["late_cancels"], 0, "a cancel hit a statement that it was not meant for")
        self.assertEqual(code, 0, said)
        self.nothing_is_left(fairing, descriptors)

    def test_with_faults_each_loss_has_its_fault(self):
        proxy = FaultProxy(self, f"127.0.0.1:{self.pg.port}", SERVER_FAULTS)
        upstream = f"postgres://alice:alice@127.0.0.1:{proxy.port}/app?sslmode=disable"
        fairing = sql_fairing(self, upstream, pool={"size": SIZE, "wait_timeout": "30s", "ahead": "always"})
        descriptors = fairing.descriptors()
        code, seen, said = self.run_program(
            "%s:%d" % address(fairing), STATEMENTS, "--fault-log", proxy.log, *CLIENT_FAULTS
        )
        self.assertGreater(ahead(fairing), STATEMENTS // 3000, "statements were sent behind one another")
        self.assertEqual(seen["wrong_rows"], 0, said)
        self.assertEqual(seen["faults"], 0, said)
        self.assertEqual(seen["lost_unexplained"], 0, said)
        self.assertEqual(seen["refused_unexplained"], 0, said)
        self.assertLessEqual(seen["lost"], proxy.kills(), "one killed server costs one client at most")
        self.assertGreater(proxy.kills(), 0, "the proxy has to break something")
        self.assertGreater(seen["closed_by_us"], 0)
        self.assertEqual(code, 0, said)
        self.nothing_is_left(fairing, descriptors)


if __name__ == "__main__":
    unittest.main()
