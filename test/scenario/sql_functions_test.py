"""What a function, a trigger or a view does to its session is its client's, and nobody else's."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import PgClient, PgError
from support.sql_case import SHARED, SqlCase, start_postgres, stop_postgres, tenant_of
from support.wait import wait_until

tearDownModule = stop_postgres

SCHEMA = """
CREATE SCHEMA app;
CREATE FUNCTION app.set_tenant(t text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('app.tenant', t, false); END $$;
CREATE FUNCTION app.log_in(t text) RETURNS int LANGUAGE sql AS $$ SELECT app.set_tenant(t); SELECT 1 $$;
CREATE FUNCTION app.atomic(t text) RETURNS int LANGUAGE sql BEGIN ATOMIC; SELECT app.log_in(t); END;
CREATE FUNCTION app.plain() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC; SELECT 1; END;
CREATE FUNCTION app.for_now(t text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('app.tenant', t, true); SET LOCAL work_mem = '3MB'; END $$;
CREATE FUNCTION app.memory() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN -- of this session
       SET work_mem = '9MB'; END $$;
CREATE FUNCTION app.by_name(n text, v text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE format('SET %s = %L', n, v); END $$;
CREATE FUNCTION app.make() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN CREATE TEMP TABLE made (secret text); INSERT INTO made VALUES ('of a'); END $$;
CREATE FUNCTION app.drop() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE pg_temp.made; END $$;
CREATE FUNCTION app.lock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(77); END $$;
CREATE FUNCTION app.hear() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LISTEN news; END $$;
CREATE TABLE docs (tenant text, t text);
INSERT INTO docs VALUES ('a', 'of a'), ('b', 'of b');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant = nullif(current_setting('app.tenant', true), ''));
CREATE TABLE audited (i int PRIMARY KEY, v text);
CREATE TABLE lines (i int REFERENCES audited ON DELETE CASCADE);
CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('app.tenant', 'a', false); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER audit BEFORE INSERT OR UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION app.audit();
CREATE TRIGGER audit BEFORE DELETE ON lines FOR EACH ROW EXECUTE FUNCTION app.audit();
CREATE VIEW sneaky AS SELECT app.log_in('a');
GRANT ALL ON docs, audited, lines, sneaky TO PUBLIC;
GRANT ALL ON SCHEMA app, public TO PUBLIC;
"""


def setUpModule():
    start_postgres()
    SHARED["pg"].sql(SCHEMA, "app")


class Functions(SqlCase):
    def setUp(self):
        super().setUp()
        self.start(pool={"size": 1})
        self.a, self.b = self.client(), self.client()

    def only_a_has_it(self):
        self.assertIn(tenant_of(self.b), (None, ""))
        self.assertEqual(tenant_of(self.a), "a")

    def test_of_row_level_security(self):
        self.a.query("SELECT app.set_tenant('a')")
        self.assertEqual(self.b.query("SELECT t FROM docs"), [])
        self.b.extended("SELECT app.set_tenant($1)", ["b"])
        for _ in range(2):
            self.assertEqual(self.a.query("SELECT t FROM docs"), [["of a"]])
            self.assertEqual(self.b.query("SELECT t FROM docs"), [["of b"]])
        self.b.query("BEGIN; SELECT app.set_tenant('a'); ROLLBACK")
        self.assertEqual(self.b.query("SELECT t FROM docs"), [["of b"]])

    def test_callers_of_callers(self):
        for sql in ("SELECT app.log_in('a')", 'SELECT 1 FROM "app"."atomic" (\'a\')', "TABLE sneaky", "EXECUTE p('a')"):
            with self.subTest(sql):
                self.a = self.client()
                self.a.query("PREPARE p (text) AS SELECT app.log_in($1)")
                self.a.query(sql)
                self.only_a_has_it()
                self.a.close()

    def test_settings_that_are_listed_or_have_no_name(self):
        before = self.b.query("SHOW work_mem")
        self.a.query("SELECT app.memory()")
        self.assertEqual(self.b.query("SHOW work_mem"), before)
        self.assertEqual(self.a.query("SHOW work_mem"), [["9MB"]])
        self.a.query("SELECT app.by_name('app.tenant', 'a')")
        self.assertIn(tenant_of(self.b), (None, ""))

    def test_what_leaves_nothing_is_not_asked_about(self):
        before = self.a.query("SELECT current_setting('work_mem')")
        self.a.query("SELECT app.for_now('a')")
        self.assertIn(tenant_of(self.a), (None, ""))
        self.assertEqual(self.b.query("SELECT current_setting('work_mem')"), before)
        self.a.query("SELECT app.plain(), app.for_now('a')")
        last = "SELECT query FROM pg_stat_activity WHERE datname = 'app' AND usename = 'alice'"
        self.assertIn("app.plain", self.pg.sql(last))

    def test_triggers(self):
        for sql in ("INSERT INTO audited VALUES (1)", "UPDATE public.audited SET v = 'x'",
                    "INSERT INTO lines SELECT 1; DELETE FROM audited",
                    "WITH w AS (INSERT INTO audited VALUES (2) RETURNING i) SELECT * FROM w"):
            with self.subTest(sql):
                self.a = self.client()
                self.a.query(sql)
                self.only_a_has_it()
                self.a.close()
        self.a = self.client()
        self.a.query("SELECT * FROM audited")
        self.assertIn(tenant_of(self.a), (None, ""))

    def test_temporary_tables_and_locks_pin_and_go_with_their_client(self):
        for call, until in (("SELECT app.make()", "SELECT app.drop()"), ("SELECT app.lock()", "DISCARD ALL"),
                            ("SELECT app.hear()", "UNLISTEN *"), ("SELECT app.make(), app.lock()", None)):
            with self.subTest(call):
                self.a = self.client()
                self.a.query(call)
                self.wait_until_shown("CLIENTS", lambda row: row["state"] == "pinned")
                self.a.query(until) if until else self.a.close()
                with self.assertRaisesRegex(PgError, "does not exist"):
                    self.b.query("SELECT * FROM made")
                wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0", 10)
                self.a.close()

    def test_one_that_is_made_while_it_runs(self):
        text = "SELECT app.made_now('a')"
        with self.assertRaises(PgError):
            self.a.query(text)
        make = ("CREATE OR REPLACE FUNCTION app.made_now(t text) RETURNS int LANGUAGE plpgsql AS "
                "$$ BEGIN %s RETURN 1; END $$")
        self.a.query(make % "")
        self.a.extended(text, name="before")
        self.a.query(make % "PERFORM app.set_tenant(t);")
        self.a.socket.sendall(self.a.bind((), "before") + self.a.execute() + self.a.message(b"S"))
        self.a.rows()
        self.only_a_has_it()
        self.a.close()
        self.b.query("DROP FUNCTION app.made_now(text)")

    def test_in_the_transaction_that_makes_it(self):
        self.a.query("BEGIN; CREATE FUNCTION app.at_once() RETURNS text LANGUAGE sql AS "
                     "$$ SELECT set_config('app.tenant', 'a', false) $$; SELECT app.at_once(); COMMIT")
        self.only_a_has_it()
        self.b.query("DROP FUNCTION app.at_once()")

    def test_one_that_is_made_elsewhere_is_known_after_reconnect(self):
        self.a.query("SELECT 1")
        self.pg.sql("CREATE FUNCTION app.elsewhere() RETURNS text LANGUAGE sql AS "
                    "$$ SELECT set_config('app.tenant', 'a', false) $$", "app")
        self.addCleanup(self.pg.sql, "DROP FUNCTION app.elsewhere()", "app")
        with PgClient(self.address, database="fairing") as console:
            console.query("RECONNECT")
        self.a.query("SELECT app.elsewhere()")
        self.only_a_has_it()

    def test_too_many_are_said_and_nothing_breaks(self):
        make = ("DO $$ BEGIN FOR i IN 1 .. 4100 LOOP EXECUTE format('CREATE FUNCTION many_%s() RETURNS text "
                "LANGUAGE sql AS %L', i, 'SELECT set_config(''app.many'', ''a'', false)'); END LOOP; END $$")
        drop = "DO $$ BEGIN FOR i IN 1 .. 4100 LOOP EXECUTE format('DROP FUNCTION many_%s()', i); END LOOP; END $$"
        self.pg.sql(make, "app")
        self.addCleanup(self.pg.sql, drop, "app")
        self.assertEqual(self.a.query("SELECT 1"), [["1"]])
        self.assertEqual(self.a.query("SELECT many_1()"), [["a"]])
        wait_until(lambda: "sql_functions_unknown" in self.fairing.log(), 5)


if __name__ == "__main__":
    unittest.main()
