"""What a running Fairing finds out about the SQL that passes: live index advice, the pool against max_connections, OFFSET on
large tables, statistics by template and by route."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sql_case import SHARED, SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

SHOP = """
CREATE EXTENSION hypopg;
SET ROLE alice;
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, total int NOT NULL, note text);
CREATE TABLE few (id int PRIMARY KEY, word text NOT NULL);
INSERT INTO customers SELECT i, 'user' || i || '@example.org', 'Name ' || i % 7000 FROM generate_series(1, 12000) i;
INSERT INTO orders SELECT i, 1 + i % 12000, i % 900, repeat('n', 60) FROM generate_series(1, 40000) i;
INSERT INTO few SELECT i, 'w' || i FROM generate_series(1, 2000) i;
RESET ROLE;
ANALYZE;
"""
TRACE = "00-%032x-0123456789abcdef-01"


def setUpModule():
    start_postgres()
    for database in ("shop", "plain"):
        SHARED["pg"].sql(f"CREATE DATABASE {database} OWNER alice")
        SHARED["pg"].sql(SHOP, database)
    SHARED["pg"].sql("DROP EXTENSION hypopg", "plain")


tearDownModule = stop_postgres


class Insight(SqlCase):
    def begin(self, database="shop", user="alice", **sql):
        sql.setdefault("advise", {"every": "1s"})
        return self.start(upstream=self.pg.url(user, database), pool=sql.pop("pool", {"size": 5}), **sql)

    def get(self, path):
        status, answer = self.fairing.call("GET", path, token=False)
        self.assertEqual(status, 200, answer)
        return answer

    def point(self, number):
        return next(p for p in self.get("/v1/checklist")["points"] if p["number"] == number)

    def advised(self, test):
        """/v1/indexes, once it passes the test."""
        return wait_until(lambda: next((a for a in [self.get("/v1/indexes")] if test(a)), None), 60, "index advice")

    @staticmethod
    def found(answer):
        return {(i["kind"], i["table"], *i["columns"]): i for i in answer["items"]}

    def backends(self):
        return int(self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fairing'"))


class IndexAdvice(Insight):
    def test_a_missing_index_is_found_verified_and_gone_once_it_is_there(self):
        self.begin()
        with self.client(database="shop") as c:
            for i in range(20):
                c.extended("SELECT * FROM customers WHERE email = $1", (f"user{i}@example.org",))
                c.query(f"SELECT * FROM customers WHERE name = 'Name {i}' ORDER BY id")
        a = self.advised(lambda a: len(a["items"]) >= 3)
        items = self.found(a)
        self.assertEqual(
            set(items),
            {("unique", "public.customers", "email"), ("where", "public.customers", "name"), ("foreign_key", "public.orders", "customer_id")},
            json.dumps(a, indent=1),
        )
        self.assertIn("HypoPG", a["planner"])
        self.assertEqual((a["on"], a["why"]), (True, None))
        for item in a["items"]:
            self.assertEqual(item["verified"], "yes")
            self.assertGreater(item["gain"], 0.3)
            self.assertGreater(item["size"], 8000)
            self.assertRegex(item["statement"], "^CREATE (UNIQUE )?INDEX CONCURRENTLY ON ")
            self.assertNotIn("example.org", json.dumps(item))
        p = self.point(1)
        self.assertEqual(p["grade"], "fail")
        self.assertTrue(any("customers (email)" in e or "public.customers (email)" in e for e in p["evidence"]), p)
        unique = next(i for i, f in enumerate(p["fix"]) if f.startswith("CREATE UNIQUE INDEX CONCURRENTLY"))
        self.assertIn("HAVING count(*) > 1", p["fix"][unique - 1])
        self.assertIn("no index serves that", " ".join(p["evidence"]))
        # Nothing is kept open, and nothing was made.
        wait_until(lambda: self.backends() == 0, what="the advice's connection is closed")
        for item in a["items"]:
            self.pg.sql(item["statement"], "shop")
        self.addCleanup(self.pg.sql, "DROP INDEX customers_email_idx, customers_name_idx, orders_customer_id_idx", "shop")
        self.pg.sql("ANALYZE", "shop")
        with self.client(database="shop") as c:
            c.query("SELECT 1 FROM few WHERE id = 3")
            self.advised(lambda a: a["advised"] and not a["items"])
        p = self.point(1)
        self.assertEqual(p["grade"], "pass", p)
        self.assertEqual(self.fairing.metric("fairing_index_advice_findings", kind="where"), 0)
        self.assertGreaterEqual(self.fairing.metric("fairing_index_advice_rounds_total", outcome="advised"), 2)

    def test_without_hypopg_it_is_unverified(self):
        self.begin("plain")
        with self.client(database="plain") as c:
            for i in range(5):
                c.query(f"SELECT * FROM customers WHERE name = 'Name {i}'")
        a = self.advised(lambda a: a["items"])
        items = self.found(a)
        self.assertEqual(items["where", "public.customers", "name"]["verified"], "unverified")
        self.assertEqual({i["verified"] for i in a["items"] if i["source"] == "plan"}, {"unverified"})
        self.assertIn("HypoPG", a["planner"])
        self.assertEqual(self.point(1)["grade"], "warn")

    def test_it_says_why_it_is_off(self):
        self.begin(advise=False)
        a = self.get("/v1/indexes")
        wait_until(lambda: self.get("/v1/indexes")["why"] == "sql.advise is off", what="its reason")
        self.assertEqual(self.get("/v1/indexes")["on"], False)
        p = self.point(1)
        self.assertEqual(p["grade"], "not_seen")
        self.assertIn("sql.advise is off", p["evidence"])
        self.assertEqual(a["items"], [])

    def test_a_relay_has_nobody_to_ask_as(self):
        secret = self.pg.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'alice'")
        self.start(upstream=f"postgres://127.0.0.1:{self.pg.port}/shop", users=[{"name": "alice", "scram": secret}], advise={"every": "1s"})
        with self.client(database="shop") as c:
            c.query("SELECT 1 FROM few")
        wait_until(lambda: "no user and password" in (self.get("/v1/indexes")["why"] or ""), what="its reason")
        self.assertIn("no user and password", " ".join(self.point(1)["evidence"]))

    def test_behind_a_pooler_there_is_none(self):
        first = self.begin(advise=False)
        self.start(upstream=f"postgres://alice:alice@{first.listeners['sql'][0]}/shop", pool={"size": 2}, advise={"every": "1s"})
        with self.client(database="shop") as c:
            c.query("SELECT * FROM customers WHERE email = 'a'")
        a = self.advised(lambda a: "is a transaction pooler" in (a["why"] or ""))
        self.assertEqual((a["items"], a["advised"]), ([], None))
        # Nothing of the advice's own settings is left there.
        with self.client(database="shop") as c:
            self.assertEqual(c.query("SHOW default_transaction_read_only"), [["off"]])

    def test_a_refused_connection_breaks_nothing(self):
        self.pg.sql("ALTER ROLE bob CONNECTION LIMIT 1")
        self.addCleanup(self.pg.sql, "ALTER ROLE bob CONNECTION LIMIT -1")
        with self.pg_bob():
            self.start(upstream=self.pg.url("bob", "shop"), users=[{"name": "alice", "password": "alice"}], advise={"every": "1s"})
            with self.client(user="alice", database="shop") as c:
                self.assertEqual(c.query("SELECT count(*) FROM few"), [["2000"]])
            a = self.advised(lambda a: "too many connections for role" in (a["why"] or ""))
            self.assertEqual(a["items"], [])
            self.assertIn("too many connections", " ".join(self.point(1)["evidence"]))
            self.assertGreaterEqual(self.fairing.metric("fairing_index_advice_rounds_total", outcome="failed"), 1)
        with self.client(user="alice", database="shop") as c:
            c.query("SELECT count(*) FROM few WHERE id < 7")
            self.advised(lambda a: a["why"] is None and a["advised"])
        self.assertEqual(self.fairing.log().count("index_advice_failed"), 1)

    def pg_bob(self):
        from support.pgclient import PgClient

        return PgClient(("127.0.0.1", self.pg.port), user="bob", database="shop")


class MaxConnections(Insight):
    def test_a_pool_that_is_too_large_is_told_at_the_start(self):
        self.begin(pool={"size": 40, "instances": 3})
        self.fairing.wait_for_log("pool_against_max_connections")
        self.assertIn("3 instances x (40 servers + 1 for advice) = 123 connections; max_connections 100 - reserved 3", self.fairing.log())
        with self.client(database="shop") as c:
            c.query("SELECT 1")
        p = self.point(4)
        self.assertEqual(p["grade"], "fail", p)
        self.assertIn("set sql.pool.size to 31 or less", " ".join(p["evidence"]))

    def test_others_are_counted_live(self):
        self.begin(pool={"size": 60})
        self.fairing.wait_for_log("pool_fits_max_connections")
        others = []
        for _ in range(42):
            c = self.others()
            others.append(c)
            self.addCleanup(c.close)
        with self.client(database="shop") as c:
            c.query("SELECT 1")
            wait_until(lambda: self.point(4)["grade"] == "fail", 30, "max_connections counted anew")
        self.assertIn("others 42 leaves 55", " ".join(self.point(4)["evidence"]))

    def others(self):
        from support.pgclient import PgClient

        return PgClient(("127.0.0.1", self.pg.port), user="trudy", database="shop")


class Monitoring(Insight):
    def test_point_10_passes_once_metrics_are_read(self):
        self.begin(advise=False)
        p = self.point(10)
        self.assertEqual((p["grade"], p["evidence"][0]), ("warn", "/metrics was never read"))
        self.assertIn(f'targets: ["{self.fairing.admin_url.removeprefix("http://")}"]', p["fix"][0])
        self.fairing.metrics()
        p = self.point(10)
        self.assertEqual(p["grade"], "pass", p)
        self.assertRegex(p["evidence"][0], "^/metrics was read .* ago$")


class Pagination(Insight):
    def test_offset_on_a_large_table_and_everything_at_once(self):
        self.begin()
        with self.client(database="shop") as c:
            for page in range(1, 4):
                c.extended("SELECT id, total FROM orders ORDER BY id LIMIT $1 OFFSET $2", ("20", str(20 * page)))
                c.query(f"SELECT id, word FROM few ORDER BY id LIMIT 20 OFFSET {500 * page}")
                c.query("SELECT id, email FROM customers ORDER BY id LIMIT 20 OFFSET 0")
            c.query("SELECT id, note FROM orders")
        self.advised(lambda a: a["advised"])
        told = {q["template"]: q["pagination"] for q in self.get("/v1/queries")["items"] if q["pagination"]}
        paged = told["select id, total from orders order by id limit $1 offset $2"]
        self.assertEqual(paged["keyset"], "select id, total from orders where id > $3 order by id limit $1")
        self.assertEqual((paged["fault"], paged["deepest"], paged["count"], paged["table_rows"]), ("offset", 60, 3, 40000))
        self.assertEqual(told["select id, note from orders"], {"fault": "unbounded", "rows": 40000, "count": 1})
        self.assertEqual(len(told), 2, told)  # not a table of 2,000 rows, and not OFFSET 0
        p = self.point(3)
        self.assertEqual(p["grade"], "warn")
        self.assertIn("on a table of 40000 rows", " ".join(p["evidence"]))
        self.assertIn("where id > $3", " ".join(p["fix"]))

    def test_by_the_table_s_own_key_and_only_in_its_own_database(self):
        for database, rows in (("shop", 20_000), ("plain", 5)):
            self.pg.sql(f"""CREATE TABLE lists (code text PRIMARY KEY, v int NOT NULL, w int);
                            CREATE TABLE loose (code text, v int);
                            INSERT INTO lists SELECT 'c' || i, i, i FROM generate_series(1, {rows}) i;
                            INSERT INTO loose SELECT 'c' || i, i FROM generate_series(1, {rows}) i;
                            GRANT ALL ON lists, loose TO alice; ANALYZE lists, loose""", database)
            self.addCleanup(self.pg.sql, "DROP TABLE lists, loose", database)
        self.begin()
        with self.client(database="shop") as shop, self.client(database="plain") as plain:
            for page in range(1, 4):
                shop.query(f"SELECT code, v FROM lists ORDER BY v LIMIT 20 OFFSET {20 * page}")
                shop.query(f"SELECT code FROM loose ORDER BY v LIMIT 20 OFFSET {20 * page}")
                plain.query(f"SELECT w FROM lists ORDER BY w LIMIT 20 OFFSET {20 * page}")
                for c in (shop, plain):
                    c.query(f"SELECT v, w FROM lists ORDER BY w LIMIT 20 OFFSET {20 * page}")
        self.advised(lambda a: a["advised"])
        items = {q["template"]: q for q in self.get("/v1/queries")["items"]}
        told = {t: q["pagination"]["keyset"] for t, q in items.items() if q["pagination"]}
        # What runs in the other database too, or only there, is not measured by this one's tables.
        self.assertEqual(told, {
            "select code, v from lists order by v limit $1 offset $2":
                "select code, v from lists where (v, code) > ($3, $4) order by v, code limit $1",
            "select code from loose order by v limit $1 offset $2": "",
        })
        self.assertEqual(items["select v, w from lists order by w limit $1 offset $2"]["databases"], ["shop", "plain"])
        self.assertIn("add a primary key", " ".join(self.point(3)["fix"]))


class Queries(Insight):
    def test_everything_of_a_template_and_of_its_routes(self):
        self.begin()
        with self.client(database="shop") as c:
            for i in range(12):
                route = "/few/7" if i % 3 else "/words"
                c.query(f"SELECT word FROM few WHERE id < {i + 2} /*route='{route.replace('/', '%2F')}',traceparent='{TRACE % (i + 1)}'*/")
            c.query("BEGIN")
            c.query("SELECT word FROM few WHERE id < 3")
            c.query("ROLLBACK")
            with self.assertRaises(Exception):
                c.query("SELECT word FROM few WHERE id < 1 / (3 - 3)")
        items = {q["template"]: q for q in self.get("/v1/queries?limit=1000")["items"]}
        q = items["select word from few where id < $1"]
        self.assertEqual((q["count"], q["errors"], q["rows"], q["in_transaction"], q["tables"]), (13, 0, sum(range(1, 13)) + 2, 1, ["few"]))
        self.assertGreater(q["bytes"], 13 * 20)
        self.assertGreater(q["transaction_ms"], 0)
        self.assertEqual(sum(b["count"] for b in q["histogram"]), 13)
        self.assertTrue(0 < q["p50_ms"] <= q["p95_ms"] <= q["p99_ms"])
        routes = {r["route"]: r for r in q["routes"]}
        self.assertEqual(set(routes), {"/few/{id}", "/words"})
        self.assertEqual((routes["/few/{id}"]["count"], routes["/words"]["count"]), (8, 4))
        for r in routes.values():
            self.assertEqual((r["errors"], r["transaction_ms"]), (0, 0))
            self.assertGreater(r["rows"], 0)
            self.assertGreater(r["bytes"], 0)
            self.assertTrue(0 < r["p50_ms"] <= r["p95_ms"])
        failed = [t for t in items.values() if t["errors"]]
        self.assertEqual([t["errors"] for t in failed], [1])


class BatchSafe(Insight):
    """Ten workloads that repeat a statement and are no loop over a result: none is reported."""

    def run_all(self, c):
        email = "SELECT id FROM customers WHERE email = $1"
        shuffled = [(i * 7919) % 12000 + 1 for i in range(40)]
        # 1 look-ups by keys that no result gave, in no order; 2 the same prepared, on a small table that was listed before
        for i in shuffled:
            c.extended(email, (f"user{i}@example.org",))
        c.query("SELECT id, word FROM few WHERE id <= 100")
        for i in shuffled:
            c.extended("SELECT word FROM few WHERE id = $1", (str(i % 97 + 1),), name="")
        # 3 pages by OFFSET; 4 pages by key, of each page's last row
        for page in range(12):
            c.extended("SELECT id, total FROM orders ORDER BY id LIMIT $1 OFFSET $2", ("10", str(10 * page)))
        last = "0"
        for _ in range(12):
            last = c.extended("SELECT id FROM few WHERE id > $1 ORDER BY id LIMIT 10", (last,))[-1][0]
        # 5 batches by IN and ANY, of the keys of a result
        for start in range(0, 120, 10):
            ids = [r[0] for r in c.query(f"SELECT id FROM customers WHERE id > {start} ORDER BY id LIMIT 10")]
            c.query(f"SELECT id FROM orders WHERE customer_id IN ({', '.join(ids)})")
            c.extended("SELECT id FROM orders WHERE customer_id = ANY($1::bigint[])", ("{" + ",".join(ids) + "}",))
        # 6 many rows written one by one, and changed by the keys of a result
        for i in range(20):
            c.extended("INSERT INTO few VALUES ($1, $2)", (str(5000 + i), "new"))
        for (i,) in c.query("SELECT id FROM few WHERE id >= 5000 ORDER BY id"):
            c.extended("UPDATE few SET word = $2 WHERE id = $1", (i, "old"))
        c.query("DELETE FROM few WHERE id >= 5000")
        # 7 a poller of jobs; 8 a counter that no result gave
        for _ in range(20):
            c.query("SELECT id FROM few WHERE word = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
        for i in range(20):
            c.query(f"SELECT total FROM orders WHERE id = {30000 + i}")
        # 9 a list's first row, page after page; 10 two values that change at once
        for i in range(20):
            first = c.query(f"SELECT id FROM customers WHERE name = 'Name {i * 37}' ORDER BY id")[0][0]
            c.query(f"SELECT email FROM customers WHERE id = {first}")
        for i in range(20):
            c.query(f"SELECT id FROM orders WHERE customer_id = {i + 1} AND total > {shuffled[i] % 500}")

    def test_none_of_ten_is_reported(self):
        self.begin(advise=False)
        with self.client(database="shop") as c:
            self.run_all(c)
        told = self.get("/v1/n_plus_one")["items"]
        self.assertEqual(told, [], json.dumps(told, indent=1))
        self.assertEqual(self.point(2)["grade"], "pass")

    def test_a_loop_among_them_is(self):
        self.begin(advise=False)
        with self.client(database="shop") as c:
            for (i,) in c.query("SELECT id FROM customers ORDER BY id LIMIT 10"):
                c.query(f"SELECT total FROM orders WHERE customer_id = {i}")
            self.run_all(c)
        told = self.get("/v1/n_plus_one")["items"]
        self.assertEqual([(t["template"], t["count"], t["source"]["column"]) for t in told], [("select total from orders where customer_id = $1", 10, "id")])
        self.assertEqual(self.point(2)["grade"], "warn")


class Watching(Insight):
    """What is watched may change while Fairing runs, and is told where nobody asks: in metrics and in the log."""

    def loop(self, times=10):
        with self.client(database="shop") as c:
            for (i,) in c.query(f"SELECT id FROM customers ORDER BY id LIMIT {times}"):
                c.query(f"SELECT total FROM orders WHERE customer_id = {i}")

    def loops(self):
        return [item["loops"] for item in self.get("/v1/n_plus_one")["items"]]

    def reload(self, **sql):
        section = {"listen": "127.0.0.1:0", "upstream": self.pg.url("alice", "shop"), "advise": False, "pool": {"size": 5}, **sql}
        self.fairing.write_config({"sql": section})
        status, answer = self.fairing.reload()
        self.assertEqual(status, 200, answer)

    def test_a_reload_changes_what_is_looked_for(self):
        self.begin(advise=False, n_plus_one={"detect": False})
        self.loop()
        self.assertEqual((self.loops(), self.point(2)["grade"]), ([], "not_seen"))
        self.reload(n_plus_one={"detect": True, "report_from": 20})
        self.loop()
        self.assertEqual(self.loops(), [])
        self.reload(n_plus_one={"detect": True, "report_from": 5})
        self.loop()
        self.assertEqual(self.loops(), [1])
        self.assertNotEqual(self.point(2)["grade"], "pass")

    def test_loops_are_counted_without_anybody_asking_for_them(self):
        self.begin(advise=False)
        self.assertEqual(self.fairing.metric("fairing_n_plus_one_total", action="detected"), 0)
        for _ in range(2):
            self.loop()
        wait_until(lambda: self.fairing.metric("fairing_n_plus_one_total", plane="sql", action="detected") == 2, 20, "both loops")

    def slow(self):
        lines = [json.loads(line) for line in self.fairing.log().splitlines()]
        return [line for line in lines if line["event"] == "sql_slow_query"]

    def test_a_slow_statement_is_logged_once_a_template_and_minute_without_its_values(self):
        self.begin(advise=False, slow="1d")
        with self.client(database="shop") as c:
            c.query("SELECT 'before', pg_sleep(0.05)")
            self.reload(slow="20ms")
            for word in ("secret", "hidden"):
                c.query(f"SELECT '{word}', pg_sleep(0.05) /*route='%2Forders%2F12',traceparent='{TRACE % 7}'*/")
            c.query("SELECT 1")
        self.assertEqual(len(self.slow()), 1, self.slow())
        line = self.slow()[0]
        self.assertEqual((line["template"], line["rows"]), ("select $1, pg_sleep($2)", 1))
        self.assertEqual((line["user"], line["database"], line["route"]), ("alice", "shop", "/orders/{id}"))
        self.assertGreaterEqual(line["duration_ms"], 50)
        self.assertNotIn("secret", self.fairing.log())
        self.assertEqual(self.fairing.metric("fairing_sql_slow_queries_total"), 2)

    def test_pins_are_told_by_reason_and_those_refused_are_warned_of(self):
        self.begin(advise=False, pool={"size": 4})
        kept = [self.client(database="shop"), self.client(database="shop")]
        kept[0].query("LISTEN news")
        kept[1].query("SELECT pg_advisory_lock(1)")
        self.refused("53300", self.client(database="shop").query, "CREATE TEMP TABLE mine (n int)")

        def pool():
            item = self.get("/v1/pools")["items"][0]
            return item["servers"]["pinned"], item["max_pinned"], item["pins_refused"], item["pins"]

        wait_until(lambda: pool() == (2, 2, 1, {"listen": 1, "advisory_lock": 1}), 10, "the pins")
        point = self.point(4)
        self.assertEqual(point["grade"], "warn")
        self.assertIn("2 of at most 2 are kept now, since the start: ", point["evidence"][0])
        self.assertIn("listen 1", point["evidence"][0])
        self.assertIn("session_listen", "".join(point["fix"]))

    def test_the_waits_say_what_the_size_should_be(self):
        self.begin(advise=False, pool={"size": 1, "database_cores": 8})
        self.assertEqual(self.get("/v1/pools")["sizing"]["change"], "unknown")
        clients = [self.client(database="shop") for _ in range(8)]

        def told():  # once more, if five minutes end just now and neither has enough of them
            threads = [in_thread(lambda c=c: [c.query("SELECT pg_sleep(0.02)") for _ in range(15)]) for c in clients]
            for t in threads:
                t.join(60)
            sizing = self.get("/v1/pools")["sizing"]
            return sizing if sizing["change"] != "unknown" else None

        sizing = wait_until(told, 60, "what the waits say")
        self.assertEqual((sizing["change"], sizing["size"]), ("grow", 1), sizing)
        self.assertGreater(sizing["advised"], 1)
        self.assertIn(f"set sql.pool.size to {sizing['advised']}", sizing["text"])
        point = self.point(4)
        self.assertEqual(point["grade"], "warn", point)
        self.assertIn("of 1 servers leased on average", point["evidence"][-1])
        self.assertEqual(point["fix"][1], "# sql:")
        self.assertRegex(point["fix"][2], r"pool: \{ size: \d+ \}")


if __name__ == "__main__":
    unittest.main()
