"""kill -9, again and again, under load: what a jobs plane on SQLite has acknowledged stays, and nothing happens twice.

    /usr/bin/python3 test/scenario/jobs_torture_test.py [SEED [ROUNDS]]

Each round starts a Fairing on the same file, lets producers and workers at it and kills it with SIGKILL at a random
moment, one in eight while it is still opening the store. The seed decides what is sent and when the kills come, as far as
threads allow. What must hold is in support/jobs_torture.py.
"""
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.jobs_torture import FIRST_DELIVERY, JobsTorture

SEED = int(os.environ.get("FAIRING_TORTURE_SEED", "1"))
ROUNDS = int(os.environ.get("FAIRING_TORTURE_ROUNDS", "200"))
CHECK_EVERY = 20  # rounds: PRAGMA integrity_check


class OnSqlite(JobsTorture, unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fairing-jobs-torture-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.file = os.path.join(self.folder, "jobs.db")

    def store_url(self):
        return f"sqlite:{self.file}"

    def select(self, text):
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as db:
            rows = db.execute(text).fetchall()
        db.close()
        return rows

    def unfinished(self):
        return self.select("SELECT count(*) FROM job WHERE state < 3")[0][0]

    def rows(self):
        return self.select(
            "SELECT j.id, q.name, j.state, j.created_ms, j.finished_ms, j.uniq, coalesce(j.payload, p.body) FROM job j "
            "JOIN queue q ON q.number = j.queue LEFT JOIN job_payload p ON p.id = j.id"
        )

    def look(self, number):
        if number % CHECK_EVERY == 0:
            self.check_file()

    def check_file(self):
        """On a copy: opening the file itself would recover its log, which is what the next start has to do."""
        copy = os.path.join(self.folder, "copy.db")
        for end in ("", "-wal"):
            if os.path.exists(self.file + end):
                shutil.copyfile(self.file + end, copy + end)
        with sqlite3.connect(copy) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(copy + end):
                os.remove(copy + end)

    def test_kill_9_loses_nothing_and_repeats_nothing(self):
        self.torture(SEED, ROUNDS)
        self.check_file()
        self.assertLess(statistics.median(self.recoveries), 1.0)
        self.assertLess(max(self.recoveries), FIRST_DELIVERY)


if __name__ == "__main__":
    if sys.argv[1:]:
        SEED = int(sys.argv.pop(1))
    if sys.argv[1:]:
        ROUNDS = int(sys.argv.pop(1))
    unittest.main()
