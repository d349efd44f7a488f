"""The jobs plane on a disk that fails or is full, under a clock that jumps, and with workers that freeze or are killed.

What must hold in each case: nothing is acknowledged that is not there afterwards, the refusal says why, and the plane goes
on by itself once the fault is over. The disk and the clock are tools/faults_preload.c; the workers are processes.
"""
import datetime
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.faults import HOUR_MS, Faults
from support.jobs_case import JobsCase
from support.jobs_load import seconds
from support.wait import wait_until

WORKER = """
import json, os, sys, urllib.error, urllib.request
def post(path, body):
    request = urllib.request.Request(os.environ["API"] + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as no:
        with no:
            return no.code, json.load(no)
_, got = post("/v1/queues/emails/lease", {"wait": 20})
job = got["jobs"][0]
print(job["id"], job["attempt"], flush=True)
sys.stdin.readline()  # the work: until it is told to be done
status, answer = post(f"/v1/leases/{job['lease']}/ack", {})
print(status, json.dumps(answer), flush=True)
"""


class Faulty(JobsCase):
    def start(self, queue=None, **more):
        self.faults = Faults(self)
        rules = {"name": "emails", "attempts": ["0s", "100ms", "100ms"], "timeout": "30s", **(queue or {})}
        return self.start_jobs([rules], env=self.faults.env, jobs=more)

    def try_to_put(self, n, **headers):
        return self.call("POST", "/v1/queues/emails/jobs", {"payload": n}, **headers)

    def refused(self, answer, status, *slugs):
        self.assertEqual(answer[0], status, answer[1])
        self.assertIn(answer[1]["type"].removeprefix("urn:fairing:problem:"), slugs)
        return answer[1]["detail"]

    def goes_on(self):
        """Once it takes jobs again."""
        return wait_until(lambda: self.try_to_put("probe")[0] == 201, 20, "the store to take jobs again")

    def payloads(self):
        """Of all jobs there are."""
        page = self.call("GET", "/v1/jobs?limit=1000")[1]
        return [self.job(j["id"])["payload"] for j in page["items"]]

    def kill_9(self):
        self.fairing.expected_exit = -signal.SIGKILL
        self.kill_and_start_again()
        self.fairing.expected_exit = 0

    def lease(self, wait=10, **how):
        status, body = self.call("POST", "/v1/queues/emails/lease", {"wait": wait, **how})
        self.assertEqual(status, 200, body)
        return body["jobs"]


class Disk(Faulty):
    def test_a_commit_whose_fsync_fails_is_not_acknowledged_and_the_store_is_opened_again(self):
        f = self.start()
        acked = [n for n in range(20) if self.try_to_put(n)[0] == 201]
        self.assertEqual(len(acked), 20)
        self.faults.sync_fails = 1
        detail = self.refused(self.try_to_put("unknown", Idempotency_Key="k"), 503, "outcome-unknown")
        self.assertIn("disk I/O error", detail)
        self.assertIn("Idempotency-Key", detail)
        self.assertEqual(self.headers["Retry-After"], "1")
        wait_until(lambda: f.metric("fairing_jobs_store_up") == 1)
        f.wait_for_log("job_store_open_again")
        self.assertIn(self.try_to_put("unknown", Idempotency_Key="k")[0], (200, 201))
        self.kill_9()
        self.assertEqual(sorted(map(str, self.payloads())), sorted(map(str, acked + ["unknown"])))

    def test_while_every_fsync_fails_nothing_is_acknowledged_and_the_plane_says_why(self):
        f = self.start()
        self.assertEqual(self.try_to_put("kept")[0], 201)
        self.faults.sync_fails = -1
        self.refused(self.try_to_put("lost 0"), 503, "outcome-unknown")
        seen = []

        def refuses_plainly():
            seen.append(self.try_to_put(f"lost {len(seen)}"))
            self.refused(seen[-1], 503, "outcome-unknown", "job-store-down")
            return self.faults.failed_syncs >= 4 and "disk I/O error" in seen[-1][1]["detail"]

        wait_until(refuses_plainly, 20, "some tries to open the store")
        # It is not opened for one batch and lost with the next: it stays down until a sync has worked.
        self.assertLessEqual(sum(1 for a in seen if a[1]["type"].endswith("outcome-unknown")), 1)
        status, body = f.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 503, body)
        self.assertIn("disk I/O error", str(body))
        self.assertLess(f.log().count("job_store_failed"), 4, "logged when it changes, not with each try")
        self.faults.sync_fails = 0
        self.goes_on()
        self.assertEqual(f.call("GET", "/readyz", token=False)[0], 200)
        self.kill_9()
        there = self.payloads()
        self.assertIn("kept", there)
        self.assertIn("probe", there)

    def test_a_store_that_cannot_sync_is_refused_at_the_start(self):
        f = self.start()
        self.try_to_put("kept")
        f.expected_exit = -signal.SIGKILL
        f.signal(signal.SIGKILL)
        f.wait()
        f.process.stdout.close()
        f.log_file.close()
        self.faults.sync_fails = -1
        with self.assertRaisesRegex(AssertionError, "jobs.store: .*disk I/O error"):
            f.start()
        f.process.stdout.close()
        f.log_file.close()
        f.expected_exit = 0
        self.faults.sync_fails = 0
        f.start()
        self.assertEqual(self.payloads(), ["kept"])

    def test_a_disk_that_becomes_full_refuses_jobs_before_it_is(self):
        self.start(disk_reserve="64MiB")
        name = self.try_to_put(1)[1]["id"]
        self.faults.free_bytes = 63 << 20
        detail = wait_until(lambda: self.full(self.try_to_put(2)), what="the plane to look at the disk")
        self.assertIn("63MiB are free", detail)
        self.assertIn("jobs.disk_reserve", detail)
        # What makes room goes on: workers finish what there is.
        (got,) = self.lease()
        self.assertEqual(got["id"], name)
        self.assertEqual(self.call("POST", f"/v1/leases/{got['lease']}/ack", {})[0], 200)
        self.faults.free_bytes = -1
        self.goes_on()

    def full(self, answer):
        return answer[0] == 507 and self.refused(answer, 507, "job-store-full")

    def test_a_disk_that_is_full_all_the_same_loses_nothing(self):
        self.write_until_it_fails(errno.ENOSPC)

    def test_a_quota_that_is_used_up_is_a_full_disk(self):
        self.write_until_it_fails(errno.EDQUOT)

    def write_until_it_fails(self, code):
        self.start()
        self.assertEqual(self.try_to_put("before")[0], 201)
        self.faults.write_errno, self.faults.write_fails = code, -1
        detail = self.refused(self.try_to_put("refused"), 507, "job-store-full")
        self.assertIn("free some disk space", detail)
        for n in range(10):
            answer = self.try_to_put(f"refused {n}")
            self.assertIn(answer[0], (503, 507), answer)
        self.faults.write_fails = 0
        self.goes_on()
        self.kill_9()
        self.assertEqual(sorted(self.payloads()), ["before", "probe"])

    def test_a_limit_of_the_files_size_is_a_full_disk_and_no_end(self):
        """Of the kernel, not of the preload: without a handler it would send SIGXFSZ."""
        self.start()
        limits = resource.prlimit(self.fairing.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.fairing.pid, resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        acked = 0
        for n in range(100):
            answer = self.try_to_put("x" * 100_000)
            if answer[0] != 201:
                break
            acked += 1
        self.assertIn("free some disk space", self.refused(answer, 507, "job-store-full"))
        resource.prlimit(self.fairing.pid, resource.RLIMIT_FSIZE, limits)
        self.goes_on()
        self.kill_9()
        self.assertEqual(self.payloads().count("x" * 100_000), acked)


class Clock(Faulty):
    def test_a_clock_that_jumps_ends_no_lease_and_freezes_none(self):
        self.start()
        for jump in (HOUR_MS, -HOUR_MS):
            with self.subTest(jump):
                self.faults.clock_ms = 0
                slow = self.put(payload="slow")
                (mine,) = self.lease(lease="60s")
                quick = self.put(payload="quick")
                (frozen,) = self.lease(lease="500ms")
                self.faults.clock_ms = jump
                (again,) = self.lease(wait=20)  # the quick one, by its own half second
                self.assertEqual((again["id"], again["attempt"]), (quick, 2))
                late = self.call("POST", f"/v1/leases/{frozen['lease']}/ack", {})
                self.assertIn(quick, self.refused(late, 409, "stale-lease"))
                self.assertEqual(self.job(slow)["state"], "leased")
                status, told = self.call("POST", f"/v1/leases/{mine['lease']}/extend", {"lease": "60s"})
                self.assertEqual(status, 200)
                ahead = seconds(told["deadline"]) - time.time() - jump / 1000
                self.assertTrue(30 < ahead < 90, "deadlines are told by the clock that people see")
                for got in (mine, again):
                    self.assertEqual(self.call("POST", f"/v1/leases/{got['lease']}/ack", {})[0], 200)

    def test_a_ladder_is_not_climbed_by_a_clock_that_jumps(self):
        self.start({"attempts": ["0s", "30m"]})
        name = self.put(payload=1)
        (got,) = self.lease()
        self.call("POST", f"/v1/leases/{got['lease']}/fail", {"error": "no"})
        self.faults.clock_ms = HOUR_MS
        self.assertEqual(self.lease(wait="300ms"), [])
        self.assertEqual(self.job(name)["state"], "scheduled")

    def test_a_jump_while_nobody_runs_ends_no_lease_either(self):
        self.start({"attempts": ["0s", "30m"]})
        failed, leased = self.put(payload="failed"), self.put(payload="leased")
        (first,) = self.lease()
        self.call("POST", f"/v1/leases/{first['lease']}/fail", {"error": "no"})
        (mine,) = self.lease(lease="60s")
        self.assertEqual((first["id"], mine["id"]), (failed, leased))
        for jump in (HOUR_MS, -HOUR_MS):
            self.faults.clock_ms = jump
            self.kill_9()
            self.assertEqual(self.lease(wait="300ms"), [])
            self.assertEqual(self.job(failed)["state"], "scheduled")
        self.assertEqual(self.call("POST", f"/v1/leases/{mine['lease']}/ack", {})[0], 200)

    def test_time_that_passed_while_nobody_ran_counts(self):
        f = self.start()
        name = self.put(payload=1)
        self.lease(lease="1s")
        f.expected_exit = -signal.SIGKILL
        f.signal(signal.SIGKILL)
        f.wait()
        f.process.stdout.close()
        f.log_file.close()
        ended = time.monotonic() + 1.2
        wait_until(lambda: time.monotonic() > ended)
        f.expected_exit = 0
        f.start()
        began = time.monotonic()
        (again,) = self.lease()
        self.assertEqual((again["id"], again["attempt"]), (name, 2))
        self.assertLess(time.monotonic() - began, 0.9, "the lease was over already")

    def test_run_at_follows_the_clock_that_people_see(self):
        self.start()
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
        name = self.put(payload=1, run_at=at.isoformat(timespec="seconds").replace("+00:00", "Z"))
        self.assertEqual(self.lease(wait=0), [])
        self.faults.clock_ms = HOUR_MS
        self.assertEqual([g["id"] for g in self.lease()], [name])

    def test_cron_fires_once_for_each_time_however_the_clock_jumps(self):
        # Half past every hour: an hour's jump forward is over exactly one such time, and half an hour is far.
        now = datetime.datetime.now(datetime.timezone.utc)
        minute = (now.minute + 30) % 60
        self.start({"cron": [{"name": "tick", "schedule": f"{minute} * * * *"}]})
        self.assertEqual(self.fired(), [])
        self.faults.clock_ms = HOUR_MS
        (first,) = wait_until(self.fired, what="the time that was jumped over")
        for jump in (0, HOUR_MS, 0):
            self.faults.clock_ms = jump
            self.assertEqual(self.fired(), [first], "a time that has fired does not fire again")
        self.kill_9()
        self.assertEqual(self.fired(), [first])
        self.faults.clock_ms = 2 * HOUR_MS
        both = wait_until(lambda: len(self.fired()) == 2 and self.fired(), what="the next hour's")
        self.assertEqual(len(set(both)), 2)

    def test_cron_is_not_frozen_by_a_clock_that_was_far_ahead_once(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        minute = (now.minute + 30) % 60
        self.start({"cron": [{"name": "tick", "schedule": f"{minute} * * * *"}]})
        year = 365 * 24 * HOUR_MS
        self.faults.clock_ms = year
        wait_until(lambda: len(self.fired()) == 1, what="the times of a year, as one job")
        self.faults.clock_ms = 0  # somebody set it right
        self.fired()
        self.faults.clock_ms = HOUR_MS
        wait_until(lambda: len(self.fired()) == 2, what="the next hour's")

    def fired(self):
        """The times of the jobs that cron has put."""
        self.call("POST", "/v1/queues/emails/resume")  # whatever is said makes the plane look at its clock
        items = self.call("GET", "/v1/jobs?queue=emails")[1]["items"]
        return [self.job(j["id"])["fields"]["scheduled-for"] for j in items]


class Workers(Faulty):
    def worker(self):
        """A process that has leased a job: (it, the job's id, the attempt)."""
        api = "http://" + self.fairing.listeners["jobs"][0]
        p = subprocess.Popen(
            [sys.executable, "-c", WORKER], env={**os.environ, "API": api}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(self.end, p)
        return p, *p.stdout.readline().split()

    def end(self, p):
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()

    def start_with_short_leases(self):
        self.start({"timeout": "1s"})
        return self.put(payload=1)

    def test_a_worker_that_is_frozen_past_its_lease_is_refused_when_it_thaws(self):
        name = self.start_with_short_leases()
        p, job, attempt = self.worker()
        self.assertEqual((job, attempt), (name, "1"))
        p.send_signal(signal.SIGSTOP)
        (again,) = self.lease(lease="60s")
        self.assertEqual((again["id"], again["attempt"]), (name, 2))
        p.send_signal(signal.SIGCONT)
        p.stdin.write("done\n")
        p.stdin.flush()
        status, answer = p.stdout.readline().split(" ", 1)
        detail = self.refused((int(status), json.loads(answer)), 409, "stale-lease")
        self.assertIn(name, detail)
        self.assertEqual(self.job(name)["state"], "leased", "the late ack took nothing from the second worker")
        self.assertEqual(self.call("POST", f"/v1/leases/{again['lease']}/ack", {})[0], 200)
        self.assertEqual([a.get("lease_expired", False) for a in self.job(name)["attempts"]], [True, False])
        wait_until(lambda: self.fairing.metric("fairing_jobs_total", queue="emails", outcome="expired") == 1)

    def test_a_job_whose_worker_is_killed_runs_again(self):
        name = self.start_with_short_leases()
        p, job, _ = self.worker()
        self.assertEqual(job, name)
        p.kill()
        second, job, attempt = self.worker()
        self.assertEqual((job, attempt), (name, "2"))
        second.stdin.write("done\n")
        second.stdin.flush()
        self.assertTrue(second.stdout.readline().startswith("200 "))
        self.assertEqual(self.job(name)["state"], "done")


if __name__ == "__main__":
    unittest.main()
