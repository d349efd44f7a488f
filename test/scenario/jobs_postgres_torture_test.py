"""The same on PostgreSQL: the plane is killed, or its server, or both, and nothing that was acknowledged goes.

    /usr/bin/python3 test/scenario/jobs_postgres_torture_test.py [SEED [ROUNDS]]

A server that is killed at once (SIGQUIT) recovers from its log. Clients see 503s meanwhile and go on; a plane whose
predecessor's session the server still believes in stands by until it has the lock.
"""
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.jobs_torture import JobsTorture
from support.postgres import Postgres

SEED = int(os.environ.get("FAIRING_TORTURE_SEED", "1"))
ROUNDS = int(os.environ.get("FAIRING_TORTURE_ROUNDS", "40"))


class OnPostgres(JobsTorture, unittest.TestCase):
    def setUp(self):
        self.pg = Postgres().start()
        self.addCleanup(self.pg.stop)
        self.pg.sql("CREATE DATABASE jobs OWNER alice")

    def store_url(self):
        return self.pg.url("alice", "jobs")

    def unfinished(self):
        return int(self.pg.sql("SELECT count(*) FROM fairing.job WHERE state < 3", database="jobs"))

    def rows(self):
        text = self.pg.sql(
            "SELECT j.id, q.name, j.state, j.created_ms, j.finished_ms, coalesce(convert_from(j.uniq, 'UTF8'), ''), "
            "convert_from(j.payload, 'UTF8') FROM fairing.job j JOIN fairing.queue q ON q.number = j.queue",
            database="jobs",
        )
        rows = [line.split("|", 6) for line in text.splitlines()]
        return [(int(r[0]), r[1], int(r[2]), int(r[3]), int(r[4]), r[5] or None, r[6]) for r in rows]

    def break_something(self):
        dice = self.random.random()
        if dice < 0.4:  # the server, while the plane works on
            down = time.time()
            self.pg.restart(self.random.choice([signal.SIGQUIT, signal.SIGINT]))
            self.book.first_delivery.clear()
            self.book.first_delivery.wait(20)
            self.downs.append((down - 0.05, time.time()))
            time.sleep(self.random.uniform(0.0, 0.2))
        elif dice < 0.55:
            self.pg.halt(signal.SIGQUIT)
        self.kill()
        if self.pg.process.poll() is not None:
            self.pg.launch()

    def test_killed_planes_and_servers_lose_nothing(self):
        self.torture(SEED, ROUNDS)


if __name__ == "__main__":
    if sys.argv[1:]:
        SEED = int(sys.argv.pop(1))
    if sys.argv[1:]:
        ROUNDS = int(sys.argv.pop(1))
    unittest.main()
