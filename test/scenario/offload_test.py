"""Requests that are put off: kept in the job store, answered 202 or inline, run once, read by who asked."""
import json
import os
import subprocess
import sys
import threading
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import run_cli
from support.offload_case import ASYNC, BOB, OffloadCase, breaks_off
from support.origin import answer
from support.wait import wait_until


class Offload(OffloadCase):
    def test_accepted_then_running_then_its_answer(self):
        f = self.start()
        got = self.ask("/reports/year?x=1", **ASYNC)
        self.assertEqual((got.status, got.get("Preference-Applied")), (202, "respond-async"))
        self.assertEqual((got.get("Retry-After"), got.get("Cache-Control")), ("1", "no-store"))
        at = got.get("Location")
        self.assertRegex(at, r"^/_fairing/jobs/[0-9A-Z]{26}$")
        wait_until(lambda: self.ran)
        state = self.ask(at, "GET")
        self.assertEqual((state.status, json.loads(state.body)["state"]), (200, "running"))
        self.problem(self.ask(at + "/result", "GET"), 409, "job-not-finished")
        self.go.set()
        ready = self.ask(at, "GET", Prefer="wait=20")
        self.assertEqual((ready.status, ready.get("Location")), (303, at + "/result"))
        result = self.ask(at + "/result", "GET")
        self.assertEqual((result.status, result.body), (201, b'{"run": 1}'))
        self.assertEqual((result.get("X-From"), result.get("Cache-Control")), ("backend", "private, no-store"))
        method, target, body, headers = self.ran[0]
        self.assertEqual((method, target, body), ("POST", "/reports/year?x=1", b'{"year":2026}'))
        self.assertEqual(headers.get("Authorization"), "Bearer ann")
        self.assertNotIn("Prefer", headers)
        self.assertEqual(headers.get("X-Forwarded-For"), "127.0.0.1")
        self.assertEqual(len(self.ran), 1)
        self.assertEqual(f.metric("fairing_http_offload_total", answered="accepted"), 1)

    def test_only_who_asked_reads_it(self):
        self.start()
        at = self.accepted()
        self.go.set()
        wait_until(lambda: self.ask(at, "GET").status == 303)
        for who in (BOB, {"Authorization": None}):
            self.problem(self.ask(at, "GET", **who), 404, "no-such-job")
            self.problem(self.ask(at + "/result", "GET", **who), 404, "no-such-job")
            self.problem(self.ask(at, "DELETE", **who), 404, "no-such-job")
        other = at[:-1] + ("0" if at[-1] != "0" else "1")
        for wrong in (other, "/_fairing/jobs/x", "/_fairing/jobs/"):
            self.problem(self.ask(wrong, "GET"), 404, "no-such-job")
        self.assertEqual(self.ask(at + "/result", "GET").status, 201)
# Nobody's: the address alone is the key.
        at = self.accepted(Authorization=None)
        wait_until(lambda: self.ask(at, "GET", Authorization=None).status == 303)

    def test_a_cookie_may_be_the_principal(self):
        self.start(principal="cookie:session")
        at = self.accepted(Cookie="a=1; session=s1")
        self.go.set()
        wait_until(lambda: self.ask(at, "GET", Cookie="session=s1; theme=dark").status == 303)
        self.problem(self.ask(at, "GET", Cookie="session=s2"), 404, "no-such-job")

    def test_inline_if_it_is_ready_in_time(self):
        f = self.start()
        self.go.set()
        got = self.ask("/reports/year", Prefer="respond-async, wait=20")
        self.assertEqual((got.status, got.body, got.get("X-From")), (201, b'{"run": 1}', "backend"))
        self.assertEqual(f.metric("fairing_http_offload_total", answered="inline"), 1)

    def test_without_the_preference_it_is_forwarded(self):
        self.start()
        self.go.set()
        self.assertEqual(self.ask("/reports/year").status, 201)
        self.assertEqual(self.call("GET", "/v1/jobs")[1]["items"], [])

    def test_always_needs_no_preference(self):
        self.start(mode="always")
        got = self.ask("/reports/year")
        self.assertEqual((got.status, got.get("Preference-Applied")), (202, None))
        self.assertEqual(self.ask("/reports/year", "GET").status, 202)

    def test_the_same_key_is_the_same_job(self):
        f = self.start()
        key = {"Idempotency_Key": '"k-1"'}
        at = self.accepted(**key)
        again = self.ask("/reports/year", **ASYNC, **key)
        self.problem(again, 409, "idempotency-key-in-flight")
        self.assertEqual(again.get("Location"), at)
        self.problem(self.ask("/reports/year", body=b"other", **ASYNC, **key), 422, "idempotency-key-reused")
        self.problem(self.ask("/reports/other", **ASYNC, **key), 422, "idempotency-key-reused")
        self.go.set()
        wait_until(lambda: self.ask(at, "GET").status == 303)
        stored = self.ask("/reports/year", **ASYNC, **key)
        self.assertEqual((stored.status, stored.body), (201, b'{"run": 1}'))
        self.assertEqual(len(self.ran), 1)
        self.accepted(**key, **BOB)  # another's key is another key
        self.assertEqual(f.metric("fairing_http_offload_total", answered="repeated"), 2)
        self.problem(self.ask("/reports/year", **ASYNC, Idempotency_Key="a b"), 400, "bad-request")

    def test_a_key_is_its_clients_own_also_where_cookies_log_in(self):
        def private(request):
            request.read_body()
            cookie = request.get("Cookie")
            return answer(200, {"Set-Cookie": f"fresh-{cookie}"}, f"private data of {cookie}".encode())

        by_cookie = {**ASYNC, "Idempotency_Key": "monthly-2026-11", "Authorization": None}
        self.start(private)
        refused = self.ask("/reports/mine", **{**by_cookie, "Cookie": "session=ann"})
        self.problem(refused, 400, "bad-request")
        self.assertIn("async.principal", refused.text)
        self.config["http"]["routes"][0]["async"]["principal"] = "cookie:session"
        self.fairing.write_config(self.config)
        self.assertEqual(self.fairing.cli("reload").returncode, 0)
        for who in ("session=ann", "session=bob"):
            sent = {**by_cookie, "Cookie": who, "Prefer": "respond-async, wait=20"}
            for cookies in (f"fresh-{who}", None):  # a session that began is not begun twice
                got = self.ask("/reports/mine", **sent)
                self.assertEqual((got.status, got.text), (200, f"private data of {who}"))
                self.assertEqual(got.get("Set-Cookie"), cookies)
        self.assertEqual(len(self.origin.requests), 2)
        self.problem(self.ask("/reports/mine", **{**by_cookie, "Cookie": "other=1"}), 400, "bad-request")

    def test_delete_cancels(self):
        self.start(queue={"concurrency": 1})
        first, second = self.accepted(), self.accepted()
        wait_until(lambda: json.loads(self.ask(first, "GET").body)["state"] == "running")
        self.assertEqual(self.ask(second, "DELETE").status, 204)
        self.assertEqual(json.loads(self.ask(second, "GET").body)["state"], "cancelled")
        self.assertEqual(self.ask(first, "DELETE").status, 202)
        self.go.set()
        self.problem(self.ask(first + "/result", "GET"), 409, "job-not-finished")
        third = self.accepted()
        wait_until(lambda: self.ask(third, "GET").status == 303)
        self.problem(self.ask(third, "DELETE"), 409, "job-finished")
        self.assertEqual(len(self.ran), 2)
        self.assertEqual(self.ask(third, "PUT").status, 405)

    def test_killed_between_the_202_and_the_run(self):
        self.start(queue={"paused": True})
        at = self.accepted()
        self.kill_and_start_again()
        self.go.set()
        self.assertEqual(json.loads(self.ask(at, "GET").body)["state"], "waiting")
        self.assertEqual(self.call("POST", "/v1/queues/reports/resume", {})[0], 200)
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(at + "/result", "GET").status, 201)
        self.assertEqual(len(self.ran), 1)

    def killed_while_it_runs(self, **headers):
        self.start(queue={"timeout": "2s"})
        at = self.accepted(**headers)
        wait_until(lambda: self.ran)
        self.kill_and_start_again()
        self.go.set()
        wait_until(lambda: self.ask(at, "GET").status == 303, timeout=30)
        return self.ask(at + "/result", "GET")

    def test_killed_while_it_runs_it_is_not_run_twice(self):
        got = self.killed_while_it_runs()
        self.problem(got, 502, "job-failed")
        self.assertIn("cut off", got.text)
        self.assertEqual(len(self.ran), 1)

    def test_killed_while_it_runs_with_a_key_it_is_run_again(self):
        got = self.killed_while_it_runs(Idempotency_Key="k")
        self.assertEqual((got.status, len(self.ran)), (201, 2))

    def test_a_backend_that_is_down_is_waited_for(self):
        self.start(queue={"attempts": ["0s"] + ["300ms"] * 20}, site={"upstream": "http://127.0.0.1:9"})
        at = self.accepted()
        name = at.rsplit("/", 1)[1][:13]
        wait_until(lambda: self.job(name).get("error"))
        self.assertIn("cannot connect", self.job(name)["error"])
        self.config["http"]["upstream"] = self.origin.url
        self.fairing.write_config(self.config)
        self.assertEqual(self.fairing.cli("reload").returncode, 0)
        self.go.set()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        self.assertEqual((self.ask(at + "/result", "GET").status, len(self.ran)), (201, 1))

    def test_an_answer_that_breaks_off_is_the_end_of_one_that_runs_once(self):
        self.start(breaks_off)
        at = self.accepted()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        got = self.ask(at + "/result", "GET")
        self.problem(got, 502, "job-failed")
        self.assertEqual(len(self.origin.requests), 1)

    def test_a_503_is_the_answer_or_is_tried_again(self):
        def once_down(request):
            request.read_body()
            seen = sum(1 for r in self.origin.requests if r.path == request.path)
            return answer(503, {}, b"later") if seen == 1 else answer(200, {}, b"fine")

        self.start(once_down)
        at = self.accepted()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(at + "/result", "GET").status, 503)
        again = self.ask("/reports/other", **ASYNC, Idempotency_Key="k2").get("Location")
        self.assertEqual(self.ask(again, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(again + "/result", "GET").body, b"fine")

    def test_a_slow_run_has_the_queues_time(self):
        self.start(site={"timeouts": {"first_byte": "300ms", "total": "500ms", "connect": "300ms"}})
        at = self.accepted()
        threading.Timer(1.5, self.go.set).start()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(at + "/result", "GET").status, 201)

    def test_bodies_are_whole_or_refused(self):
        self.start(queue={"payload": "200KiB"})
        self.go.set()
        big = os.urandom(100_000)
        got = self.ask("/reports/year", body=big, Prefer="respond-async, wait=20")
        self.assertEqual((got.status, self.ran[0][2]), (201, big))
        self.problem(self.ask("/reports/year", body=b"x" * 300_000, **ASYNC), 413, "body-too-large")

    def test_operators_see_it_without_its_secrets_and_workers_cannot_take_it(self):
        self.start()
        at = self.accepted()
        name = at.rsplit("/", 1)[1][:13]
        status, seen = self.call("GET", f"/v1/jobs/{name}")
        self.assertEqual((status, seen["payload"]), (200, "POST /reports/year HTTP/1.1"))
        self.assertNotIn("Bearer", json.dumps(seen))
        self.assertEqual(self.call("POST", "/v1/queues/reports/lease", {})[0], 409)
        self.assertEqual(self.call("POST", "/v1/queues/reports/jobs", {"payload": 1})[0], 409)
        self.assertEqual(self.call("POST", "/v1/queues/reports/redrive", {"to": "emails"})[0], 409)
        self.assertEqual(self.call("POST", "/v1/queues/reports/redrive", {})[0], 200)
# A search that finds a part of a secret would tell all of it, letter by letter.
        found = lambda text: [j["id"] for j in self.call("GET", "/v1/jobs?q=" + quote(text))[1]["items"]]
        self.assertEqual(found("/reports/year"), [name])
        for part in ("Bearer", "ann", "2026", "application/json"):
            self.assertEqual(found(part), [], part)
        self.go.set()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        status, refused = self.call("GET", f"/v1/jobs/{name}/result")
        self.assertEqual((status, refused["type"]), (409, "urn:fairing:problem:conflict"))
        self.assertIn("by that client", refused["detail"])
        self.assertEqual(self.ask(at + "/result", "GET").status, 201)

    def test_curl(self):
        f = self.start()
        self.go.set()
        url = f.url + "/reports/year"

        def curl(*args):
            done = subprocess.run(
                ["curl", "-sS", "--max-time", "20", "--noproxy", "*", *args], capture_output=True, text=True, check=True
            )
            return done.stdout

        head = curl("-i", "-d", "{}", "-H", "Prefer: respond-async", url)
        self.assertTrue(head.startswith("HTTP/1.1 202 Accepted"), head)
        at = next(line.split(": ", 1)[1].strip() for line in head.splitlines() if line.startswith("Location:"))
        got = curl("-L", "-H", "Prefer: wait=20", f.url + at)
        self.assertEqual(json.loads(got), {"run": 1})

    def test_without_a_jobs_plane_it_says_what_to_add(self):
        self.start()
        del self.config["jobs"]
        self.fairing.write_config(self.config)
        said = run_cli("validate", "-c", self.fairing.config_path)
        self.assertEqual(said.returncode, 2)
        self.assertIn("needs the jobs plane", said.stdout + said.stderr)
        self.assertIn("add `jobs: { listen: 9324", said.stdout + said.stderr)


if __name__ == "__main__":
    unittest.main()
