"""Statements that are sent to a connection while it still works for another client."""
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.pgclient import Closed, PgClient
from support.sql_case import SqlCase, in_thread, start_postgres, stop_postgres
from support.wait import wait_until

setUpModule = start_postgres
tearDownModule = stop_postgres
WORK = 10  # clients


class Ahead(SqlCase):
    def ahead(self, event="sent"):
        return sum(
            v
            for (name, labels), v in self.fairing.metrics().items()
            if name == "fairing_sql_ahead_total" and ("event", event) in labels
        )

    def start_one(self, size=1, **pool):
        self.start(pool={"size": size, "min_idle": size, "ahead": "always", **pool})

    def table(self, what):
        name = what.split()[0]
        self.pg.sql(f"CREATE TABLE {what}; GRANT ALL ON {name} TO PUBLIC", database="app")
        self.addCleanup(self.pg.sql, f"DROP TABLE {name}", database="app")

    def all_at_once(self, work, clients=WORK):
        """What `work(client, i)` answered, of each client in a thread of its own."""
        threads = [in_thread(work, self.client(), i) for i in range(clients)]
        for t in threads:
            t.join(60)
            self.assertIsNone(t.error)
        return [t.result for t in threads]

    def behind_a_sleeper(self, size=1, sleep="pg_sleep(2)", more=0):
        """(the one that sleeps in its thread, a client whose statement was sent behind it, in its thread); `more` behind
        that one: self.more has them and their threads"""
        self.start_one(size)
        holder, sleeper, behind = self.client(), self.client(), self.client()
        holder.query("BEGIN")  # has the server, so that the next two wait in this order
        others = [self.client() for _ in range(size - 1)]
        for c in others:
            c.query("BEGIN")
        asleep = in_thread(sleeper.query, f"SELECT 'slept' FROM {sleep}")
        self.waiting(1)
        waits = in_thread(behind.query, "SELECT 'behind'")
        self.waiting(2)
        self.more = [self.client() for _ in range(more)], []
        for i, c in enumerate(self.more[0]):
            self.more[1].append(in_thread(c.query, f"SELECT 'behind {i + 1}'"))
            self.waiting(3 + i)
        holder.query("COMMIT")
        wait_until(lambda: self.ahead() == 1 + more)
        return (sleeper, asleep), (behind, waits), others

    def test_everybody_gets_what_was_asked_for(self):
        self.start_one(2)

        def work(c, i):
            for n in range(150):
                if c.query(f"SELECT '{i}-{n}'") != [[f"{i}-{n}"]]:
                    return "another's rows"
                if c.extended("SELECT $1::text", [f"{i}+{n}"]) != [[f"{i}+{n}"]]:
                    return "another's rows"
            return "all"

        self.assertEqual(self.all_at_once(work), ["all"] * WORK)
        self.assertGreater(self.ahead(), 100)

    def test_errors_are_their_own(self):
        self.start_one()

        def work(c, i):
            failed = 0
            for n in range(100):
                if (n + i) % 3 == 0:
                    t = in_thread(c.query, f"SELECT 1/{i * 0} AS n{n}")
                    t.join(20)
                    failed += t.error is not None and t.error.code == "22012"
                elif c.query(f"SELECT '{i}-{n}'") != [[f"{i}-{n}"]]:
                    return "another's rows"
            return failed

        self.assertEqual(self.all_at_once(work), [34 if i % 3 == 0 else 33 for i in range(WORK)])
        self.assertGreater(self.ahead(), 50)

    def test_settings_and_transactions_between(self):
        self.start_one(2)

        def work(c, i):
            zone = f"Etc/GMT-{i + 1}"
            c.query(f"SET TimeZone TO '{zone}'")
            for n in range(60):
                if c.query("SHOW TimeZone") != [[zone]]:
                    return "another's setting"
                if n % 5 == 0:
                    c.query("BEGIN")
                    c.query(f"SELECT '{i}'")
                    c.query("COMMIT")
                if c.query(f"SELECT '2026-01-01 00:00+00'::timestamptz, {n}") != [[f"2026-01-01 {i + 1:02}:00:00+{i + 1:02}", str(n)]]:
                    return "another's zone"
            return "all"

        self.assertEqual(self.all_at_once(work), ["all"] * WORK)

    def test_a_long_statement_keeps_nobody_back(self):
        self.start_one(2)
        self.table("held (id) AS SELECT 1")
        one, two = self.client(), self.client()
        with PgClient(("127.0.0.1", self.pg.port)) as holder:
            holder.query("BEGIN")
            holder.query("LOCK TABLE held")
            blocked = in_thread(one.query, "SELECT id FROM held")
            wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1")
            # The other connection is enough for everybody else.
            threads = [in_thread(self.client().query, f"SELECT {i}") for i in range(20)]
            for i, t in enumerate(threads):
                t.join(10)
                self.assertEqual(t.result, [[str(i)]])
            self.assertEqual(two.query("SELECT 2"), [["2"]])
            holder.query("COMMIT")
        blocked.join(10)
        self.assertEqual(blocked.result, [["1"]])

    def test_it_moves_on_when_another_connection_is_free(self):
        (sleeper, asleep), (_, waits), (other,) = self.behind_a_sleeper(2, "pg_sleep(30)")
        other.query("COMMIT")
        waits.join(20)
        self.assertEqual(waits.result, [["behind"]])
        self.assertTrue(asleep.is_alive())
        self.assertEqual(self.ahead("called_back"), 1)
        sleeper.cancel()
        asleep.join(10)
        self.assertEqual(asleep.error.code, "57014")
        self.assertEqual(self.client().query("SELECT 'after'"), [["after"]])

    def test_cancel_of_the_one_before(self):
        (sleeper, asleep), (_, waits), _ = self.behind_a_sleeper(1, "pg_sleep(20)")
        sleeper.cancel()
        asleep.join(10)
        self.assertEqual(asleep.error.code, "57014")
        waits.join(10)
        self.assertEqual(waits.result, [["behind"]])

    def test_cancel_of_the_one_behind(self):
        (sleeper, asleep), (behind, waits), _ = self.behind_a_sleeper(1, "pg_sleep(30)")
        behind.cancel()
        waits.join(10)
        self.assertEqual(waits.error.code, "57014")
        self.assertTrue(asleep.is_alive(), "the other's was not stopped")
        sleeper.cancel()
        asleep.join(10)
        self.assertEqual(asleep.error.code, "57014")
        self.assertEqual(behind.query("SELECT 'again'"), [["again"]])

    def test_the_unnamed_statement_of_the_one_before_stays_its_own(self):
        self.start_one()
        holder, first, behind = self.client(), self.client(), self.client()
        holder.query("BEGIN")
        asleep = in_thread(first.extended, "SELECT 'mine' FROM pg_sleep(2)")
        self.waiting(1)
        waits = in_thread(behind.extended, "SELECT 'theirs'")
        self.waiting(2)
        holder.query("COMMIT")
        wait_until(lambda: self.ahead() == 1)
        behind.cancel()
        waits.join(10)
        self.assertEqual(waits.error.code, "57014")
        asleep.join(10)
        self.assertEqual(asleep.result, [["mine"]])
        first.socket.sendall(first.bind() + first.execute() + first.message(b"S"))
        self.assertEqual(first.rows(), [["mine"]])

    def test_the_one_behind_leaves(self):
        (_, asleep), (behind, waits), _ = self.behind_a_sleeper(1)
        behind.socket.shutdown(socket.SHUT_RDWR)
        asleep.join(10)
        self.assertEqual(asleep.result, [["slept"]])
        self.assertEqual(self.client().query("SELECT 'after'"), [["after"]])
        waits.join(10)

    def test_any_of_three_leaves_or_is_cancelled(self):
        """The one that goes and those beside it: nobody gets another's rows, and the connection goes on."""
        for goes in range(3):
            for how in ("leaves", "is cancelled"):
                with self.subTest(goes=goes, how=how):
                    (_, asleep), (first, waits), _ = self.behind_a_sleeper(1, "pg_sleep(2)", more=2)
                    clients, threads = [first, *self.more[0]], [waits, *self.more[1]]
                    if how == "leaves":
                        clients[goes].socket.shutdown(socket.SHUT_RDWR)
                    else:
                        clients[goes].cancel()
                    asleep.join(10)
                    self.assertEqual(asleep.result, [["slept"]])
                    for i, t in enumerate(threads):
                        t.join(10)
                        if i != goes:
                            self.assertEqual(t.result, [["behind" if i == 0 else f"behind {i}"]])
                        elif how == "is cancelled":
                            self.assertEqual(t.error.code, "57014")
                    self.assertEqual(self.client().query("SELECT 'after'"), [["after"]])
                    self.fairing.stop()

    def test_slow_statements_are_not_sent_ahead_again_and_again(self):
        self.start_one(2)

        def work(c, i):
            return [c.query(f"SELECT '{i}-{n}' FROM {'pg_sleep(0.05)' if n % 2 else 'slow'}") for n in range(6)]

        self.pg.sql("CREATE VIEW slow AS SELECT FROM pg_sleep(0.05); GRANT ALL ON slow TO PUBLIC", database="app")
        self.addCleanup(self.pg.sql, "DROP VIEW slow", database="app")
        for i, got in enumerate(self.all_at_once(work, 12)):
            self.assertEqual(got, [[[f"{i}-{n}"]] for n in range(6)])
        self.assertLess(self.ahead("called_back"), 36, "of 72 statements")

    def test_the_connection_dies(self):
        (_, asleep), (_, waits), _ = self.behind_a_sleeper(1, "pg_sleep(20)")
        self.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT .slept'")
        asleep.join(10)
        self.assertIsNotNone(asleep.error)
        if not isinstance(asleep.error, Closed):
            self.assertEqual(asleep.error.code, "57P01")
        waits.join(10)
        self.assertEqual(waits.result, [["behind"]], "it had not begun, and is run elsewhere")

    def test_the_one_before_leaves(self):
        (sleeper, asleep), (_, waits), _ = self.behind_a_sleeper(1, "pg_sleep(20)")
        sleeper.socket.shutdown(socket.SHUT_RDWR)
        waits.join(10)
        self.assertEqual(waits.result, [["behind"]])
        asleep.join(10)

    def test_only_what_reads_is_sent_ahead(self):
        self.start_one()
        self.table("made (id int)")

        def work(c, i):
            for n in range(50):
                c.query(f"INSERT INTO made VALUES ({i * 1000 + n})")
            return "all"

        self.assertEqual(self.all_at_once(work), ["all"] * WORK)
        self.assertEqual(self.ahead(), 0)
        counted = self.pg.sql("SELECT count(*) || ' ' || count(DISTINCT id) FROM made", database="app")
        self.assertEqual(counted, "500 500")


if __name__ == "__main__":
    unittest.main()
