"""kill -9, again and again, under load: what a jobs plane on SQLite has acknowledged stays, and nothing happens twice.

    /usr/bin/python3 test/scenario/jobs_torture_test.py [SEED [ROUNDS]]

Each round starts a Fairing on the same file, lets producers and workers at it and kills it with SIGKILL at a random
moment, one in eight while it is still opening the store. Queues: plain, one whose jobs climb a ladder and die, FIFO keys,
unique names. Workers fail, die with their job, and answer when their lease is over. Then the rest is worked off, and the
file is compared with what clients were told. The seed decides what is sent and when the kills come, as far as threads allow.
"""
import collections
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing
from support.jobs_load import LADDER, LEASE, Book, Plane, Producer, Worker, seconds
from support.wait import wait_until

SEED = int(os.environ.get("FAIRING_TORTURE_SEED", "1"))
ROUNDS = int(os.environ.get("FAIRING_TORTURE_ROUNDS", "200"))
CHECK_EVERY = 20  # rounds: PRAGMA integrity_check
FIRST_DELIVERY = 5.0  # seconds a single start may take on a busy machine; the median has to be far below
STEPS = ["0s", "0s", "30ms", "50ms", "50ms", "50ms", "50ms", "50ms"]
DONE, DEAD = 3, 4  # as the file says


class JobsTorture(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.folder = tempfile.mkdtemp(prefix="fairing-jobs-torture-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.file = os.path.join(self.folder, "jobs.db")
        self.plane, self.book = Plane(), Book()
        queues = [{"name": name, "attempts": STEPS} for name in ("plain", "line.fifo", "unique")]
        queues.append({"name": "ladder", "attempts": [f"{round(1000 * s)}ms" for s in LADDER]})
        for q in queues:
            q["timeout"] = f"{round(1000 * LEASE)}ms"
        config = {"jobs": {"listen": "127.0.0.1:0", "store": f"sqlite:{self.file}", "queues": queues}}
        self.fairing = Fairing(self, config, ready=False)
        self.downs = []  # (from, to), wall
        self.recoveries = []  # seconds from the start of the process to the first job that a worker was given
        self.early_kills = 0
        self.ready_times = []
        workers = [("plain", 2), ("ladder", 1), ("line.fifo", 2), ("unique", 1)]
        self.workers = [Worker(self.plane, self.book, SEED, q, n) for q, count in workers for n in range(count)]
        self.producers = [Producer(self.plane, self.book, SEED, n) for n in range(3)]
        for client in self.workers + self.producers:
            client.start()
            self.addCleanup(client.stop)

    # -- one round -----------------------------------------------------------------------------------------

    def start(self):
        """True: it became ready. A kill may come before."""
        began = time.monotonic()
        early = self.random.random() < 0.125
        kill = None
        if early:
            kill = threading.Thread(target=self.kill_soon, args=(self.fairing.process, self.random.uniform(0, 0.04)))
            kill.start()
        try:
            self.fairing.start()
        except (AssertionError, ValueError):
            if not early:
                raise
            self.early_kills += 1
            return False
        finally:
            if kill:
                kill.join()
        self.ready_times.append(time.monotonic() - began)
        self.book.first_delivery.clear()
        self.plane.up(self.fairing.listeners["jobs"][0])
        self.downs[-1:] = [(self.downs[-1][0], time.time())] if self.downs else []
        while not self.book.first_delivery.wait(0.1):  # an early kill may have come just now
            if self.fairing.process.poll() is not None or time.monotonic() - began > 20:
                return True
        self.recoveries.append(time.monotonic() - began)
        return True

    def kill_soon(self, last, pause):
        wait_until(lambda: self.fairing.process is not last, 20, "the process to begin")
        time.sleep(pause)
        self.fairing.process.kill()

    def kill(self):
        self.fairing.signal(signal.SIGKILL)
        self.fairing.wait()
        self.plane.down()
        self.close_files()
        self.downs.append((time.time() - 0.05, None))

    def close_files(self):
        self.fairing.process.stdout.close()
        self.fairing.log_file.close()

    def round(self, number):
        if not self.start():
            self.close_files()
            return
        time.sleep(self.random.uniform(0.0, 0.22))  # the load of this round; the kill may come anywhere in it
        self.kill()
        if number % CHECK_EVERY == 0:
            self.check_file()
        self.assertEqual(self.book.faults, [], f"round {number}, seed {SEED}")

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

    # -- the end -------------------------------------------------------------------------------------------

    def work_off(self):
        for producer in self.producers:
            producer.stop()
        for worker in self.workers:
            worker.faithful = True
        self.assertTrue(self.start())
        for producer in self.producers:
            producer.join(30)

        def nothing_left():
            with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as db:
                left = db.execute("SELECT count(*) FROM job WHERE state < 3").fetchone()[0]
            db.close()
            return left == 0

        wait_until(nothing_left, 60, "every job to come to its end")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.join(30)
        self.assertEqual(self.book.faults, [])

    def read_jobs(self):
        """id -> what the API says of each job of the ladder and the FIFO keys, and its state as the file has it for all."""
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as db:
            rows = db.execute(
                "SELECT j.id, q.name, j.state, j.created_ms, j.finished_ms, j.uniq, coalesce(j.payload, p.body) FROM job j "
                "JOIN queue q ON q.number = j.queue LEFT JOIN job_payload p ON p.id = j.id"
            ).fetchall()
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        db.close()
        return {
            id_text(row[0]): {
                "queue": row[1],
                "state": row[2],
                "created": row[3],
                "finished": row[4],
                "unique": row[5],
                "name": json.loads(row[6])["name"],
            }
            for row in rows
        }

    def nothing_is_lost_or_doubled(self, jobs):
        book = self.book
        lost = [name for name in book.acked if name not in jobs]
        self.assertEqual(lost, [], "acknowledged and gone")
        states = collections.Counter(j["state"] for j in jobs.values())
        self.assertEqual(set(states) - {DONE, DEAD}, set())
        for name, (how, _) in book.ended.items():
            self.assertEqual({"done": DONE, "dead": DEAD}[how], jobs[name]["state"], name)
        never_run = [n for n in book.acked if n not in book.ended and n not in book.perhaps_ended and jobs[n]["state"] == DONE]
        self.assertEqual(never_run, [], "done, and nobody had completed it")
        names = collections.Counter(j["name"] for j in jobs.values() if not j["unique"])
        self.assertEqual([n for n, count in names.items() if count > 1], [], "one request, two jobs")
        known = book.unanswered | set(book.by_name)
        unasked = [j["name"] for n, j in jobs.items() if n not in book.acked and j["name"] not in known]
        self.assertEqual(unasked, [], "jobs that nobody put")
        by_unique = collections.defaultdict(list)
        for j in jobs.values():
            if j["unique"]:
                by_unique[j["unique"]].append((j["created"], j["finished"]))
        for name, lives in by_unique.items():
            lives.sort()
            for one, other in zip(lives, lives[1:]):
                self.assertLessEqual(one[1], other[0], f"two live jobs named {name}")
        return states

    def fifo_order_is_kept(self, jobs):
        lines = collections.defaultdict(list)
        for name, j in jobs.items():
            if j["queue"] == "line.fifo":
                _, key, nth = j["name"].split()
                lines[key].append((int(nth), name))
        for key, line in lines.items():
            line.sort()
            self.assertEqual([nth for nth, _ in line], list(range(1, len(line) + 1)), key)
            for (_, one), (_, other) in zip(line, line[1:]):
                self.assertLess(one, other, "ids of a key ascend")
                self.assertLessEqual(jobs[one]["finished"], self.began[other], f"{other} overtook {one} of {key}")
                how = self.book.ended.get(one)
                if how and other in self.book.delivered:
                    self.assertLess(how[1], self.book.delivered[other][0], f"{other} overtook {one} of {key}")
        return sum(map(len, lines.values()))

    def read_histories(self, jobs):
        """Of the jobs of the ladder their attempts; of those of FIFO keys the beginning of the first."""
        self.began, self.attempts = {}, {}
        for name, j in jobs.items():
            if j["queue"] in ("ladder", "line.fifo"):
                status, seen = self.get(f"/v1/jobs/{name}")
                self.assertEqual(status, 200, seen)
                self.began[name] = round(1000 * seconds(seen["attempts"][0]["began"]))
                if j["queue"] == "ladder":
                    self.attempts[name] = seen["attempts"]

    def get(self, path):
        if not hasattr(self, "connection"):
            self.connection = http.client.HTTPConnection(*self.plane.address, timeout=20)
            self.addCleanup(self.connection.close)
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def the_ladder_is_exact(self):
        lateness = []
        for name, attempts in self.attempts.items():
            self.assertEqual([a["attempt"] for a in attempts], [1, 2, 3, 4], name)
            for nth, (one, other) in enumerate(zip(attempts, attempts[1:]), start=1):
                ended, began = seconds(one["ended"]), seconds(other["began"])
                due = ended + LADDER[nth]
                self.assertGreaterEqual(began, due - 0.005, f"{name}: attempt {nth + 1} came early")
                if not any(a < began and (b or began) > ended for a, b in self.downs):
                    lateness.append(began - due)
        return lateness

    # -- the test ------------------------------------------------------------------------------------------

    def test_kill_9_loses_nothing_and_repeats_nothing(self):
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        self.fairing.expected_exit = -signal.SIGKILL
        for number in range(1, ROUNDS + 1):
            self.round(number)
        self.work_off()
        jobs = self.read_jobs()
        self.read_histories(jobs)
        states = self.nothing_is_lost_or_doubled(jobs)
        in_line = self.fifo_order_is_kept(jobs)
        lateness = self.the_ladder_is_exact()
        again = sum(1 for seen in self.book.delivered.values() if len(seen) > 1)
        seen = {
            "acknowledged": len(self.book.acked),
            "lost": 0,
            "done": states[DONE],
            "dead": states[DEAD],
            "delivered_more_than_once": again,
            "completions_refused": self.book.refused,
            "refused_after_the_deadline": self.book.late_refused,
            "stale_completions": 0,
            "fifo_jobs": in_line,
            "ladder_jobs": len(self.attempts),
            "retry_late_ms_median": round(1000 * statistics.median(lateness)),
            "retry_late_ms_max": round(1000 * max(lateness)),
            "kills_while_opening": self.early_kills,
            "ready_ms_median": round(1000 * statistics.median(self.ready_times)),
            "first_delivery_ms_median": round(1000 * statistics.median(self.recoveries)),
            "first_delivery_ms_max": round(1000 * max(self.recoveries)),
            "file_bytes": os.path.getsize(self.file),
        }
        print(json.dumps(seen), flush=True)
        self.assertGreater(self.book.late_refused, 0, "workers have to be late for the test to see anything")
        self.assertLess(statistics.median(self.recoveries), 1.0)
        self.assertLess(max(self.recoveries), FIRST_DELIVERY)
        self.assertLess(statistics.median(lateness), 1.0)
        self.fairing.expected_exit = 0
        self.fairing.stop()


def id_text(number):
    """An id as the API writes it: Crockford's base 32, 13 digits; the file has it moved by 2^63."""
    number = (number + (1 << 63)) & ((1 << 64) - 1)
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[(number >> (5 * n)) & 31] for n in reversed(range(13)))


if __name__ == "__main__":
    if sys.argv[1:]:
        SEED = int(sys.argv.pop(1))
    if sys.argv[1:]:
        ROUNDS = int(sys.argv.pop(1))
    unittest.main()
