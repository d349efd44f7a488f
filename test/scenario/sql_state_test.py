"""What a client leaves in its session beside settings: of that client, and nobody else's; DISCARD ALL leaves nothing."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import PgError
from support.sql_case import SHARED, SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres


class OneServer(SqlCase):
    def setUp(self):
        super().setUp()
        self.start(pool={"size": 1, "wait_timeout": "5s"})
        self.a, self.b = self.client(), self.client()

    def pinned(self):
        self.wait_until_shown("CLIENTS", lambda row: row["state"] == "pinned")


class Temporary(OneServer):
    def test_functions_types_and_operators_of_pg_temp_pin(self):
        for make, use in (
            ("CREATE FUNCTION pg_temp.one() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT pg_temp.one()"),
            ("CREATE TYPE pg_temp.mood AS ENUM ('1')", "SELECT '1'::pg_temp.mood"),
            ("CREATE DOMAIN pg_temp.num AS int", "SELECT '1'::pg_temp.num"),
        ):
            with self.subTest(make):
                a, b = self.client(), self.client()
                a.query(make)
                waiting = in_thread(b.query, use)
                self.waiting()
                self.assertEqual(a.query(use), [["1"]])
                a.close()
                waiting.join(10)
                self.assertIsNotNone(waiting.error, waiting.result)

    def test_a_dropped_function_unpins(self):
        self.a.query("CREATE FUNCTION pg_temp.two() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        self.a.query("DROP FUNCTION pg_temp.two()")
        self.assertEqual(self.b.query("SELECT 1"), [["1"]])

    def test_a_table_that_explain_analyze_made(self):
        for options in ("ANALYZE", "(ANALYZE, TIMING OFF, COSTS OFF)"):
            with self.subTest(options):
                a, b = self.client(), self.client()
                a.query(f"EXPLAIN {options} CREATE TEMP TABLE ea AS SELECT 'secret of a' AS s")
                self.assertEqual(a.query("SELECT * FROM ea"), [["secret of a"]])
                waiting = in_thread(b.query, "SELECT * FROM ea")
                self.waiting()
                a.close()
                waiting.join(10)
                self.assertEqual(getattr(waiting.error, "code", waiting.result), "42P01")

    def test_a_setting_that_explain_analyze_execute_made(self):
        self.a.query("PREPARE p AS SELECT set_config('app.tenant', 'a', false)")
        self.a.query("EXPLAIN ANALYZE EXECUTE p")
        self.assertIn(self.b.query("SELECT current_setting('app.tenant', true)"), ([[None]], [[""]]))
        self.assertEqual(self.a.query("SELECT current_setting('app.tenant')"), [["a"]])


class Prepared(OneServer):
    def test_explain_and_create_table_as_know_them(self):
        self.a.query("PREPARE p (int) AS SELECT $1 + 1 AS n")
        self.a.extended("SELECT $1::int AS n", ["5"], name="proto")
        for name in ("p", "proto"):
            self.b.query("SELECT 1")
            self.assertIn("Result", self.a.query(f"EXPLAIN EXECUTE {name}(1)")[0][0])
            self.assertIn("Result", self.a.extended(f"EXPLAIN EXECUTE {name}(1)")[0][0])
            self.assertIn("Result", self.a.query(f"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE {name}(1)")[0][0])
            self.a.query("BEGIN")
            self.a.query(f"CREATE TEMP TABLE z ON COMMIT DROP AS EXECUTE {name}(6)")
            self.assertEqual(self.a.query("SELECT n IN (6, 7) FROM z"), [["t"]])
            self.a.query("COMMIT")
        self.assertEqual(self.b.query("SELECT 1"), [["1"]])
        self.refused("26000", self.b.query, "EXPLAIN EXECUTE p(1)")

    def test_a_prepare_by_parse_keeps_its_server(self):
        self.a.extended("PREPARE px (int) AS SELECT $1 + 1")
        self.pinned()
        for _ in range(2):
            self.assertEqual(self.a.extended("EXECUTE px(1)"), [["2"]])
            self.assertEqual(self.a.query("EXECUTE px(2)"), [["3"]])
        self.assertEqual(self.a.extended("EXECUTE px(1)", name="named"), [["2"]])
        self.a.extended("DEALLOCATE px")
        self.refused("26000", self.b.query, "EXECUTE px(1)")
        self.refused("26000", self.a.query, "EXECUTE px(1)")

    def test_who_never_closes_statements_is_told_and_nobody_else(self):
        def text(i):
            return f"SELECT {i} + 0 * length('{'x' * 4_000_000}')"

        for i in range(4):
            self.assertEqual(self.a.extended(text(i), name=f"s{i}"), [[str(i)]])
        error = self.refused("54000", self.a.extended, text(4), name="s4")
        self.assertEqual((error.severity, error.message), ("ERROR", "this client's prepared statements take too much memory"))
        self.refused("54000", self.a.query, "PREPARE s4 AS " + text(4))
        self.assertEqual(self.a.extended(text(4)), [["4"]])  # without a name nothing is kept
        self.assertEqual(self.b.extended(text(5), name="s5"), [["5"]])
        self.a.query("DEALLOCATE s0")
        self.assertEqual(self.a.extended(text(4), name="s4"), [["4"]])


class Escapes(OneServer):
    """standard_conforming_strings = off: what a backslash hides."""

    def test_a_setting_behind_one_is_seen(self):
        self.a.query("SET standard_conforming_strings = off")
        self.a.query("SELECT '\\''; SET work_mem = '8888'; SET app.tenant = 'a'; --'")
        for _ in range(2):
            self.assertNotEqual(self.b.query("SHOW work_mem"), [["8888kB"]])
            self.assertIn(self.b.query("SELECT current_setting('app.tenant', true)"), ([[None]], [[""]]))
            self.assertEqual(self.a.query("SHOW work_mem"), [["8888kB"]])
            self.assertEqual(self.a.query("SELECT current_setting('app.tenant')"), [["a"]])
        self.a.query("PREPARE p AS SELECT 7")
        self.assertEqual(self.a.query("SELECT '\\''; EXECUTE p; --'")[-1], ["7"])

    def test_in_the_same_flight(self):
        for sent in ("SET standard_conforming_strings = off", "BEGIN; SET LOCAL standard_conforming_strings = off"):
            with self.subTest(sent):
                a = self.client()
                texts = (sent, "SELECT '\\''; SET app.tenant = 'a'; --'", "COMMIT")
                a.socket.sendall(b"".join(a.message(b"Q", t.encode() + b"\0") for t in texts))
                for _ in texts:
                    a.until_ready()
                self.assertIn(self.b.query("SELECT current_setting('app.tenant', true)"), ([[None]], [[""]]))
                a.close()

    def test_by_the_role_s_own_setting(self):
        self.pg.sql("ALTER ROLE bob SET standard_conforming_strings = off")
        self.addCleanup(self.pg.sql, "ALTER ROLE bob RESET ALL")
        self.start(pool={"size": 1}, users=[{"name": "bob", "password": "bob"}])
        a, b = self.client(user="bob"), self.client(user="bob")
        a.query("SELECT '\\''; SET app.tenant = 'a'; --'")
        self.assertIn(b.query("SELECT current_setting('app.tenant', true)"), ([[None]], [[""]]))


class Links(SqlCase):
    console_user = {"user": "admin"}

    def test_a_connection_of_dblink_is_its_client_s(self):
        self.pg.sql("CREATE EXTENSION IF NOT EXISTS dblink", database="app")
        self.start(upstream=self.pg.url("admin"), pool={"size": 1})
        for connect in ("SELECT dblink_connect('secret', '%s')", "DO $$ BEGIN PERFORM dblink_connect('secret', '%s'); END $$"):
            with self.subTest(connect):
                a, b = self.client(user="admin"), self.client(user="admin")
                a.query(connect % f"host={self.pg.directory} port={self.pg.port} dbname=app user=postgres")
                self.wait_until_shown("CLIENTS", lambda row: row["state"] == "pinned")
                waiting = in_thread(b.query, "SELECT dblink_get_connections()")
                self.waiting()
                self.assertEqual(a.query("SELECT * FROM dblink('secret', 'SELECT 1') AS t(n int)"), [["1"]])
                a.close()
                waiting.join(10)
                self.assertEqual(waiting.result, [[None]])


class DiscardAll(OneServer):
    def test_what_a_trigger_left_is_gone(self):
        self.pg.sql("CREATE TABLE tr (i int); GRANT ALL ON tr TO PUBLIC; CREATE FUNCTION tr_lock() RETURNS trigger "
                    "LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT pg_advisory_' || 'lock(77)'; RETURN NEW; END $$; "
                    "CREATE TRIGGER t BEFORE INSERT ON tr FOR EACH ROW EXECUTE FUNCTION tr_lock()", database="app")
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        self.a.query("INSERT INTO tr VALUES (1)")
        self.a.query("DISCARD ALL")
        wait_until(lambda: self.pg.sql(locks) == "0", what="no lock")
        self.a.query("INSERT INTO tr VALUES (1)")
        self.b.query("BEGIN")  # the server is another's meanwhile
        self.a.query("DISCARD ALL")
        self.b.query("COMMIT")
        wait_until(lambda: self.pg.sql(locks) == "0", what="no lock")

    def test_prepared_statements_stay_where_they_are(self):
        self.a.extended("SELECT 1", name="p")
        self.a.query("DISCARD ALL")
        self.assertEqual(self.b.extended("SELECT 1", name="q"), [["1"]])
        self.assertEqual(self.b.query("SELECT count(*) FROM pg_prepared_statements"), [["1"]])

    def test_update_of_pg_settings_is_a_setting(self):
        self.a.query("UPDATE pg_settings SET setting = '9999' WHERE name = 'work_mem'")
        self.assertNotEqual(self.b.query("SHOW work_mem"), [["9999kB"]])
        self.assertEqual(self.a.query("SHOW work_mem"), [["9999kB"]])


class Sequences(OneServer):
    @classmethod
    def setUpClass(cls):
        SHARED["pg"].sql("CREATE TABLE s1 (id serial, v text); CREATE TABLE s2 (id serial, v text); "
                         "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; "
                         "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC; SELECT setval('s1_id_seq', 4711)",
                         database="app")

    def test_another_s_last_value_is_not_told(self):
        self.a.query("INSERT INTO s1 (v) VALUES ('x')")
        for sql in ("SELECT lastval()", "SELECT currval('s1_id_seq')"):
            self.refused("55000", self.b.query, sql)
            self.b.query("BEGIN")
            self.refused("55000", self.b.query, sql)
            self.b.query("ROLLBACK")
            self.a.query("INSERT INTO s1 (v) VALUES ('x')")
            self.b.query("BEGIN")
            self.refused("55000", self.b.extended, sql)
            self.b.query("ROLLBACK")
            self.a.query("INSERT INTO s1 (v) VALUES ('x')")
            self.b.query("BEGIN")
            self.b.query("INSERT INTO s2 (v) VALUES ('x')")
            self.refused("55000", self.b.query, "SELECT currval('s1_id_seq')")
            self.b.query("ROLLBACK")

    def test_insert_then_lastval(self):
        """As PDO's lastInsertId() and its like do, beside others that do the same or do not."""
        c = self.client()
        for _ in range(3):
            for each in (self.a, self.b):
                expected = each.query("INSERT INTO s1 (v) VALUES ('y') RETURNING id")
                each.query("INSERT INTO s1 (v) VALUES ('y')")
                c.query("SELECT 1")
                self.assertEqual(int(each.query("SELECT lastval()")[0][0]), int(expected[0][0]) + 1)
                self.assertEqual(int(each.query("SELECT lastval()")[0][0]), int(expected[0][0]) + 1)
                each.query("INSERT INTO s2 (v) VALUES ('y')")

    def test_many_clients_each_get_their_own(self):
        """A client that is slow to ask (on a busy machine) may find its server gone on: then it is told so, and never
        another's value."""
        self.start(pool={"size": 3})
        self.refused("55000", self.client().query, "SELECT lastval()")

        def work(i):
            c = self.client()
            for n in range(40):
                c.query(f"INSERT INTO s1 (v) VALUES ('{i}-{n}')")
                try:
                    (last,), = c.query("SELECT lastval()")
                except PgError as e:
                    self.assertEqual(e.code, "55000")
                    continue
                self.assertEqual(c.query(f"SELECT v FROM s1 WHERE id = {last}"), [[f"{i}-{n}"]])
            return True

        threads = [in_thread(work, i) for i in range(8)]
        for t in threads:
            t.join(60)
            self.assertIsNone(t.error)
            self.assertTrue(t.result)

    def test_nobody_waits_long_for_one_that_lingers(self):
        self.refused("55000", self.a.query, "SELECT lastval()")
        self.a.query("INSERT INTO s1 (v) VALUES ('z')")
        self.assertEqual(self.b.query("SELECT 1"), [["1"]])
        self.a.query("INSERT INTO s1 (v) VALUES ('z')")
        self.a.close()
        self.assertEqual(self.b.query("SELECT 1"), [["1"]])


if __name__ == "__main__":
    unittest.main()
