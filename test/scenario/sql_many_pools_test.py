"""More users and databases than there may be pools: wrong names and unused ones lock nobody out."""
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import PgClient, PgError
from support.sql_case import SqlCase, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres


class ManyPools(SqlCase):
    MOST = 256

    def test_wrong_names_lock_nobody_out(self):
        self.start(pool={"size": 2})
        for i in range(self.MOST + 4):
            self.refused("3D000", PgClient, self.address, database=f"wrong{i}")
        self.assertEqual(self.client().query("SELECT 1"), [["1"]])
        self.wait_until_shown("POOLS", lambda r: r["database"] == "app" and len(self.show("POOLS")) == 1)
        self.refused("3D000", PgClient, self.address, database=f"wrong{i}")
        self.assertEqual(self.fairing.log().count(f'"database":"wrong{i}"'), 1, "one line a minute")

    def test_the_longest_unused_pool_makes_room(self):
        names = [f"user{i}" for i in range(self.MOST)]
        self.pg.sql("".join(f"CREATE USER {n} PASSWORD '{n}';" for n in names))
        self.start(pool={"size": 2}, users=[{
  "name" : n, "password" : n} for n in names])
        stays = self.client()
        gone = self.client(database="postgres")
        gone.close()
        self.wait_until_shown("POOLS", lambda r: r["database"] == "postgres" and r["clients"] == "0")
        for n in names:
            self.client(user=n).close()
        wait_until(lambda: len(self.show("POOLS")) <= self.MOST, what="the end of those that made room")
        self.assertNotIn("postgres", [r["database"] for r in self.show("POOLS")])
        self.assertEqual(stays.query("SELECT 1"), [["1"]])
        self.assertEqual(self.client(database="postgres").query("SELECT 2"), [["2"]])

    def test_pins_have_one_quota_for_all(self):
        self.start(pool={"size": 4, "max_pinned": "50%"}, users=[{"name": "bob", "password": "bob"}])
        kept = [self.client(user=name) for name in ("alice", "bob")]
        for c in kept:
            c.query("LISTEN news")
        for name in ("alice", "bob"):
            e = self.refused("53300", self.client(user=name).query, "LISTEN news")
            self.assertIn("2 of at most 2", e.message)
        self.assertEqual(self.client().query("SELECT 1"), [["1"]], "there is always a server that nobody keeps")
        kept[0].query("UNLISTEN *")
        late = self.client(user="bob")

        def has_room():  # its session is asked behind the answer
            try:
                late.query("LISTEN news")
            except PgError:
                return False
            return True

        wait_until(has_room)


class OpenedAhead(SqlCase):
    def opened(self, user, n):
        wait_until(lambda: len(self.pg.backends(user)) == n, 20, f"{n} servers of {user}")

    def test_min_idle_is_there_before_the_first_client(self):
        self.start(pool={"size": 4, "min_idle": 2})
        self.opened("alice", 2)
        pids = self.pg.backends("alice")
        item = self.fairing.call("GET", "/v1/pools", token=False)[1]["items"][0]
        self.assertEqual((item["user"], item["database"], item["clients"], item["wait"]["leases"]), ("alice", "app", 0, 0))
        self.assertIn(self.client().server_pid(), pids)

    def test_also_where_postgresql_starts_later_or_the_upstream_is_another(self):
        self.pg.halt(signal.SIGINT)
        try:
            self.start(pool={"size": 4, "min_idle": 1})
        finally:
            self.pg.launch()
        self.opened("alice", 1)
        section = {"listen": "127.0.0.1:0", "upstream": self.pg.url("bob"), "advise": False, "pool": {"size": 4, "min_idle": 3}}
        self.fairing.write_config({"sql": section})
        self.assertEqual(self.fairing.reload()[0], 200)
        self.opened("bob", 3)
        self.opened("alice", 0)

    def test_not_where_nobody_is_named(self):
        self.start(upstream=f"postgres://127.0.0.1:{self.pg.port}/app", users=[{"name": "alice", "password": "alice"}],
                   pool={"size": 4, "min_idle": 2})
        self.assertEqual(self.fairing.call("GET", "/v1/pools", token=False)[1]["items"], [])
        self.client().query("SELECT 1")
        self.opened("alice", 2)


if __name__ == "__main__":
    unittest.main()
