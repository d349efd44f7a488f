"""A jobs plane that is killed again and again under load, whatever it stores in: the rounds, and what must hold at the end.

Flow:
    class OnSqlite(JobsTorture, unittest.TestCase):       # and store_url(), rows(), unfinished() ...
        def test_...(self): self.torture(seed, rounds)
Queues: plain, one whose jobs climb a ladder and die, FIFO keys, unique names. Workers fail, die with their job, and answer
when their lease is over. After the rounds the rest is worked off, and the store is compared with what clients were told.
"""
import collections
import http.client
import json
import random
import signal
import statistics
import threading
import time

from support.fairing import Fairing
from support.jobs_load import LADDER, LEASE, Book, Plane, Producer, Worker, seconds
from support.wait import wait_until

FIRST_DELIVERY = 5.0  # seconds a single start may take on a busy machine; the median has to be far below
STEPS = ["0s", "0s", "30ms", "50ms", "50ms", "50ms", "50ms", "50ms"]
DONE, DEAD = 3, 4  # as the store says


class JobsTorture:
    # -- what a store has of its own -----------------------------------------------------------------------

    def store_url(self):
        raise NotImplementedError

    def rows(self):
        """(id as SQL has it, queue, state, created_ms, finished_ms, unique name or None, payload) of every job."""
        raise NotImplementedError

    def unfinished(self):
        """How many jobs have not come to their end."""
        raise NotImplementedError

    def environment(self):
        """Variables of the plane."""
        return {}

    def look(self, number):
        """After the kill of a round."""

    def break_something(self):
        """The fault of a round, under load."""
        self.kill()

    # -- the load ------------------------------------------------------------------------------------------

    def begin(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.plane, self.book = Plane(), Book()
        queues = [{"name": name, "attempts": STEPS} for name in ("plain", "line.fifo", "unique")]
        queues.append({"name": "ladder", "attempts": [f"{round(1000 * s)}ms" for s in LADDER]})
        for q in queues:
            q["timeout"] = f"{round(1000 * LEASE)}ms"
        config = {"jobs": {"listen": "127.0.0.1:0", "store": self.store_url(), "queues": queues}}
        self.fairing = Fairing(self, config, ready=False, env=self.environment())
        self.downs = []  # (from, to), wall
        self.recoveries = []  # seconds from the start of the process to the first job that a worker was given
        self.early_kills = 0
        self.ready_times = []
        workers = [("plain", 2), ("ladder", 1), ("line.fifo", 2), ("unique", 1)]
        self.workers = [Worker(self.plane, self.book, seed, q, n) for q, count in workers for n in range(count)]
        self.producers = [Producer(self.plane, self.book, seed, n) for n in range(3)]
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
        self.break_something()
        self.look(number)
        self.assertEqual(self.book.faults, [], f"round {number}, seed {self.seed}")

    # -- the end -------------------------------------------------------------------------------------------

    def work_off(self):
        for producer in self.producers:
            producer.stop()
        for worker in self.workers:
            worker.faithful = True
        self.assertTrue(self.start())
        for producer in self.producers:
            producer.join(30)

        wait_until(lambda: self.unfinished() == 0, 60, "every job to come to its end")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.join(30)
        self.assertEqual(self.book.faults, [])

    def read_jobs(self):
        return {
            id_text(row[0]): {
                "queue": row[1],
                "state": row[2],
                "created": row[3],
                "finished": row[4],
                "unique": row[5],
                "name": json.loads(row[6])["name"],
            }
            for row in self.rows()
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

    # -- the whole -----------------------------------------------------------------------------------------

    def torture(self, seed, rounds):
        print(f"seed {seed}, {rounds} rounds", flush=True)
        self.begin(seed)
        self.fairing.expected_exit = -signal.SIGKILL
        for number in range(1, rounds + 1):
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
        }
        print(json.dumps(seen), flush=True)
        self.assertGreater(self.book.late_refused, 0, "workers have to be late for the test to see anything")
        self.assertLess(statistics.median(lateness), 1.0)
        self.fairing.expected_exit = 0
        self.fairing.stop()


def id_text(number):
    """An id as the API writes it: Crockford's base 32, 13 digits; SQL has it moved by 2^63."""
    number = (number + (1 << 63)) & ((1 << 64) - 1)
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[(number >> (5 * n)) & 31] for n in reversed(range(13)))
