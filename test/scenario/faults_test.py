"""Faults under load: no wrong body, no hang, no 5xx that the backend's state and the stale windows do not explain.

Client threads ask without pause for cacheable and uncacheable URLs; each body names its URL and when it was made.
While a fault lasts (and until the first good answer after it) the uncacheable URLs may fail with 502, 503 or 504;
URLs that were warm when it began must be answered throughout, from the cache, never older than its windows.
"""
import os
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, Truncated, fetch
from support.fairing import Fairing
from support.origin_process import IF_ERROR, MAX_AGE, OriginProcess, check
from support.wait import past, wait_until

DEADLINE = 10.0  # of one request; over it, it hangs
WARM = [f"/c/{i}-{20 + 300 * i}" for i in range(8)]
COLD = [f"/n/{i}-{20 + 200 * i}" for i in range(8)]
SLACK = 4.0  # whole-second rounding, the time a request takes, a busy machine


class Load:
    """Threads that ask; `results` holds (began, path, status, complaint)."""

    def __init__(self, test, address, threads=4):
        self.address, self.stop_now, self.results, self.lock = (
            address,
            threading.Event(),
            [],
            threading.Lock(),
        )
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(threads)]
        test.addCleanup(self.stop_now.set)
        for t in self.threads:
            t.start()

    def run(self, seed):
        pick, client = random.Random(seed), None
        while not self.stop_now.is_set():
            path = pick.choice(WARM if pick.random() < 0.6 else COLD)
            began, status, complaint = time.time(), 0, None
            try:
                client = client or Client(self.address, timeout=DEADLINE)
                got = client.get(path)
                status = got.status
                complaint = self.judge(path, got, began)
                if "close" in got.get("Connection", "").lower():
                    client = client.close()
            except (Truncated, ConnectionError, BrokenPipeError):
                status, client = -1, client and client.close()
            except TimeoutError:
                complaint, client = "hangs", client and client.close()
            with self.lock:
                self.results.append((began, path, status, complaint))

    @staticmethod
    def judge(path, got, began):
        if got.status != 200:
            return None
        try:
            made = check(path, got.body)
        except ValueError as e:
            return str(e)
        oldest = MAX_AGE + IF_ERROR + SLACK if path in WARM else SLACK
        return f"{began - made:.1f} s old" if began - made > oldest and path in WARM else None

    def count(self, wanted=lambda r: True):
        with self.lock:
            return sum(1 for r in self.results if wanted(r))

    def more(self, n, wanted=lambda r: True, timeout=20):
        """Waits for n further results that are wanted."""
        goal = self.count(wanted) + n
        wait_until(lambda: self.count(wanted) >= goal, timeout, f"{n} more results")

    def stop(self, test):
        self.stop_now.set()
        for t in self.threads:
            t.join(DEADLINE + 5)
            test.assertFalse(t.is_alive(), "a client hangs")
        return self.results


class Faults(unittest.TestCase):
    def setUp(self):
        self.origin = OriginProcess(self)

    def start(self, **top):
        self.fairing = Fairing(
            self,
            {
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": self.origin.url,
                    "timeouts": {"connect": "1s", "first_byte": "1s", "total": "5s"},
                },
                **top,
            },
            threads=2,
        )
        for path in WARM:
            self.assertEqual(fetch(self.fairing.http, path).status, 200)
        self.load = Load(self, self.fairing.http)
        self.load.more(100)

    def recovered(self):
        """When uncacheable requests are answered again, for good: ten in a row."""
        wait_until(
            lambda: all(fetch(self.fairing.http, f"/n/{i}-20").status == 200 for i in range(10)),
            20,
            "answers after the fault",
        )
        return time.time()

    def finish(self, faults=()):
        """faults: (from, to). Asserts what the head of this file says."""
        self.load.more(200)
        results = self.load.stop(self)
        self.assertEqual([r for r in results if r[3]], [], "wrong, overaged or hanging answers")

        def excused(began):
            return any(a - DEADLINE / 2 <= began <= b for a, b in faults)

        bad = [r for r in results if r[2] != 200 and not excused(r[0])]
        self.assertEqual(bad, [], "failures while the backend was well")
        warm = [
            r
            for r in results
            if r[1] in WARM and r[2] != 200 and not any(a + IF_ERROR - SLACK <= r[0] <= b for a, b in faults)
        ]
        self.assertEqual(warm, [], "a warm URL failed inside its stale window")
        self.assertEqual({r[2] for r in results} - {200, 502, 503, 504, -1}, set())
        if not faults:
            self.assertEqual({r[2] for r in results}, {200})
        self.assertGreater(len(results), 300)

    def failed_cold(self, result):
        return result[1] in COLD and result[2] in (502, 503, 504)

    def served_warm(self, result):
        return result[1] in WARM and result[2] == 200

    def test_backend_killed_and_restarted(self):
        self.start()
        faults = []
        for _ in range(2):
            began = time.time()
            self.origin.kill()
            self.load.more(20, self.failed_cold)
            wait_until(past(MAX_AGE + 1.5), 10)  # the entries are stale now
            self.load.more(50, self.served_warm)
            self.origin.start()
            faults.append((began, self.recovered()))
        self.finish(faults)

    def test_backend_frozen(self):
        self.start()
        began = time.time()
        self.origin.freeze()
        self.addCleanup(self.origin.thaw)
        self.load.more(6, self.failed_cold)
        self.load.more(10, self.served_warm)
        self.origin.thaw()
        self.finish([(began, self.recovered())])

    def test_configuration_reloaded_100_times(self):
        self.start()
        config = {
            "http": {
                "listen": "127.0.0.1:0",
                "upstream": self.origin.url,
                "timeouts": {"connect": "1s", "first_byte": "1s", "total": "5s"},
            }
        }
        for i in range(100):
            config["http"]["routes"] = [{"match": f"/r{i}/**", "cache": {"ttl": "1s"}}]
            if i % 3 == 0:  # the backends' state and connections are made anew, in the midst of requests
                config["http"]["outlier"] = {"failures": 50 + i}
            if i % 10 == 9:
                self.fairing.write_config("http: [ broken")
                self.assertEqual(self.fairing.reload()[0] // 100, 4)
            self.fairing.write_config(config)
            status, said = self.fairing.reload()
            self.assertEqual(status, 200, said)
        self.finish()
        self.assertLess(self.fairing.descriptors(), 150, "old configurations are let go")

    def test_disk_full_under_the_access_log(self):
        self.start(runtime={"threads": 2, "access_log": {"to": "/dev/full", "buffered": False}})
        self.load.more(500)
        self.finish()
        said = [line for line in self.fairing.log().splitlines() if "/dev/full" in line or "No space" in line]
        self.assertIn(len(said), range(1, 6), "a full disk is logged once, not once a request")

    def test_clients_that_vanish_all_the_time(self):
        self.start()
        for i in range(300):
            c = Client(self.fairing.http)
            c.request("GET", WARM[i % 8] if i % 2 else COLD[i % 8])
            if i % 3:
                c.fill()
            c.abort()
        self.finish()
        wait_until(lambda: self.fairing.descriptors() < 150, 10, "descriptors to be given back")


if __name__ == "__main__":
    unittest.main()
