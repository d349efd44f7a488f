"""Settings follow their client: those of its start-up, those it makes, also under names that PostgreSQL lists nowhere."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import PgClient
from support.sql_case import SqlCase, in_thread, start_postgres, stop_postgres, tenant_of

setUpModule = start_postgres
tearDownModule = stop_postgres


class CustomSettings(SqlCase):
    """app.tenant and its like, on which row level security hangs: of one client, and nobody else's."""

    def setUp(self):
        super().setUp()
        self.start(pool={"size": 1})
        self.a, self.b = self.client(), self.client()

    def test_set(self):
        self.a.query("SET app.tenant = 'a'")
        self.assertIn(tenant_of(self.b), (None, ""))
        self.b.query("SET SESSION app.tenant TO 'b'")
        for _ in range(2):
            self.assertEqual((tenant_of(self.a), tenant_of(self.b)), ("a", "b"))

    def test_set_config_by_literal_by_value_and_by_name_and_value(self):
        self.a.query("SELECT set_config('app.tenant', 'a', false)")
        self.b.extended("SELECT set_config('app.tenant', $1, false)", ["b"])
        self.assertEqual((tenant_of(self.a), tenant_of(self.b)), ("a", "b"))
        self.b.extended("SELECT set_config($1, $2, false)", ["app.other", "c"])
        self.a.query("SELECT 1")
        self.assertEqual(self.b.query("SELECT current_setting('app.other')"), [["c"]])
        self.assertEqual(self.a.query("SELECT current_setting('app.other', true)"), [[""]])

    def test_in_a_block_of_plpgsql(self):
        self.a.query("DO $$ BEGIN PERFORM set_config('app.tenant', 'a', false); END $$")
        self.assertIn(tenant_of(self.b), (None, ""))
        self.assertEqual(tenant_of(self.a), "a")

    def test_rolled_back_reset_and_local_ones(self):
        self.a.query("SET app.tenant = 'a'")
        self.a.query("BEGIN; SET app.tenant = 'x'; ROLLBACK")
        self.b.query("BEGIN; SET LOCAL app.tenant = 'y'; COMMIT")
        self.assertEqual((tenant_of(self.a), tenant_of(self.b)), ("a", ""))
        self.a.query("RESET app.tenant")
        self.b.query("SET app.tenant = 'b'")
        self.assertEqual((tenant_of(self.a), tenant_of(self.b)), ("", "b"))
        self.b.query("DISCARD ALL")
        self.assertEqual(tenant_of(self.b), "")

    def test_a_name_that_only_the_server_knows_keeps_its_server(self):
        self.a.query("DISCARD ALL")
        self.a.query("SELECT set_config('app.' || 'tenant', 'a', false)")
        self.wait_until_shown("CLIENTS", lambda row: row["state"] == "pinned")
        self.assertEqual(tenant_of(self.a), "a")
        self.a.query("DISCARD ALL")
        self.assertIn(tenant_of(self.b), (None, ""))

    def test_no_name_is_needed_to_keep_it_from_others(self):
        for sql in (
            """SET "app.tenant" = 'a'""",
            """DO $$ BEGIN EXECUTE 'SET app.tenant = ''a'''; END $$""",
            """DO $$ BEGIN EXECUTE format('SET %I.%I = %L', 'app', 'tenant', 'a'); END $$""",
            """DO 'BEGIN PERFORM set_config(''app.tenant'', ''a'', false); END'""",
            """SELECT set_config(n, 'a', false) FROM (VALUES ('app.tenant')) v(n) WHERE EXISTS (SELECT 1 FROM pg_settings)""",
        ):
            with self.subTest(sql):
                a = self.client()
                a.query(sql)
                self.assertIn(tenant_of(self.b), (None, ""))
                a.close()
                self.b.query("SELECT 1")

    def test_a_discard_that_fails_lets_nothing_go(self):
        self.a.query("SELECT set_config('app.' || 'tenant', 'a', false)")
        self.a.query("BEGIN")
        self.refused("25001", self.a.query, "DISCARD ALL")
        self.a.query("ROLLBACK")
        waiting = in_thread(tenant_of, self.b)
        self.assertEqual(tenant_of(self.a), "a")
        self.a.query("DISCARD ALL")
        waiting.join(10)
        self.assertIn(waiting.result, (None, ""))

    def test_odd_names_and_values_harm_nobody(self):
        latin = self.client(client_encoding="LATIN1")
        latin.send(b"Q", "SET app.\u00e9t\u00e9 = '1'".encode("latin1") + b"\0")
        latin.rows()
        latin.query("DISCARD ALL")
        for i in range(300):
            self.a.extended("SELECT set_config($1, $2, false)", ["app.tenant", f"t{i}.example.com"])
        self.b.query("SET search_path = public")
        self.assertEqual(self.b.query("SHOW search_path"), [["public"]])
        self.assertEqual(tenant_of(self.a), "t299.example.com")
        self.assertIn(tenant_of(self.b), (None, ""))

    def test_as_many_names_as_an_application_makes_up(self):
        self.a.query("SET app.tenant = 'a'")
        for i in range(300):
            self.b.query(f"SET app.job_{i} = 'v{i}'")
        self.assertEqual(tenant_of(self.a), "a")
        self.assertIn(tenant_of(self.b), (None, ""))
        self.a.query("SET app.other = 'o'")
        for client in (self.client(), self.client()):
            client.query("SET app.tenant = 'c'")
            self.assertEqual(tenant_of(client), "c")
        self.assertEqual(self.a.query("SELECT current_setting('app.tenant'), current_setting('app.other')"), [["a", "o"]])
        for i in (0, 150, 299):
            self.assertEqual(self.b.query(f"SHOW app.job_{i}"), [[f"v{i}"]])
        items = self.fairing.call("GET", "/v1/pools", token=False)[1]["items"]
        self.assertEqual((items[0]["servers"]["pinned"], items[0]["closed"]), (0, {}))

    def test_values_keep_their_letters_between_encodings(self):
        self.a.query("SET app.tenant = 'M\u00fcller'")
        latin = self.client(client_encoding="LATIN1")
        latin.extended("SELECT set_config('app.tenant', 'x', false)")
        self.assertEqual(tenant_of(self.a), "M\u00fcller")
        latin.send(b"Q", "SET app.tenant = 'J\u00f6rg'".encode("latin1") + b"\0")
        latin.rows()
        self.assertEqual(tenant_of(self.a), "M\u00fcller")
        self.assertEqual(latin.query("SELECT current_setting('app.tenant') = U&'J\\00F6rg'"), [["t"]])

    def test_row_level_security_shows_each_its_own(self):
        self.pg.sql("CREATE TABLE notes (tenant text, t text); INSERT INTO notes VALUES ('a', 'of a'), ('b', 'of b'); "
                    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; GRANT ALL ON notes TO PUBLIC; "
                    "CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true))", database="app")
        self.a.query("SET app.tenant = 'a'")
        self.assertEqual(self.b.query("SELECT t FROM notes"), [])
        self.b.query("SET app.tenant = 'b'")
        for _ in range(3):
            self.assertEqual(self.a.extended("SELECT t FROM notes"), [["of a"]])
            self.assertEqual(self.b.extended("SELECT t FROM notes"), [["of b"]])


class StartUp(SqlCase):
    def pools(self):
        return self.fairing.call("GET", "/v1/pools", token=False)[1]["items"]

    def test_forty_tenants_share_one_pool(self):
        n = 40
        self.pg.sql("; ".join(f"CREATE SCHEMA s{i}; CREATE TABLE s{i}.t AS SELECT {i} AS n; "
                              f"GRANT ALL ON SCHEMA s{i} TO PUBLIC; GRANT ALL ON s{i}.t TO PUBLIC" for i in range(n)),
                    database="app")
        self.start(pool={"size": 2})
        clients = [self.client(options=f"-c search_path=s{i}") for i in range(n)]
        for c in clients:
            c.extended("SELECT n FROM t", name="mine")
        for _ in range(3):
            for i, c in enumerate(clients):
                self.assertEqual(c.query("SELECT n FROM t"), [[str(i)]])
                self.assertEqual(c.extended("SELECT n FROM t"), [[str(i)]])
        (pool,) = self.pools()
        self.assertEqual(pool["pools"], 1)
        self.assertLessEqual(pool["opened"], 2)

    def test_values_are_told_as_postgresql_tells_them(self):
        self.start(pool={"size": 1})
        parameters = {"TimeZone": "asia/tokyo", "DateStyle": "sql", "client_encoding": "latin1", "extra_float_digits": "2",
                      "options": "-c IntervalStyle=iso_8601 -c statement_timeout=77s"}
        with PgClient(("127.0.0.1", self.pg.port), user="alice", password="alice", **parameters) as direct:
            known = direct.status
        for _ in range(2):  # the second time it is known
            c = self.client(**parameters)
            for name in ("TimeZone", "DateStyle", "client_encoding", "IntervalStyle"):
                self.assertEqual(c.status[name], known[name], name)
            self.assertEqual(c.query("SHOW statement_timeout"), [["77s"]])
        other = self.client()
        self.assertEqual(other.query("SHOW statement_timeout"), [["0"]])
        self.assertNotEqual(other.status["TimeZone"], known["TimeZone"])

    def test_what_is_wrong_is_refused_in_postgresql_s_words_and_costs_no_server(self):
        self.start(pool={"size": 1})
        self.client().query("SELECT 1")
        pid = self.client().server_pid()
        for parameters in ({"DateStyle": "nonsense"}, {"options": "-c no_such_setting=1"}, {"options": "-c work_mem=many"}):
            with self.assertRaises(Exception) as direct:
                PgClient(("127.0.0.1", self.pg.port), user="alice", password="alice", **parameters)
            e = self.refused(direct.exception.code, PgClient, self.address, **parameters)
            self.assertEqual((e.severity, e.message), (direct.exception.severity, direct.exception.message))
        self.assertEqual(self.client().server_pid(), pid)

    def test_reset_goes_back_to_the_start(self):
        self.start(pool={"size": 1})
        c = self.client(options="-c search_path=pg_catalog", TimeZone="Asia/Tokyo")
        for sql in ("RESET search_path", "RESET ALL", "DISCARD ALL"):
            c.query("SET search_path = public")
            c.query("SET TimeZone = 'UTC'")
            c.query(sql)
            self.assertEqual(c.query("SHOW search_path"), [["pg_catalog"]], sql)
        self.assertEqual(c.query("SHOW TimeZone"), [["Asia/Tokyo"]])

    def test_reset_gives_back_what_has_a_dot_and_does_not_untell(self):
        self.start(pool={"size": 1})
        c = self.client(options="-c app.tenant=acme", client_encoding="LATIN1", TimeZone="Asia/Tokyo")
        for sql in ("RESET app.tenant", "RESET ALL", "DISCARD ALL"):
            c.query("SET app.tenant = 'x'")
            c.query(sql)
            self.assertEqual(tenant_of(c), "acme", sql)
            self.assertEqual((c.status["client_encoding"], c.status["TimeZone"]), ("LATIN1", "Asia/Tokyo"), sql)
        c.query("SET app.tenant = ''")
        self.assertEqual(tenant_of(c), "")
        c.query("RESET ALL; SET TimeZone = 'Europe/Rome'")
        self.assertEqual(c.query("SHOW TimeZone"), [["Europe/Rome"]])
        self.assertEqual(c.status["TimeZone"], "Europe/Rome")

    def test_a_start_that_stops_our_own_questions_is_let_in(self):
        self.start(pool={"size": 1})
        c = self.client(options="-c statement_timeout=1")
        self.assertEqual(c.query("SHOW statement_timeout"), [["1ms"]])
        c.close()
        self.assertEqual(self.client().query("SHOW statement_timeout"), [["0"]])

    def test_what_cannot_be_set_has_a_pool_of_its_own(self):
        self.start(pool={"size": 4})
        c = self.client(options="-c post_auth_delay=0 -c search_path=pg_catalog")
        self.assertEqual(c.query("SHOW search_path"), [["pg_catalog"]])
        self.client().query("SELECT 1")
        self.assertEqual(self.pools()[0]["pools"], 2)

    def test_a_literal_means_what_the_client_s_settings_make_of_it(self):
        # PostgreSQL reads a literal when the statement is prepared: it must not be another client's reading.
        self.start(pool={"size": 1})
        sql = "SELECT extract(epoch FROM '2020-01-01 00:00'::timestamptz)::bigint"
        utc, tokyo = self.client(TimeZone="UTC"), self.client(TimeZone="Asia/Tokyo")
        for c in (utc, tokyo):
            c.extended(sql, name="e")
        for _ in range(2):
            self.assertEqual(utc.query(sql), [["1577836800"]])
            self.assertEqual(tokyo.query(sql), [["1577804400"]])
            for c, expected in ((utc, "1577836800"), (tokyo, "1577804400")):
                c.socket.sendall(c.bind(name="e") + c.execute() + c.message(b"S"))
                self.assertEqual(c.rows(), [[expected]])
        # The same under settings of one transaction, and in a server that is kept.
        c = self.client(TimeZone="UTC")
        for zone, expected in (("Asia/Tokyo", "1577804400"), ("UTC", "1577836800")):
            c.query(f"BEGIN; SET LOCAL TimeZone = '{zone}'")
            self.assertEqual(c.extended(sql, name="f"), [[expected]])
            c.socket.sendall(c.message(b"C", b"Sf\0") + c.message(b"S"))
            c.until_ready()
            c.query("COMMIT")
        self.assertEqual(self.client(TimeZone="UTC").extended(sql, name="g"), [["1577836800"]])
        c.query("LISTEN here")
        for zone, expected in (("UTC", "1577836800"), ("Asia/Tokyo", "1577804400")):
            c.query(f"SET TimeZone = '{zone}'")
            self.assertEqual(c.extended(sql, name="h" + zone), [[expected]])

    def test_columns_that_changed_with_the_search_path_are_refused(self):
        self.pg.sql("CREATE SCHEMA pa; CREATE TABLE pa.t AS SELECT 'x' AS a, 1 AS b; CREATE SCHEMA pb; "
                    "CREATE TABLE pb.t AS SELECT 'y' AS a, 2 AS b, 3 AS c; GRANT ALL ON SCHEMA pa, pb TO PUBLIC; "
                    "GRANT ALL ON pa.t, pb.t TO PUBLIC", database="app")
        self.start(pool={"size": 2})
        c, d = self.client(options="-c search_path=pa"), self.client()
        d.query("BEGIN")
        self.assertEqual(c.extended("SELECT * FROM t", name="p"), [["x", "1"]])
        d.query("COMMIT")
        c.query("BEGIN")  # on the other server it is prepared anew, and its columns are known from then on
        c.socket.sendall(c.bind(name="p") + c.execute() + c.message(b"S"))
        self.assertEqual(c.rows(), [["x", "1"]])
        c.query("COMMIT")
        c.query("SET search_path = pb")
        for _ in range(2):
            c.socket.sendall(c.bind(name="p") + c.execute() + c.message(b"S"))
            self.refused("0A000", c.rows)

    def test_psql_with_pgoptions(self):
        self.start(pool={"size": 1})
        out = subprocess.run(["psql", "-XAtwc", "SHOW search_path",
                              "postgres://alice:alice@%s:%d/app" % self.address], capture_output=True, text=True, timeout=20,
                             check=False, env={**os.environ, "PGOPTIONS": "-c search_path=pg_catalog"})
        self.assertEqual((out.stdout, out.returncode), ("pg_catalog\n", 0), out.stderr)


if __name__ == "__main__":
    unittest.main()
