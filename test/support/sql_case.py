"""What the scenarios of the sql plane share: one PostgreSQL a file, a Fairing before it, clients by raw socket.

Flow:
    setUpModule = start_postgres; tearDownModule = stop_postgres
    class Pools(SqlCase):
        def test_it(self): self.start(pool={"size": 1}); c = self.client(); c.query("SELECT 1")
"""
import threading
import unittest

from support.fairing import Fairing, split_address
from support.pgclient import Closed, PgClient, PgError
from support.postgres import Postgres
from support.wait import wait_until

SHARED = {}


def start_postgres():
    SHARED["pg"] = Postgres().start()


def stop_postgres():
    SHARED.pop("pg").stop()


def in_thread(call, *arguments):
    """Runs it; the thread has .result or .error once joined."""

    def run():
        try:
            thread.result = call(*arguments)
        except (PgError, Closed) as e:
            thread.error = e

    thread = threading.Thread(target=run, daemon=True)
    thread.result = thread.error = None
    thread.start()
    return thread


def tenant_of(client):
    """What a policy of row level security would read."""
    return client.query("SELECT current_setting('app.tenant', true)")[0][0]


class SqlCase(unittest.TestCase):
    @property
    def pg(self):
        return SHARED["pg"]

    def start(self, upstream=None, session=False, threads=2, listen="127.0.0.1:0", **sql):
        """A Fairing with one sql plane, on two cores so that clients are handed over; `session`: with a session listener."""
        # Without advice, whose connection would be counted where servers are.
        section = {"listen": listen, "upstream": upstream or self.pg.url(), "advise": False, **sql}
        if session:
            section["session_listen"] = "127.0.0.1:0"
        self.fairing = Fairing(self, {"sql": section}, threads=threads)
        addresses = [split_address(a) for a in self.fairing.listeners["sql"]]
        self.address = addresses[0]
        self.session_address = addresses[1] if session else None
        return self.fairing

    def client(self, session=False, **options):
        c = PgClient(self.session_address if session else self.address, **options)
        self.addCleanup(c.close)
        return c

    def show(self, what):
        """Rows of the console, as dicts."""
        with PgClient(self.address, database="fairing", **self.console_user) as c:
            c.send(b"Q", b"SHOW " + what.encode() + b"\0")
            columns, rows = [], []
            for kind, body in c.until_ready():
                if kind == b"T":
                    columns = [f.split(b"\0")[0].decode() for f in self.fields(body)]
                elif kind == b"D":
                    rows.append(dict(zip(columns, c.values(body))))
                elif kind == b"E":
                    raise PgError(body)
            return rows

    console_user = {}

    @staticmethod
    def fields(body):
        at, out = 2, []
        while at < len(body):
            end = body.index(b"\0", at)
            out.append(body[at:end])
            at = end + 19
        return out

    def refused(self, code, call, *arguments, **options):
        """The PgError that the call must end with."""
        with self.assertRaises(PgError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception

    def wait_until_shown(self, what, test, timeout=10.0):
        """Waits until a row of the console passes the test; answers that row."""
        return wait_until(lambda: next((r for r in self.show(what) if test(r)), None), timeout, f"SHOW {what}")

    def waiting(self, n=1):
        wait_until(
            lambda: sum(int(r["waiting"]) for r in self.show("POOLS")) == n, what=f"{n} clients that wait"
        )
