"""The torture on a disk that fails: fsyncs that answer EIO and a disk that is full for a while, under load, between kills.

    /usr/bin/python3 test/scenario/jobs_faults_torture_test.py [SEED [ROUNDS]]

Whatever was acknowledged before, between and after the faults has to be there at the end, once, in order. What a power
cut would leave behind such faults is test/power_loss; what clients are told, scenario/jobs_faults_test.py.
"""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import jobs_torture_test
from support.faults import Faults
from support.wait import past, wait_until

SEED = int(os.environ.get("FAIRING_TORTURE_SEED", "1"))
ROUNDS = int(os.environ.get("FAIRING_TORTURE_ROUNDS", "40"))


class OnFailingDisk(jobs_torture_test.OnSqlite):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self)

    def environment(self):
        return self.faults.env

    def break_something(self):
        """A fault, some time with it and after it, then the kill; or the kill in the middle."""
        began = time.time()
        if self.random.random() < 0.6:
            self.faults.sync_fails = self.random.randint(1, 4)
        else:
            self.faults.write_fails = -1
        wait_until(past(self.random.uniform(0.02, 0.12)))
        self.faults.write_fails = 0
        if self.random.random() < 0.7:
            self.faults.sync_fails = 0
            self.book.first_delivery.clear()
            # An early kill may have ended it before.
            wait_until(
                lambda: self.book.first_delivery.is_set() or self.fairing.process.poll() is not None, 20, "it to go on by itself"
            )
        self.downs.append((began - 0.05, time.time()))
        self.kill()
        self.faults.sync_fails = 0

    def test_kill_9_loses_nothing_and_repeats_nothing(self):
        self.torture(SEED, ROUNDS)
        self.check_file()
        print(f"{self.faults.failed_syncs} fsyncs and {self.faults.failed_writes} writes failed", flush=True)
        self.assertGreater(self.faults.failed_syncs, ROUNDS // 4)
        self.assertGreater(self.faults.failed_writes, ROUNDS // 8)


del jobs_torture_test.OnSqlite  # that is a test of its own file

if __name__ == "__main__":
    if sys.argv[1:]:
        SEED = int(sys.argv.pop(1))
    if sys.argv[1:]:
        ROUNDS = int(sys.argv.pop(1))
    unittest.main()
