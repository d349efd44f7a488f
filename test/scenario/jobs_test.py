"""The jobs plane on SQLite: a job's life over HTTP, what stands in its way, and what outlives a kill."""
import http.client
import json
import os
import signal
import sqlite3
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import split_address
from support.jobs_case import JobsCase
from support.wait import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
LADDER = ["0s", "100ms", "100ms"]


class Jobs(JobsCase):
    def start(self, **more):
        """A Fairing with the queues `emails` (three quick attempts) and `orders.fifo`."""
        queues = [
            {"name": "emails", "attempts": LADDER, "timeout": "5s"},
            {"name": "orders.fifo", "attempts": LADDER, "timeout": "5s"},
        ]
        return self.start_jobs(queues, jobs=more)

    def lease(self, queue="emails", **how):
        status, body = self.call("POST", f"/v1/queues/{queue}/lease", how)
        self.assertEqual(status, 200, body)
        return body["jobs"]

    def one(self, queue="emails", wait=10, **how):
        jobs = self.lease(queue, wait=wait, **how)
        self.assertEqual(len(jobs), 1, jobs)
        return jobs[0]

    def settle(self, token, verb, expect=200, **body):
        status, answer = self.call("POST", f"/v1/leases/{token}/{verb}", body)
        self.assertEqual(status, expect, answer)
        return answer

    def problem(self, answer, status, slug):
        self.assertEqual(answer[0], status, answer[1])
        self.assertEqual(answer[1]["type"], f"urn:fairing:problem:{slug}")
        return answer[1]

    # -- the thin line: put, lease, ack --------------------------------------------------------------------

    def test_a_job_is_put_leased_and_acknowledged(self):
        f = self.start()
        name = self.put(payload={"to": "a@b", "n": 12345678901234567890}, key="a")
        self.assertEqual(self.job(name)["state"], "queued")
        got = self.one(wait=0)
        self.assertEqual((got["id"], got["attempt"]), (name, 1))
        self.assertEqual(got["payload"], {"to": "a@b", "n": 12345678901234567890})
        self.assertEqual(self.job(name)["state"], "leased")
        self.settle(got["lease"], "progress", progress="half")
        self.assertEqual(self.job(name)["progress"], "half")
        self.assertEqual(self.settle(got["lease"], "ack", result={"sent": True})["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result"), (200, {"sent": True}))
        self.problem(self.call("POST", f"/v1/leases/{got['lease']}/ack"), 409, "stale-lease")
        self.assertEqual(self.lease(), [])
        wait_until(lambda: f.metric("fairing_jobs_total", queue="emails", outcome="done") == 1)
        wait_until(lambda: f.metric("fairing_jobs_depth", queue="emails", state="done") == 1)

    def test_queues_that_clients_named_are_counted_together(self):
        f = self.start()
        for queue in ("named", "named", "also-named", "emails"):
            self.put(queue, payload=1)
        wait_until(lambda: f.metric("fairing_jobs_depth", queue="other", state="queued") == 3)
        wait_until(lambda: f.metric("fairing_jobs_oldest_age_seconds", queue="other") > 0)

    def test_a_failing_job_climbs_the_ladder_dies_and_is_redriven(self):
        self.start()
        name = self.put(payload=1)
        for attempt in range(1, 4):
            got = self.one()
            self.assertEqual(got["attempt"], attempt)
            last = self.settle(got["lease"], "fail", error=f"smtp {attempt} said no")
        self.assertEqual(last["state"], "dead")
        seen = self.job(name)
        self.assertEqual([a["error"] for a in seen["attempts"]], [f"smtp {n} said no" for n in (1, 2, 3)])
        _, groups = self.call("GET", "/v1/failures?queue=emails")
        self.assertEqual([(g["error"], g["count"]) for g in groups["items"]], [("smtp N said no", 3)])
        self.problem(self.call("DELETE", f"/v1/jobs/{name}"), 409, "conflict")
        self.assertEqual(self.call("POST", "/v1/queues/emails/redrive", {"id": name})[0], 200)
        again = self.one()
        self.assertEqual((again["id"], again["attempt"]), (name, 1))
        self.settle(again["lease"], "ack")

    def test_a_worker_may_give_up_at_once_or_name_the_time(self):
        self.start()
        first = self.put(payload=1)
        self.assertEqual(self.settle(self.one()["lease"], "fail", error="no such user", dead=True)["state"], "dead")
        self.assertEqual(self.job(first)["attempt"], 1)
        second = self.put(payload=2)
        told = self.settle(self.one()["lease"], "fail", error="slow down", retry_after=3600)
        self.assertEqual(told["state"], "scheduled")
        self.assertIn("next_attempt", told)
        self.assertEqual(self.call("DELETE", f"/v1/jobs/{second}")[0], 204)

    def test_leases_end_and_are_extended(self):
        f = self.start()
        name = self.put(payload=1)
        frozen = self.one(lease="200ms")
        again = self.one()  # waits until the first lease is over and the ladder says so
        self.assertEqual((again["id"], again["attempt"]), (name, 2))
        self.problem(self.call("POST", f"/v1/leases/{frozen['lease']}/ack"), 409, "stale-lease")
        self.settle(again["lease"], "extend", lease=60)
        self.settle(again["lease"], "ack")
        wait_until(lambda: f.metric("fairing_jobs_total", queue="emails", outcome="expired") == 1)

    # -- waiting -------------------------------------------------------------------------------------------

    def test_a_lease_waits_for_a_job_and_an_empty_answer_for_the_end_of_its_time(self):
        self.start()
        self.assertEqual(self.lease(wait="300ms"), [])
        got = []
        worker = threading.Thread(target=lambda: got.append(self.one(wait=20)))
        worker.start()
        name = self.put(payload="hello")
        worker.join(20)
        self.assertEqual((got[0]["id"], got[0]["payload"]), (name, "hello"))

    def test_a_lease_waits_in_a_queue_that_is_not_there_yet(self):
        f = self.start()
        self.assertEqual(self.lease("late"), [])
        got = []
        worker = threading.Thread(target=lambda: got.append(self.one("later", wait=20)))
        worker.start()
        name = self.put("later", payload=1)
        worker.join(20)
        self.assertEqual(got[0]["id"], name)
        self.config["jobs"]["create_queues"] = False
        f.write_config(self.config)
        f.cli("reload")
        self.problem(self.call("POST", "/v1/queues/never/lease", {"wait": 20}), 404, "not-found")

    def test_a_worker_that_leaves_while_it_waits_takes_no_job_with_it(self):
        self.start()
        host, port = split_address(self.fairing.listeners["jobs"][0])
        gone = http.client.HTTPConnection(host, port, timeout=10)
        gone.request("POST", "/v1/queues/emails/lease", json.dumps({"wait": 30}))
        gone.close()
        name = self.put(payload=1)
        self.assertEqual(self.one()["id"], name)

    def test_a_status_waits_for_the_end_or_the_next_change(self):
        self.start()
        name = self.put(payload=1)
        self.job(name)
        tag = self.headers["ETag"]
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}", If_None_Match=tag)[0], 304)
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}?wait=0", If_None_Match=tag)[0], 304)
        seen = []
        waits = [
            threading.Thread(target=lambda: seen.append(self.call("GET", f"/v1/jobs/{name}?wait=20"))),
            threading.Thread(
                target=lambda: seen.append(self.call("GET", f"/v1/jobs/{name}?wait=20", If_None_Match=tag))
            ),
        ]
        for w in waits:
            w.start()
        got = self.one()
        wait_until(lambda: len(seen) == 1, what="the status that waits for a change")
        self.assertEqual(seen[0][1]["state"], "leased")
        self.settle(got["lease"], "ack")
        for w in waits:
            w.join(20)
        self.assertEqual(seen[1][1]["state"], "done")

    # -- what stands in the way ----------------------------------------------------------------------------

    def test_cancelling_says_how_far_the_job_was(self):
        self.start()
        waiting, running = self.put(payload=1, priority=-1), self.put(payload=2)
        got = self.one()
        self.assertEqual(got["id"], running)
        self.assertEqual(self.call("DELETE", f"/v1/jobs/{waiting}")[0], 204)
        self.assertEqual(self.call("DELETE", f"/v1/jobs/{running}")[0], 202)
        self.problem(self.call("POST", f"/v1/leases/{got['lease']}/ack"), 409, "stale-lease")
        self.problem(self.call("DELETE", f"/v1/jobs/{running}"), 409, "conflict")
        self.problem(self.call("DELETE", "/v1/jobs/0000000000000"), 404, "not-found")

    def test_a_paused_queue_gives_nothing_until_it_is_resumed(self):
        self.start()
        self.assertEqual(self.call("POST", "/v1/queues/emails/pause")[0], 200)
        name = self.put(payload=1)
        self.assertEqual(self.lease(), [])
        got = []
        worker = threading.Thread(target=lambda: got.append(self.one(wait=20)))
        worker.start()
        self.assertEqual(self.call("POST", "/v1/queues/emails/resume")[0], 200)
        worker.join(20)
        self.assertEqual(got[0]["id"], name)

    def test_a_request_that_is_sent_again_makes_no_second_job(self):
        self.start()
        put = lambda body, key: self.call("POST", "/v1/queues/emails/jobs", body, Idempotency_Key=key)
        status, first = put({"payload": 1}, "k1")
        self.assertEqual(status, 201)
        status, again = put({"payload": 1}, "k1")
        self.assertEqual((status, again["id"], again["existed"]), (200, first["id"], True))
        self.problem(put({"payload": 2}, "k1"), 422, "idempotency-key-reused")
        unique = self.put(payload=3, unique="report-7")
        self.assertEqual(self.put(payload=3, unique="report-7", expect=200), unique)

    def test_a_batch_is_put_whole_and_calls_back(self):
        self.start()
        status, body = self.call(
            "POST",
            "/v1/queues/emails/jobs",
            {"jobs": [{"payload": n} for n in range(3)], "on_complete": {"queue": "done", "payload": "all"}},
        )
        self.assertEqual((status, len(body["jobs"])), (201, 3))
        for got in self.lease(max=10):
            self.settle(got["lease"], "ack")
        self.assertEqual(self.one("done")["payload"], "all")
        refused = self.call("POST", "/v1/queues/emails/jobs", {"jobs": [{"payload": 1}, {"payload": 1, "prio": 1}]})
        self.assertIn("jobs[1]: `prio` is not known here", self.problem(refused, 400, "bad-request")["detail"])
        self.assertEqual(self.lease(), [])

    def test_jobs_of_a_key_in_a_fifo_queue_come_one_after_the_other(self):
        self.start()
        names = [self.put("orders.fifo", payload=n, key="shop-1") for n in range(3)]
        for name in names:
            got = self.lease("orders.fifo", max=10, wait=5)
            self.assertEqual([g["id"] for g in got], [name])
            self.settle(got[0]["lease"], "ack")

    def test_cloud_events_in_all_modes_are_jobs(self):
        self.start()
        event = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "order", "data": {"n": 1}}
        status, first = self.call(
            "POST", "/v1/queues/emails/jobs", event, Content_Type="application/cloudevents+json"
        )
        self.assertEqual(status, 201)
        binary = {"ce_specversion": "1.0", "ce_id": "e2", "ce_source": "/shop", "ce_type": "order"}
        status, _ = self.call("POST", "/v1/queues/emails/jobs", "plain", Content_Type="text/plain", **binary)
        self.assertEqual(status, 201)
        status, again = self.call(
            "POST", "/v1/queues/emails/jobs", event, Content_Type="application/cloudevents+json"
        )
        self.assertEqual((status, again["id"]), (200, first["id"]))
        one, two = self.lease(max=10)
        self.assertEqual((one["payload"], one["fields"]["ce-type"]), ({"n": 1}, "order"))
        self.assertEqual((two["payload"], two["content_type"]), ("plain", "text/plain"))
        more = [{**event, "id": name} for name in ("e3", "e4", "e1")]
        status, batch = self.call(
            "POST", "/v1/queues/emails/jobs", more, Content_Type="application/cloudevents-batch+json"
        )
        self.assertEqual((status, batch["jobs"][2]["id"]), (201, first["id"]))
        self.assertEqual([j["id"] for j in self.lease(max=10)], [j["id"] for j in batch["jobs"][:2]])

    def test_a_full_queue_says_so_and_stops_no_other(self):
        f = self.start_jobs([{"name": "emails", "max_jobs": 2}, {"name": "bills", "retention": "1s"}])
        for n in range(2):
            self.put(payload=n)
        answer = self.call("POST", "/v1/queues/emails/jobs", {"payload": 3})
        self.assertIn("queue emails", self.problem(answer, 507, "job-store-full")["detail"])
        unread = self.finished(self.put("bills", payload=1))
        self.assertEqual((unread["state"], unread["attempts"][0]["error"]), ("dead", "retention passed"))
        self.assertIn("retention passed", f.cli("jobs", "ls", "--failures").stdout)
        self.settle(self.one()["lease"], "ack")
        self.put(payload=3)

    def test_a_lease_of_large_jobs_gives_what_fits(self):
        self.start()
        for _ in range(20):
            self.put(payload="x" * 1_000_000)
        first = self.lease(max=100)
        self.assertEqual((len(first), len(self.lease(max=100, wait=5))), (17, 3))
        self.assertEqual(self.lease(), [])

    def test_wrong_requests_are_told_what_is_wrong(self):
        self.start()
        put = lambda body: self.call("POST", "/v1/queues/emails/jobs", body)
        for body, word in (
            ("{", "not JSON"),
            ("[]", "JSON object"),
            ({"payload": 1, "priority": 1000}, "from -100 to 100"),
            ({"payload": 1, "delay": "soon"}, "`delay`"),
            ({"payload": 1, "run_at": "tomorrow"}, "RFC 3339"),
        ):
            self.assertIn(word, self.problem(put(body), 400, "bad-request")["detail"], body)
        self.problem(put({"payload": "x" * (1 << 20)}), 413, "body-too-large")
        self.problem(self.call("GET", "/v1/queues/emails/jobs"), 405, "method-not-allowed")
        self.problem(self.call("POST", "/v1/queues/a%20b/jobs", {}), 400, "bad-request")
        self.problem(self.call("GET", "/v2"), 404, "not-found")
        self.problem(self.call("POST", "/v1/leases/xyz/ack"), 409, "stale-lease")
        self.problem(self.call("GET", "/v1/jobs", Host="evil.example"), 403, "forbidden")
        self.problem(
            self.call("POST", "/v1/queues/emails/jobs", "a", Content_Type="text/csv"), 415, "unsupported-media-type"
        )

    def test_a_token_is_asked_for_where_one_is_set(self):
        self.start(token="0123456789abcdef")
        self.problem(self.call("GET", "/v1/queues"), 401, "unauthorized")
        status, _ = self.call("GET", "/v1/queues", Authorization="Bearer 0123456789abcdef")
        self.assertEqual(status, 200)

    # -- what people see -----------------------------------------------------------------------------------

    def test_jobs_are_found_by_queue_state_text_and_trace(self):
        self.start()
        parent = f"00-{TRACE}-b7ad6b7169203331-01"
        status, traced = self.call("POST", "/v1/queues/emails/jobs", {"payload": {"to": "eve"}}, traceparent=parent)
        self.assertEqual(status, 201)
        others = [self.put(payload=n) for n in range(5)]
        find = lambda query: self.call("GET", f"/v1/jobs?{query}")[1]
        names = lambda query: [j["id"] for j in find(query)["items"]]
        self.assertEqual(names("q=eve"), [traced["id"]])
        self.assertEqual(names(f"q={TRACE}"), [traced["id"]])
        self.assertEqual(names("queue=emails&state=queued&limit=2"), others[:-3:-1])
        self.assertEqual(names("state=dead"), [])
        page = find("limit=4")
        self.assertEqual(len(page["items"]), 4)
        self.assertEqual(len(find(f"limit=4&after={page['next']}")["items"]), 2)
        _, queues = self.call("GET", "/v1/queues")
        emails = wait_until(
            lambda: next(
                (q for q in self.call("GET", "/v1/queues")[1]["items"] if q["name"] == "emails" and q["depth"]["queued"] == 6),
                None,
            )
        )
        self.assertFalse(emails["paused"])

    def test_every_job_logs_its_start_end_and_errors(self):
        f = self.start()
        parent = f"00-{TRACE}-b7ad6b7169203331-01"
        self.call("POST", "/v1/queues/emails/jobs", {"payload": 1}, traceparent=parent)
        self.settle(self.one()["lease"], "fail", error="once")
        self.settle(self.one()["lease"], "ack")

        def events():
            lines = [json.loads(line) for line in f.log().splitlines() if '"job_' in line]
            return [line["event"] for line in lines if line.get("trace") == TRACE]

        wait_until(lambda: events() == ["job_start", "job_error", "job_start", "job_end"], what="the log events")

    def test_a_job_that_dies_of_its_lease_logs_one_error(self):
        f = self.start()
        name = self.put(payload=1, attempts=["0s"])
        self.one(lease="100ms")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}?wait=20")[1]["state"], "dead")
        last = self.put(payload=2)
        self.settle(self.one()["lease"], "ack")
        f.wait_for_log(f'"job_end","job":"{last}"')
        errors = [json.loads(line) for line in f.log().splitlines() if '"job_error"' in line]
        self.assertEqual([(e["job"], e["state"], e["error"]) for e in errors], [(name, "dead", "lease expired")])
        self.assertEqual(f.metric("fairing_jobs_run_seconds_count", queue="emails"), 2)

    def test_the_command_line_sees_and_changes_jobs(self):
        f = self.start()
        name = self.put(payload=1)
        self.assertIn("emails", f.cli("jobs", "ls").stdout)
        self.assertIn(name, f.cli("jobs", "ls", "emails").stdout)
        self.assertEqual(json.loads(f.cli("jobs", "show", name, "--json").stdout)["state"], "queued")
        f.cli("jobs", "pause", "emails")
        self.assertEqual(self.lease(), [])
        f.cli("jobs", "resume", "emails")
        self.settle(self.one()["lease"], "fail", error="bad", dead=True)
        self.assertIn("bad", f.cli("jobs", "ls", "--failures").stdout)
        self.assertIn(name, f.cli("jobs", "ls", "--error", "bad").stdout)
        self.assertIn("no job is like that", f.cli("jobs", "ls", "--error", "other").stdout)
        later = self.put(payload=1, delay=600)
        self.assertIn("next_attempt", f.cli("jobs", "show", later).stdout)
        f.cli("jobs", "retry", name)
        self.settle(self.one()["lease"], "fail", error="bad", dead=True)
        f.cli("jobs", "redrive", "emails")
        self.one()
        self.assertIn(name, f.cli("jobs", "cancel", name).stdout)
        self.assertEqual(self.job(name)["state"], "cancelled")

    # -- the process ---------------------------------------------------------------------------------------

    def test_a_kill_loses_nothing_that_was_answered(self):
        f = self.start()
        queued = [self.put(payload=n) for n in range(20)]
        leased = self.one(lease="1s")
        done = self.one()
        self.settle(done["lease"], "ack", result=7)
        f.expected_exit = -signal.SIGKILL
        f.signal(signal.SIGKILL)
        f.wait()
        f.expected_exit = 0
        f.start()
        self.assertEqual(self.call("GET", f"/v1/jobs/{done['id']}/result"), (200, 7))
        self.problem(self.call("POST", f"/v1/leases/{done['lease']}/ack"), 409, "stale-lease")
        seen = set()
        while len(seen) < 19:
            for got in self.lease(max=100, wait=10):
                seen.add(got["id"])
                self.settle(got["lease"], "ack")
        self.assertEqual(seen | {done["id"]}, set(queued))
        self.assertIn(leased["id"], seen)

    def test_a_store_file_that_is_removed_takes_no_job_and_is_taken_up_where_it_is_put_back(self):
        f = self.start()
        name = self.put(payload=1)
        away = self.store + ".away"
        self.addCleanup(lambda: os.path.exists(away) and os.remove(away))
        os.rename(self.store, away)
        put = lambda: self.call("POST", "/v1/queues/emails/jobs", {"payload": 2})
        no = wait_until(lambda: (answer := put())[0] == 503 and answer, what="a look at the path")
        self.assertIn(self.store, self.problem(no, 503, "job-store-down")["detail"])
        f.wait_for_log('"event":"job_store_failed"')
        self.assertEqual(f.call("GET", "/readyz", token=False)[0], 503)
        self.problem(self.call("GET", "/v1/queues"), 503, "job-store-down")
        self.assertIn("put it back", wait_until(lambda: (e := f.cli("jobs", "ls").stderr) and "put it back" in e and e))
        self.assertFalse(os.path.exists(self.store))
        os.rename(away, self.store)
        f.wait_for_log('"event":"job_store_open_again"')
        self.assertEqual(self.one()["id"], name)
        self.assertEqual(self.call("GET", "/v1/jobs?state=leased")[1]["items"][0]["id"], name)

    def test_a_row_that_cannot_be_read_stops_nobody(self):
        f = self.start()
        bad = self.put(payload=1, delay=1)
        f.stop()
        db = sqlite3.connect(self.store)
        db.execute("UPDATE job SET spec = x'ff'")
        db.commit()
        db.close()
        f.start()
        f.wait_for_log('"event":"job_set_aside"')
        name = self.put(payload=2)
        self.assertEqual(self.one()["id"], name)
        self.assertEqual(self.call("GET", f"/v1/jobs/{bad}")[0], 404)

    def test_a_drain_ends_what_waits_and_takes_what_is_in_flight(self):
        f = self.start()
        name = self.put(payload=1)
        got = self.one()
        host, port = split_address(f.listeners["jobs"][0])
        working = http.client.HTTPConnection(host, port, timeout=20)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.lease("orders.fifo", wait=60)))
        waiting.start()
        # Busy with a request, so that the drain leaves its connection open for the answer.
        working.putrequest("POST", f"/v1/leases/{got['lease']}/ack")
        working.putheader("Content-Length", "2")
        working.endheaders()
        wait_until(lambda: len(f.cli("jobs", "show", name).stdout) > 0)
        f.signal(signal.SIGTERM)
        waiting.join(20)
        self.assertEqual(answers, [[]])
        working.send(b"{}")
        self.assertEqual(working.getresponse().status, 200)
        self.assertEqual(f.wait(), 0)

    def test_a_long_poll_on_admin_holds_up_neither_its_other_clients_nor_the_end(self):
        f = self.start()
        name = self.put(payload=1, delay=3600)
        polls = [http.client.HTTPConnection(*f.admin, timeout=20) for _ in range(3)]
        for poll in polls:
            self.addCleanup(poll.close)
            poll.request("GET", f"/v1/jobs/{name}?wait=60")
        self.assertEqual(f.call("GET", "/metrics", token=False)[0], 200)
        self.assertIn("scheduled", f.cli("jobs", "show", name).stdout)
        self.assertEqual(self.call("DELETE", f"/v1/jobs/{name}")[0], 204)
        self.assertEqual(json.loads(polls[0].getresponse().read())["state"], "cancelled")
        name = self.put(payload=1, delay=3600)
        polls[0].request("GET", f"/v1/jobs/{name}?wait=60")
        self.assertEqual(f.stop(), 0)

    def test_ready_and_reload(self):
        f = self.start()
        status, body = f.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 200)
        self.config["jobs"]["queues"].append({"name": "late", "attempts": ["0s"]})
        f.write_config(self.config)
        self.assertIn("reloaded", f.cli("reload").stdout)
        name = self.put("late", payload=1)
        self.assertEqual(self.settle(self.one("late")["lease"], "fail", error="x")["state"], "dead")
        self.assertEqual(self.job(name)["queue"], "late")
        # A payload that no queue took when the listener was opened.
        large = "x" * (9 << 20)
        self.config["jobs"]["queues"][-1]["payload"] = "10MiB"
        f.write_config(self.config)
        self.assertIn("reloaded", f.cli("reload").stdout)
        self.put("late", payload=large)


if __name__ == "__main__":
    unittest.main()
