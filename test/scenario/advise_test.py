"""`fairing advise` on a real PostgreSQL with HypoPG and on a real MariaDB: planted faults, each to be found, and nothing more.

Advice from plans must be confirmed by HypoPG (`verified: yes`); what no plan can confirm (a missing primary key) comes
from the catalogue and says so. At the end the advice is taken, and there is nothing left to advise.
"""
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import postgres
from support.fairing import Fairing, run_cli, split_address
from support.wait import wait_until

SCHEMA = """
CREATE EXTENSION hypopg;
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text NOT NULL, name text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL,
                     tenant_id int NOT NULL, region int NOT NULL, total int NOT NULL, placed_at timestamptz NOT NULL, note text);
CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint NOT NULL, product_id bigint NOT NULL, amount int NOT NULL);
CREATE TABLE products (id bigint PRIMARY KEY, sku text NOT NULL, category int NOT NULL, price int NOT NULL, title text NOT NULL);
CREATE TABLE events (happened_at timestamptz NOT NULL, kind int NOT NULL, actor int NOT NULL, payload text NOT NULL);
CREATE TABLE posts (id bigint PRIMARY KEY, author int NOT NULL, published_at timestamptz NOT NULL, body text NOT NULL);
CREATE TABLE tiny (id int PRIMARY KEY, word text);
CREATE SCHEMA fairing;
CREATE TABLE fairing.about (version integer NOT NULL); -- as in the jobs plane's store: nobody's to alter
INSERT INTO customers SELECT i, 'user' || i || '@example.org', 'c' || i % 40, 'Name ' || i % 7000, now() - i * interval '1 min' FROM generate_series(1, 20000) i;
INSERT INTO orders SELECT i, 1 + (i * 7919) % 20000, 's' || i % 5, i % 200, (i / 200) % 100, i % 977, now() - (i * 31 % 60000) * interval '1 min', repeat('n', 60) FROM generate_series(1, 60000) i;
INSERT INTO order_lines SELECT i, 1 + (i::bigint * 104729) % 60000, 1 + (i * 31) % 20000, i % 9 FROM generate_series(1, 120000) i;
INSERT INTO products SELECT i, 'SKU-' || i, i % 300, i % 5000, 'Title ' || i % 9000 FROM generate_series(1, 20000) i;
INSERT INTO events SELECT now() - (i * 17 % 50000) * interval '1 s', i % 300, i * 13 % 9000, repeat('p', 40) FROM generate_series(1, 50000) i;
INSERT INTO posts SELECT i, i % 50, now() - (i * 613 % 30000) * interval '1 min', repeat('b', 200) FROM generate_series(1, 30000) i;
INSERT INTO tiny SELECT i, 'w' || i FROM generate_series(1, 20) i;
CREATE INDEX customers_created_at ON customers (created_at);
CREATE INDEX order_lines_order ON order_lines (order_id);
CREATE INDEX order_lines_product ON order_lines (product_id);
CREATE INDEX products_sku ON products (sku);
CREATE INDEX products_category ON products (category);
CREATE INDEX products_category_price ON products (category, price);
CREATE INDEX products_title ON products (title);
CREATE INDEX products_title_again ON products (title);
CREATE INDEX events_actor ON events (actor);
CREATE INDEX events_happened_kind_actor ON events (happened_at, kind);
CREATE INDEX orders_total ON orders (total);
"""

# One statement a planted fault of a plan, and some that nothing is wrong with.
STATEMENTS = """
SELECT * FROM customers WHERE name = $1;                                              -- no index
SELECT * FROM orders WHERE tenant_id = $1 AND region = $2;                            -- composite
SELECT * FROM posts ORDER BY published_at DESC LIMIT 20;                              -- sorted each time
SELECT c.name, l.amount FROM posts p JOIN events c2 ON c2.actor = p.author AND p.id = $1
  JOIN customers c ON c.id = c2.actor JOIN order_lines l ON l.order_id = p.id;         -- nothing wrong
SELECT p.id, o.total FROM products p JOIN orders o ON o.total = p.price AND p.id = $1; -- nothing wrong
SELECT p.title, q.id FROM products p JOIN posts q ON q.author = p.category WHERE p.sku = $1;
SELECT * FROM products WHERE sku = $1;                                                -- should be unique
SELECT * FROM customers WHERE lower(email) = $1;                                      -- hidden by a function
SELECT * FROM events WHERE kind = $1 AND happened_at > $2;                            -- wrong order of columns
SELECT * FROM products WHERE category = $1 AND price > $2;                            -- nothing wrong
SELECT * FROM products WHERE title = $1;                                              -- nothing wrong
SELECT * FROM tiny WHERE word = $1;                                                   -- too small
SELECT * FROM orders WHERE id = $1;                                                   -- nothing wrong
SELECT * FROM orders WHERE note IS NOT NULL;                                          -- nothing an index helps
UPDATE orders SET status = $1 WHERE id = $2;
"""


class Server(postgres.Postgres):
    """The shop with its faults; gone with the test class."""

    def __init__(self, case):
        super().__init__(max_connections=20, settings="shared_preload_libraries = 'pg_stat_statements'\nautovacuum = off")
        case.addClassCleanup(self.stop)
        self.start()
        self.sql("CREATE DATABASE shop")

    def psql(self, text, database="shop", check=True):
        return self.sql(text, database, check)


def advise(*args, code=0):
    done = run_cli("advise", *args, "--json")
    if done.returncode != code:
        raise AssertionError(f"exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)


class Postgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls)
        cls.url = cls.server.url("admin", "shop")
        cls.server.psql(SCHEMA)
        # A unique index over values that are there twice stays behind, invalid.
        cls.server.psql("CREATE UNIQUE INDEX CONCURRENTLY orders_status_once ON orders (status)", check=False)
        cls.server.psql("VACUUM ANALYZE")
        cls.file = os.path.join(cls.server.directory, "queries.sql")
        with open(cls.file, "w", encoding="utf-8") as f:
            f.write(STATEMENTS)
        # Everything is read that no statement of the file reads, but for one index.
        cls.server.psql(
            "SET enable_seqscan = off; SELECT count(*) FROM orders WHERE total = 1; SELECT * FROM products WHERE sku = 'SKU-1';"
            "SELECT count(*) FROM products WHERE category = 1 AND price > 1; SELECT count(*) FROM order_lines WHERE order_id = 3;"
            "SELECT count(*) FROM order_lines WHERE product_id = 3; SELECT count(*) FROM events WHERE actor = 3;"
            "SELECT count(*) FROM events WHERE happened_at > now();"
        )

    def found(self, answer):
        return {(i["kind"], i["table"].removeprefix("public."), tuple(i["columns"])): i for i in answer["items"]}

    def test_finds_the_planted_faults_and_nothing_else(self):
        answer = advise("--postgres", self.url, "--file", self.file, "--unused-days", "0")
        items = self.found(answer)
        planted = {
            ("where", "customers", ("name",)),
            ("where", "customers", ("email",)),  # lower(email)
            ("composite", "orders", ("tenant_id", "region")),
            ("order_by", "posts", ("published_at",)),
            ("foreign_key", "orders", ("customer_id",)),
            ("join", "posts", ("author",)),
            ("composite", "events", ("kind", "happened_at")),  # there in the wrong order
            ("primary_key", "events", ()),
            ("unique", "products", ("sku",)),
            ("redundant", "products", ("category",)),
            ("redundant", "products", ("title",)),  # twice
            ("unused", "customers", ("created_at",)),
            ("invalid", "orders", ("status",)),
        }
        self.assertEqual(set(items), planted, json.dumps(answer, indent=1))
        for item in answer["items"]:
            self.assertTrue(item["evidence"])
            if item["source"] == "plan":
                self.assertEqual(item["verified"], "yes", item)
                self.assertGreaterEqual(item["gain"], 0.3, item)
                self.assertGreater(item["size"], 8000, item)
                self.assertIn("INDEX CONCURRENTLY", item["statement"])
        wrong_order = items[("composite", "events", ("kind", "happened_at"))]
        self.assertIn("events_happened_kind_actor", wrong_order["evidence"])
        self.assertIn("lower(email)", items[("where", "customers", ("email",))]["statement"])
        self.assertIn("DROP INDEX CONCURRENTLY products_title_again", items[("redundant", "products", ("title",))]["statement"])

    def test_advice_taken_leaves_nothing_to_advise(self):
        self.server.psql("CREATE DATABASE taken TEMPLATE shop", database="postgres")
        url = self.url.replace("/shop", "/taken")
        first = advise("--postgres", url, "--file", self.file)
        for item in first["items"]:
            if item["kind"] == "invalid":
                item["statement"] = item["statement"].split("; ")[0]
            for statement in item["statement"].split("; "):
                self.server.psql(statement, database="taken")
        self.server.psql("VACUUM ANALYZE", database="taken")
        self.assertEqual(advise("--postgres", url, "--file", self.file, "--strict")["items"], [])

    def test_text_has_statements_to_paste(self):
        done = run_cli("advise", "--postgres", self.url, "--file", self.file, "--strict")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("CREATE INDEX CONCURRENTLY ON orders (customer_id);\n", done.stdout)
        self.assertIn("HypoPG", done.stdout)

    def test_without_hypopg_it_is_unverified_and_says_so(self):
        self.server.psql("CREATE DATABASE plain TEMPLATE shop", database="postgres")
        self.server.psql("DROP EXTENSION hypopg", database="plain")
        answer = advise("--postgres", self.url.replace("/shop", "/plain"), "--file", self.file)
        plans = [i for i in answer["items"] if i["source"] == "plan"]
        self.assertTrue(plans)
        self.assertEqual({i["verified"] for i in plans}, {"unverified"})
        self.assertIn("CREATE EXTENSION hypopg", answer["planner"])

    def test_pg_stat_statements(self):
        missing = advise("--postgres", self.url)
        self.assertIn("CREATE EXTENSION pg_stat_statements", missing["notes"][0])
        self.server.psql("CREATE DATABASE counted TEMPLATE shop", database="postgres")
        self.server.psql("CREATE EXTENSION pg_stat_statements", database="counted")
        for i in range(3):
            self.server.psql(f"SELECT * FROM customers WHERE name = 'Name {i}'", database="counted")
        self.server.psql("SELECT version FROM fairing.about", database="counted")
        answer = advise("--postgres", self.url.replace("/shop", "/counted"))
        item = self.found(answer)[("where", "customers", ("name",))]
        self.assertIn("name = $1", item["statements"][0])
        self.assertNotIn("fairing.about", json.dumps(answer))

    def test_analyze_runs_only_what_is_known_and_changes_nothing(self):
        path = os.path.join(self.server.directory, "analyze.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write("SELECT * FROM customers WHERE name = 'Name 5'; DELETE FROM tiny; SELECT * FROM orders WHERE id = $1;"
                    "SELECT nextval('s')")
        self.server.psql("CREATE SEQUENCE s")
        answer = advise("--postgres", self.url, "--file", path, "--analyze")
        self.assertEqual([m["statement"] for m in answer["measured"]], ["SELECT * FROM customers WHERE name = 'Name 5'"])
        self.assertGreater(answer["measured"][0]["scans"][0]["rows_removed"], 19000)
        self.assertEqual(self.server.psql("SELECT count(*) FROM tiny; SELECT is_called FROM s"), "20\nf")
        self.assertTrue(any("nextval" in n for n in answer["notes"]), answer["notes"])

    def test_analyze_ends_what_takes_too_long(self):
        path = os.path.join(self.server.directory, "slow.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write("SELECT count(*) FROM order_lines a, order_lines b WHERE a.amount <> b.amount;"
                    "SELECT word FROM tiny WHERE id = 2")
        answer = advise("--postgres", self.url, "--file", path, "--analyze")
        self.assertEqual([m["statement"] for m in answer["measured"]], ["SELECT word FROM tiny WHERE id = 2"])
        self.assertTrue(any("order_lines a" in n and "statement timeout" in n for n in answer["notes"]), answer["notes"])

    def test_analyze_leaves_out_what_calls_a_volatile_function(self):
        self.server.psql("""CREATE DATABASE acting;""", database="postgres")
        self.server.psql("""CREATE TABLE words (id int PRIMARY KEY, word text, wide bigint);
                            CREATE FUNCTION "Acts"(int) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT pg_sleep(0)::text $$;
                            CREATE FUNCTION compares(bigint, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
                            CREATE FUNCTION calm(int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 1; END $$;
                            CREATE OPERATOR ~~~ (LEFTARG = bigint, RIGHTARG = text, FUNCTION = compares);
                            CREATE VIEW view_of_it AS SELECT "Acts"(id) AS word FROM words;
                            INSERT INTO words SELECT i, 'w' || i, i FROM generate_series(1, 20) i""", database="acting")
        acting = ["SELECT pg_terminate_backend(pid) FROM pg_stat_activity", 'SELECT "Acts" (id) FROM words',
                  "SELECT word FROM view_of_it", "SELECT pg_catalog . pg_reload_conf()", "SELECT U&\"!0041cts\" UESCAPE '!' (id) FROM words",
                  "SELECT id FROM words WHERE wide ~~~ word", "SELECT id FROM words WHERE id IN (SELECT length(\"Acts\"/* */(id)) FROM words)"]
        calm = ["SELECT upper(word), calm(id) FROM words WHERE id IN (1, 2)", "SELECT coalesce(word, 'x') FROM words WHERE wide = 2"]
        path = os.path.join(self.server.directory, "volatile.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write(";".join(acting + calm))
        answer = advise("--postgres", self.url.replace("/shop", "/acting"), "--file", path, "--analyze")
        self.assertEqual([m["statement"] for m in answer["measured"]], calm, answer["notes"])
        told = [n for n in answer["notes"] if "volatile" in n]
        self.assertEqual(len(told), len(acting), answer["notes"])
        self.assertTrue(any("pg_terminate_backend()" in n for n in told), told)

    def test_a_transaction_pooler_is_told(self):
        fairing = Fairing(self, {"sql": {"listen": "127.0.0.1:0", "session_listen": "127.0.0.1:0", "upstream": self.url,
                                         "pool": {"size": 4}, "advise": False}})
        mine = self.url.rsplit(":", 1)[1].split("/")[0]
        pooled, session = (self.url.replace(f":{mine}/", f":{split_address(a)[1]}/") for a in fairing.listeners["sql"])
        done = run_cli("advise", "--postgres", pooled, "--file", self.file)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("give PostgreSQL's own address", done.stderr)
        self.assertEqual(done.stdout, "")
        own = advise("--postgres", self.url, "--file", self.file)
        # A session of one's own is as good as PostgreSQL's.
        same = advise("--postgres", session, "--file", self.file)
        self.assertEqual([i["statement"] for i in same["items"]], [i["statement"] for i in own["items"]])

    def test_nothing_analysed_is_no_success(self):
        path = os.path.join(self.server.directory, "nowhere.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write("SELECT nothing FROM nowhere")
        done = run_cli("advise", "--postgres", self.url, "--file", path)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("none of the 1 statements could be analysed", done.stderr)
        self.assertIn("nowhere", done.stdout)
        self.assertNotIn("Nothing to say", done.stdout)

    def test_bad_input(self):
        self.assertEqual(run_cli("advise", "--postgres", "postgres://%zz").returncode, 2)
        self.assertEqual(run_cli("advise", "--postgres", self.url, "--file", "/nonexistent").returncode, 2)
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        gone = run_cli("advise", "--postgres", f"postgres://app:secret@127.0.0.1:{port}/shop")
        self.assertEqual(gone.returncode, 3)
        self.assertNotIn("secret", gone.stderr)
        self.assertEqual(run_cli("advise").returncode, 2)
        path = os.path.join(self.server.directory, "bad.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write("SELEKT 1; DROP TABLE tiny; SELECT * FROM nowhere; SELECT 1; DELETE FROM tiny")
        answer = advise("--postgres", self.url, "--file", path)
        self.assertEqual((answer["statements"]["given"], answer["statements"]["not_analysed"]), (5, 3), answer["notes"])
        self.assertTrue(any("nowhere" in n and "does not exist" in n for n in answer["notes"]), answer["notes"])
        self.assertEqual(self.server.psql("SELECT count(*) FROM tiny"), "20")


MARIADB_SCHEMA = """
CREATE DATABASE shop;
USE shop;
CREATE TABLE customers (id INT PRIMARY KEY, email VARCHAR(80) NOT NULL, name VARCHAR(80) NOT NULL, KEY customers_name (name));
CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL, Region INT NOT NULL, placed_at DATETIME NOT NULL, ref INT NOT NULL,
                     KEY orders_ref (ref), KEY orders_ref_placed (ref, placed_at));
CREATE TABLE logs (happened_at DATETIME NOT NULL, what VARCHAR(40) NOT NULL);
INSERT INTO customers SELECT seq, CONCAT('user', seq, '@example.org'), CONCAT('Name ', seq) FROM seq_1_to_20000;
INSERT INTO orders SELECT seq, 1 + seq % 20000, seq % 100, NOW() - INTERVAL seq MINUTE, seq % 500 FROM seq_1_to_40000;
INSERT INTO logs SELECT NOW(), CONCAT('w', seq) FROM seq_1_to_5000;
ANALYZE TABLE customers, orders, logs;
"""
MARIADB_STATEMENTS = """
SELECT * FROM customers WHERE email = ?;
SELECT o.`id` FROM `customers` AS c JOIN orders o ON o.customer_id = c.id WHERE c.name = "Name 5";
SELECT * FROM orders WHERE region = 7 AND placed_at > '2020-01-01';
SELECT * FROM orders ORDER BY placed_at DESC LIMIT 0, 10;
SELECT * FROM orders WHERE id = 5;
SELECT * FROM orders WHERE ref = 5 AND placed_at > '2020-01-01';
"""


class MariaDb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="fairing-maria-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        user = "mysql" if os.geteuid() == 0 else getpass.getuser()
        if os.geteuid() == 0:
            shutil.chown(cls.dir, "mysql")
        data, cls.socket = os.path.join(cls.dir, "data"), os.path.join(cls.dir, "s")
        subprocess.run(
            ["mysql_install_db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        cls.process = subprocess.Popen(
            ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--user={user}", f"--socket={cls.socket}",
             "--skip-networking", "--performance-schema=ON", "--innodb-flush-log-at-trx-commit=0",
             "--innodb-buffer-pool-size=32M", "--performance-schema-consumer-statements-digest=ON",
             "--performance-schema-instrument=statement/%=ON"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(cls.process.wait)
        cls.addClassCleanup(cls.process.kill)
        wait_until(lambda: cls.sql("SELECT 1", check=False) == "1", timeout=60, what="MariaDB")
        cls.sql(MARIADB_SCHEMA)
        cls.url = f"mysql://root@localhost/shop?socket={cls.socket}"
        cls.file = os.path.join(cls.dir, "queries.sql")
        with open(cls.file, "w", encoding="utf-8") as f:
            f.write(MARIADB_STATEMENTS)

    @classmethod
    def sql(cls, text, check=True):
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={cls.socket}", "-u", "root", "-N", "-B"],
            input=text, capture_output=True, text=True, check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def found(self, answer):
        return {(i["kind"], i["table"].removeprefix("shop."), tuple(i["columns"])): i for i in answer["items"]}

    def test_planted_faults(self):
        answer = advise("--mysql", self.url, "--file", self.file)
        items = self.found(answer)
        planted = {
            ("where", "customers", ("email",)),
            ("join", "orders", ("customer_id",)),
            ("composite", "orders", ("Region", "placed_at")),
            ("order_by", "orders", ("placed_at",)),
            ("primary_key", "logs", ()),
            ("redundant", "orders", ("ref",)),
        }
        self.assertEqual(set(items), planted, json.dumps(answer, indent=1))
        self.assertEqual({i["verified"] for i in answer["items"] if i["source"] == "plan"}, {"unverified"})
        for item in answer["items"]:
            for statement in item["statement"].split("; "):
                self.sql(f"USE shop; {statement}")
        self.sql("USE shop; ANALYZE TABLE customers, orders, logs")
        self.assertEqual(advise("--mysql", self.url, "--file", self.file, "--strict")["items"], [])

    def test_statements_come_from_performance_schema(self):
        self.sql("CREATE DATABASE seen; USE seen; CREATE TABLE t (id INT PRIMARY KEY, word VARCHAR(20) NOT NULL);"
                 "INSERT INTO t SELECT seq, CONCAT('w', seq) FROM seq_1_to_5000; ANALYZE TABLE t;"
                 "SELECT * FROM t WHERE word = 'w77'; SELECT * FROM t WHERE word IN ('a', 'b', 'c')")
        answer = advise("--mysql", self.url.replace("/shop", "/seen"))
        self.assertIn(("where", "seen.t", ("word",)), self.found(answer), json.dumps(answer, indent=1))

    def test_analyze_runs_only_what_is_known_and_changes_nothing(self):
        path = self.file + ".analyze"
        with open(path, "w", encoding="utf-8") as f:
            f.write("SELECT * FROM customers WHERE email = 'user5@example.org'; DELETE FROM logs; SELECT * FROM orders WHERE id = ?")
        answer = advise("--mysql", self.url, "--file", path, "--analyze")
        self.assertEqual([m["statement"] for m in answer["measured"]], ["SELECT * FROM customers WHERE email = 'user5@example.org'"])
        self.assertGreater(answer["measured"][0]["ms"], 0)
        self.assertEqual(self.sql("SELECT COUNT(*) FROM shop.logs").split()[-1], "5000")

    def test_unreachable_and_bad_urls(self):
        self.assertEqual(run_cli("advise", "--mysql", "mysql://root@localhost/shop?socket=/nonexistent").returncode, 3)
        self.assertEqual(run_cli("advise", "--mysql", "http://root@localhost/shop").returncode, 2)


if __name__ == "__main__":
    unittest.main()
