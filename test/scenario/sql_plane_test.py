"""The sql plane as a part of Fairing: its ready line, health, pools, reload and drain, with PostgreSQL behind it."""
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing
from support.postgres import Postgres
from support.wait import wait_until

pg = None


def setUpModule():
    global pg
    pg = Postgres()
    unittest.addModuleCleanup(pg.stop)
    pg.start()


def psql(url, text, wait=True):
    """The rows of a text as psql prints them, or a Popen."""
    command = ["psql", "-X", "-At", url, "-c", text]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not wait:
        return process
    out, _ = process.communicate(timeout=20)
    return out.strip()


class SqlPlane(unittest.TestCase):
    def plane(self, **more):
        sql = {
            "listen": "127.0.0.1:0",
            "session_listen": "127.0.0.1:0",
            "upstream": pg.url("alice"),
            "users": [{"name": "bob", "password": "bob"}],
        }
        return {"sql": {**sql, **more}}

    def start(self, **more):
        self.fairing = Fairing(self, self.plane(**more), threads=2)
        return self.fairing

    def url(self, user="alice", database="app", listener=0, password=None):
        return f"postgres://{user}:{password or user}@{self.fairing.listeners['sql'][listener]}/{database}"

    def pools(self):
        status, body = self.fairing.call("GET", "/v1/pools", token=False)
        self.assertEqual(status, 200)
        return body["items"]

    def pool(self, user="alice", mode="transaction"):
        return next(p for p in self.pools() if (p["user"], p["mode"]) == (user, mode))

    def test_both_listeners_serve_and_are_shown(self):
        f = self.start()
        self.assertEqual(sorted(f.listeners), ["admin", "sql"])
        self.assertEqual(len(f.listeners["sql"]), 2)
        status, text = f.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 200)
        for name, address in zip(("sql", "sql_session"), f.listeners["sql"]):
            self.assertIn(f"[+]listener:{name} ok: accepts on {address}\n", text)
        self.assertEqual(self.pools(), [])
        for listener in (0, 1):
            for user in ("alice", "bob"):
                self.assertEqual(psql(self.url(user, listener=listener), "SELECT current_user"), user)
        self.assertEqual(
            sorted((p["user"], p["database"], p["mode"]) for p in self.pools()),
            [(u, "app", m) for u in ("alice", "bob") for m in ("session", "transaction")],
        )
        self.assertIn("app|alice|transaction", psql(self.url(database="fairing"), "SHOW POOLS"))

    def test_who_is_not_let_in(self):
        self.start()
        for user, password in (("alice", "wrong"), ("nobody", "nobody")):
            said = psql(self.url(user, password=password), "SELECT 1")
            self.assertIn(f'password authentication failed for user "{user}"', said)

    def test_a_pin_has_its_reason(self):
        self.start()
        self.assertEqual(psql(self.url(), "CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (7)"), "CREATE TABLE\nINSERT 0 1")
        self.assertEqual(self.pool()["pins"], {"temp_table": 1})
        self.assertEqual(self.fairing.metric("fairing_pool_pins_total", user="alice", reason="temp_table"), 1)

    def test_a_reload_takes_a_new_size_and_a_new_user(self):
        f = self.start(pool={"size": 2})
        self.assertEqual(psql(self.url(), "SELECT 1"), "1")
        self.assertEqual(self.pool()["limit"], 2)
        new = self.plane(pool={"size": 3})
        new["sql"]["users"].append({"name": "mandy", "password": "mandy"})
        f.write_config(new)
        status, answer = f.reload()
        self.assertEqual(status, 200, answer)
        self.assertEqual(sorted(answer["changes"]), ["sql.pool.size", "sql.users"])
        self.assertEqual(psql(self.url("mandy"), "SELECT current_user"), "mandy")
        self.assertEqual(self.pool()["limit"], 3)

    def test_a_reload_that_is_refused_changes_nothing(self):
        f = self.start(pool={"size": 2})
        for more, word in (({"pool": {"mode": "session"}}, "sql.pool.mode"), ({"users": [{"name": "x"}]}, "no secret")):
            f.write_config(self.plane(**more))
            status, answer = f.reload()
            self.assertEqual(status, 422)
            self.assertIn(word, answer["detail"])
        self.assertEqual(psql(self.url("bob"), "SELECT current_user"), "bob")
        self.assertEqual(self.pool("bob")["limit"], 2)

    def test_a_drain_waits_for_a_statement(self):
        f = self.start()
        lock = psql(self.url(listener=1), "SELECT pg_advisory_lock(1), pg_sleep(60)", wait=False)
        self.addCleanup(lock.communicate)
        self.addCleanup(lock.kill)
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = %s"
        wait_until(lambda: pg.sql(held % "true").strip() == "1", 10, "the lock is held")
        waiter = psql(self.url(), "SELECT pg_advisory_xact_lock(1), 42", wait=False)
        wait_until(lambda: pg.sql(held % "false").strip() == "1", 10, "the statement waits for it")
        f.signal(signal.SIGTERM)
        wait_until(lambda: "begun" in f.log() or "draining" in f.log(), 10, "the drain")
        self.assertIsNone(waiter.poll())
        pg.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        out, _ = waiter.communicate(timeout=20)
        # Once it has its answer the client is sent away, which psql may or may not see before it ends by itself.
        self.assertIn("|42", out.strip().splitlines(), out)
        self.assertEqual(f.wait(), 0)

    def test_a_server_that_asks_for_no_password(self):
        f = Fairing(self, {"sql": {"listen": "127.0.0.1:0", "upstream": pg.url("trudy").replace(":trudy", "")}})
        self.fairing = f
        self.assertEqual(psql(self.url("trudy"), "SELECT current_user"), "trudy")
        self.assertIn("Fairing knows none", psql(self.url("alice"), "SELECT 1"))

    def test_it_shares_a_process_with_http(self):
        config = self.plane()
        config["http"] = {"listen": "127.0.0.1:0", "upstream": "http://127.0.0.1:1"}
        f = self.fairing = Fairing(self, config)
        self.assertEqual(sorted(f.listeners), ["admin", "http", "sql"])
        self.assertEqual(psql(self.url(), "SELECT 1"), "1")
        shown = json.dumps(f.call("GET", "/v1/config", token=False))
        self.assertIn("postgres://alice:***@", shown)
        self.assertNotIn("alice:alice", shown)


if __name__ == "__main__":
    unittest.main()
